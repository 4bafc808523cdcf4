/* SPDX-License-Identifier: MIT */
/*
 * The plan builder's hands: taking memory, adding placements, collecting the
 * bytes that the plan itself makes.
 */
#include "builder.h"

#include <stdlib.h>
#include <string.h>

#include "../error.h"
#include "arith.h"
#include "memory_map.h"

int builder_no_room(const struct plan_builder *builder, int code, const char *field, const struct space_want *want,
		    struct pb_error *err)
{
	return fail(err, code, field, want->len, want->max, space_largest(&builder->space, want));
}

int builder_take(struct plan_builder *builder, const char *field, const struct space_want *want, pb_gpa *ret,
		 struct pb_error *err)
{
	pb_gpa gpa;
	int rc;

	if (!space_find(&builder->space, want, &gpa))
		return builder_no_room(builder, PB_E_NO_ROOM, field, want, err);
	rc = space_drop(&builder->space, gpa, want->len, err);
	if (rc == 0)
		*ret = gpa;
	return rc;
}

/* Where small structures go, best first; returns how many such places there are. */
static size_t small_wants(const struct plan_builder *builder, uint64_t len, struct space_want ret[3])
{
	const struct space_want old = { len, 0, PLAN_OLD_PARAMS, PLAN_OLD_PARAMS_MAX, SPACE_LOWEST };
	/* Not behind the kernel: some decompressors overwrite what lies there. */
	const struct space_want below_kernel = { len, 0, PLAN_LOWEST_GPA, min_u64(builder->kernel_low, builder->reach),
						 SPACE_LOWEST };
	const struct space_want anywhere = { len, 0, PLAN_LOWEST_GPA, builder->reach, builder->small_fallback };

	if (builder->old_params) {
		ret[0] = old;
		return 1;
	}
	ret[0] = below_kernel;
	ret[1] = ret[2] = anywhere;
	ret[2].max = max_u64(builder->reach, builder->kernel_reach);
	return 3;
}

int builder_take_small(struct plan_builder *builder, const char *field, uint64_t len, pb_gpa *ret, struct pb_error *err)
{
	struct space_want wants[3];
	size_t last = small_wants(builder, len, wants) - 1;
	pb_gpa unused;

	for (size_t i = 0; i < last; i++)
		if (space_find(&builder->space, &wants[i], &unused))
			return builder_take(builder, field, &wants[i], ret, err);
	return builder_take(builder, field, &wants[last], ret, err);
}

/* Member by member into zeros: the same plan is the same bytes, without what was on the stack between them. */
static void store(struct pb_placement *ret, const struct pb_placement *placement)
{
	memset(ret, 0, sizeof(*ret));
	ret->size = sizeof(*ret);
	ret->gpa = placement->gpa;
	ret->len = placement->len;
	ret->kind = placement->kind;
	ret->source = placement->source;
	ret->index = placement->index;
	ret->source_off = placement->source_off;
	ret->source_len = placement->source_len;
	ret->space = placement->space;
	ret->access = placement->access;
	ret->vaddr = placement->vaddr;
}

int builder_add(struct plan_builder *builder, const struct pb_placement *placement, struct pb_error *err)
{
	struct pb_placement *grown;

	if (builder->nr_placements == builder->cap_placements) {
		size_t cap = 2 * builder->cap_placements + 16;

		grown = realloc(builder->placements, cap * sizeof(*grown));
		if (!grown)
			return fail_nomem(err, cap * sizeof(*grown));
		builder->placements = grown;
		builder->cap_placements = cap;
	}
	store(&builder->placements[builder->nr_placements++], placement);
	return 0;
}

/* Room for len more bytes of the plan's own, zeroed. */
static int grow_bytes(struct plan_builder *builder, uint64_t len, struct pb_error *err)
{
	uint64_t cap = 2 * builder->bytes_cap + len;
	uint8_t *grown;

	if (len <= builder->bytes_cap - builder->bytes_len)
		return 0;
	grown = realloc(builder->bytes, cap);
	if (!grown)
		return fail_nomem(err, cap);
	builder->bytes = grown;
	builder->bytes_cap = cap;
	return 0;
}

int builder_keep(struct plan_builder *builder, const void *bytes, uint64_t len, struct kept *ret, struct pb_error *err)
{
	int rc = grow_bytes(builder, len, err);

	if (rc)
		return rc;
	*ret = (struct kept){ builder->bytes_len, len };
	if (len)
		memcpy(builder->bytes + builder->bytes_len, bytes, len);
	builder->bytes_len += len;
	return 0;
}

int builder_put(struct plan_builder *builder, enum pb_kind kind, pb_gpa gpa, const void *bytes, uint64_t len,
		struct pb_error *err)
{
	struct pb_placement placement = {
		.gpa = gpa, .len = len, .kind = kind, .source = PB_FROM_PLAN, .source_len = len
	};
	struct kept kept;
	int rc = builder_keep(builder, bytes, len, &kept, err);

	if (rc)
		return rc;
	placement.source_off = kept.off;
	return builder_add(builder, &placement, err);
}
