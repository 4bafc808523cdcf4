/* SPDX-License-Identifier: MIT */
/*
 * A trap for the guest's own handler, as the processor would have brought it
 * there: and the instructions that ask for one, which the real gates do not
 * let through.
 */
#include "paravisor.h"

#define TRAPS_WITH_ERROR                                                                                               \
	(1u << TRAP_DF | 1u << TRAP_TS | 1u << TRAP_NP | 1u << TRAP_SS | 1u << TRAP_GP | 1u << TRAP_PF | 1u << TRAP_AC)

void inject(struct vcpu *v, struct regs *r, enum trap trap, uint32_t error)
{
	const struct trap_info *t = &v->traps[trap];

	if (!t->address)
		guest_crash(v, "it has no handler for trap %u", (unsigned)trap);
	bounce(v, r, handler_of(t), t->flags & 4, trap < 32 && (TRAPS_WITH_ERROR >> trap & 1) ? &error : NULL);
}

/*
 * `int n` of the guest's: the paravisor's gates are closed to ring 3, the
 * guest's own may be open. Its kernel counts as ring 1. The vector is the
 * instruction's: QEMU 7.2's TCG shifts the one in the error code too far.
 */
bool software_interrupt(struct vcpu *v, struct regs *r)
{
	const struct trap_info *t;
	uint8_t bytes[2];

	if ((r->error & 3) != 2 || copy_from_guest(bytes, code_va(v, r), sizeof(bytes)) || bytes[0] != 0xcd)
		return false;
	r->error = (uint32_t)bytes[1] << 3 | 2;
	t = &v->traps[bytes[1]];
	if (!t->address || (t->flags & 3) < (v->kernel_mode ? 1 : 3))
		return false;
	r->rip += sizeof(bytes);
	bounce(v, r, handler_of(t), t->flags & 4, NULL);
	return true;
}

/* icebp, which QEMU 7.2's TCG does not know: a #DB behind it. */
bool is_icebp(struct vcpu *v, struct regs *r)
{
	uint8_t byte;

	if (copy_from_guest(&byte, code_va(v, r), 1) || byte != 0xf1)
		return false;
	r->rip++;
	inject(v, r, TRAP_DB, 0);
	return true;
}

#if ROOT_LEVEL == 3

/* A process calls its kernel by the one vector whose gate is open to ring 3 beside int3 and into. */
void call_kernel(struct vcpu *v, struct regs *r)
{
	const struct trap_info *t = &v->traps[VEC_SYSCALL32];

	if (t->address && (v->kernel_mode || (t->flags & 3) == 3)) {
		bounce(v, r, handler_of(t), t->flags & 4, NULL);
		return;
	}
	r->rip -= 2;
	inject(v, r, TRAP_GP, VEC_SYSCALL32 << 3 | 2);
}

#endif
