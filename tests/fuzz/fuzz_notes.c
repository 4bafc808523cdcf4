/* SPDX-License-Identifier: MIT */
/*
 * A note area, or the text of a __xen_guest section, of hostile bytes. The
 * first byte chooses which.
 */
#include <stdlib.h>
#include <string.h>

#include "notes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool what)
{
	if (!what)
		abort();
}

/* Every note's parts end in a NUL, and no note has more bytes than the area. */
static void check_note(const struct note *note, size_t size)
{
	struct pb_note public;

	require(strlen(note->owner) <= size + 3 &&
		note->desc_len <= size + 8); /* what __xen_guest leaves out is made */
	require(note->desc[note->desc_len] == 0);
	note_describe(note, &public);
	require(public.kind != PB_NOTE_STRING || strlen(public.desc) == public.desc_len);
	require(public.kind != PB_NOTE_NUMBER || public.desc_len <= 8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct note_list list = { .max = 64 };
	struct pb_error err = PB_INIT(err);
	int rc;

	if (size == 0)
		return 0;
	if (data[0] & 1)
		rc = notes_from_xen_guest(&list, (const char *)data + 1, size - 1, &err);
	else
		rc = notes_parse(&list, data + 1, size - 1, &err);
	require(rc == 0 || (rc == -err.code && err.field));
	require(list.count <= list.max);
	for (unsigned i = 0; i < list.count; i++)
		check_note(&list.notes[i], size);
	notes_free(&list);
	return 0;
}
