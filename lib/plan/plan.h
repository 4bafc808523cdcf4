/* SPDX-License-Identifier: MIT */
/*
 * A finished plan. Its body is one allocation in which everything is an
 * offset, so that another process could have made it; beside it stand only
 * what cannot be written down: the image and the initrds' sources.
 */
#ifndef PB_LIB_PLAN_PLAN_H
#define PB_LIB_PLAN_PLAN_H

#include "../image.h"
#include "../reloc.h"

/*
 * A field in which the kernel says where it was linked, and later reads that
 * again: it follows the virtual base like a relocation, though the table may
 * not list it. len 0: none.
 */
struct own_address {
	pb_gpa gpa;
	uint64_t len;
};

struct plan_body {
	uint64_t len; /* of the whole body */
	struct pb_plan_info info;
	struct pb_cpu cpu;
	struct reloc_table relocs; /* all counts 0: nothing to adjust */
	struct own_address own_address;
	uint64_t placements_off; /* struct pb_placement[info.placements], sorted by gpa */
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

#endif
