/* SPDX-License-Identifier: MIT */
/* The registers that a 32-bit guest's vCPU starts with, and its segments while it is down. */
#include "../context.h"

#include "../asm.h"
#include "pv32.h"

/* There is no address of 32 bits that is not. */
bool context_is_canonical(const guest_context *c)
{
	(void)c;
	return true;
}

/* Kernel and processes share their tables. */
int context_user_root(struct vcpu *v, const guest_context *c)
{
	(void)v, (void)c;
	return 0;
}

void context_regs(struct vcpu *v, const guest_context *c)
{
	const struct cpu_user_regs_x86_32 *u = &c->user_regs;
	struct regs *r = guest_regs(v);

	*r = (struct regs){ .rbp = u->ebp,
			    .rbx = u->ebx,
			    .rax = u->eax,
			    .rcx = u->ecx,
			    .rdx = u->edx,
			    .rsi = u->esi,
			    .rdi = u->edi,
			    .rip = u->eip,
			    .rsp = u->esp,
			    .rflags = context_flags(u->eflags),
			    .cs = guest_ring(u->cs),
			    .ss = guest_ring(u->ss) };
	v->ds = u->ds;
	v->es = u->es;
	v->fs = u->fs;
	v->gs = u->gs;
	v->kernel_mode = is_kernel_cs(r->cs);
	v->iopl = u->eflags >> IOPL_SHIFT & 3;
}

void context_callbacks(struct vcpu *v, const guest_context *c)
{
	hc32_set_callbacks(v, c->event_callback_cs, c->event_callback_eip, c->failsafe_callback_cs,
			   c->failsafe_callback_eip, 0);
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
