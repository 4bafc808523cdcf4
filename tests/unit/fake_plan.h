/* SPDX-License-Identifier: MIT */
/*
 * A plan made by hand, for tests of what the engines do with one: fake_plan.c
 * gives the library's functions for it, and the test is not linked with the
 * library.
 */
#ifndef TESTS_UNIT_FAKE_PLAN_H
#define TESTS_UNIT_FAKE_PLAN_H

#include <paraboot.h>

enum { FAKE_PLACEMENTS = 8 };

struct pb_plan {
	struct pb_plan_info info;
	struct pb_cpu cpu;
	struct pb_placement placements[FAKE_PLACEMENTS];
	const void *bytes[FAKE_PLACEMENTS];
};

/* A plan with flat 32-bit segments at selectors 8 and 16, paging off, entering at entry_gpa. */
struct pb_plan fake_plan(pb_gpa entry_gpa);

/* Add a placement of mem_len bytes of which the first len are these. */
void fake_put(struct pb_plan *plan, pb_gpa gpa, const void *bytes, uint64_t len, uint64_t mem_len);

#endif
