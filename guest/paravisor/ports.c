/* SPDX-License-Identifier: MIT */
/*
 * Port instructions. No port is the guest's: where its I/O level or its bitmap
 * allows one, reads give all ones and writes go nowhere; else it faults. The
 * string forms read and write the guest's memory as its own instruction would.
 */
#include "asm.h"
#include "insn.h"

#define FLAG_DF 0x400ull

/* Its kernel counts as ring 1, or as ring 0 by the assist. */
bool iopl_allows(const struct vcpu *v)
{
	return v->iopl >= (!v->kernel_mode ? 3u : architectural_iopl ? 0u : 1u);
}

/* A bit of the guest's bitmap forbids a port; every port of the access counts. */
static bool bitmap_clear(const struct vcpu *v, uint16_t port, unsigned bytes)
{
	for (unsigned n = port; n < port + bytes; n++) {
		uint8_t bits;

		if (n >= v->port_bits || copy_from_guest(&bits, v->port_bitmap + n / 8, 1) || (bits >> n % 8 & 1))
			return false;
	}
	return true;
}

/* The bitmap is the kernel's, and a process's page tables have no page of the kernel. */
static bool bitmap_allows(const struct vcpu *v, uint16_t port, unsigned bytes)
{
	uint64_t cr3 = read_cr3();
	bool allows;

	write_cr3(v->kernel_cr3);
	allows = bitmap_clear(v, port, bytes);
	write_cr3(cr3);
	return allows;
}

static bool port_allowed(const struct vcpu *v, uint16_t port, unsigned bytes)
{
	return iopl_allows(v) || bitmap_allows(v, port, bytes);
}

int port_access(struct vcpu *v, struct regs *r, uint8_t op, uint16_t port, unsigned bytes)
{
	if (!port_allowed(v, port, bytes))
		return EMULATE_PROTECTED;
	if (op & 2)
		return 0;
	if (bytes == 4)
		r->rax = 0xffffffff;
	else
		r->rax |= bytes == 1 ? 0xff : 0xffff;
	return 0;
}

/* ---- ins, outs ---- */

struct string {
	uint64_t base, limit; /* of the segment; offsets up to limit are good */
	uint64_t mask;        /* the address size, of offset and count */
	uint64_t *offset;     /* %rsi or %rdi */
	unsigned bytes;
	bool to_memory;
};

static uint16_t selector_of(const struct regs *r, uint8_t prefix)
{
	uint16_t selector;

	switch (prefix) {
	case PREFIX_ES:
		__asm__("mov %%es, %0" : "=r"(selector));
		return selector;
	case PREFIX_FS:
		__asm__("mov %%fs, %0" : "=r"(selector));
		return selector;
	case PREFIX_GS:
		__asm__("mov %%gs, %0" : "=r"(selector));
		return selector;
	case PREFIX_CS:
		return (uint16_t)r->cs;
	case PREFIX_SS:
		return (uint16_t)r->ss;
	default:
		__asm__("mov %%ds, %0" : "=r"(selector));
		return selector;
	}
}

/* Of 32-bit code: what the processor itself would find in its tables. */
static bool segment_of(const struct vcpu *v, uint16_t selector, struct string *s)
{
	if (safe_segment_limit(selector, s->to_memory, &s->limit) || s->limit < s->bytes - 1)
		return false;
	s->base = segment_base(v, selector);
	return true;
}

/* Of 64-bit code, only %fs and %gs have bases. */
static bool string_memory(const struct vcpu *v, const struct regs *r, const struct insn *i, struct string *s)
{
	uint8_t prefix = s->to_memory ? PREFIX_ES : i->segment;

	if (!segment_is_64(v, (uint16_t)r->cs))
		return segment_of(v, selector_of(r, prefix), s);
	s->limit = UINT64_MAX;
	s->base = prefix == PREFIX_FS ? rdmsr(MSR_FS_BASE) : prefix == PREFIX_GS ? rdmsr(MSR_GS_BASE) : 0;
	return true;
}

static uint64_t address_mask(const struct vcpu *v, const struct regs *r, const struct insn *i)
{
	if (segment_is_64(v, (uint16_t)r->cs))
		return i->address_small ? 0xffffffff : UINT64_MAX;
	return i->address_small ? 0xffff : 0xffffffff;
}

static void set_masked(uint64_t *reg, uint64_t mask, uint64_t value)
{
	*reg = mask == 0xffff ? (*reg & ~mask) | (value & mask) : value & mask;
}

/* So much of an element as there is memory for: what is missing. */
static uint64_t string_copy(const struct string *s, uint64_t va)
{
	uint64_t data = UINT64_MAX;

	return s->to_memory ? raw_copy((void *)va, &data, s->bytes) : raw_copy(&data, (const void *)va, s->bytes);
}

/* One element. False: the guest has its fault already. */
static bool string_step(struct vcpu *v, struct regs *r, const struct string *s)
{
	uint64_t offset = *s->offset & s->mask, va = s->base + offset, left;

	if (s->limit != UINT64_MAX)
		va = (uint32_t)va;
	if (offset > s->limit - (s->bytes - 1) || !is_address(va) || !guest_range_ok(va, s->bytes)) {
		inject(v, r, TRAP_GP, 0);
		return false;
	}
	left = string_copy(s, va);
	if (left)
		inject_pf(v, r, va + s->bytes - left, s->to_memory ? PF_WRITE : 0);
	else
		set_masked(s->offset, s->mask, offset + (r->rflags & FLAG_DF ? -(uint64_t)s->bytes : s->bytes));
	return !left;
}

#define STEPS 1024 /* at once; then the guest tries the rest again, and what waits for it comes first */

/*
 * Ring 0 may write where a 32-bit guest's processes may not, for their kernel
 * is as privileged to page tables as the paravisor; so they get none of this.
 * To do it no times needs no right.
 */
int port_string(struct vcpu *v, struct regs *r, const struct insn *i, uint8_t op, unsigned bytes)
{
	struct string s = { .bytes = bytes, .to_memory = !(op & 2), .offset = op & 2 ? &r->rsi : &r->rdi };

	s.mask = address_mask(v, r, i);
	if (i->repeated && !(r->rcx & s.mask))
		return 0;
	if ((ROOT_LEVEL == 3 && !v->kernel_mode) || !port_allowed(v, (uint16_t)r->rdx, bytes) ||
	    !string_memory(v, r, i, &s))
		return EMULATE_PROTECTED;
	if (!i->repeated)
		return string_step(v, r, &s) ? 0 : EMULATE_STAYS;
	for (unsigned n = 0; r->rcx & s.mask; n++) {
		if (n == STEPS || !string_step(v, r, &s))
			return EMULATE_STAYS;
		set_masked(&r->rcx, s.mask, r->rcx - 1);
	}
	return 0;
}
