/* SPDX-License-Identifier: MIT */
#include "pv_look.h"

#include <string.h>

#include "unit.h"

#define FRAME_MASK 0xffffffffff000ull
enum { PRESENT = 1 };

uint64_t pv_at(const struct pv_look *look, pb_gpa gpa, unsigned len)
{
	uint64_t number = 0;

	assert_true(len <= 8 && gpa <= look->mem_len - len);
	memcpy(&number, look->mem + gpa, len);
	return number;
}

uint64_t pv_entry(const struct pv_look *look, uint64_t va)
{
	pb_gpa table = look->root;
	uint64_t entry = 0;

	for (unsigned level = look->pae ? 3 : 4; level > 0; level--) {
		entry = pv_at(look, table + (va >> (3 + 9 * level) & 511) * 8, 8);
		if (!(entry & PRESENT))
			return 0;
		table = entry & FRAME_MASK;
	}
	return entry;
}

pb_gpa pv_machine(const struct pv_look *look, uint64_t va)
{
	uint64_t entry = pv_entry(look, va);

	assert_true(entry & PRESENT);
	return (entry & FRAME_MASK) + va % PV_PAGE;
}

uint64_t pv_read(const struct pv_look *look, uint64_t va, unsigned len)
{
	return pv_at(look, pv_machine(look, va), len);
}
