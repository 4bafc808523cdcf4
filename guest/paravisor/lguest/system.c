/* SPDX-License-Identifier: MIT */
/*
 * Ring 0's instructions beside ports. lguest's hypervisor knew none of them,
 * for a kernel's paravirtual operations were to leave none. Some remained:
 * those built with CONFIG_OLPC read CR3, and those since 3.9 may look for
 * microcode, before LGUEST_INIT; MSRs belong to processors of AMD's family 5,
 * which they take the machine's for, and to what cpuid says of later ones;
 * CR4 is read past its operation by some of the 4.x; DR6 is, until 3.2, when a
 * process is stepped; and what was told to halt executes hlt.
 */
#include "../asm.h"
#include "../insn.h"
#include "lguest.h"

#include <xen/sched.h>

enum { HLT = 0xf4, TWO_BYTES = 0x0f, FROM_CR = 0x20, FROM_DR, TO_CR, TO_DR, WRMSR = 0x30, RDMSR = 0x32 };

/* With interrupts off nothing would ever end it. Before LGUEST_INIT it is a decompressor's, which has failed. */
static bool halt(struct vcpu *v)
{
	if (!lg.ready)
		return false;
	if (!(data_get(LGUEST_IRQ_ENABLED) & FLAG_IF))
		machine_off(SHUTDOWN_poweroff);
	irq_halt(v);
	return true;
}

/*
 * What is read is 0, and what is written is nowhere: many accesses of kernels before 4.6 have no answer to a fault,
 * and are made for what cpuid says of the machine that is there.
 */
static void msr_access(struct regs *r, uint8_t op)
{
	if (op == RDMSR)
		r->rax = r->rdx = 0;
}

/* What lguest kernels hold CR3 and CR4 to be, as long as nobody told them, is 0. */
static uint32_t control(const struct vcpu *v, unsigned n)
{
	if (n == 2)
		return lg.ready ? data_get(LGUEST_CR2) : 0;
	return n == 0 ? (uint32_t)v->cr0 : 0;
}

static bool move(const struct vcpu *v, struct regs *r, uint8_t op, uint8_t modrm)
{
	unsigned n = modrm >> 3 & 7;

	if (op == FROM_CR)
		*insn_gpr(r, modrm & 7) = control(v, n);
	else if (op == FROM_DR)
		*insn_gpr(r, modrm & 7) = (uint32_t)v->dr[n];
	return op >= FROM_CR && op <= TO_DR;
}

bool system_instruction(struct vcpu *v, struct regs *r, struct insn *i, uint8_t op)
{
	if (op == HLT)
		return halt(v);
	if (op != TWO_BYTES)
		return false;
	op = insn_next(i);
	if (op != WRMSR && op != RDMSR)
		return move(v, r, op, insn_next(i));
	msr_access(r, op);
	return true;
}
