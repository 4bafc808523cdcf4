/* SPDX-License-Identifier: MIT */
/*
 * What image.c, reloc.c, entry/ and plan/ need of kernel.c and segments.c beyond
 * the contract in image.h.
 */
#ifndef PB_LIB_KERNEL_H
#define PB_LIB_KERNEL_H

#include "elffile.h"
#include "image.h"

/* Segments, notes and the rest out of an ELF file; nothing is left to free after a failure. */
int kernel_parse(struct kernel *ret, const struct elf_file *elf, const struct pb_limits *limits, struct pb_error *err);
void kernel_clear(struct kernel *kernel);

/* kernel_entry_gpa() of any ELF file. */
int kernel_entry_of(const struct kernel *kernel, pb_gpa *ret, struct pb_error *err);

/* Linked virtual address - p_paddr, in the kernel's own mapping; per-CPU data may be linked elsewhere. */
static inline uint64_t kernel_bias(const struct kernel *kernel)
{
	return kernel->segments[0].vaddr - kernel->segments[0].gpa;
}

/* Give up all that an image's kernel part holds. */
void kernel_free(struct pb_image *image);

/* The unpacked kernel as bytes that are decoded when they are read. Needs kernel_load(). */
struct bytes kernel_bytes(struct pb_image *image);

/* Do the segments' bytes hold this string? Decodes everything. */
int kernel_holds(struct pb_image *image, const void *needle, size_t needle_len, bool *ret, struct pb_error *err);

#endif
