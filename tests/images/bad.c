/* SPDX-License-Identifier: MIT */
/*
 * The bad images: a good one each, with one thing wrong, and the one error
 * that this must give. Each fail() of the parsers has at least one row here;
 * tests/images/covered compares.
 */
#include <asm/bootparam.h>
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "images.h"

/* ---- Handles on what is to be spoilt ---- */

static Elf64_Ehdr *ehdr(struct blob *kernel)
{
	return (Elf64_Ehdr *)(void *)kernel->data;
}

static Elf64_Phdr *phdr(struct blob *kernel, unsigned i)
{
	return (Elf64_Phdr *)(void *)(kernel->data + sizeof(Elf64_Ehdr)) + i;
}

#define NOTE_PHDR (KERNEL_SEGMENTS) /* the first PT_NOTE is behind the PT_LOADs */

static Elf64_Shdr *shdr(struct blob *kernel, unsigned i)
{
	return (Elf64_Shdr *)(void *)(kernel->data + ehdr(kernel)->e_shoff) + i;
}

static Elf32_Shdr *shdr32(struct blob *kernel, unsigned i)
{
	return (Elf32_Shdr *)(void *)(kernel->data + ((Elf32_Ehdr *)(void *)kernel->data)->e_shoff) + i;
}

static struct setup_header *hdr(struct blob *file)
{
	return (struct setup_header *)(void *)(file->data + 0x1f1);
}

/* The words of the relocation table, from behind the section headers on: 0 abs64 0 inverse32 0 abs32. */
static size_t relocs_off(const struct blob *kernel)
{
	return kernel->len - 4u * 3 * (KERNEL_RELOCS + 1);
}

size_t kernel_note_off(const struct blob *kernel, const char *owner, uint32_t type)
{
	uint8_t key[16];
	size_t owner_len = strlen(owner) + 1;

	memcpy(key, &type, 4);
	memcpy(key + 4, owner, owner_len);

	const uint8_t *at = memmem(kernel->data, kernel->len, key, 4 + owner_len);

	if (!at) {
		fprintf(stderr, "no note %s %u\n", owner, type);
		abort();
	}
	return (size_t)(at - kernel->data) + 4 + (owner_len + 3) / 4 * 4;
}

/* ---- Files that are no images ---- */

static void become(struct blob *file, const char *text, size_t len)
{
	blob_cut(file, 0);
	blob_put(file, text, len);
}

static void empty(struct blob *file)
{
	blob_cut(file, 0);
}

static void script(struct blob *file)
{
	become(file, "#!/bin/sh\n", 10);
}

static void text(struct blob *file)
{
	become(file, "Dear kernel,\n", 13);
}

static void zeros(struct blob *file)
{
	blob_cut(file, 0);
	blob_put_zeros(file, 1024);
}

static void noise(struct blob *file)
{
	become(file, "\1\2\3\4\5\6\7\x80", 8);
}

static void cpio(struct blob *file)
{
	become(file, "07070100000000", 14);
}

static void boot_sector(struct blob *file)
{
	blob_set(file, 0x202, "\0\0\0\0", 4);
}

static void big_endian(struct blob *kernel)
{
	kernel->data[EI_DATA] = ELFDATA2MSB;
}

/* ---- ELF headers ---- */

static void bad_class(struct blob *kernel)
{
	kernel->data[EI_CLASS] = 3;
}

static void arm(struct blob *kernel)
{
	ehdr(kernel)->e_machine = EM_AARCH64;
}

static void relocatable_object(struct blob *kernel)
{
	ehdr(kernel)->e_type = ET_REL;
}

static void bad_phentsize(struct blob *kernel)
{
	ehdr(kernel)->e_phentsize = 1;
}

static void bad_shentsize(struct blob *kernel)
{
	ehdr(kernel)->e_shentsize = 65535;
}

static void cut_ident(struct blob *kernel)
{
	blob_cut(kernel, 10);
}

static void cut_ehdr(struct blob *kernel)
{
	blob_cut(kernel, sizeof(Elf64_Ehdr) - 1);
}

static void phoff_past(struct blob *kernel)
{
	ehdr(kernel)->e_phoff = kernel->len - 8;
}

static void phoff_wraps(struct blob *kernel)
{
	ehdr(kernel)->e_phoff = UINT64_MAX - 7;
}

static void phnum_65535(struct blob *kernel)
{
	ehdr(kernel)->e_phnum = 65535;
}

static void phnum_300(struct blob *kernel)
{
	ehdr(kernel)->e_phnum = 300;
}

static void shoff_past(struct blob *kernel)
{
	ehdr(kernel)->e_shoff = kernel->len;
}

static void no_phdrs(struct blob *kernel)
{
	ehdr(kernel)->e_phnum = 0;
}

static void not_elf(struct blob *kernel)
{
	kernel->data[1] = 'e';
}

/* ---- Segments ---- */

static void filesz_over_memsz(struct blob *kernel)
{
	phdr(kernel, 1)->p_memsz = phdr(kernel, 1)->p_filesz - 1;
}

static void segment_past(struct blob *kernel)
{
	phdr(kernel, 1)->p_offset = kernel->len - phdr(kernel, 1)->p_filesz + 1;
}

static void segment_offset_wraps(struct blob *kernel)
{
	phdr(kernel, 1)->p_offset = UINT64_MAX;
}

