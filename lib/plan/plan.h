/* SPDX-License-Identifier: MIT */
/*
 * A finished plan. Its body is one allocation in which everything is an
 * offset, so that another process could have made it; beside it stand only
 * what cannot be written down: the image and the initrds' sources.
 */
#ifndef PB_LIB_PLAN_PLAN_H
#define PB_LIB_PLAN_PLAN_H

#include "../frames.h"
#include "../image.h"
#include "../reloc.h"
#include "pv_layout.h"

#define PLAN_MAX_EXTENTS 16

/*
 * A field in which the kernel says where it was linked, and later reads that
 * again: it follows the virtual base like a relocation, though the table may
 * not list it. len 0: none.
 */
struct own_address {
	pb_gpa gpa;
	uint64_t len;
};

/* Bytes of the plan's own, from bytes_off on. */
struct kept {
	uint64_t off, len;
};

struct plan_body {
	uint64_t len; /* of the whole body */
	struct pb_plan_info info;
	struct pb_cpu cpu;
	struct reloc_table relocs; /* all counts 0: nothing to adjust */
	struct own_address own_address;
	struct pv_layout pv; /* nr_pages is 0 if it is not for Xen PV */
	struct pb_pv pv_start;
	struct pb_extent extents[PLAN_MAX_EXTENTS]; /* none: whoever places knows where the domain's frames are */
	uint64_t nr_extents;
	struct kept pv_cmdline;
	uint64_t placements_off; /* struct pb_placement[info.placements], sorted by space and gpa */
	uint64_t bytes_off;      /* what PB_FROM_PLAN placements' source_off counts from */
	uint64_t bytes_len;
};

struct pb_plan {
	struct pb_image *image; /* holds a reference */
	struct plan_body *body;
	unsigned nr_initrds;
	struct source initrds[]; /* files' descriptors are the plan's own */
};

static inline const struct pb_placement *plan_placements(const struct pb_plan *plan)
{
	return (const struct pb_placement *)((const char *)plan->body + plan->body->placements_off);
}

static inline const uint8_t *plan_bytes(const struct pb_plan *plan)
{
	return (const uint8_t *)plan->body + plan->body->bytes_off;
}

/* The domain's frames, where the plan has chosen them. */
static inline struct frames plan_frames(const struct pb_plan *plan)
{
	return (struct frames){ .extents = plan->body->extents, .nr = plan->body->nr_extents };
}

#endif
