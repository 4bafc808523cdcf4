/* SPDX-License-Identifier: MIT */
/*
 * Where the frames of a Xen PV domain are in the machine: a list of extents,
 * sorted by pfn, from 0 on without a gap.
 */
#ifndef PB_LIB_FRAMES_H
#define PB_LIB_FRAMES_H

#include <paraboot.h>

struct frames {
	const struct pb_extent *extents;
	size_t nr;
	size_t at; /* where the last question was answered: the next is about there */
};

/* Is it a map of a domain of nr_pages? PB_E_FRAMES says what it is instead. */
int frames_check(const struct frames *frames, uint64_t nr_pages, struct pb_error *err);

/* How many frames from pfn on follow one another in the machine, from *ret_mfn on; 0: there is no such frame. */
uint64_t frames_run(struct frames *frames, uint64_t pfn, uint64_t *ret_mfn);

/* The same in bytes: the machine address of gpa; *len shrinks to what follows it there. */
pb_gpa frames_locate(struct frames *frames, pb_gpa gpa, uint64_t *len);

/* What of a domain's placement begins `done` bytes into it and is in one piece in the machine; len 0: nothing. */
struct pb_placement frames_part(struct frames *frames, const struct pb_placement *placement, uint64_t done);

#endif