static void paddr_wraps(struct blob *kernel)
{
	phdr(kernel, 2)->p_paddr = UINT64_MAX - 0x800;
}

static void vaddr_wraps(struct blob *kernel)
{
	phdr(kernel, 2)->p_vaddr = UINT64_MAX - 0x800;
}

static void paddr_wraps_32(struct blob *kernel)
{
	Elf32_Phdr *p = (Elf32_Phdr *)(void *)(kernel->data + sizeof(Elf32_Ehdr));

	p[2].p_paddr = UINT32_MAX - 0x800;
}

static void overlap(struct blob *kernel)
{
	phdr(kernel, 1)->p_paddr = phdr(kernel, 0)->p_paddr + phdr(kernel, 0)->p_memsz - 1;
}

static void no_memory(struct blob *kernel)
{
	for (unsigned i = 0; i < KERNEL_SEGMENTS; i++)
		phdr(kernel, i)->p_memsz = 0;
}

/* ---- Notes ---- */

static void notes_past(struct blob *kernel)
{
	phdr(kernel, NOTE_PHDR)->p_offset = kernel->len;
}

static void notes_huge(struct blob *kernel)
{
	phdr(kernel, NOTE_PHDR)->p_filesz = UINT64_MAX;
}

static void namesz_huge(struct blob *kernel)
{
	blob_set_le(kernel, phdr(kernel, NOTE_PHDR)->p_offset, UINT32_MAX - 2, 4);
}

static void descsz_huge(struct blob *kernel)
{
	blob_set_le(kernel, phdr(kernel, NOTE_PHDR)->p_offset + 4, UINT32_MAX, 4);
}

static void notes_cut(struct blob *kernel)
{
	phdr(kernel, NOTE_PHDR)->p_filesz = 8;
}

/* More notes than anybody has, 12 bytes each. */
static void notes_many(struct blob *kernel)
{
	static const uint32_t nhdr[3] = { 0, 0, 1 };
	size_t off = kernel->len;

	for (unsigned i = 0; i < 1025; i++)
		blob_put(kernel, nhdr, sizeof(nhdr));
	phdr(kernel, NOTE_PHDR)->p_offset = off;
	phdr(kernel, NOTE_PHDR)->p_filesz = kernel->len - off;
}

static void section_notes_past(struct blob *kernel)
{
	shdr(kernel, 1)->sh_offset = kernel->len - 1;
}

static void section_notes_huge(struct blob *kernel)
{
	shdr(kernel, 1)->sh_size = 1u << 31;
}

static void xen_guest_past(struct blob *kernel)
{
	shdr32(kernel, 1)->sh_offset = (Elf32_Off)kernel->len;
}

static void xen_guest_huge(struct blob *kernel)
{
	shdr32(kernel, 1)->sh_size = 4097;
}

static void xen_guest_number(struct blob *kernel)
{
	size_t off = shdr32(kernel, 1)->sh_offset;
	char *number = strstr((char *)kernel->data + off, "0xC0000000");

	number[4] = 'Z';
}

/* A number with no end in sight. */
static void xen_guest_endless(struct blob *kernel)
{
	size_t off = shdr32(kernel, 1)->sh_offset;
	char *number = strstr((char *)kernel->data + off, "0xC0000000,");

	memset(number + 10, '0', 40);
}

static void shstrtab_past(struct blob *kernel)
{
	shdr32(kernel, 2)->sh_offset = (Elf32_Off)kernel->len;
}

/* ---- The setup header ---- */

static void no_boot_flag(struct blob *file)
{
	hdr(file)->boot_flag = 0;
}

static void version_1_ff(struct blob *file)
{
	hdr(file)->version = 0x1ff;
}

static void version_3(struct blob *file)
{
	hdr(file)->version = 0x300;
}

static void setup_sects_past(struct blob *file)
{
	hdr(file)->setup_sects = 255;
}

static void cut_in_setup(struct blob *file)
{
	blob_cut(file, BZ_SETUP_LEN - 1);
}

static void cut_in_header(struct blob *file)
{
	blob_cut(file, 0x210);
}

static void syssize_past(struct blob *file)
{
	hdr(file)->syssize++;
}

static void cut_last_paragraph(struct blob *file)
{
	blob_cut(file, file->len - 16);
}

static void version_string_past(struct blob *file)
{
	hdr(file)->kernel_version = BZ_SETUP_LEN - 0x200;
}

static void version_string_endless(struct blob *file)
{
	memset(file->data + BZ_VERSION_OFF, 'A', BZ_SETUP_LEN - BZ_VERSION_OFF);
}

static void alignment_3(struct blob *file)
{
	hdr(file)->kernel_alignment = 3;
}

static void alignment_0(struct blob *file)
{
	hdr(file)->kernel_alignment = 0;
}

static void pref_wraps(struct blob *file)
{
	hdr(file)->pref_address = UINT64_MAX - 0xfff;
}

static void kernel_info_past(struct blob *file)
{
	hdr(file)->kernel_info_offset = UINT32_MAX - 3;
}

static void kernel_info_magic(struct blob *file)
{
	file->data[BZ_KERNEL_INFO_OFF] = 'l';
}

static void kernel_info_small(struct blob *file)
{
	blob_set_le(file, BZ_KERNEL_INFO_OFF + 4, 4, 4);
}

