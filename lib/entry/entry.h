/* SPDX-License-Identifier: MIT */
/*
 * The ways a CPU enters a kernel: one file and one row in entries[] each. An
 * entry says whether an image allows it, and lays it out. It never asks which
 * format the image came in: that is what struct pb_image's facts are for.
 */
#ifndef PB_LIB_ENTRY_H
#define PB_LIB_ENTRY_H

#include "../image.h"

struct plan_builder; /* plan/builder.h */

struct entry {
	const char *name;
	/* 0, or the one reason why this image has no such start. */
	int (*can)(struct pb_image *image, enum pb_unpack unpack, struct pb_error *why);
	/* Lay it out: placements and the CPU. NULL: not built yet (PB_E_NOT_BUILT). can() has said yes. */
	int (*plan)(struct plan_builder *builder, struct pb_error *err);
	bool boot_params; /* the kernel gets them, and in them its subarchitecture */
	/* What else it takes if the kernel is entered for a subarchitecture, where that is another way in; or NULL. */
	int (*can_subarch)(struct pb_image *image, enum pb_unpack unpack, struct pb_error *why);
};

/* Indexed by enum pb_entry; row 0 is empty. */
extern const struct entry entries[PB_ENTRIES];

#endif
