/* SPDX-License-Identifier: MIT */
/*
 * What ld --emit-relocs leaves in a kernel: sections with names and addresses,
 * symbols, and a section of relocations for each section that had some. The
 * table that is made of them has the fields of an ordinary kernel built here
 * (kernel.c), each for a reason of its own, and between them stand
 * relocations that must not get in.
 */
#include <elf.h>
#include <string.h>

#include "emitted.h"
#include "images.h"

enum symbol { S_NONE, S_TEXT, S_PERCPU, S_LOAD, S_END, S_CRC };

static const char symbol_names[] = "\0__per_cpu_load\0_end\0__crc_printk";

static const struct {
	uint32_t name;
	uint16_t section;
} symbols[] = {
	[S_NONE] = { 0, SHN_UNDEF },      [S_TEXT] = { 0, EMITTED_TEXT }, [S_PERCPU] = { 0, EMITTED_PERCPU },
	[S_LOAD] = { 1, EMITTED_PERCPU }, [S_END] = { 16, SHN_ABS },      [S_CRC] = { 21, SHN_ABS },
};

/* In order of section; the fields that move are those of kernel.c's table. */
static const struct {
	unsigned section;
	uint32_t off;
	uint32_t type64, type32;
	enum symbol symbol;
} relocs[] = {
	{ EMITTED_NOTES, 0x10, R_X86_64_64, R_386_32, S_TEXT }, /* read before it moves */
	{ EMITTED_TEXT, 0x130, R_X86_64_PC32, R_386_PC32, S_TEXT },
	{ EMITTED_TEXT, 0x120, R_X86_64_32S, R_386_32, S_LOAD }, /* in no per-CPU section, whatever it says */
	{ EMITTED_TEXT, 0x110, R_X86_64_32, R_386_32, S_END },   /* not absolute either */
	{ EMITTED_TEXT, 0x100, R_X86_64_32S, R_386_32, S_TEXT },
	{ EMITTED_TEXT, 0x140, R_X86_64_PLT32, R_386_PLT32, S_NONE },
	{ EMITTED_TEXT, 0x150, R_X86_64_32S, R_386_32, S_CRC },
	{ EMITTED_TEXT, 0x160, R_X86_64_32S, R_386_32, S_NONE }, /* weak, and there is none */
	{ EMITTED_TEXT, 0x170, R_X86_64_REX_GOTPCRELX, R_386_PC16, S_TEXT },
	{ EMITTED_TEXT, 0x180, R_X86_64_PC64, R_386_PC8, S_TEXT },
	{ EMITTED_TEXT, 0x190, R_X86_64_NONE, R_386_NONE, S_TEXT },
	{ EMITTED_DATA, 0x00, R_X86_64_64, R_386_PC32, S_TEXT },
	{ EMITTED_DATA, 0x10, R_X86_64_64, R_386_PC32, S_LOAD },
	{ EMITTED_DATA, 0x20, R_X86_64_64, R_386_PC32, S_END },
	{ EMITTED_DATA, 0x30, R_X86_64_64, R_386_PC32, S_PERCPU }, /* an offset */
	{ EMITTED_PERCPU, 0x00, R_X86_64_PC32, R_386_PC32, S_PERCPU },
	{ EMITTED_PERCPU, 0x10, R_X86_64_PLT32, R_386_PC32, S_PERCPU },
	{ EMITTED_PERCPU, 0x20, R_X86_64_PC32, R_386_PC32, S_PERCPU },
	{ EMITTED_DEBUG, 0x00, R_X86_64_64, R_386_32, S_TEXT }, /* nobody loads it */
};

/* ---- Sections ---- */

static void describe(struct emitted *e, unsigned section, uint32_t type, size_t off, size_t entry_len)
{
	e->shdrs[section] = (Elf64_Shdr){ .sh_type = type,
					  .sh_offset = off,
					  .sh_size = e->out->len - off,
					  .sh_entsize = entry_len,
					  .sh_addralign = 8 };
}

