/* SPDX-License-Identifier: MIT */
/*
 * What comes to the processor while the paravisor itself has it, and the
 * interrupts that are its own wherever they hit: the timer's, another
 * processor's, the serial port's. What an exception in ring 0 means, if
 * anything, is the guest's ABI to say (fault_mended(), iret_failed()).
 */
#include "asm.h"
#include "paravisor.h"

extern const struct fixup {
	uint64_t rip, fixup;
} extable_start[], extable_end[];
extern char iret_to_guest[];

struct regs *trap_in_ring0(struct regs *r);

void own_interrupt(struct vcpu *v, uint32_t vector)
{
	if (vector == VEC_SPURIOUS)
		return;
	apic_eoi();
	switch (vector) {
	case VEC_TIMER:
		timer_fired(v);
		break;
	case VEC_IPI:
		flush_answer(v);
		if (v->rearm)
			timer_set(v);
		break;
	case VEC_UART:
		console_input();
		break;
	}
}

/* iretq itself faulted: the registers are the guest's again, but for the frame, which never left the stack. */
static struct regs *recover_iret(struct vcpu *v, struct regs *r)
{
	struct regs *g = guest_regs(v);

	memmove(g, r, offsetof(struct regs, rip));
	iret_failed(v, g);
	return g;
}

struct regs *trap_in_ring0(struct regs *r)
{
	struct vcpu *v = this_vcpu();

	if (r->vector >= 32) {
		own_interrupt(v, r->vector);
		return r;
	}
	if (r->vector == TRAP_PF && fault_mended(v, read_cr2(), r->error))
		return r;
	for (const struct fixup *f = extable_start; f < extable_end; f++) {
		if (f->rip == r->rip) {
			r->rip = f->fixup;
			return r;
		}
	}
	if (r->rip == (uint64_t)iret_to_guest)
		return recover_iret(v, r);
	crash(r, "an exception in ring 0");
}
