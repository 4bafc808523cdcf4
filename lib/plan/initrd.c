/* SPDX-License-Identifier: MIT */
/*
 * The initrds, back to back as one: each begins at a multiple of 4, as cpio
 * archives in a row must, and the whole at a page. As high as the kernel can
 * reach, where nothing that grows from below will meet them.
 */
#include "../error.h"
#include "arith.h"
#include "builder.h"
#include "memory_map.h"

static int find_room(struct plan_builder *builder, pb_gpa *ret, struct pb_error *err)
{
	struct space_want want = { .len = builder->info.initrd_len,
				   .min = PLAN_LOWEST_GPA,
				   .max = builder->initrd_max,
				   .order = SPACE_HIGHEST };

	if (space_find(&builder->space, &want, ret))
		return 0;
	want.max = max_u64(builder->initrd_max, builder->initrd_reach);
	if (!space_find(&builder->space, &want, ret))
		return builder_no_room(builder, PB_E_INITRD, "initrd", &want, err);
	return 0;
}

int initrd_put(struct plan_builder *builder, struct pb_error *err)
{
	const struct pb_request *request = &builder->request;
	struct pb_placement placement = { .kind = PB_KIND_INITRD, .source = PB_FROM_INITRD };
	pb_gpa gpa;
	int rc;

	if (builder->info.initrd_len == 0)
		return 0;
	rc = find_room(builder, &gpa, err);
	if (rc)
		return rc;
	builder->info.initrd_gpa = gpa;
	rc = space_drop(&builder->space, gpa, builder->info.initrd_len, err);
	for (size_t i = 0; i < request->nr_initrds && rc == 0; i++) {
		placement.gpa = gpa;
		placement.index = (uint32_t)i;
		placement.source_len = request->initrds[i].len;
		placement.len = align_up(placement.source_len, 4);
		gpa += placement.len;
		if (placement.len)
			rc = builder_add(builder, &placement, err);
	}
	return rc;
}
