/* SPDX-License-Identifier: MIT */
/*
 * Reading ELF headers of a hostile file (gABI, "Object Files"). The number of
 * program headers is bounded by whoever walks them; each read is checked
 * against the end of the bytes.
 */
#include "elffile.h"

#include <string.h>

#include "error.h"

static int read_source(void *ctx, uint64_t off, void *buf, size_t len, const char *field, struct pb_error *err)
{
	return source_read(ctx, off, buf, len, field, err);
}

struct bytes bytes_of_source(struct source *src)
{
	return (struct bytes){ .read = read_source, .ctx = src, .len = src->len };
}

/* The one range check of every ELF read: the reader alone need not know where the file ends. */
static int read_at(const struct bytes *bytes, uint64_t off, void *buf, size_t len, const char *field,
		   struct pb_error *err)
{
	if (off > bytes->len || len > bytes->len - off)
		return fail(err, PB_E_TRUNCATED, field, len, bytes->len, off);
	return bytes->read(bytes->ctx, off, buf, len, field, err);
}

static void widen_ehdr(Elf64_Ehdr *ret, const Elf32_Ehdr *e)
{
	memcpy(ret->e_ident, e->e_ident, EI_NIDENT);
	ret->e_type = e->e_type;
	ret->e_machine = e->e_machine;
	ret->e_version = e->e_version;
	ret->e_entry = e->e_entry;
	ret->e_phoff = e->e_phoff;
	ret->e_shoff = e->e_shoff;
	ret->e_flags = e->e_flags;
	ret->e_ehsize = e->e_ehsize;
	ret->e_phentsize = e->e_phentsize;
	ret->e_phnum = e->e_phnum;
	ret->e_shentsize = e->e_shentsize;
	ret->e_shnum = e->e_shnum;
	ret->e_shstrndx = e->e_shstrndx;
}

static void widen_phdr(Elf64_Phdr *ret, const Elf32_Phdr *p)
{
	*ret = (Elf64_Phdr){
		.p_type = p->p_type,
		.p_flags = p->p_flags,
		.p_offset = p->p_offset,
		.p_vaddr = p->p_vaddr,
		.p_paddr = p->p_paddr,
		.p_filesz = p->p_filesz,
		.p_memsz = p->p_memsz,
		.p_align = p->p_align,
	};
}

static void widen_shdr(Elf64_Shdr *ret, const Elf32_Shdr *s)
{
	*ret = (Elf64_Shdr){
		.sh_name = s->sh_name,
		.sh_type = s->sh_type,
		.sh_flags = s->sh_flags,
		.sh_addr = s->sh_addr,
		.sh_offset = s->sh_offset,
		.sh_size = s->sh_size,
		.sh_link = s->sh_link,
		.sh_info = s->sh_info,
		.sh_addralign = s->sh_addralign,
		.sh_entsize = s->sh_entsize,
	};
}

/* What follows from the class: its machine, and the sizes of its headers. */
static const struct elf_shape {
	unsigned elf_class;
	uint16_t machine, phentsize, shentsize;
} shapes[] = {
	[ELFCLASS32] = { 32, EM_386, sizeof(Elf32_Phdr), sizeof(Elf32_Shdr) },
	[ELFCLASS64] = { 64, EM_X86_64, sizeof(Elf64_Phdr), sizeof(Elf64_Shdr) },
};

static int check_ident(const unsigned char *ident, struct pb_error *err)
{
	if (memcmp(ident, ELFMAG, SELFMAG) != 0)
		return fail(err, PB_E_MAGIC, "e_ident", ident[0], ELFMAG0, 0);
	if (ident[EI_CLASS] != ELFCLASS32 && ident[EI_CLASS] != ELFCLASS64)
		return fail(err, PB_E_RANGE, "EI_CLASS", ident[EI_CLASS], ELFCLASS64, EI_CLASS);
	if (ident[EI_DATA] != ELFDATA2LSB)
		return fail(err, PB_E_MACHINE, "EI_DATA", ident[EI_DATA], ELFDATA2LSB, EI_DATA);
	return 0;
}

static int check_ehdr(const Elf64_Ehdr *e, const struct elf_shape *shape, bool none_will_do, struct pb_error *err)
{
	bool none = none_will_do && e->e_type == ET_NONE;

	if (e->e_machine != shape->machine)
		return fail(err, PB_E_MACHINE, "e_machine", e->e_machine, shape->machine, 0);
	if (e->e_type != ET_EXEC && e->e_type != ET_DYN && !none)
		return fail(err, PB_E_ELF_TYPE, "e_type", e->e_type, ET_EXEC, 0);
	if (e->e_phnum && e->e_phentsize != shape->phentsize)
		return fail(err, PB_E_RANGE, "e_phentsize", e->e_phentsize, shape->phentsize, 0);
	if (e->e_shnum && e->e_shentsize != shape->shentsize)
		return fail(err, PB_E_RANGE, "e_shentsize", e->e_shentsize, shape->shentsize, 0);
	return 0;
}

/* A header table's range, so that no later offset into it can wrap or lie past the end. */
static int check_table(const struct bytes *bytes, uint64_t off, uint64_t len, const char *field, struct pb_error *err)
{
	if (len && (off > bytes->len || len > bytes->len - off))
		return fail(err, PB_E_TRUNCATED, field, len, bytes->len, off);
	return 0;
}

