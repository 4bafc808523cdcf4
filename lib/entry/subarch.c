/* SPDX-License-Identifier: MIT */
/*
 * Which subarchitectures an image serves. No field of the header says so: 0
 * is every kernel's; lguest shows by its fingerprint; and images of our own
 * carry a note (docs/notes.md). A Linux that starts as Xen by number 2 was
 * never released: its table has a dead end there.
 */
#include "subarch.h"

#include <string.h>

#include "../error.h"
#include "../notes.h"
#include "rows.h"

/* More than one name for a number: the first is the one that is told. */
static const struct {
	const char *name;
	uint32_t number;
} names[] = {
	{ "pc", 0 },        { "lguest", SUBARCH_LGUEST }, { "xen", SUBARCH_XEN },
	{ "intel-mid", 3 }, { "moorestown", 3 },          { "ce4100", 4 },
};

const char *pb_subarch_name(uint32_t number)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == number)
			return names[i].name;
	return NULL;
}

int pb_subarch_by_name(const char *name, uint32_t *ret)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, name) == 0) {
			*ret = names[i].number;
			return 0;
		}
	return -PB_E_ARG;
}

/* Damage is an answer to nothing; that something is not there is one. */
static int yes_or_no(int rc, enum pb_serves yes, enum pb_serves no, enum pb_serves *ret)
{
	if (rc < 0 && rc > -PB_E_PROTOCOL)
		return rc;
	*ret = rc == 0 ? yes : no;
	return 0;
}

/* A bit for each number that is served. */
static enum pb_serves bit_of(uint64_t bits, uint32_t number)
{
	return number < 64 && bits >> number & 1 ? PB_SERVES_NOTE : PB_SERVES_NO;
}

int subarch_noted(const struct kernel *kernel, uint32_t number, enum pb_serves *ret, struct pb_error *err)
{
	const struct note *note = note_find(kernel->notes, kernel->nr_notes, NOTES_OWN, NOTE_OWN_SUBARCH);
	uint64_t bits = 0;
	int rc = note ? note_number(note, "SUBARCH", &bits, err) : 0;

	*ret = PB_SERVES_UNKNOWN;
	if (note && rc == 0)
		*ret = bit_of(bits, number);
	return rc;
}

/* Of an ELF header's notes, which the caller of pack may have had a word in. */
static int ask_header(struct pb_image *image, uint32_t number, enum pb_serves *ret, struct pb_error *err)
{
	struct entered_elf elf;
	int rc;

	*ret = PB_SERVES_UNKNOWN;
	if (entered_elf(image, PB_UNPACK_GUEST, &elf, NULL) < 0)
		return 0;
	rc = subarch_noted(elf.kernel, number, ret, err);
	entered_elf_done(&elf);
	return rc;
}

int subarch_said(struct pb_image *image, uint32_t number, enum pb_serves *ret, struct pb_error *err)
{
	int rc = ask_header(image, number, ret, err);

	if (rc == 0 && *ret == PB_SERVES_UNKNOWN && image->lists_subarchs)
		*ret = bit_of(image->subarchs, number);
	return rc;
}

static int ask_kernel(struct pb_image *image, uint32_t number, enum pb_serves *ret, struct pb_error *err)
{
	int rc = subarch_noted(image_kernel(image), number, ret, err);

	if (rc || *ret != PB_SERVES_UNKNOWN)
		return rc;
	if (number == SUBARCH_LGUEST)
		return yes_or_no(lguest_can(image, PB_UNPACK_HOST, err), PB_SERVES_FINGERPRINT, PB_SERVES_NO, ret);
	*ret = number == SUBARCH_XEN ? PB_SERVES_NO : PB_SERVES_UNKNOWN;
	return 0;
}

/* Does SUBARCH_ENTRY list an entry of that mode? Without the note nobody said that there is none. */
static bool lists_mode(const struct kernel *kernel, uint32_t mode)
{
	const struct note *note = note_find(kernel->notes, kernel->nr_notes, NOTES_OWN, NOTE_OWN_SUBARCH_ENTRY);
	struct subarch_entry entry;

	for (uint32_t off = 0; note && sizeof(entry) <= note->desc_len - off; off += sizeof(entry)) {
		memcpy(&entry, note->desc + off, sizeof(entry));
		if (entry.mode == mode)
			return true;
	}
	return !note;
}

int subarch_has_mode(struct pb_image *image, uint32_t mode, struct pb_error *why)
{
	struct entered_elf elf;
	bool has;

	if (entered_elf(image, PB_UNPACK_GUEST, &elf, NULL) < 0)
		return 0;
	has = lists_mode(elf.kernel, mode);
	entered_elf_done(&elf);
	return has ? 0 : fail(why, PB_E_NO_ENTRY, "SUBARCH_ENTRY", mode, 0, 0);
}

int pb_image_serves(pb_image *image, uint32_t number, enum pb_serves *ret, struct pb_error *err)
{
	uint16_t protocol = image->facts.protocol;
	int rc;

	if (number && protocol && protocol < SUBARCH_SINCE) {
		*ret = PB_SERVES_NO;
		return 0;
	}
	rc = subarch_said(image, number, ret, err);
	if (rc || *ret != PB_SERVES_UNKNOWN)
		return rc;
	rc = kernel_load(image, err);
	if (rc == -PB_E_NO_PAYLOAD) { /* nobody can look inside */
		*ret = number ? PB_SERVES_UNKNOWN : PB_SERVES_PROTOCOL;
		return 0;
	}
	if (rc == 0 && number == 0)
		return yes_or_no(need_linux(image, err), PB_SERVES_PROTOCOL, PB_SERVES_NO, ret);
	return rc ? rc : ask_kernel(image, number, ret, err);
}

int subarch_check(struct pb_image *image, uint32_t number, bool insist, struct pb_error *err)
{
	uint16_t protocol = image->facts.protocol;
	enum pb_serves serves;
	int rc;

	if (number == 0)
		return 0;
	if (protocol && protocol < SUBARCH_SINCE)
		return fail(err, PB_E_PROTOCOL, "hardware_subarch", protocol, SUBARCH_SINCE, 0x206);
	if (insist)
		return 0;
	rc = pb_image_serves(image, number, &serves, err);
	if (rc == 0 && serves < PB_SERVES_PROTOCOL)
		rc = fail(err, PB_E_SUBARCH, "hardware_subarch", number, 0, 0x23c);
	return rc;
}
