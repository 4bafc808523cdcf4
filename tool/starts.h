/* SPDX-License-Identifier: MIT */
/*
 * How an image can be started: the answers of pb_image_can(), gathered.
 */
#ifndef TOOL_STARTS_H
#define TOOL_STARTS_H

#include <paraboot.h>

#define FIRST_ENTRY PB_LINUX16
#define UNPACKS     (PB_UNPACK_GUEST + 1) /* an array indexed by enum pb_unpack */

struct start {
	bool possible;
	struct pb_error why; /* if not */
};

/* One entry, by each way to unpack. */
struct starts {
	struct start by[UNPACKS];
};

struct starts ask_starts(pb_image *image, enum pb_entry entry);

/* Possible in one way at least? */
bool starts_possible(const struct starts *starts);

/* The one reason that tells most about why it is not. */
const struct pb_error *starts_reason(const struct starts *starts);

#endif
