/* SPDX-License-Identifier: MIT */
/*
 * Reads the page tables in a domain as the processor will (Intel SDM volume 3,
 * "4-Level Paging"), to see whether an address is mapped to itself.
 */
#include "domain.h"

#include <string.h>

enum { PRESENT = 1, PAGE_SIZE_BIT = 1 << 7, LEVELS = 4 };

static const uint64_t address_bits = 0x000ffffffffff000;

/* Entry `index` of the table at table_gpa; 0, which is not present, where the file has none. */
static uint64_t table_entry(const struct domain *domain, pb_gpa table_gpa, unsigned index)
{
	uint64_t entry = 0, len = sizeof(entry);
	const void *bytes = domain_bytes(domain, table_gpa + index * sizeof(entry), &len);

	if (bytes && len == sizeof(entry))
		memcpy(&entry, bytes, sizeof(entry));
	return entry;
}

bool domain_maps_itself(const struct domain *domain, uint64_t cr3, pb_gpa gpa)
{
	pb_gpa table_gpa = cr3 & address_bits;

	for (unsigned level = LEVELS; level > 0; level--) {
		unsigned shift = 12 + 9 * (level - 1);
		uint64_t entry = table_entry(domain, table_gpa, gpa >> shift & 511);
		uint64_t inside = (1ull << shift) - 1;

		if (!(entry & PRESENT))
			return false;
		if (level == 1 || (level < LEVELS && entry & PAGE_SIZE_BIT))
			return (entry & address_bits & ~inside) == (gpa & ~inside);
		table_gpa = entry & address_bits;
	}
	return false;
}
