/* SPDX-License-Identifier: MIT */
/*
 * The registers that a vCPU starts with, as VCPUOP_initialise gives them
 * (<xen/arch-x86/xen.h>, struct vcpu_guest_context), and its segments while
 * it is down. pv32/context.c is the same for 32-bit guests.
 */
#include "asm.h"
#include "paravisor.h"

static struct vcpu_guest_context ctx; /* too large for the stack */
static struct lock ctx_lock;

static int load_tables(struct vcpu *v)
{
	int rc;

	if (ctx.gdt_ents > GDT_GUEST * 512)
		return -XEN_EINVAL;
	rc = segment_load_gdt(v, ctx.gdt_frames, (unsigned)ctx.gdt_ents);
	if (!rc)
		rc = set_kernel_root(v, guest_cr3_mfn(ctx.ctrlreg[3]));
	if (!rc && ctx.ctrlreg[1])
		rc = set_user_root(v, guest_cr3_mfn(ctx.ctrlreg[1]));
	return rc;
}

static void load_regs(struct vcpu *v)
{
	struct regs *r = guest_regs(v);
	const struct cpu_user_regs *u = &ctx.user_regs;

	*r = (struct regs){ .r15 = u->r15,
			    .r14 = u->r14,
			    .r13 = u->r13,
			    .r12 = u->r12,
			    .rbp = u->rbp,
			    .rbx = u->rbx,
			    .r11 = u->r11,
			    .r10 = u->r10,
			    .r9 = u->r9,
			    .r8 = u->r8,
			    .rax = u->rax,
			    .rcx = u->rcx,
			    .rdx = u->rdx,
			    .rsi = u->rsi,
			    .rdi = u->rdi,
			    .rip = u->rip,
			    .rsp = u->rsp,
			    .cs = u->cs | 3u,
			    .ss = u->ss | 3u };
	r->rflags = (u->rflags & ~(FLAG_IOPL | FLAG_VM | FLAG_NT)) | FLAG_IF | 2;
	if (!(r->ss & ~3ull))
		r->ss = SEL_DS;
}

static int initialise(struct vcpu *v)
{
	int rc = load_tables(v);

	if (rc)
		return rc;
	for (unsigned i = 0; i < 256; i++)
		v->traps[i] = ctx.trap_ctxt[i];
	load_regs(v);
	v->kernel_mode = 1;
	v->iopl = (uint32_t)(ctx.user_regs.rflags >> 12 & 3);
	v->kernel_ss = ctx.kernel_ss;
	hc_stack_switch(v, ctx.kernel_ss, ctx.kernel_sp, 0, 0, 0);
	hc_set_callbacks(v, ctx.event_callback_eip, ctx.failsafe_callback_eip, ctx.syscall_callback_eip, 0, 0);
	v->masks = v->syscall.mask_events = !!(ctx.flags & VGCF_syscall_disables_events);
	v->failsafe.mask_events = !!(ctx.flags & VGCF_failsafe_disables_events);
	v->fs_base = ctx.fs_base;
	v->gs_base = ctx.gs_base_kernel;
	v->gs_base_user = ctx.gs_base_user;
	v->initialised = true;
	v->up = !!(ctx.flags & VGCF_online);
	if (v->up)
		kick(v);
	return 0;
}

int vcpu_context_load(struct vcpu *v, uint64_t arg)
{
	int rc;

	lock(&ctx_lock);
	rc = copy_from_guest(&ctx, arg, sizeof(ctx));
	if (!rc)
		rc = v->initialised ? -XEN_EEXIST : initialise(v);
	unlock(&ctx_lock);
	return rc;
}

/* In a 64-bit guest they are bases; the selectors are zero or flat. */
void vcpu_save_segments(struct vcpu *v)
{
	v->fs_base = rdmsr(MSR_FS_BASE);
	v->gs_base = rdmsr(MSR_GS_BASE);
	v->gs_base_user = rdmsr(MSR_KERNEL_GS_BASE);
}

void vcpu_load_segments(const struct vcpu *v)
{
	safe_wrmsr(MSR_FS_BASE, v->fs_base);
	safe_wrmsr(MSR_GS_BASE, v->gs_base);
	safe_wrmsr(MSR_KERNEL_GS_BASE, v->gs_base_user);
}
