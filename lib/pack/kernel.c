/* SPDX-License-Identifier: MIT */
/*
 * The kernel as a packed image carries it: its ELF file, and its relocation
 * table behind that. Mostly that is what the source has. A vmlinux with
 * its relocations in sections becomes what Linux's build makes of it: the
 * sections that nobody loads (debugging, symbols, the relocations themselves)
 * are cut off, and the table is put in their place.
 */
#include <elf.h>
#include <string.h>

#include "../error.h"
#include "../kernel.h"
#include "../plan/arith.h"
#include "pack.h"

/* ---- What is left of a vmlinux ------------------------------------------ */

static int end_of_phdr(const struct elf_file *elf, unsigned i, uint64_t *end, struct pb_error *err)
{
	Elf64_Phdr p;
	int rc = elf_phdr(elf, i, &p, err);

	if (rc == 0 && p.p_filesz && (p.p_type == PT_LOAD || p.p_type == PT_NOTE))
		*end = max_u64(*end, p.p_offset + p.p_filesz);
	return rc;
}

/* Up to the end of all that program headers tell of; of what they say, reloc_find() has seen that it is in the file. */
static int loaded_end(const struct packing *packing, uint64_t *ret, struct pb_error *err)
{
	struct bytes bytes = kernel_bytes(packing->image);
	struct elf_file elf;
	int rc = elf_open(&elf, &bytes, err);
	uint64_t end;

	if (rc < 0)
		return rc;
	end = elf.ehdr.e_phoff + (uint64_t)elf.ehdr.e_phnum * elf.ehdr.e_phentsize;
	for (unsigned i = 0; i < elf.ehdr.e_phnum && rc == 0; i++)
		rc = end_of_phdr(&elf, i, &end, err);
	if (rc == 0)
		*ret = end;
	return rc;
}

/* No section header is left to read. */
static void forget_sections(struct packing *packing)
{
	if (packing->kernel->elf_class == 64) {
		Elf64_Ehdr ehdr;

		memcpy(&ehdr, packing->out.mem, sizeof(ehdr));
		ehdr.e_shoff = 0;
		ehdr.e_shnum = ehdr.e_shstrndx = 0;
		memcpy(packing->out.mem, &ehdr, sizeof(ehdr));
	} else {
		Elf32_Ehdr ehdr;

		memcpy(&ehdr, packing->out.mem, sizeof(ehdr));
		ehdr.e_shoff = 0;
		ehdr.e_shnum = ehdr.e_shstrndx = 0;
		memcpy(packing->out.mem, &ehdr, sizeof(ehdr));
	}
}

/* ---- The table ---------------------------------------------------------- */

static int append_relocs(struct packing *packing, struct pb_error *err)
{
	uint64_t base = packing->out.len;
	size_t len;
	const uint8_t *made = reloc_made(packing->image, &len);
	int rc = pack_bytes_add(&packing->out, made, len, err);

	for (unsigned group = 0; group < RELOC_GROUPS; group++)
		packing->relocs.group[group].off += base;
	return rc;
}

/* ---- All of it ---------------------------------------------------------- */

/* In memory: the library's limit on what an image may unpack to bounds it. */
static int read_kernel(struct packing *packing, const struct source *source, uint64_t len, struct pb_error *err)
{
	uint64_t max = packing->image->limits.unpacked_len;
	uint8_t *room;
	int rc = len <= max ? 0 : fail(err, PB_E_LIMIT, "unpacked size", len, max, 0);

	if (rc == 0)
		rc = pack_bytes_room(&packing->out, len, &room, err);
	if (rc == 0)
		rc = source_read(source, 0, room, len, "kernel", err);
	if (rc == 0)
		packing->out.len = len;
	return rc;
}

int pack_kernel(struct packing *packing, struct pb_error *err)
{
	struct source source;
	uint64_t len;
	bool strip;
	int rc = kernel_source(packing->image, &source, err);

	if (rc == 0)
		rc = reloc_find(packing->image, &packing->relocs, err);
	if (rc < 0)
		return rc;
	packing->kernel = image_kernel(packing->image);
	strip = packing->relocs.made && !packing->kernel->notes_in_sections;
	len = source.len;
	if (strip)
		rc = loaded_end(packing, &len, err);
	if (rc == 0)
		rc = read_kernel(packing, &source, len, err);
	if (rc == 0 && strip)
		forget_sections(packing);
	if (rc == 0 && packing->relocs.made)
		rc = append_relocs(packing, err);
	for (unsigned group = 0; group < RELOC_GROUPS && rc == 0; group++)
		packing->has_relocs |= packing->relocs.group[group].count > 0;
	return rc;
}
