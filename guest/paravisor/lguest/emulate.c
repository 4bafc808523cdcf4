/* SPDX-License-Identifier: MIT */
/*
 * Instructions that paravirtual operations left in a kernel: port accesses, to
 * the PCI bus of late kernels and to what nobody has; `cli`, which early code
 * around 2.6.33 and later has; ring 0's others (system.c); accesses to a
 * device's memory.
 */
#include "../insn.h"
#include "lguest.h"

#include <xen/sched.h>

enum { CLI = 0xfa, STI = 0xfb, PORT_MASK = 0xf4, PORT = 0xe4, PORT_OUT = 2, PORT_DX = 8 };
enum { MOVE_MASK = 0xfc, MOVE = 0x88, MOVE_LOAD = 2 };
enum { WIDE = 1 }; /* of ports and moves: not a byte */

#define KEYBOARD       0x64
#define KEYBOARD_READY 1
#define KEYBOARD_RESET 0xfe

static unsigned width(const struct insn *i, uint8_t op)
{
	return !(op & WIDE) ? 1 : i->small ? 2 : 4;
}

/* The byte registers from 4 on are the second bytes of the first four. */
static unsigned shift_of(unsigned n, unsigned bytes)
{
	return bytes == 1 && n >= 4 ? 8 : 0;
}

static uint64_t *gpr(struct regs *r, unsigned n, unsigned bytes)
{
	return insn_gpr(r, shift_of(n, bytes) ? n - 4 : n);
}

static void set_gpr(struct regs *r, unsigned n, unsigned bytes, uint32_t value)
{
	uint64_t *reg = gpr(r, n, bytes), mask = (1ull << 8 * bytes) - 1;
	unsigned shift = shift_of(n, bytes);

	*reg = (*reg & ~(mask << shift)) | (value & mask) << shift;
}

/* ---- Ports ---- */

static uint32_t port_read(uint16_t port, unsigned bytes)
{
	return port == KEYBOARD ? KEYBOARD_READY : pci_port_read(port, bytes);
}

/* By the keyboard's controller 2.6.24 restarts, and all later ones in an emergency. */
static void port_write(uint16_t port, unsigned bytes, uint32_t value)
{
	if (port == KEYBOARD && (value & 0xff) == KEYBOARD_RESET)
		machine_off(SHUTDOWN_reboot);
	pci_port_write(port, bytes, value);
}

static bool port_instruction(struct regs *r, struct insn *i, uint8_t op)
{
	unsigned bytes = width(i, op);
	uint16_t port;

	if ((op & PORT_MASK) != PORT)
		return false;
	port = op & PORT_DX ? (uint16_t)r->rdx : insn_next(i);
	if (op & PORT_OUT)
		port_write(port, bytes, (uint32_t)r->rax);
	else
		set_gpr(r, 0, bytes, port_read(port, bytes));
	return true;
}

int emulate_instruction(struct vcpu *v, struct regs *r)
{
	struct insn i;
	uint8_t op;

	insn_fetch(v, r, &i);
	op = insn_opcode(&i);
	if (op != CLI && op != STI && !port_instruction(r, &i, op) && !system_instruction(v, r, &i, op))
		return 1;
	r->rip += i.at;
	return 0;
}

/* ---- A device's memory ---- */

/* What a ModRM byte makes an instruction have behind it; false: its operand is a register. */
static bool skip_operand(struct insn *i, uint8_t modrm)
{
	unsigned mod = modrm >> 6, base = modrm & 7;

	if (mod == 3)
		return false;
	if (base == 4)
		base = insn_next(i) & 7;
	i->at += mod == 1 ? 1 : mod == 2 || base == 5 ? 4 : 0;
	return true;
}

/* Of all forms of mov, the four by which a kernel does it. */
bool emulate_memory(struct vcpu *v, struct regs *r, uint32_t gpa)
{
	struct insn i;
	uint8_t op, modrm;
	unsigned bytes, n;

	insn_fetch(v, r, &i);
	op = insn_opcode(&i);
	modrm = insn_next(&i);
	bytes = width(&i, op);
	n = modrm >> 3 & 7;
	if ((op & MOVE_MASK) != MOVE || i.address_small || !skip_operand(&i, modrm) || i.at > i.len)
		return false;
	if (op & MOVE_LOAD)
		set_gpr(r, n, bytes, pci_memory_read(gpa, bytes));
	else
		pci_memory_write(gpa, bytes, (uint32_t)(*gpr(r, n, bytes) >> shift_of(n, bytes)));
	r->rip += i.at;
	return true;
}
