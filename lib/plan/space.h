/* SPDX-License-Identifier: MIT */
/*
 * Free guest memory while a plan is made: RAM, without page 0, without what
 * the caller keeps clear, without what is already taken. Whole pages only, so
 * that no two things share one. No randomness, no time: the same questions in
 * the same order get the same answers.
 */
#ifndef PB_LIB_PLAN_SPACE_H
#define PB_LIB_PLAN_SPACE_H

#include <paraboot.h>

struct extent {
	pb_gpa start, end; /* multiples of a page; end is the first byte after */
};

struct space {
	struct extent *free; /* sorted, disjoint, not adjacent */
	size_t nr, cap;
};

enum space_order { SPACE_LOWEST, SPACE_HIGHEST };

/* What is being looked for. */
struct space_want {
	uint64_t len;
	uint64_t align;  /* a power of two; less than a page is a page */
	pb_gpa min, max; /* the first byte no lower, the last no higher */
	enum space_order order;
};

/* All pages that lie wholly in RAM. The ranges were checked: sorted, disjoint, ending at or below 2^52. */
int space_init(struct space *space, const struct pb_range *ram, size_t rams, struct pb_error *err);
void space_done(struct space *space);

/* Take every free page that [gpa, gpa+len) touches, whether or not all of it is free. */
int space_drop(struct space *space, pb_gpa gpa, uint64_t len, struct pb_error *err);

/* Is every page that [gpa, gpa+len) touches free? */
bool space_is_free(const struct space *space, pb_gpa gpa, uint64_t len);

/* Give pages back that were taken, such as a kernel's window that is to move. */
int space_give(struct space *space, pb_gpa gpa, uint64_t len, struct pb_error *err);

/* Where it would go, or false. Takes nothing. */
bool space_find(const struct space *space, const struct space_want *want, pb_gpa *ret);

/* The largest free piece that ends early enough, wherever it begins. */
uint64_t space_largest(const struct space *space, const struct space_want *want);

/* How many aligned addresses it could go to, and the one of that number, lowest first. */
uint64_t space_slots(const struct space *space, const struct space_want *want);
pb_gpa space_slot(const struct space *space, const struct space_want *want, uint64_t number);

#endif
