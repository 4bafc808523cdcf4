/* SPDX-License-Identifier: MIT */
/* The registers that a 32-bit guest's vCPU starts with, and its segments while it is down. */
#include "../asm.h"
#include "../paravisor.h"

static struct vcpu_guest_context_x86_32 ctx; /* too large for the stack */
static struct lock ctx_lock;

static int load_tables(struct vcpu *v)
{
	uint64_t frames[ARRAY(ctx.gdt_frames)];
	int rc;

	if (ctx.gdt_ents > GDT_GUEST * 512)
		return -XEN_EINVAL;
	for (unsigned i = 0; i < ARRAY(frames); i++)
		frames[i] = ctx.gdt_frames[i];
	rc = segment_load_gdt(v, frames, ctx.gdt_ents);
	return rc ? rc : set_kernel_root(v, guest_cr3_mfn(ctx.ctrlreg[3]));
}

static uint64_t ring1_at_least(uint64_t selector)
{
	return selector & 3 ? selector : selector | 1;
}

static void load_regs(struct vcpu *v)
{
	struct regs *r = guest_regs(v);
	const struct cpu_user_regs_x86_32 *u = &ctx.user_regs;

	*r = (struct regs){ .rbp = u->ebp,
			    .rbx = u->ebx,
			    .rax = u->eax,
			    .rcx = u->ecx,
			    .rdx = u->edx,
			    .rsi = u->esi,
			    .rdi = u->edi,
			    .rip = u->eip,
			    .rsp = u->esp,
			    .cs = ring1_at_least(u->cs),
			    .ss = ring1_at_least(u->ss) };
	r->rflags = (u->eflags & ~(FLAG_IOPL | FLAG_VM | FLAG_NT)) | FLAG_IF | 2;
	v->ds = u->ds;
	v->es = u->es;
	v->fs = u->fs;
	v->gs = u->gs;
	v->kernel_mode = (r->cs & 3) == 1;
}

static void load_handlers(struct vcpu *v)
{
	for (unsigned i = 0; i < 256; i++) {
		const struct trap_info_x86_32 *t = &ctx.trap_ctxt[i];

		v->traps[i] = (struct trap_info){ (uint8_t)i, t->flags, t->cs, t->address };
	}
	hc_stack_switch(v, ctx.kernel_ss, ctx.kernel_sp, 0, 0, 0);
	hc32_set_callbacks(v, ctx.event_callback_cs, ctx.event_callback_eip, ctx.failsafe_callback_cs,
			   ctx.failsafe_callback_eip, 0);
	v->failsafe.mask_events = !!(ctx.flags & VGCF_failsafe_disables_events_X86_32);
}

static int initialise(struct vcpu *v)
{
	int rc = load_tables(v);

	if (rc)
		return rc;
	load_regs(v);
	load_handlers(v);
	v->iopl = ctx.user_regs.eflags >> 12 & 3;
	v->initialised = true;
	v->up = !!(ctx.flags & VGCF_online_X86_32);
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

void vcpu_save_segments(struct vcpu *v)
{
	__asm__ volatile("mov %%ds, %0" : "=m"(v->ds));
	__asm__ volatile("mov %%es, %0" : "=m"(v->es));
	__asm__ volatile("mov %%fs, %0" : "=m"(v->fs));
	__asm__ volatile("mov %%gs, %0" : "=m"(v->gs));
}

/* One that cannot be loaded becomes null, as at a return to an outer ring. */
void vcpu_load_segments(const struct vcpu *v)
{
	const uint16_t selectors[4] = { v->ds, v->es, v->fs, v->gs };

	for (unsigned i = 0; i < ARRAY(selectors); i++)
		if (safe_load_segment(i, selectors[i]))
			safe_load_segment(i, 0);
}
