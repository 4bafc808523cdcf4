/* SPDX-License-Identifier: MIT */
/*
 * A kernel that is unpacked where it belongs: before it is unpacked, the
 * caller is shown where in the arena each of its whole pages will stand, and puts
 * guest memory there (struct pb_mem_ops, show). Only what is no whole page is left
 * to be copied then.
 */
#ifndef PB_LIB_SHOW_H
#define PB_LIB_SHOW_H

#include "inner.h"
#include "plan/plan.h"

struct showing {
	const pb_plan *plan;
	struct frames *frames; /* of a PV domain */
	const struct pb_mem_ops *ops;
	void *ctx; /* of ops */

	bool lent;  /* set: the kernel is there until kernel_placed() */
	bool shown; /* set: its whole pages were unpacked where they belong */
};

/* kernel_source() of the plan's kernel, shown where that is possible. */
int show_kernel(struct showing *showing, struct source *ret, struct pb_error *err);

/* The pages of a placement's part that can be seen as they stand in the unpacked kernel. */
struct inner shown_pages(const struct pb_placement *part);

#endif
