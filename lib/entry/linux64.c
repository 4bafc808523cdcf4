/* SPDX-License-Identifier: MIT */
/*
 * linux64: long mode with an identity map (boot.rst, "64-bit Boot Protocol").
 * In an image it lies 0x200 behind the 32-bit entry, and XLF_KERNEL_64 says
 * that it is there; in an unpacked 64-bit kernel it is e_entry.
 */
#include "../error.h"
#include "rows.h"

static int guest_can(const struct pb_image *image, struct pb_error *why)
{
	int rc = need_setup_header(image, why);

	if (rc < 0)
		return rc;
	if (image->facts.protocol < 0x20c)
		return fail(why, PB_E_PROTOCOL, "XLF_KERNEL_64", image->facts.protocol, 0x20c, 0x206);
	if (!(image->facts.xloadflags & XLF_KERNEL_64))
		return fail(why, PB_E_NO_ENTRY, "XLF_KERNEL_64", image->facts.xloadflags, XLF_KERNEL_64, 0x236);
	return 0;
}

int linux64_can(struct pb_image *image, enum pb_unpack unpack, struct pb_error *why)
{
	if (unpack == PB_UNPACK_GUEST)
		return guest_can(image, why);

	int rc = need_class(image, 64, why);

	if (rc == 0)
		rc = need_linux(image, why);
	return rc < 0 ? rc : need_boot_entry(image, why);
}
