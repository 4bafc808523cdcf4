/* SPDX-License-Identifier: MIT */
/*
 * ELF notes: what a kernel says of itself to whoever loads it. notes_load()
 * collects them from wherever an image of any age keeps them; the table of
 * names says which numbers mean what.
 */
#ifndef PB_LIB_NOTES_H
#define PB_LIB_NOTES_H

#include "elffile.h"
#include "image.h"

struct note_list {
	struct note *notes;
	unsigned count, max; /* max: struct pb_limits' notes */
	bool in_sections;    /* notes_load() found them there */
};

/* Parse the notes of one area; owner and descriptor are padded to 4 whatever p_align says. */
int notes_parse(struct note_list *list, const uint8_t *area, size_t area_len, struct pb_error *err);

/* The old __xen_guest section's "KEY=VALUE,..." as the Xen notes it stands for. */
int notes_from_xen_guest(struct note_list *list, const char *text, size_t text_len, struct pb_error *err);

/* All notes of a file: of every PT_NOTE, else of every SHT_NOTE, else made from __xen_guest. */
int notes_load(struct note_list *list, const struct elf_file *elf, struct pb_error *err);

void notes_free(struct note_list *list);

/* The first note of that owner and type, or NULL. */
const struct note *note_find(const struct note *notes, unsigned count, const char *owner, uint32_t type);

/* How a caller sees a note. */
void note_describe(const struct note *note, struct pb_note *ret);

/* Notes of our own (docs/notes.md). */
#define NOTES_OWN              "paraboot"
#define NOTE_OWN_SUBARCH       1u
#define NOTE_OWN_FIXMAP        2u
#define NOTE_OWN_SUBARCH_ENTRY 3u

/* The item of kernel_info that says what SUBARCH says: its header and a number of 8 bytes. */
#define KERNEL_INFO_SUBARCH     0x41534250u /* "PBSA" */
#define KERNEL_INFO_SUBARCH_LEN 16u

/* What SUBARCH_ENTRY lists: where a kernel is entered that is told of that subarchitecture. */
struct subarch_entry {
	uint32_t number;
	uint32_t mode; /* SUBARCH_LINUX32 and so on */
	uint64_t gpa;  /* as p_paddr are; seen at VIRT_BASE where paging is on */
};
enum { SUBARCH_LINUX32 = 1, SUBARCH_LINUX64, SUBARCH_RING1 };

#endif
