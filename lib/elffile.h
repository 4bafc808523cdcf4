/* SPDX-License-Identifier: MIT */
/*
 * ELF headers of either class, out of bytes that need not be there yet: the
 * reader behind an elf_file decodes on demand. Everything is widened to the
 * 64-bit structures when it is read, so nobody else asks for the class.
 */
#ifndef PB_LIB_ELFFILE_H
#define PB_LIB_ELFFILE_H

#include <elf.h>
#include <paraboot.h>

#include "source.h"

/* Something that can copy [off, off+len) out, whole or not at all; len is where it ends. */
struct bytes {
	int (*read)(void *ctx, uint64_t off, void *buf, size_t len, const char *field, struct pb_error *err);
	void *ctx;
	uint64_t len;
};

/* The bytes of a source that is all there. The source must outlive them. */
struct bytes bytes_of_source(struct source *src);

struct elf_file {
	struct bytes bytes;
	unsigned elf_class; /* 32 or 64 */
	Elf64_Ehdr ehdr;
};

/* Read and check the ELF header: an executable for x86, with header tables of the sizes that the class wants. */
int elf_open(struct elf_file *ret, const struct bytes *bytes, struct pb_error *err);

/* The same of the header before a bzImage's own, which may be ET_NONE, so that a loader takes the file for a bzImage.
 */
int elf_open_image(struct elf_file *ret, const struct bytes *bytes, struct pb_error *err);

/* Program header or section header number i, which must be below e_phnum or e_shnum. */
int elf_phdr(const struct elf_file *elf, unsigned i, Elf64_Phdr *ret, struct pb_error *err);
int elf_shdr(const struct elf_file *elf, unsigned i, Elf64_Shdr *ret, struct pb_error *err);

/* Copy [off, off+len), which must lie in the file. */
int elf_read(const struct elf_file *elf, uint64_t off, void *buf, size_t len, const char *field, struct pb_error *err);

/* The end of the header tables; 0 if there are none. */
uint64_t elf_tables_end(const struct elf_file *elf);

/* Does the section's name equal `name`? Reads the section name table; a name out of its range is no name. */
int elf_section_is(const struct elf_file *elf, const Elf64_Shdr *shdr, const char *name, bool *ret,
		   struct pb_error *err);

#endif
