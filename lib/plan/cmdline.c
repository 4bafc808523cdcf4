/* SPDX-License-Identifier: MIT */
/* The command line, with its NUL. That the kernel takes one so long was checked with the request. */
#include "builder.h"

int cmdline_put(struct plan_builder *builder, struct pb_error *err)
{
	uint64_t len = builder->cmdline_len + 1;
	pb_gpa gpa;
	int rc = builder_take_small(builder, "cmdline", len, &gpa, err);

	if (rc)
		return rc;
	builder->info.cmdline_gpa = gpa;
	return builder_put(builder, PB_KIND_CMDLINE, gpa, builder->request.cmdline, len, err);
}
