/* SPDX-License-Identifier: MIT */
/* Segment descriptors: which of them a guest may have, and what one says of an address. */
#include "paravisor.h"

#define DESC_S    (1ull << 44)
#define DESC_P    (1ull << 47)
#define DESC_DPL  (3ull << 45)
#define DESC_DPL1 (1ull << 45)
#define DESC_L    (1ull << 53)

/*
 * Absent, or an ordinary segment. Its level becomes ring 3, where all of a
 * 64-bit guest runs; a 32-bit one has rings 1 to 3, but no 64-bit code, for
 * that could reach the paravisor's addresses from a ring that is supervisor
 * to page tables.
 */
bool descriptor_admit(uint64_t *desc)
{
	if (!(*desc & DESC_P))
		return true;
	if (!(*desc & DESC_S) || (ROOT_LEVEL == 3 && (*desc & DESC_L)))
		return false;
	if (ROOT_LEVEL == 4)
		*desc |= DESC_DPL;
	else if (!(*desc & DESC_DPL))
		*desc |= DESC_DPL1;
	return true;
}

static uint64_t descriptor_of(const struct vcpu *v, uint16_t selector)
{
	return (selector & 4 ? ldt_of(v) : gdt_of(v))[selector >> 3];
}

bool segment_is_64(const struct vcpu *v, uint16_t selector)
{
	return ROOT_LEVEL == 4 && (descriptor_of(v, selector) & DESC_L);
}

/* Compatibility mode adds it to every address, and 32 bits of the sum count. */
uint64_t segment_base(const struct vcpu *v, uint16_t selector)
{
	uint64_t desc = descriptor_of(v, selector);

	return (desc >> 16 & 0xffffff) | (desc >> 56) << 24;
}
