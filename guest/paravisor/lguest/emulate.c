/* SPDX-License-Identifier: MIT */
/*
 * Instructions that paravirtual operations left in a kernel: ports, which
 * some drivers probe and where nothing answers, and `cli`, which early code
 * around 2.6.33 and later has; and what a kernel does before it knows what it
 * runs on. And `vmcall`, the hypercall of some years, which becomes
 * `int $0x1f` where it stands.
 */
#include "../insn.h"
#include "lguest.h"

enum { CLI = 0xfa, STI = 0xfb, OPERAND_SIZE = 0x66, IN_NUMBER = 0xe4, OUT_NUMBER = 0xe6, IN_DX = 0xec, OUT_DX = 0xee };
enum { FROM_CR = 0x20, TO_CR = 0x22, WRMSR = 0x30, RDMSR = 0x32 }; /* behind 0x0f */

static bool silent_port(struct regs *r, uint8_t op, unsigned bytes)
{
	switch (op & 0xfe) {
	case IN_NUMBER:
	case IN_DX:
		if (bytes == 4)
			r->rax = 0xffffffff;
		else
			r->rax |= bytes == 1 ? 0xff : 0xffff;
		return true;
	case OUT_NUMBER:
	case OUT_DX:
		return true;
	}
	return false;
}

/*
 * Before LGUEST_INIT there is no handler to fault to. Kernels built with
 * CONFIG_OLPC read CR3 there, those since 3.9 may look for microcode: they
 * read 0, and what they write is nowhere.
 */
static bool early_instruction(struct regs *r, const uint8_t bytes[3])
{
	if (lg.ready || bytes[0] != 0x0f)
		return false;
	switch (bytes[1]) {
	case RDMSR:
		r->rax = r->rdx = 0;
		/* fallthrough */
	case WRMSR:
		r->rip += 2;
		return true;
	case FROM_CR:
		*insn_gpr(r, bytes[2] & 7) = 0;
		/* fallthrough */
	case TO_CR:
		r->rip += 3;
		return true;
	}
	return false;
}

int emulate_instruction(struct vcpu *v, struct regs *r)
{
	uint8_t bytes[3] = { 0 };
	unsigned at = 0, width;

	if (copy_from_guest(bytes, code_va(v, r), 1))
		return 1;
	if (bytes[0] == CLI || bytes[0] == STI) {
		r->rip++;
		return 0;
	}
	copy_from_guest(bytes, code_va(v, r), sizeof(bytes));
	if (early_instruction(r, bytes))
		return 0;
	at += bytes[0] == OPERAND_SIZE;
	width = !(bytes[at] & 1) ? 1 : at ? 2 : 4;
	if (!silent_port(r, bytes[at], width))
		return 1;
	r->rip += at + (bytes[at] & 8 ? 1 : 2);
	return 0;
}

/* The kernel's text may be read-only to it; it is written where it lies. */
bool rewrite_vmcall(struct vcpu *v, struct regs *r)
{
	static const uint8_t vmcall[3] = { 0x0f, 0x01, 0xc1 }, call[3] = { 0xcd, LGUEST_TRAP, 0x90 };
	uint8_t bytes[3];
	uint32_t va = (uint32_t)code_va(v, r);

	if (copy_from_guest(bytes, va, sizeof(bytes)) || memcmp(bytes, vmcall, sizeof(vmcall)))
		return false;
	for (unsigned i = 0; i < sizeof(call); i++) {
		uint8_t *to = gpa_va(tables_gpa(va + i));

		if (!to)
			return false;
		*to = call[i];
	}
	return true;
}