static void kernel_info_over_total(struct blob *file)
{
	blob_set_le(file, BZ_KERNEL_INFO_OFF + 8, 15, 4);
}

static void kernel_info_total_past(struct blob *file)
{
	blob_set_le(file, BZ_KERNEL_INFO_OFF + 8, UINT32_MAX, 4);
}

static void payload_offset_past(struct blob *file)
{
	hdr(file)->payload_offset = UINT32_MAX;
}

static void payload_length_past(struct blob *file)
{
	hdr(file)->payload_length = hdr(file)->syssize * 16 - hdr(file)->payload_offset + 1;
}

static void payload_length_wraps(struct blob *file)
{
	hdr(file)->payload_length = UINT32_MAX;
}

static void payload_length_3(struct blob *file)
{
	hdr(file)->payload_length = 3;
}

/* ---- The payload ---- */

static void unknown_codec(struct blob *file)
{
	memcpy(file->data + BZ_PAYLOAD_OFF, "zork", 4);
}

static size_t claim_off(struct blob *file)
{
	return BZ_PAYLOAD_OFF + hdr(file)->payload_length - 4;
}

static uint32_t claim_of(struct blob *file)
{
	uint32_t claim;

	memcpy(&claim, file->data + claim_off(file), 4);
	return claim;
}

static void claim_0(struct blob *file)
{
	blob_set_le(file, claim_off(file), 0, 4);
}

static void claim_less(struct blob *file)
{
	blob_set_le(file, claim_off(file), claim_of(file) - 1, 4);
}

static void claim_more(struct blob *file)
{
	blob_set_le(file, claim_off(file), claim_of(file) + 1, 4);
}

static void claim_4_gib(struct blob *file)
{
	blob_set_le(file, claim_off(file), UINT32_MAX, 4);
}

/* The gzip trailer's CRC. */
static void gzip_crc(struct blob *file)
{
	file->data[claim_off(file) - 4] ^= 1;
}

/* The size of the one lz4 block. */
static void lz4_block(struct blob *file)
{
	blob_set_le(file, BZ_PAYLOAD_OFF + 4, 100, 4);
}

/* The stream ends 16 bytes too early. */
static void lz4_cut(struct blob *file)
{
	uint32_t claim = claim_of(file);

	hdr(file)->payload_length -= 16;
	blob_set_le(file, claim_off(file), claim, 4);
}

/* Four more bytes between a gzip stream and what claims its size, as if another stream began. */
static void gzip_trailing(struct blob *file)
{
	uint32_t claim = claim_of(file);

	hdr(file)->payload_length += 8;
	blob_set(file, claim_off(file) - 4, "\x1f\x8b\x08", 4);
	blob_set_le(file, claim_off(file), claim, 4);
}

/* A skippable frame where the stream should begin. */
static void skippable_first(struct blob *file)
{
	blob_set_le(file, BZ_PAYLOAD_OFF, 0x184d2a50, 4);
}

static void append_3_zeros(struct blob *file)
{
	blob_put_zeros(file, 3);
}

/* The first frame of the filler, of 13 bytes, and nothing else. */
static void skippable_alone(struct blob *file)
{
	blob_cut(file, 13);
}

/* The last frame of the filler claims what does not follow. */
static void skippable_past(struct blob *file)
{
	blob_set_le(file, file->len - 4, 1, 4);
}

/* A stream that eats 17 MiB of the file and gives nothing: stored blocks of no bytes. */
static void gzip_of_nothing(struct blob *file)
{
	static const uint8_t block[5] = { 0, 0, 0, 0xff, 0xff };
	const size_t head_len = 10;

	blob_cut(file, head_len);
	while (file->len < 17u << 20)
		blob_put(file, block, sizeof(block));
}

/* Padding for longer than any padding is. */
static void padding_17_mib(struct blob *file)
{
	blob_put_zeros(file, 17u << 20);
}

static void append(struct blob *file)
{
	blob_put(file, "more", 4);
}

/* ---- Relocations ---- */

static void relocs_odd(struct blob *kernel)
{
	blob_put(kernel, "x", 1);
}

static void relocs_no_zero(struct blob *kernel)
{
	blob_set_le(kernel, relocs_off(kernel), 0x81000000, 4);
}

static void relocs_4_groups(struct blob *kernel)
{
	blob_set_le(kernel, relocs_off(kernel) + 8, 0, 4);
}

static void relocs_1_group(struct blob *kernel)
{
	for (unsigned i = 1; i < 3; i++)
		blob_set_le(kernel, relocs_off(kernel) + 4u * i * (KERNEL_RELOCS + 1), 0x81000000, 4);
}

static void reloc_outside(struct blob *kernel)
{
	blob_set_le(kernel, kernel->len - 4, 0x7fffffff, 4);
}

/* In memory that has no bytes in the file. */
static void reloc_in_bss(struct blob *kernel)
{
	blob_set_le(kernel, kernel->len - 4, KERNEL_VIRT64 + KERNEL_GPA + 0x3000, 4);
}

/* The last four bytes of the data segment hold half of a 64-bit field. */
static void reloc_across_end(struct blob *kernel)
{
	blob_set_le(kernel, relocs_off(kernel) + 4, KERNEL_VIRT64 + KERNEL_GPA + 0x1000 + 0x300 - 4, 4);
}

