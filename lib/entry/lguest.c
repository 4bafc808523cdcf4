/* SPDX-License-Identifier: MIT */
/*
 * lguest: ring 1 in a 32-bit kernel, dispatched on hardware_subarch 1 (boot
 * protocol 2.07). No header field and no note says whether a kernel was built
 * with CONFIG_LGUEST_GUEST. What such a kernel cannot hide is its name for its
 * clock, its interrupt controller and its paravirt operations, "lguest", a
 * string of its own in the kernel's data; no other kernel has it. An image of
 * our own says it by its note instead. Linux lost lguest in 4.14, so a header
 * younger than 2.13 needs no look, unless there is that note.
 */
#include "../error.h"
#include "../kernel.h"
#include "rows.h"
#include "subarch.h"

#define LAST_PROTOCOL 0x20d

static int check_protocol(const struct pb_image *image, struct pb_error *why)
{
	uint16_t protocol = image->facts.protocol;

	if (protocol && protocol < SUBARCH_SINCE)
		return fail(why, PB_E_PROTOCOL, "hardware_subarch", protocol, SUBARCH_SINCE, 0x206);
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

/* The note's word is the last; without one, a look at the kernel, if it may be old enough. */
static int check_kernel(struct pb_image *image, struct pb_error *why)
{
	uint16_t protocol = image->facts.protocol;
	enum pb_serves noted = PB_SERVES_UNKNOWN;
	int rc = kernel_load(image, why);

	if (rc == 0)
		rc = subarch_noted(image_kernel(image), SUBARCH_LGUEST, &noted, why);
	if (rc < 0)
		return rc;
	if (noted == PB_SERVES_NO || (noted == PB_SERVES_UNKNOWN && protocol > LAST_PROTOCOL))
		return fail(why, PB_E_NO_ENTRY, "lguest", protocol, LAST_PROTOCOL, 0x206);
	rc = need_class(image, 32, why);
	return rc < 0 || noted == PB_SERVES_NOTE ? rc : check_fingerprint(image, why);
}

/* By the file's own ELF header, or, without one, by whether it has a 64-bit entry. */
static int check_class(struct pb_image *image, struct pb_error *why)
{
	unsigned elf_class = image->facts.xloadflags & XLF_KERNEL_64 ? 64 : 32;
	struct entered_elf elf;

	if (entered_elf(image, PB_UNPACK_GUEST, &elf, NULL) == 0) {
		elf_class = elf.kernel->elf_class;
		entered_elf_done(&elf);
	}
	return elf_class == 32 ? 0 : fail(why, PB_E_CLASS, "EI_CLASS", elf_class, 32, 0);
}

/*
 * An image may speak for itself: then nobody has to look for a fingerprint,
 * whatever the year that its protocol tells of.
 */
static int check_own(struct pb_image *image, bool *ret_said, struct pb_error *why)
{
	enum pb_serves said = PB_SERVES_UNKNOWN;
	int rc = subarch_said(image, SUBARCH_LGUEST, &said, why);

	*ret_said = said != PB_SERVES_UNKNOWN;
	if (said == PB_SERVES_NO)
		rc = fail(why, PB_E_NO_ENTRY, "lguest", 0, 0, 0);
	else if (*ret_said)
		rc = check_class(image, why);
	return rc;
}

/* Protocol 2.07 does not say where the payload is: nobody can look inside, and such an image unpacks itself or not. */
static bool is_opaque(const struct pb_image *image, enum pb_unpack unpack)
{
	return unpack == PB_UNPACK_GUEST && image->facts.protocol == SUBARCH_SINCE;
}

int lguest_can(struct pb_image *image, enum pb_unpack unpack, struct pb_error *why)
{
	bool said;
	int rc = unpack == PB_UNPACK_GUEST ? need_setup_header(image, why) : 0;

	if (rc == 0)
		rc = check_protocol(image, why);
	if (rc < 0 || is_opaque(image, unpack))
		return rc;
	rc = check_own(image, &said, why);
	if (rc < 0 || (said && unpack == PB_UNPACK_GUEST))
		return rc;
	return said ? need_class(image, 32, why) : check_kernel(image, why);
}