static uint64_t phdrs_len(const Elf64_Ehdr *e)
{
	return (uint64_t)e->e_phnum * e->e_phentsize;
}

static uint64_t shdrs_len(const Elf64_Ehdr *e)
{
	return (uint64_t)e->e_shnum * e->e_shentsize;
}

static int open_typed(struct elf_file *ret, const struct bytes *bytes, bool none_will_do, struct pb_error *err)
{
	struct elf_file elf = { .bytes = *bytes };
	union {
		unsigned char ident[EI_NIDENT];
		Elf32_Ehdr e32;
		Elf64_Ehdr e64;
	} raw = { 0 };
	int rc = read_at(bytes, 0, raw.ident, EI_NIDENT, "e_ident", err);

	if (rc == 0)
		rc = check_ident(raw.ident, err);
	if (rc < 0)
		return rc;

	const struct elf_shape *shape = &shapes[raw.ident[EI_CLASS]];
	size_t ehdr_len = shape->elf_class == 32 ? sizeof(raw.e32) : sizeof(raw.e64);

	rc = read_at(bytes, 0, &raw, ehdr_len, "Ehdr", err);
	if (rc < 0)
		return rc;
	elf.elf_class = shape->elf_class;
	if (elf.elf_class == 32)
		widen_ehdr(&elf.ehdr, &raw.e32);
	else
		elf.ehdr = raw.e64;

	rc = check_ehdr(&elf.ehdr, shape, none_will_do, err);
	if (rc == 0)
		rc = check_table(bytes, elf.ehdr.e_phoff, phdrs_len(&elf.ehdr), "e_phoff", err);
	if (rc == 0)
		rc = check_table(bytes, elf.ehdr.e_shoff, shdrs_len(&elf.ehdr), "e_shoff", err);
	if (rc == 0)
		*ret = elf;
	return rc;
}

int elf_open(struct elf_file *ret, const struct bytes *bytes, struct pb_error *err)
{
	return open_typed(ret, bytes, false, err);
}

int elf_open_image(struct elf_file *ret, const struct bytes *bytes, struct pb_error *err)
{
	return open_typed(ret, bytes, true, err);
}

int elf_phdr(const struct elf_file *elf, unsigned i, Elf64_Phdr *ret, struct pb_error *err)
{
	uint64_t off = elf->ehdr.e_phoff + (uint64_t)i * elf->ehdr.e_phentsize;
	Elf32_Phdr p32;

	if (elf->elf_class == 64)
		return read_at(&elf->bytes, off, ret, sizeof(*ret), "e_phoff", err);

	int rc = read_at(&elf->bytes, off, &p32, sizeof(p32), "e_phoff", err);

	if (rc == 0)
		widen_phdr(ret, &p32);
	return rc;
}

int elf_shdr(const struct elf_file *elf, unsigned i, Elf64_Shdr *ret, struct pb_error *err)
{
	uint64_t off = elf->ehdr.e_shoff + (uint64_t)i * elf->ehdr.e_shentsize;
	Elf32_Shdr s32;

	if (elf->elf_class == 64)
		return read_at(&elf->bytes, off, ret, sizeof(*ret), "e_shoff", err);

	int rc = read_at(&elf->bytes, off, &s32, sizeof(s32), "e_shoff", err);

	if (rc == 0)
		widen_shdr(ret, &s32);
	return rc;
}

int elf_read(const struct elf_file *elf, uint64_t off, void *buf, size_t len, const char *field, struct pb_error *err)
{
	return read_at(&elf->bytes, off, buf, len, field, err);
}

uint64_t elf_tables_end(const struct elf_file *elf)
{
	uint64_t phdrs = phdrs_len(&elf->ehdr), shdrs = shdrs_len(&elf->ehdr);
	uint64_t phdrs_end = phdrs ? elf->ehdr.e_phoff + phdrs : 0;
	uint64_t shdrs_end = shdrs ? elf->ehdr.e_shoff + shdrs : 0;

	return phdrs_end > shdrs_end ? phdrs_end : shdrs_end;
}

int elf_section_is(const struct elf_file *elf, const Elf64_Shdr *shdr, const char *name, bool *ret,
		   struct pb_error *err)
{
	Elf64_Shdr strtab;
	char text[32];
	size_t name_len = strlen(name) + 1;

	*ret = false;
	if (elf->ehdr.e_shstrndx >= elf->ehdr.e_shnum || name_len > sizeof(text))
		return 0;

	int rc = elf_shdr(elf, elf->ehdr.e_shstrndx, &strtab, err);

	if (rc < 0)
		return rc;
	if (shdr->sh_name > strtab.sh_size || name_len > strtab.sh_size - shdr->sh_name)
		return 0;
	if (strtab.sh_offset > elf->bytes.len || strtab.sh_size > elf->bytes.len - strtab.sh_offset)
		return fail(err, PB_E_TRUNCATED, ".shstrtab", strtab.sh_size, elf->bytes.len, strtab.sh_offset);
	rc = read_at(&elf->bytes, strtab.sh_offset + shdr->sh_name, text, name_len, ".shstrtab", err);
	if (rc == 0)
		*ret = memcmp(text, name, name_len) == 0;
	return rc;
}
