/* SPDX-License-Identifier: MIT */
/*
 * Relocations that are still in their sections, as ld --emit-relocs leaves
 * them in a vmlinux, as the lists that Linux's build would make of them.
 */
#ifndef PB_LIB_RELOC_SECTIONS_H
#define PB_LIB_RELOC_SECTIONS_H

#include "elffile.h"
#include "image.h"
#include "reloc.h"

/* The entries of each group, ascending; reloc_lists_free() gives them back. */
struct reloc_lists {
	struct {
		uint32_t *words;
		size_t count, room;
	} group[RELOC_GROUPS];
};

/*
 * Every count 0: there are no such sections. Entries are not yet checked
 * against the kernel's segments. limits->unpacked_len bounds the sections
 * that are read, and so the memory that this takes.
 */
int reloc_lists_make(const struct elf_file *elf, const struct kernel *kernel, const struct pb_limits *limits,
		     struct reloc_lists *ret, struct pb_error *err);
void reloc_lists_free(struct reloc_lists *lists);

#endif
