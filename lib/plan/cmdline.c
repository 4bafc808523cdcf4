/* SPDX-License-Identifier: MIT */
/* The command line, with its NUL. That the kernel takes one so long was checked with the request. */
#include "../error.h"
#include "builder.h"
#include "memory_map.h"

bool linux_fixed_params(const struct pb_image *image)
{
	return image->facts.protocol && image->facts.protocol < 0x202;
}

int cmdline_put(struct plan_builder *builder, struct pb_error *err)
{
	struct space_want fixed = { .len = builder->cmdline_len + 1,
				    .min = PLAN_OLD_CMDLINE,
				    .max = PLAN_OLD_CMDLINE + PLAN_PAGE_LEN - 1 };
	int rc;

	if (linux_fixed_params(builder->image))
		rc = builder_take(builder, "cmdline", &fixed, &builder->info.cmdline_gpa, err);
	else
		rc = builder_take_small(builder, "cmdline", fixed.len, &builder->info.cmdline_gpa, err);
	if (rc)
		return rc;
	return builder_put(builder, PB_KIND_CMDLINE, builder->info.cmdline_gpa, builder->request.cmdline, fixed.len,
			   err);
}
