/* SPDX-License-Identifier: MIT */
/*
 * A placed PV domain as its kernel sees it: by virtual address, through the
 * page tables that stand in memory, as a processor walks them.
 */
#ifndef PB_TESTS_PV_LOOK_H
#define PB_TESTS_PV_LOOK_H

#include <paraboot.h>

#define PV_PAGE 0x1000ull

struct pv_look {
	const uint8_t *mem; /* the machine's, from address 0 on */
	uint64_t mem_len;
	pb_gpa root; /* of the page tables, in the machine */
	bool pae;
};

/* The leaf entry for va; 0: not mapped. Tables outside of memory are a failed test. */
uint64_t pv_entry(const struct pv_look *look, uint64_t va);

/* The machine address of va, which must be mapped. */
pb_gpa pv_machine(const struct pv_look *look, uint64_t va);

/* A number in memory, by machine address and by virtual one. */
uint64_t pv_at(const struct pv_look *look, pb_gpa gpa, unsigned len);
uint64_t pv_read(const struct pv_look *look, uint64_t va, unsigned len);

#endif
