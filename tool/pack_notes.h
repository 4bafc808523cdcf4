/* SPDX-License-Identifier: MIT */
/*
 * pack --note: from OWNER:TYPE=VALUE to notes for the library.
 */
#ifndef TOOL_PACK_NOTES_H
#define TOOL_PACK_NOTES_H

#include "options.h"

/* Keep one; 0, or -1 if it cannot be a note. */
int add_note(struct options *opt, const char *arg);

/* STATUS_OK, or the status after having said which number is too large for that class of kernel. */
int check_notes(const struct options *opt, unsigned elf_class);

/* All of them, with numbers as long as the kernel's own are; give_back_notes() frees them. */
struct pb_pack_note *make_notes(const struct options *opt, unsigned elf_class);
void give_back_notes(struct pb_pack_note *notes, size_t nr_notes);

#endif
