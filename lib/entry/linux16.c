/* SPDX-License-Identifier: MIT */
/*
 * linux16: the setup code in real mode, as a boot loader on a BIOS machine
 * starts it. It knows nothing of a kernel that is unpacked already.
 */
#include "../error.h"
#include "../notes.h"
#include "rows.h"
#include "subarch.h"

int linux16_can(struct pb_image *image, enum pb_unpack unpack, struct pb_error *why)
{
	int rc = need_setup_header(image, why);

	if (rc < 0)
		return rc;
	if (unpack == PB_UNPACK_HOST)
		return fail(why, PB_E_NO_ENTRY, "real-mode entry of an unpacked kernel", 0, 0, 0);
	return subarch_has_mode(image, SUBARCH_LINUX32, why); /* which it goes on to */
}
