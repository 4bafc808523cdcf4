/* SPDX-License-Identifier: MIT */
/* The registers that a 64-bit guest's vCPU starts with, and its segments while it is down. */
#include "../context.h"

#include "../asm.h"

/* As on Xen, with all that will once be loaded somewhere: a context is taken whole or not at all. */
bool context_is_canonical(const guest_context *c)
{
	const uint64_t addresses[] = {
		c->user_regs.rip,
		c->user_regs.rsp,
		c->kernel_sp,
		c->fs_base,
		c->gs_base_kernel,
		c->gs_base_user,
		c->event_callback_eip,
		c->failsafe_callback_eip,
		c->syscall_callback_eip,
		c->ldt_ents ? c->ldt_base : 0,
	};

	for (unsigned i = 0; i < ARRAY(addresses); i++)
		if (!is_canonical(addresses[i]))
			return false;
	for (unsigned i = 0; i < ARRAY(c->trap_ctxt); i++)
		if (!is_canonical(c->trap_ctxt[i].address))
			return false;
	return true;
}

int context_user_root(struct vcpu *v, const guest_context *c)
{
	return c->ctrlreg[1] ? set_user_root(v, guest_cr3_mfn(c->ctrlreg[1])) : 0;
}

void context_regs(struct vcpu *v, const guest_context *c)
{
	const struct cpu_user_regs *u = &c->user_regs;

	*guest_regs(v) = (struct regs){ .r15 = u->r15,
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
					.rflags = context_flags(u->rflags),
					.cs = guest_ring(u->cs),
					.ss = guest_ring(u->ss & ~3u ? u->ss : SEL_DS) };
	v->kernel_mode = 1;
	v->iopl = (uint32_t)(u->rflags >> IOPL_SHIFT & 3);
	v->fs_base = c->fs_base;
	v->gs_base = c->gs_base_kernel;
	v->gs_base_user = c->gs_base_user;
}

void context_callbacks(struct vcpu *v, const guest_context *c)
{
	hc_set_callbacks(v, c->event_callback_eip, c->failsafe_callback_eip, c->syscall_callback_eip, 0, 0);
	v->masks = v->syscall.mask_events = !!(c->flags & VGCF_syscall_disables_events);
}

/* They are bases; the selectors are zero or flat. */
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
