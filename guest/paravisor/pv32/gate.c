/* SPDX-License-Identifier: MIT */
/* A 32-bit interrupt gate of the guest's kernel, as the processor would go through it: Xen's guests and lguest's. */
#include "../asm.h"
#include "pv32.h"

#define GATE_CLEAR (FLAG_TF | FLAG_IOPL | FLAG_NT | FLAG_RF | FLAG_VM | FLAG_AC)

/*
 * The frame, from low to high: the error code if there is one, eip, cs and
 * eflags as the caller has them; and where it was a process, whose kernel's
 * stack is another, esp and ss.
 */
void gate_enter(struct vcpu *v, struct regs *r, uint64_t handler, const struct gate_frame *saved)
{
	uint32_t sp = (uint32_t)(saved->kernel ? r->rsp : v->kernel_sp), frame[6];
	uint16_t ss = (uint16_t)(saved->kernel ? r->ss : v->kernel_ss);
	unsigned n = 0;

	if (saved->error)
		frame[n++] = *saved->error;
	frame[n++] = (uint32_t)r->rip;
	frame[n++] = saved->cs;
	frame[n++] = saved->eflags;
	if (!saved->kernel) {
		frame[n++] = (uint32_t)r->rsp;
		frame[n++] = (uint32_t)r->ss & 0xffff;
	}
	sp -= n * 4;
	if (copy_to_guest((uint32_t)(segment_base(v, ss) + sp), frame, n * 4))
		guest_crash(v, "no stack at %x:%x for its handler at %lx", ss, sp, handler);
	v->kernel_mode = 1;
	r->rip = (uint32_t)handler;
	r->cs = guest_ring(handler >> 32);
	r->rsp = sp;
	r->ss = ss;
	r->rflags = (r->rflags & ~GATE_CLEAR) | FLAG_IF;
}