/* ---- Relocations in sections ---- */

static Elf64_Rela *rela(struct blob *kernel, unsigned section, unsigned i)
{
	return (Elf64_Rela *)(void *)(kernel->data + shdr(kernel, section)->sh_offset) + i;
}

static Elf64_Sym *symbol(struct blob *kernel, unsigned i)
{
	return (Elf64_Sym *)(void *)(kernel->data + shdr(kernel, EMITTED_SYMTAB)->sh_offset) + i;
}

static void emitted_entsize(struct blob *kernel)
{
	shdr(kernel, EMITTED_REL_TEXT)->sh_entsize = 8;
}

static void emitted_symbol_entsize(struct blob *kernel)
{
	shdr(kernel, EMITTED_SYMTAB)->sh_entsize = 0;
}

static void emitted_rel(struct blob *kernel)
{
	shdr(kernel, EMITTED_REL_TEXT)->sh_type = SHT_REL;
}

static void emitted_info_past(struct blob *kernel)
{
	shdr(kernel, EMITTED_REL_TEXT)->sh_info = EMITTED_SHSTRTAB + 1;
}

static void emitted_link_past(struct blob *kernel)
{
	shdr(kernel, EMITTED_REL_TEXT)->sh_link = UINT32_MAX;
}

static void emitted_link_text(struct blob *kernel)
{
	shdr(kernel, EMITTED_REL_TEXT)->sh_link = EMITTED_TEXT;
}

/* A second symbol table, at the place of the debugging section. */
static void emitted_two_symtabs(struct blob *kernel)
{
	*shdr(kernel, EMITTED_DEBUG) = *shdr(kernel, EMITTED_SYMTAB);
	shdr(kernel, EMITTED_REL_DATA)->sh_link = EMITTED_DEBUG;
}

static void emitted_names_past(struct blob *kernel)
{
	shdr(kernel, EMITTED_SYMTAB)->sh_link = EMITTED_SHSTRTAB + 1;
}

/* What has no bytes in the file is not among the sections that were looked at. */
static void emitted_names_outside(struct blob *kernel)
{
	shdr(kernel, EMITTED_STRTAB)->sh_type = SHT_NOBITS;
	shdr(kernel, EMITTED_STRTAB)->sh_offset = UINT64_MAX;
}

static void emitted_symbol_section(struct blob *kernel)
{
	symbol(kernel, 1)->st_shndx = SHN_XINDEX;
}

static void emitted_symbol_past(struct blob *kernel)
{
	rela(kernel, EMITTED_REL_TEXT, 0)->r_info = ELF64_R_INFO(UINT64_C(6), R_X86_64_PC32);
}

static void emitted_type(struct blob *kernel)
{
	rela(kernel, EMITTED_REL_TEXT, 0)->r_info = ELF64_R_INFO(UINT64_C(1), R_X86_64_GOTPC64);
}

/* No table has 64-bit fields that move the other way. */
static void emitted_percpu_pc64(struct blob *kernel)
{
	rela(kernel, EMITTED_REL_PERCPU, 0)->r_info = ELF64_R_INFO(UINT64_C(2), R_X86_64_PC64);
}

static void emitted_before(struct blob *kernel)
{
	rela(kernel, EMITTED_REL_DATA, 0)->r_offset -= 1;
}

static void emitted_behind(struct blob *kernel)
{
	rela(kernel, EMITTED_REL_DATA, 0)->r_offset += shdr(kernel, EMITTED_DATA)->sh_size;
}

/* Half of the field is outside of the segment's bytes. */
static void emitted_across_end(struct blob *kernel)
{
	rela(kernel, EMITTED_REL_DATA, 0)->r_offset += shdr(kernel, EMITTED_DATA)->sh_size - 4;
}

static void emitted_high(struct blob *kernel)
{
	shdr(kernel, EMITTED_DATA)->sh_addr = 0x81001000;
	for (unsigned i = 0; i < 4; i++)
		rela(kernel, EMITTED_REL_DATA, i)->r_offset &= UINT32_MAX;
}

static void emitted_percpu_outside(struct blob *kernel)
{
	shdr(kernel, EMITTED_PERCPU)->sh_offset = 0;
}

static void section_past(struct blob *kernel)
{
	shdr(kernel, 1)->sh_offset = UINT64_MAX;
}

/* ---- PE ---- */

static void pe_cut_stub(struct blob *file)
{
	blob_cut(file, 10);
}

static void pe_lfanew_past(struct blob *file)
{
	blob_set_le(file, 0x3c, UINT32_MAX, 4);
}

static void pe_signature(struct blob *file)
{
	file->data[PE_HEADER_OFF] = 'N';
}

static void pe_arm64(struct blob *file)
{
	blob_set_le(file, PE_HEADER_OFF + 4, 0xaa64, 2);
}

static void pe_many_sections(struct blob *file)
{
	blob_set_le(file, PE_HEADER_OFF + 6, 65535, 2);
}

static void pe_cut_sections(struct blob *file)
{
	blob_cut(file, PE_HEADER_OFF + 24 + 0xf0 + 40 + 39);
}

static void pe_no_linux(struct blob *file)
{
	file->data[PE_HEADER_OFF + 24 + 0xf0 + 40] = '_';
}