static void describe_segment(struct emitted *e, unsigned section, const Elf64_Phdr *segment)
{
	e->shdrs[section] = (Elf64_Shdr){ .sh_type = SHT_PROGBITS,
					  .sh_flags = SHF_ALLOC,
					  .sh_addr = segment->p_vaddr,
					  .sh_offset = segment->p_offset,
					  .sh_size = segment->p_filesz,
					  .sh_addralign = 16 };
}

static void put_debug(struct emitted *e)
{
	size_t off = e->out->len;

	blob_put_zeros(e->out, 64);
	describe(e, EMITTED_DEBUG, SHT_PROGBITS, off, 0);
}

static void put_symbol(struct emitted *e, const Elf64_Sym *symbol)
{
	Elf32_Sym narrow = { .st_name = symbol->st_name, .st_shndx = symbol->st_shndx };

	if (e->wide)
		blob_put(e->out, symbol, sizeof(*symbol));
	else
		blob_put(e->out, &narrow, sizeof(narrow));
}

static void put_symbols(struct emitted *e)
{
	size_t off = e->out->len;

	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		Elf64_Sym symbol = { .st_name = symbols[i].name, .st_shndx = symbols[i].section };

		put_symbol(e, &symbol);
	}
	describe(e, EMITTED_SYMTAB, SHT_SYMTAB, off, e->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym));
	e->shdrs[EMITTED_SYMTAB].sh_link = EMITTED_STRTAB;
	off = blob_put(e->out, symbol_names, sizeof(symbol_names));
	describe(e, EMITTED_STRTAB, SHT_STRTAB, off, 0);
}

static void put_reloc(struct emitted *e, size_t row)
{
	uint64_t vaddr = e->shdrs[relocs[row].section].sh_addr + relocs[row].off;
	Elf64_Rela rela = { .r_offset = vaddr,
			    .r_info = ELF64_R_INFO((uint64_t)relocs[row].symbol, relocs[row].type64) };
	Elf32_Rel rel = { .r_offset = (uint32_t)vaddr,
			  .r_info = ELF32_R_INFO((uint32_t)relocs[row].symbol, relocs[row].type32) };

	if (e->wide)
		blob_put(e->out, &rela, sizeof(rela));
	else
		blob_put(e->out, &rel, sizeof(rel));
}

/* The relocations of one section, in a section behind the others. */
static void put_relocs_of(struct emitted *e, unsigned target, unsigned section)
{
	size_t off;

	blob_align(e->out, 8);
	off = e->out->len;
	for (size_t i = 0; i < sizeof(relocs) / sizeof(relocs[0]); i++)
		if (relocs[i].section == target)
			put_reloc(e, i);
	describe(e, section, e->wide ? SHT_RELA : SHT_REL, off, e->wide ? sizeof(Elf64_Rela) : sizeof(Elf32_Rel));
	e->shdrs[section].sh_flags = SHF_INFO_LINK;
	e->shdrs[section].sh_link = EMITTED_SYMTAB;
	e->shdrs[section].sh_info = target;
}

void image_emitted(struct emitted *e, const Elf64_Phdr *segments)
{
	e->shdrs[EMITTED_NOTES].sh_flags = SHF_ALLOC;
	describe_segment(e, EMITTED_TEXT, &segments[0]);
	describe_segment(e, EMITTED_DATA, &segments[1]);
	describe_segment(e, EMITTED_PERCPU, &segments[2]);
	blob_align(e->out, 8);
	put_debug(e);
	put_symbols(e);
	put_relocs_of(e, EMITTED_NOTES, EMITTED_REL_NOTES);
	put_relocs_of(e, EMITTED_TEXT, EMITTED_REL_TEXT);
	put_relocs_of(e, EMITTED_DATA, EMITTED_REL_DATA);
	put_relocs_of(e, EMITTED_PERCPU, EMITTED_REL_PERCPU);
	put_relocs_of(e, EMITTED_DEBUG, EMITTED_REL_DEBUG);
}
