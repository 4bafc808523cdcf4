/* SPDX-License-Identifier: MIT */
/* The beginning of every instruction: its bytes, and its prefixes. */
#include "insn.h"

void insn_fetch(struct vcpu *v, const struct regs *r, struct insn *i)
{
	uint64_t rip = code_va(v, r);

	memset(i, 0, sizeof(*i));
	if (guest_range_ok(rip, sizeof(i->bytes)))
		i->len = (unsigned)(sizeof(i->bytes) - raw_copy(i->bytes, (const void *)rip, sizeof(i->bytes)));
}

static bool take_prefix(struct insn *i, uint8_t byte)
{
	switch (byte) {
	case 0x66:
		i->small = true;
		return true;
	case 0x67:
		i->address_small = true;
		return true;
	case 0xf2:
	case 0xf3:
		i->repeated = true;
		return true;
	case 0xf0: /* lock */
		return true;
	case PREFIX_ES:
	case PREFIX_CS:
	case PREFIX_SS:
	case PREFIX_DS:
	case PREFIX_FS:
	case PREFIX_GS:
		i->segment = byte;
		return true;
	}
	return false;
}

/* In 32-bit code what looks like REX is an instruction that never comes here. */
uint8_t insn_opcode(struct insn *i)
{
	uint8_t byte = insn_next(i);

	while (take_prefix(i, byte))
		byte = insn_next(i);
	if ((byte & 0xf0) == 0x40) {
		i->rex = byte;
		byte = insn_next(i);
	}
	return byte;
}
