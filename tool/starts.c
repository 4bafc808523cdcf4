/* SPDX-License-Identifier: MIT */
/*
 * How an image can be started, and the choice of the one reason to give.
 */
#include "starts.h"

#include <string.h>

struct starts ask_starts(pb_image *image, enum pb_entry entry)
{
	struct starts starts = { 0 };

	for (enum pb_unpack way = PB_UNPACK_HOST; way < UNPACKS; way++) {
		struct start *start = &starts.by[way];

		start->why.size = sizeof(start->why);
		start->possible = pb_image_can(image, entry, way, &start->why) == 0;
	}
	return starts;
}

bool starts_possible(const struct starts *starts)
{
	return starts->by[PB_UNPACK_HOST].possible || starts->by[PB_UNPACK_GUEST].possible;
}

/*
 * The host's: it can start a kernel in more ways than the kernel's own code.
 * Only of a payload that the host knows nothing of, the image's own entries
 * tell more, if it could have any.
 */
const struct pb_error *starts_reason(const struct starts *starts)
{
	const struct pb_error *host = &starts->by[PB_UNPACK_HOST].why, *guest = &starts->by[PB_UNPACK_GUEST].why;

	return host->code == PB_E_NO_PAYLOAD && guest->code != PB_E_NO_ENTRY ? guest : host;
}
