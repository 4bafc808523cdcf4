/* SPDX-License-Identifier: MIT */
/*
 * linux32: protected mode, paging off (boot.rst, "32-bit Boot Protocol").
 * Every image with a setup header has that entry at the start of its
 * protected-mode part. Of unpacked kernels only 32-bit ones do, at e_entry: a
 * 64-bit kernel's startup_32 is in the part that unpacks it.
 */
#include "../error.h"
#include "../notes.h"
#include "rows.h"
#include "subarch.h"

int linux32_can(struct pb_image *image, enum pb_unpack unpack, struct pb_error *why)
{
	int rc;

	if (unpack == PB_UNPACK_GUEST) {
		rc = need_setup_header(image, why);
		return rc < 0 ? rc : subarch_has_mode(image, SUBARCH_LINUX32, why);
	}
	rc = need_class(image, 32, why);
	if (rc == 0)
		rc = need_linux(image, why);
	return rc < 0 ? rc : need_boot_entry(image, why);
}
