/* SPDX-License-Identifier: MIT */
/*
 * The crossings of a 32-bit guest (pv64/bounce.c has the 64-bit ones): its kernel
 * in ring 1, its processes in ring 3, one set of page tables for both. The
 * rings are real, so which of the two ran stands in %cs, and the guest's own
 * segments stay loaded all the while.
 */
#include "../asm.h"
#include "pv32.h"

void fast_call32(struct regs *r);

/* ---- Into the guest's kernel: <xen/arch-x86/xen.h>, "PV frame" ---- */

/* cs has the event mask in bit 16, eflags IF for "events not masked". */
void bounce(struct vcpu *v, struct regs *r, uint64_t handler, bool mask, const uint32_t *error)
{
	uint32_t masked = v->info->evtchn_upcall_mask != 0;
	struct gate_frame saved = { .cs = (uint32_t)(r->cs & 0xffff) | masked << 16,
				    .eflags = (uint32_t)(r->rflags & ~(FLAG_IF | FLAG_IOPL)) |
					      (masked ? 0 : (uint32_t)FLAG_IF) |
					      (architectural_iopl ? v->iopl << IOPL_SHIFT : 0),
				    .error = error,
				    .kernel = v->kernel_mode };

	gate_enter(v, r, handler, &saved);
	if (mask)
		v->info->evtchn_upcall_mask = 1;
}

/* The guest's state could not be loaded: segments on top of the usual frame. */
void return_failed(struct vcpu *v, struct regs *r)
{
	uint32_t segments[4];

	if (!v->failsafe.rip)
		guest_crash(v, "its registers cannot be loaded, and it has no failsafe callback");
	v->kernel_mode = is_kernel_cs(r->cs);
	bounce(v, r, v->failsafe.rip, v->failsafe.mask_events, NULL);
	__asm__ volatile("mov %%ds, %0" : "=r"(segments[0]));
	__asm__ volatile("mov %%es, %0" : "=r"(segments[1]));
	__asm__ volatile("mov %%fs, %0" : "=r"(segments[2]));
	__asm__ volatile("mov %%gs, %0" : "=r"(segments[3]));
	r->rsp = (uint32_t)(r->rsp - sizeof(segments));
	if (copy_to_guest((uint32_t)(segment_base(v, (uint16_t)r->ss) + r->rsp), segments, sizeof(segments)))
		guest_crash(v, "no stack for its failsafe callback");
}

/* ---- Gates of the guest's own ---- */

static void call_hypervisor(struct vcpu *v, struct regs *r)
{
	uint64_t args[5] = { (uint32_t)r->rbx, (uint32_t)r->rcx, (uint32_t)r->rdx, (uint32_t)r->rsi, (uint32_t)r->rdi };

	r->rax = (uint32_t)hypercall(v, (uint32_t)r->rax, args);
	if (unlikely(v->attention))
		attend(v, r);
}

bool guest_gate(struct vcpu *v, struct regs *r)
{
	v->kernel_mode = is_kernel_cs(r->cs);
	if (r->vector == VEC_HYPERCALL32)
		call_hypervisor(v, r);
	else if (r->vector == VEC_SYSCALL32)
		call_kernel(v, r);
	return r->vector == VEC_HYPERCALL32 || r->vector == VEC_SYSCALL32;
}

void fast_call32(struct regs *r)
{
	struct vcpu *v = this_vcpu();

	r->vector = 0;
	v->kernel_mode = 0;
	if (v->sysenter.rip)
		bounce(v, r, v->sysenter.rip, v->sysenter.mask_events, NULL);
	else
		inject(v, r, TRAP_GP, 0);
}

/* ---- And back: <xen/arch-x86/xen-x86_32.h>, the iret hypercall ---- */

/* Its stack: eax (which the hypercall page pushed), eip, cs, eflags, and esp and ss if it leaves ring 1. */
long hc_iret(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	enum { EAX, EIP, CS, EFLAGS, ESP, SS };
	struct regs *r = guest_regs(v);
	uint64_t at = (uint32_t)(segment_base(v, (uint16_t)r->ss) + r->rsp);
	uint32_t ctx[6];
	bool kernel;

	(void)a, (void)b, (void)c, (void)d, (void)e;
	if (copy_from_guest(ctx, at, 4 * sizeof(ctx[0])))
		guest_crash(v, "no stack at %lx for iret", at);
	kernel = is_kernel_cs(guest_ring(ctx[CS]));
	if (!kernel && copy_from_guest(&ctx[ESP], at + ESP * sizeof(ctx[0]), 2 * sizeof(ctx[0])))
		guest_crash(v, "no stack at %lx for iret", at);
	if (ctx[EFLAGS] & FLAG_VM) {
		inject(v, r, TRAP_GP, 0); /* no virtual 8086 mode below a 64-bit hypervisor */
		return (uint32_t)r->rax;
	}
	r->rip = ctx[EIP];
	r->cs = guest_ring(ctx[CS]);
	r->rflags = (ctx[EFLAGS] & ~(FLAG_IOPL | FLAG_NT)) | FLAG_IF | 2;
	r->rsp = kernel ? (uint32_t)r->rsp + 4 * sizeof(ctx[0]) : ctx[ESP];
	if (!kernel)
		r->ss = ctx[SS] & 0xffff;
	v->kernel_mode = kernel;
	v->info->evtchn_upcall_mask = !(ctx[EFLAGS] & FLAG_IF);
	if (architectural_iopl)
		v->iopl = (ctx[EFLAGS] & (uint32_t)FLAG_IOPL) >> IOPL_SHIFT;
	if (v->nmi_masked)
		nmi_done(v);
	return ctx[EAX];
}
