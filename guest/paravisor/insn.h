/* SPDX-License-Identifier: MIT */
/* An instruction of the guest's on the way through a decoder: emulate.c's, ptwr.c's. */
#ifndef PARAVISOR_INSN_H
#define PARAVISOR_INSN_H

#include "paravisor.h"

struct insn {
	uint8_t bytes[15];
	unsigned len, at; /* bytes there; the next to look at */
	uint8_t rex;
	uint8_t segment;    /* override prefix, or 0 */
	bool small;         /* operand size prefix */
	bool address_small; /* address size prefix */
	bool repeated;
};

/* Segment override prefixes. */
enum { PREFIX_ES = 0x26, PREFIX_CS = 0x2e, PREFIX_SS = 0x36, PREFIX_DS = 0x3e, PREFIX_FS = 0x64, PREFIX_GS = 0x65 };

static inline uint8_t insn_next(struct insn *i)
{
	return i->at < i->len ? i->bytes[i->at++] : 0;
}

/* As instructions number them. */
static inline uint64_t *insn_gpr(struct regs *r, unsigned n)
{
	static const uint8_t at[16] = { 10, 11, 12, 5, 0, 4, 13, 14, 9, 8, 7, 6, 3, 2, 1, 0 };

	return n == 4 ? &r->rsp : (uint64_t *)r + at[n];
}

/* ---- insn.c ---- */
void insn_fetch(struct vcpu *v, const struct regs *r, struct insn *i);
uint8_t insn_opcode(struct insn *i); /* behind its prefixes */

/* ---- msr.c: 0, or 1 for #GP ---- */
int msr_read(struct vcpu *v, uint32_t msr, uint64_t *ret);
int msr_write(uint32_t msr, uint64_t value);

/* ---- ports.c: as emulate_privileged() ---- */
bool iopl_allows(const struct vcpu *v);
int port_access(struct vcpu *v, struct regs *r, uint8_t op, uint16_t port, unsigned bytes);
int port_string(struct vcpu *v, struct regs *r, const struct insn *i, uint8_t op, unsigned bytes);

#endif
