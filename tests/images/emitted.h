/* SPDX-License-Identifier: MIT */
/*
 * The part of a built kernel that ld --emit-relocs would have left in it: what
 * kernel.c has of emitted.c.
 */
#ifndef PB_TESTS_EMITTED_H
#define PB_TESTS_EMITTED_H

#include <elf.h>
#include <stdbool.h>

#include "blob.h"

struct emitted {
	struct blob *out;
	bool wide;
	Elf64_Shdr *shdrs; /* those of enum emitted_section; EMITTED_NOTES is there */
};

/* Append the sections behind the notes, and describe them and those that are in the three segments. */
void image_emitted(struct emitted *e, const Elf64_Phdr *segments);

#endif
