/* SPDX-License-Identifier: MIT */
/*
 * Which fields of a kernel have to change when it moves, by the relocation
 * table that Linux's build appends to the unpacked ELF: read
 * backwards from the end, 32-bit entries until a 0; in 64-bit kernels then
 * inverse 32-bit entries until a 0, then 64-bit entries until a 0. Kernels of
 * some years have no inverse group. An entry is the low 32 bits of the virtual
 * address (64-bit: sign-extended) of a field to adjust.
 *
 * A vmlinux with its relocations still in their sections (--emit-relocs) has
 * no table; the one that the build would have made of them is made here.
 */
#ifndef PB_LIB_RELOC_H
#define PB_LIB_RELOC_H

#include "image.h"

enum reloc_group { RELOC_ABS32, RELOC_INVERSE32, RELOC_ABS64, RELOC_GROUPS };

struct reloc_table {
	struct {
		uint64_t off; /* of its first entry, in the unpacked kernel or in the table that was made */
		uint32_t count;
	} group[RELOC_GROUPS];
	bool made; /* of relocation sections */
};

/* Find the groups and check each entry against the segments' file bytes. All counts 0: the kernel has none. */
int reloc_find(struct pb_image *image, struct reloc_table *ret, struct pb_error *err);

/*
 * For each entry in turn: the field's virtual address as linked, and its
 * group. The table is read again, so each entry is checked again.
 */
int reloc_each(struct pb_image *image, const struct reloc_table *table,
	       int (*fn)(void *ctx, enum reloc_group group, const struct segment *segment, uint64_t seg_off,
			 struct pb_error *err),
	       void *ctx, struct pb_error *err);

/* The table that reloc_find() made, in the form in which the build appends it. Lives as long as the image. */
const uint8_t *reloc_made(const struct pb_image *image, size_t *ret_len);

/* Give it up with the image. */
void reloc_made_free(struct pb_image *image);

#endif