static void pe_linux_past(struct blob *file)
{
	blob_cut(file, PE_SECTION_OFF + 1000);
}

static void pe_linux_pe(struct blob *file)
{
	memcpy(file->data + PE_SECTION_OFF, "MZ", 2);
}

static void pe_linux_empty(struct blob *file)
{
	blob_set_le(file, PE_HEADER_OFF + 24 + 0xf0 + 40 + 16, 0, 4);
}

/* ---- The table ---- */

#define KERNEL(n, b, spoil, st, c, f, ...)                                                                             \
	{                                                                                                              \
		.name = n, .base = b, .spoil_kernel = spoil, .stage = st, .code = c, .field = f, .limits = {           \
			__VA_ARGS__                                                                                    \
		}                                                                                                      \
	}
#define FILE(n, b, sp, st, c, f, ...)                                                                                  \
	{                                                                                                              \
		.name = n, .base = b, .spoil = sp, .stage = st, .code = c, .field = f, .limits = { __VA_ARGS__ }       \
	}

const struct bad_image bad_images[] = {
	FILE("empty", "elf64", empty, AT_OPEN, PB_E_FORMAT, "an empty file", 0),
	FILE("script", "elf64", script, AT_OPEN, PB_E_FORMAT, "a script", 0),
	FILE("text", "elf64", text, AT_OPEN, PB_E_FORMAT, "a text file", 0),
	FILE("zeros", "elf64", zeros, AT_OPEN, PB_E_FORMAT, "a file of zeros", 0),
	FILE("noise", "elf64", noise, AT_OPEN, PB_E_FORMAT, "an unknown file", 0),
	FILE("cpio", "elf64", cpio, AT_OPEN, PB_E_FORMAT, "a cpio archive", 0),
	FILE("boot-sector", "bz-none", boot_sector, AT_OPEN, PB_E_FORMAT,
	     "a boot sector without HdrS (older than protocol 2.00)", 0),
	KERNEL("gz-of-text", "elf64.gz", text, AT_KERNEL, PB_E_FORMAT, "a text file", 0),

	KERNEL("elf-ident-cut", "elf64", cut_ident, AT_OPEN, PB_E_TRUNCATED, "e_ident", 0),
	KERNEL("elf-ident-magic", "bz-2.15", not_elf, AT_KERNEL, PB_E_MAGIC, "e_ident", 0),
	KERNEL("elf-class", "elf64", bad_class, AT_OPEN, PB_E_RANGE, "EI_CLASS", 0),
	KERNEL("elf-big-endian", "elf64", big_endian, AT_OPEN, PB_E_MACHINE, "EI_DATA", 0),
	KERNEL("elf-ehdr-cut", "elf64", cut_ehdr, AT_OPEN, PB_E_TRUNCATED, "Ehdr", 0),
	KERNEL("elf-arm64", "elf64", arm, AT_OPEN, PB_E_MACHINE, "e_machine", 0),
	KERNEL("elf-arm64-gz", "bz-2.15", arm, AT_KERNEL, PB_E_MACHINE, "e_machine", 0),
	KERNEL("elf-rel", "elf64", relocatable_object, AT_OPEN, PB_E_ELF_TYPE, "e_type", 0),
	KERNEL("elf-phentsize", "elf64", bad_phentsize, AT_OPEN, PB_E_RANGE, "e_phentsize", 0),
	KERNEL("elf-shentsize", "elf64", bad_shentsize, AT_OPEN, PB_E_RANGE, "e_shentsize", 0),
	KERNEL("elf-phoff-past", "elf64", phoff_past, AT_OPEN, PB_E_TRUNCATED, "e_phoff", 0),
	KERNEL("elf-phoff-wraps", "elf64", phoff_wraps, AT_OPEN, PB_E_TRUNCATED, "e_phoff", 0),
	KERNEL("elf-phnum-65535", "elf64", phnum_65535, AT_OPEN, PB_E_TRUNCATED, "e_phoff", 0),
	KERNEL("elf-phnum-300", "elf64-big", phnum_300, AT_KERNEL, PB_E_LIMIT, "e_phnum", 0),
	KERNEL("elf-phnum-limit", "elf64", NULL, AT_KERNEL, PB_E_LIMIT, "e_phnum", .segments = 3),
	KERNEL("elf-shoff-past", "elf64", shoff_past, AT_OPEN, PB_E_TRUNCATED, "e_shoff", 0),
	KERNEL("elf-no-phdrs", "elf64", no_phdrs, AT_KERNEL, PB_E_EMPTY, "PT_LOAD", 0),

	KERNEL("load-no-memory", "elf64", no_memory, AT_KERNEL, PB_E_EMPTY, "PT_LOAD", 0),
	KERNEL("load-filesz", "elf64", filesz_over_memsz, AT_KERNEL, PB_E_RANGE, "p_filesz", 0),
	KERNEL("load-offset-past", "elf64", segment_past, AT_KERNEL, PB_E_TRUNCATED, "p_offset", 0),
	KERNEL("load-offset-wraps", "elf64", segment_offset_wraps, AT_KERNEL, PB_E_TRUNCATED, "p_offset", 0),
	KERNEL("load-paddr-wraps", "elf64", paddr_wraps, AT_KERNEL, PB_E_WRAP, "p_paddr", 0),
	KERNEL("load-paddr-wraps-32", "elf32", paddr_wraps_32, AT_KERNEL, PB_E_WRAP, "p_paddr", 0),
	KERNEL("load-vaddr-wraps", "elf64", vaddr_wraps, AT_KERNEL, PB_E_WRAP, "p_vaddr", 0),
	KERNEL("load-overlap", "elf64", overlap, AT_KERNEL, PB_E_OVERLAP, "p_paddr", 0),

	KERNEL("note-past", "elf64", notes_past, AT_KERNEL, PB_E_TRUNCATED, "PT_NOTE", 0),
	KERNEL("note-area-huge", "elf64", notes_huge, AT_KERNEL, PB_E_LIMIT, "PT_NOTE", 0),
	KERNEL("note-namesz", "elf64", namesz_huge, AT_KERNEL, PB_E_NOTE, "n_namesz", 0),
	KERNEL("note-descsz", "elf64", descsz_huge, AT_KERNEL, PB_E_NOTE, "n_descsz", 0),
	KERNEL("note-cut", "elf64", notes_cut, AT_KERNEL, PB_E_NOTE, "Nhdr", 0),
	KERNEL("note-many", "elf64-no-relocs", notes_many, AT_KERNEL, PB_E_LIMIT, "notes", 0),
	KERNEL("note-limit", "elf64", NULL, AT_KERNEL, PB_E_LIMIT, "notes", .notes = 5),
	KERNEL("note-section-past", "elf64-section-notes", section_notes_past, AT_KERNEL, PB_E_TRUNCATED, "SHT_NOTE",
	       0),
	KERNEL("note-section-huge", "elf64-section-notes", section_notes_huge, AT_KERNEL, PB_E_LIMIT, "SHT_NOTE", 0),
	KERNEL("xen-guest-past", "elf32-xen-guest", xen_guest_past, AT_KERNEL, PB_E_TRUNCATED, "__xen_guest", 0),
	KERNEL("xen-guest-huge", "elf32-xen-guest", xen_guest_huge, AT_KERNEL, PB_E_LIMIT, "__xen_guest", 0),
	KERNEL("xen-guest-number", "elf32-xen-guest", xen_guest_number, AT_KERNEL, PB_E_NOTE, "__xen_guest", 0),
	KERNEL("xen-guest-endless", "elf32-xen-guest", xen_guest_endless, AT_KERNEL, PB_E_NOTE, "__xen_guest", 0),
	KERNEL("shstrtab-past", "elf32-xen-guest", shstrtab_past, AT_KERNEL, PB_E_TRUNCATED, ".shstrtab", 0),

	FILE("bz-boot-flag", "bz-2.15", no_boot_flag, AT_OPEN, PB_E_MAGIC, "boot_flag", 0),
	FILE("bz-version-1.ff", "bz-2.15", version_1_ff, AT_OPEN, PB_E_PROTOCOL, "version", 0),
	FILE("bz-version-3", "bz-2.15", version_3, AT_OPEN, PB_E_RANGE, "version", 0),
	FILE("bz-setup-sects-past", "bz-2.15", setup_sects_past, AT_OPEN, PB_E_TRUNCATED, "setup_sects", 0),
	FILE("bz-cut-in-setup", "bz-2.15", cut_in_setup, AT_OPEN, PB_E_TRUNCATED, "setup_sects", 0),
	FILE("bz-cut-in-header", "bz-2.15", cut_in_header, AT_OPEN, PB_E_TRUNCATED, "setup_sects", 0),
	FILE("bz-syssize-past", "bz-2.15", syssize_past, AT_OPEN, PB_E_TRUNCATED, "syssize", 0),
	FILE("bz-cut-last-paragraph", "bz-2.15", cut_last_paragraph, AT_OPEN, PB_E_TRUNCATED, "syssize", 0),
	FILE("bz-version-string-past", "bz-2.15", version_string_past, AT_OPEN, PB_E_RANGE, "kernel_version", 0),
	FILE("bz-version-string-endless", "bz-2.15", version_string_endless, AT_OPEN, PB_E_RANGE,
	     "kernel_version string", 0),
	FILE("bz-alignment-3", "bz-2.15", alignment_3, AT_OPEN, PB_E_RANGE, "kernel_alignment", 0),
	FILE("bz-alignment-0", "bz-2.05", alignment_0, AT_OPEN, PB_E_RANGE, "kernel_alignment", 0),
	FILE("bz-pref-wraps", "bz-2.15", pref_wraps, AT_OPEN, PB_E_WRAP, "pref_address", 0),
	FILE("bz-kernel-info-past", "bz-2.15", kernel_info_past, AT_OPEN, PB_E_TRUNCATED, "kernel_info_offset", 0),
	FILE("bz-kernel-info-magic", "bz-2.15", kernel_info_magic, AT_OPEN, PB_E_MAGIC, "kernel_info", 0),
	FILE("bz-kernel-info-small", "bz-2.15", kernel_info_small, AT_OPEN, PB_E_RANGE, "kernel_info.size", 0),
	FILE("bz-kernel-info-over-total", "bz-2.15", kernel_info_over_total, AT_OPEN, PB_E_RANGE, "kernel_info.size",
	     0),
	FILE("bz-kernel-info-total-past", "bz-2.15", kernel_info_total_past, AT_OPEN, PB_E_TRUNCATED,
	     "kernel_info.size_total", 0),
	FILE("bz-payload-offset-past", "bz-2.15", payload_offset_past, AT_OPEN, PB_E_TRUNCATED, "payload_offset", 0),
	FILE("bz-payload-length-past", "bz-2.15", payload_length_past, AT_OPEN, PB_E_TRUNCATED, "payload_length", 0),
	FILE("bz-payload-length-past-signed", "bz-signed", payload_length_past, AT_OPEN, PB_E_TRUNCATED,
	     "payload_length", 0),
	FILE("bz-payload-length-wraps", "bz-2.15", payload_length_wraps, AT_OPEN, PB_E_TRUNCATED, "payload_length", 0),
	FILE("bz-payload-length-3", "bz-2.15", payload_length_3, AT_OPEN, PB_E_RANGE, "payload_length", 0),

	FILE("bz-no-payload", "bz-no-payload", NULL, AT_KERNEL, PB_E_NO_PAYLOAD, "payload_length", 0),
	FILE("bz-before-payload", "bz-2.07", NULL, AT_KERNEL, PB_E_NO_PAYLOAD, "payload_offset", 0),
	FILE("payload-unknown-codec", "bz-2.15", unknown_codec, AT_KERNEL, PB_E_CODEC_UNKNOWN, "payload", 0),
	FILE("payload-skippable", "bz-2.15", skippable_first, AT_KERNEL, PB_E_CODEC_UNKNOWN, "payload", 0),
	FILE("payload-claim-0", "bz-2.15", claim_0, AT_OPEN, PB_E_RANGE, "payload size", 0),
	FILE("payload-claim-less", "bz-lz4", claim_less, AT_KERNEL, PB_E_SIZE_CLAIM, "payload size", 0),
	FILE("payload-claim-more", "bz-lz4", claim_more, AT_KERNEL, PB_E_SIZE_CLAIM, "payload size", 0),
	FILE("payload-claim-less-big", "bz-big", claim_less, AT_UNPACK, PB_E_SIZE_CLAIM, "payload size", 0),
	FILE("payload-claim-more-big", "bz-big", claim_more, AT_UNPACK, PB_E_SIZE_CLAIM, "payload size", 0),
	FILE("payload-claim-4-gib", "bz-lz4", claim_4_gib, AT_KERNEL, PB_E_LIMIT, "payload size", 0),
	FILE("payload-claim-limit", "bz-lz4", NULL, AT_KERNEL, PB_E_LIMIT, "payload size", .unpacked_len = 1000),
	FILE("payload-gzip-crc", "bz-2.15", gzip_crc, AT_KERNEL, PB_E_CODEC, "gzip", 0),
	FILE("payload-gzip-crc-big", "bz-big-gzip", gzip_crc, AT_UNPACK, PB_E_CODEC, "gzip", 0), /* not seen before */
	FILE("payload-lz4-block", "bz-lz4", lz4_block, AT_KERNEL, PB_E_CODEC, "lz4", 0),
	FILE("payload-lz4-cut", "bz-lz4", lz4_cut, AT_KERNEL, PB_E_CODEC, "lz4", 0),
	FILE("payload-trailing", "bz-2.15", gzip_trailing, AT_KERNEL, PB_E_TRAILING, "payload", 0),
	FILE("gz-trailing", "elf64.gz", append, AT_KERNEL, PB_E_TRAILING, "payload", 0),
	FILE("xz-trailing", "elf64.xz", append, AT_KERNEL, PB_E_TRAILING, "payload", 0),
	FILE("xz-padding-3", "elf64-filler.xz", append_3_zeros, AT_KERNEL, PB_E_TRAILING, "payload", 0),
	FILE("zstd-skippable-past", "elf64-filler.zst", skippable_past, AT_KERNEL, PB_E_TRUNCATED, "zstd", 0),
	FILE("zstd-skippable-alone", "elf64-filler.zst", skippable_alone, AT_KERNEL, PB_E_CODEC, "zstd", 0),
	FILE("xz-padding-long", "elf64-filler.xz", padding_17_mib, AT_KERNEL, PB_E_RANGE, "compressed size", 0),
	FILE("gz-of-nothing", "elf64.gz", gzip_of_nothing, AT_KERNEL, PB_E_RANGE, "compressed size", 0),
	FILE("gz-limit", "elf64.gz", NULL, AT_KERNEL, PB_E_LIMIT, "unpacked size", .unpacked_len = 1000),
	FILE("codec-memory", "bz-lz4", NULL, AT_KERNEL, PB_E_LIMIT, "codec memory", .codec_mem_len = 1000),

	KERNEL("reloc-odd", "elf64", relocs_odd, AT_RELOCS, PB_E_RELOC, "relocation table", 0),
	KERNEL("reloc-no-zero", "elf64", relocs_no_zero, AT_RELOCS, PB_E_RELOC, "relocation table", 0),
	KERNEL("reloc-4-groups", "elf64", relocs_4_groups, AT_RELOCS, PB_E_RELOC, "relocation groups", 0),
	KERNEL("reloc-1-group", "elf64", relocs_1_group, AT_RELOCS, PB_E_RELOC, "relocation groups", 0),
	KERNEL("reloc-outside", "elf64", reloc_outside, AT_RELOCS, PB_E_RELOC, "relocation", 0),
	KERNEL("reloc-in-bss", "elf64", reloc_in_bss, AT_RELOCS, PB_E_RELOC, "relocation", 0),
	KERNEL("reloc-across-end", "elf64", reloc_across_end, AT_RELOCS, PB_E_RELOC, "relocation", 0),
	KERNEL("reloc-outside-gz", "bz-2.15", reloc_outside, AT_RELOCS, PB_E_RELOC, "relocation", 0),
	KERNEL("emitted-entsize", "elf64-emitted", emitted_entsize, AT_RELOCS, PB_E_RANGE, "sh_entsize", 0),
	KERNEL("emitted-symbol-entsize", "elf64-emitted", emitted_symbol_entsize, AT_RELOCS, PB_E_RANGE, "sh_entsize",
	       0),
	KERNEL("emitted-limit", "elf64-emitted", NULL, AT_RELOCS, PB_E_LIMIT, "sh_size", .unpacked_len = 300),
	KERNEL("emitted-rel", "elf64-emitted", emitted_rel, AT_RELOCS, PB_E_RELOC, "sh_type", 0),
	KERNEL("emitted-info-past", "elf64-emitted", emitted_info_past, AT_RELOCS, PB_E_RANGE, "sh_info", 0),
	KERNEL("emitted-link-past", "elf64-emitted", emitted_link_past, AT_RELOCS, PB_E_RANGE, "sh_link", 0),
	KERNEL("emitted-link-text", "elf64-emitted", emitted_link_text, AT_RELOCS, PB_E_RELOC, "symbol table's sh_type",
	       0),
	KERNEL("emitted-two-symtabs", "elf64-emitted", emitted_two_symtabs, AT_RELOCS, PB_E_RELOC, "sh_link", 0),
	KERNEL("emitted-names-past", "elf64-emitted", emitted_names_past, AT_RELOCS, PB_E_RANGE,
	       "symbol table's sh_link", 0),
	KERNEL("emitted-names-outside", "elf64-emitted", emitted_names_outside, AT_RELOCS, PB_E_TRUNCATED,
	       "symbol names", 0),
	KERNEL("emitted-symbol-section", "elf64-emitted", emitted_symbol_section, AT_RELOCS, PB_E_RELOC, "st_shndx", 0),
	KERNEL("emitted-symbol-past", "elf64-emitted", emitted_symbol_past, AT_RELOCS, PB_E_RELOC,
	       "relocation's symbol", 0),
	KERNEL("emitted-type", "elf64-emitted", emitted_type, AT_RELOCS, PB_E_RELOC, "relocation type", 0),
	KERNEL("emitted-percpu-pc64", "elf64-emitted", emitted_percpu_pc64, AT_RELOCS, PB_E_RELOC, "relocation type",
	       0),
	KERNEL("emitted-before", "elf64-emitted", emitted_before, AT_RELOCS, PB_E_RELOC, "r_offset", 0),
	KERNEL("emitted-behind", "elf64-emitted", emitted_behind, AT_RELOCS, PB_E_RELOC, "r_offset", 0),
	KERNEL("emitted-across-end", "elf64-emitted", emitted_across_end, AT_RELOCS, PB_E_RELOC, "relocation", 0),
	KERNEL("emitted-high", "elf64-emitted", emitted_high, AT_RELOCS, PB_E_RELOC, "relocated address", 0),
	KERNEL("emitted-percpu-outside", "elf64-emitted", emitted_percpu_outside, AT_RELOCS, PB_E_RELOC,
	       ".data..percpu", 0),
	KERNEL("section-past", "elf64", section_past, AT_RELOCS, PB_E_TRUNCATED, "sh_offset", 0),

	FILE("pe-stub-cut", "uki-bz", pe_cut_stub, AT_OPEN, PB_E_TRUNCATED, "e_lfanew", 0),
	FILE("pe-lfanew-past", "uki-bz", pe_lfanew_past, AT_OPEN, PB_E_TRUNCATED, "PE header", 0),
	FILE("pe-signature", "uki-bz", pe_signature, AT_OPEN, PB_E_MAGIC, "PE signature", 0),
	FILE("pe-arm64", "uki-bz", pe_arm64, AT_OPEN, PB_E_MACHINE, "PE machine", 0),
	FILE("pe-many-sections", "uki-bz", pe_many_sections, AT_OPEN, PB_E_LIMIT, "NumberOfSections", 0),
	FILE("pe-sections-cut", "uki-bz", pe_cut_sections, AT_OPEN, PB_E_TRUNCATED, "section table", 0),
	FILE("pe-no-linux", "uki-bz", pe_no_linux, AT_OPEN, PB_E_FORMAT, "a PE file without a .linux section", 0),
	FILE("pe-linux-past", "uki-bz", pe_linux_past, AT_OPEN, PB_E_TRUNCATED, ".linux", 0),
	FILE("pe-linux-pe", "uki-elf", pe_linux_pe, AT_OPEN, PB_E_FORMAT, "a PE file inside another file", 0),
	FILE("pe-linux-empty", "uki-bz", pe_linux_empty, AT_OPEN, PB_E_FORMAT, "an empty file", 0),
	{ 0 },
};

void bad_image_build(struct blob *out, const struct bad_image *bad)
{
	image_build(out, bad->base, bad->spoil_kernel);
	if (bad->spoil)
		bad->spoil(out);
}
