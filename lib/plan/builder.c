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

int builder_take(struct plan_builder *builder, const char *field, const struct space_want *want, pb_gpa *ret,
		 struct pb_error *err)
{
	pb_gpa gpa;
	int rc;

	if (!space_find(&builder->space, want, &gpa))
		return fail(err, PB_E_NO_ROOM, field, want->len, want->max, 0);
	rc = space_drop(&builder->space, gpa, want->len, err);
	if (rc == 0)
		*ret = gpa;
	return rc;
}

int builder_take_small(struct plan_builder *builder, const char *field, uint64_t len, pb_gpa *ret, struct pb_error *err)
{
	struct space_want below_kernel = { .len = len,
					   .min = PLAN_LOWEST_GPA,
					   .max = min_u64(builder->info.kernel_gpa, builder->reach),
					   .order = SPACE_LOWEST };
	struct space_want anywhere = {
		.len = len, .min = PLAN_LOWEST_GPA, .max = builder->reach, .order = builder->small_fallback
	};
	pb_gpa unused;

	/* Not behind the kernel: some decompressors overwrite what lies there. */
	if (space_find(&builder->space, &below_kernel, &unused))
		return builder_take(builder, field, &below_kernel, ret, err);
	if (builder->kernel_reach > builder->reach && !space_find(&builder->space, &anywhere, &unused))
		anywhere.max = builder->kernel_reach;
	return builder_take(builder, field, &anywhere, ret, err);
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
	builder->placements[builder->nr_placements] = *placement;
	builder->placements[builder->nr_placements++].size = sizeof(*placement);
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

int builder_put(struct plan_builder *builder, enum pb_kind kind, pb_gpa gpa, const void *bytes, uint64_t len,
		struct pb_error *err)
{
	struct pb_placement placement = { .gpa = gpa,
					  .len = len,
					  .kind = kind,
					  .source = PB_FROM_PLAN,
					  .source_off = builder->bytes_len,
					  .source_len = len };
	int rc = grow_bytes(builder, len, err);

	if (rc == 0)
		rc = builder_add(builder, &placement, err);
	if (rc)
		return rc;
	memcpy(builder->bytes + builder->bytes_len, bytes, len);
	builder->bytes_len += len;
	return 0;
}
