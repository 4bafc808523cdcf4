/* SPDX-License-Identifier: MIT */
/*
 * lguest: ring 1 in a 32-bit kernel, dispatched on hardware_subarch 1 (boot
 * protocol 2.07). No header field and no note says whether a kernel was built
 * with CONFIG_LGUEST_GUEST. What such a kernel cannot hide is its name for its
 * clock, its interrupt controller and its paravirt operations, "lguest", a
 * string of its own in the kernel's data; no other kernel has it. Linux lost
 * lguest in 4.14, so a header younger than 2.13 needs no look.
 */
#include "../error.h"
#include "../kernel.h"
#include "rows.h"

#define LAST_PROTOCOL 0x20d

static int check_protocol(const struct pb_image *image, struct pb_error *why)
{
	uint16_t protocol = image->facts.protocol;

	if (protocol && protocol < 0x207)
		return fail(why, PB_E_PROTOCOL, "hardware_subarch", protocol, 0x207, 0x206);
	if (protocol > LAST_PROTOCOL)
		return fail(why, PB_E_NO_ENTRY, "lguest", protocol, LAST_PROTOCOL, 0x206);
	return 0;
}

/* With the NULs on both sides: the whole string, not a piece of a message. */
static int check_fingerprint(struct pb_image *image, struct pb_error *why)
{
	static const char name[] = "\0lguest";
	bool found = false;
	int rc = kernel_holds(image, name, sizeof(name), &found, why);

	if (rc < 0 || found)
		return rc;
	return fail(why, PB_E_NO_ENTRY, "lguest", 0, 0, 0);
}

int lguest_can(struct pb_image *image, enum pb_unpack unpack, struct pb_error *why)
{
	int rc = unpack == PB_UNPACK_GUEST ? need_setup_header(image, why) : 0;

	if (rc == 0)
		rc = check_protocol(image, why);
	if (rc == 0)
		rc = need_class(image, 32, why);
	return rc < 0 ? rc : check_fingerprint(image, why);
}
