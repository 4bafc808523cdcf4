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

#define SETUP_HEADER_OFF 0x1f1u
#define NOTE_PHDR        (KERNEL_SEGMENTS) /* the first PT_NOTE is behind the PT_LOADs */

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
	return (struct setup_header *)(void *)(file->data + SETUP_HEADER_OFF);
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

/* ---- ELF headers ---- */

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

static void shoff_past(struct blob *kernel)
{
	ehdr(kernel)->e_shoff = kernel->len;
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

static void namesz_huge(struct blob *kernel)
{
	blob_set_le(kernel, phdr(kernel, NOTE_PHDR)->p_offset, UINT32_MAX - 2, 4);
}

static void descsz_huge(struct blob *kernel)
{
	blob_set_le(kernel, phdr(kernel, NOTE_PHDR)->p_offset + 4, UINT32_MAX, 4);
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

static void version_string_endless(struct blob *file)
{
	memset(file->data + BZ_VERSION_OFF, 'A', BZ_SETUP_LEN - BZ_VERSION_OFF);
}

static void payload_length_past(struct blob *file)
{
	hdr(file)->payload_length = hdr(file)->syssize * 16 - hdr(file)->payload_offset + 1;
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

/* A second symbol table, at the place of the debugging section. */
static void emitted_two_symtabs(struct blob *kernel)
{
	*shdr(kernel, EMITTED_DEBUG) = *shdr(kernel, EMITTED_SYMTAB);
	shdr(kernel, EMITTED_REL_DATA)->sh_link = EMITTED_DEBUG;
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

/* ---- PE ---- */

static void pe_cut_stub(struct blob *file)
{
	blob_cut(file, 10);
}

static void pe_cut_sections(struct blob *file)
{
	blob_cut(file, PE_HEADER_OFF + 24 + 0xf0 + 40 + 39);
}

static void pe_linux_past(struct blob *file)
{
	blob_cut(file, PE_SECTION_OFF + 1000);
}

static void pe_linux_pe(struct blob *file)
{
	memcpy(file->data + PE_SECTION_OFF, "MZ", 2);
}

/* ---- The table ---- */

/* A number anywhere in the bytes, */
#define NUMBER(o, l, v)                                                                                                \
	{                                                                                                              \
		.off = o, .len = l, .value = v                                                                         \
	}
/* or a member of a header: the ELF file's, a program's or section's, all three of 64 bits, or the setup header. */
#define MEMBER(s, start, type, member, v)                                                                              \
	{                                                                                                              \
		.section = s, .off = (start) + offsetof(type, member), .len = sizeof(((type *)NULL)->member),          \
		.value = v                                                                                             \
	}
#define EHDR(member, v)    MEMBER(0, 0, Elf64_Ehdr, member, v)
#define PHDR(i, member, v) MEMBER(0, sizeof(Elf64_Ehdr) + (i) * sizeof(Elf64_Phdr), Elf64_Phdr, member, v)
#define SHDR(i, member, v) MEMBER(i, 0, Elf64_Shdr, member, v)
#define HDR(member, v)     MEMBER(0, SETUP_HEADER_OFF, struct setup_header, member, v)

/* Rows: a field of the kernel or of the file is damaged, */
#define KERNEL_FIELD(n, b, what, st, c, f)                                                                             \
	{                                                                                                              \
		.name = n, .base = b, .kernel_field = what, .stage = st, .code = c, .field = f                         \
	}
#define FILE_FIELD(n, b, what, st, c, f)                                                                               \
	{                                                                                                              \
		.name = n, .base = b, .file_field = what, .stage = st, .code = c, .field = f                           \
	}
/* or something happens to it that takes a function, or needs none to exceed the limits given. */
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
	FILE_FIELD("boot-sector", "bz-none", HDR(header, 0), AT_OPEN, PB_E_FORMAT,
		   "a boot sector without HdrS (older than protocol 2.00)"),
	KERNEL("gz-of-text", "elf64.gz", text, AT_KERNEL, PB_E_FORMAT, "a text file", 0),

	KERNEL("elf-ident-cut", "elf64", cut_ident, AT_OPEN, PB_E_TRUNCATED, "e_ident", 0),
	KERNEL_FIELD("elf-ident-magic", "bz-2.15", EHDR(e_ident[1], 'e'), AT_KERNEL, PB_E_MAGIC, "e_ident"),
	KERNEL_FIELD("elf-class", "elf64", EHDR(e_ident[EI_CLASS], 3), AT_OPEN, PB_E_RANGE, "EI_CLASS"),
	KERNEL_FIELD("elf-big-endian", "elf64", EHDR(e_ident[EI_DATA], ELFDATA2MSB), AT_OPEN, PB_E_MACHINE, "EI_DATA"),
	KERNEL("elf-ehdr-cut", "elf64", cut_ehdr, AT_OPEN, PB_E_TRUNCATED, "Ehdr", 0),
	KERNEL_FIELD("elf-arm64", "elf64", EHDR(e_machine, EM_AARCH64), AT_OPEN, PB_E_MACHINE, "e_machine"),
	KERNEL_FIELD("elf-arm64-gz", "bz-2.15", EHDR(e_machine, EM_AARCH64), AT_KERNEL, PB_E_MACHINE, "e_machine"),
	KERNEL_FIELD("elf-rel", "elf64", EHDR(e_type, ET_REL), AT_OPEN, PB_E_ELF_TYPE, "e_type"),
	KERNEL_FIELD("elf-phentsize", "elf64", EHDR(e_phentsize, 1), AT_OPEN, PB_E_RANGE, "e_phentsize"),
	KERNEL_FIELD("elf-shentsize", "elf64", EHDR(e_shentsize, 65535), AT_OPEN, PB_E_RANGE, "e_shentsize"),
	KERNEL("elf-phoff-past", "elf64", phoff_past, AT_OPEN, PB_E_TRUNCATED, "e_phoff", 0),
	KERNEL_FIELD("elf-phoff-wraps", "elf64", EHDR(e_phoff, UINT64_MAX - 7), AT_OPEN, PB_E_TRUNCATED, "e_phoff"),
	KERNEL_FIELD("elf-phnum-65535", "elf64", EHDR(e_phnum, 65535), AT_OPEN, PB_E_TRUNCATED, "e_phoff"),
	KERNEL_FIELD("elf-phnum-300", "elf64-big", EHDR(e_phnum, 300), AT_KERNEL, PB_E_LIMIT, "e_phnum"),
	KERNEL("elf-phnum-limit", "elf64", NULL, AT_KERNEL, PB_E_LIMIT, "e_phnum", .segments = 3),
	KERNEL("elf-shoff-past", "elf64", shoff_past, AT_OPEN, PB_E_TRUNCATED, "e_shoff", 0),
	KERNEL_FIELD("elf-no-phdrs", "elf64", EHDR(e_phnum, 0), AT_KERNEL, PB_E_EMPTY, "PT_LOAD"),

	KERNEL("load-no-memory", "elf64", no_memory, AT_KERNEL, PB_E_EMPTY, "PT_LOAD", 0),
	KERNEL("load-filesz", "elf64", filesz_over_memsz, AT_KERNEL, PB_E_RANGE, "p_filesz", 0),
	KERNEL("load-offset-past", "elf64", segment_past, AT_KERNEL, PB_E_TRUNCATED, "p_offset", 0),
	KERNEL_FIELD("load-offset-wraps", "elf64", PHDR(1, p_offset, UINT64_MAX), AT_KERNEL, PB_E_TRUNCATED,
		     "p_offset"),
	KERNEL_FIELD("load-paddr-wraps", "elf64", PHDR(2, p_paddr, UINT64_MAX - 0x800), AT_KERNEL, PB_E_WRAP,
		     "p_paddr"),
	KERNEL("load-paddr-wraps-32", "elf32", paddr_wraps_32, AT_KERNEL, PB_E_WRAP, "p_paddr", 0),
	KERNEL_FIELD("load-vaddr-wraps", "elf64", PHDR(2, p_vaddr, UINT64_MAX - 0x800), AT_KERNEL, PB_E_WRAP,
		     "p_vaddr"),
	KERNEL("load-overlap", "elf64", overlap, AT_KERNEL, PB_E_OVERLAP, "p_paddr", 0),

	KERNEL("note-past", "elf64", notes_past, AT_KERNEL, PB_E_TRUNCATED, "PT_NOTE", 0),
	KERNEL_FIELD("note-area-huge", "elf64", PHDR(NOTE_PHDR, p_filesz, UINT64_MAX), AT_KERNEL, PB_E_LIMIT,
		     "PT_NOTE"),
	KERNEL("note-namesz", "elf64", namesz_huge, AT_KERNEL, PB_E_NOTE, "n_namesz", 0),
	KERNEL("note-descsz", "elf64", descsz_huge, AT_KERNEL, PB_E_NOTE, "n_descsz", 0),
	KERNEL_FIELD("note-cut", "elf64", PHDR(NOTE_PHDR, p_filesz, 8), AT_KERNEL, PB_E_NOTE, "Nhdr"),
	KERNEL("note-many", "elf64-no-relocs", notes_many, AT_KERNEL, PB_E_LIMIT, "notes", 0),
	KERNEL("note-limit", "elf64", NULL, AT_KERNEL, PB_E_LIMIT, "notes", .notes = 5),
	KERNEL("note-section-past", "elf64-section-notes", section_notes_past, AT_KERNEL, PB_E_TRUNCATED, "SHT_NOTE",
	       0),
	KERNEL_FIELD("note-section-huge", "elf64-section-notes", SHDR(1, sh_size, 1u << 31), AT_KERNEL, PB_E_LIMIT,
		     "SHT_NOTE"),
	KERNEL("xen-guest-past", "elf32-xen-guest", xen_guest_past, AT_KERNEL, PB_E_TRUNCATED, "__xen_guest", 0),
	KERNEL("xen-guest-huge", "elf32-xen-guest", xen_guest_huge, AT_KERNEL, PB_E_LIMIT, "__xen_guest", 0),
	KERNEL("xen-guest-number", "elf32-xen-guest", xen_guest_number, AT_KERNEL, PB_E_NOTE, "__xen_guest", 0),
	KERNEL("xen-guest-endless", "elf32-xen-guest", xen_guest_endless, AT_KERNEL, PB_E_NOTE, "__xen_guest", 0),
	KERNEL("shstrtab-past", "elf32-xen-guest", shstrtab_past, AT_KERNEL, PB_E_TRUNCATED, ".shstrtab", 0),

	FILE_FIELD("bz-boot-flag", "bz-2.15", HDR(boot_flag, 0), AT_OPEN, PB_E_MAGIC, "boot_flag"),
	FILE_FIELD("bz-version-1.ff", "bz-2.15", HDR(version, 0x1ff), AT_OPEN, PB_E_PROTOCOL, "version"),
	FILE_FIELD("bz-version-3", "bz-2.15", HDR(version, 0x300), AT_OPEN, PB_E_RANGE, "version"),
	FILE_FIELD("bz-setup-sects-past", "bz-2.15", HDR(setup_sects, 255), AT_OPEN, PB_E_TRUNCATED, "setup_sects"),
	FILE("bz-cut-in-setup", "bz-2.15", cut_in_setup, AT_OPEN, PB_E_TRUNCATED, "setup_sects", 0),
	FILE("bz-cut-in-header", "bz-2.15", cut_in_header, AT_OPEN, PB_E_TRUNCATED, "setup_sects", 0),
	FILE("bz-syssize-past", "bz-2.15", syssize_past, AT_OPEN, PB_E_TRUNCATED, "syssize", 0),
	FILE("bz-cut-last-paragraph", "bz-2.15", cut_last_paragraph, AT_OPEN, PB_E_TRUNCATED, "syssize", 0),
	FILE_FIELD("bz-version-string-past", "bz-2.15", HDR(kernel_version, BZ_SETUP_LEN - 0x200), AT_OPEN, PB_E_RANGE,
		   "kernel_version"),
	FILE("bz-version-string-endless", "bz-2.15", version_string_endless, AT_OPEN, PB_E_RANGE,
	     "kernel_version string", 0),
	FILE_FIELD("bz-alignment-3", "bz-2.15", HDR(kernel_alignment, 3), AT_OPEN, PB_E_RANGE, "kernel_alignment"),
	FILE_FIELD("bz-alignment-0", "bz-2.05", HDR(kernel_alignment, 0), AT_OPEN, PB_E_RANGE, "kernel_alignment"),
	FILE_FIELD("bz-pref-wraps", "bz-2.15", HDR(pref_address, UINT64_MAX - 0xfff), AT_OPEN, PB_E_WRAP,
		   "pref_address"),
	FILE_FIELD("bz-kernel-info-past", "bz-2.15", HDR(kernel_info_offset, UINT32_MAX - 3), AT_OPEN, PB_E_TRUNCATED,
		   "kernel_info_offset"),
	FILE_FIELD("bz-kernel-info-magic", "bz-2.15", NUMBER(BZ_KERNEL_INFO_OFF, 1, 'l'), AT_OPEN, PB_E_MAGIC,
		   "kernel_info"),
	FILE_FIELD("bz-kernel-info-small", "bz-2.15", NUMBER(BZ_KERNEL_INFO_OFF + 4, 4, 4), AT_OPEN, PB_E_RANGE,
		   "kernel_info.size"),
	FILE_FIELD("bz-kernel-info-over-total", "bz-2.15", NUMBER(BZ_KERNEL_INFO_OFF + 8, 4, 15), AT_OPEN, PB_E_RANGE,
		   "kernel_info.size"),
	FILE_FIELD("bz-kernel-info-total-past", "bz-2.15", NUMBER(BZ_KERNEL_INFO_OFF + 8, 4, UINT32_MAX), AT_OPEN,
		   PB_E_TRUNCATED, "kernel_info.size_total"),
	FILE_FIELD("bz-payload-offset-past", "bz-2.15", HDR(payload_offset, UINT32_MAX), AT_OPEN, PB_E_TRUNCATED,
		   "payload_offset"),
	FILE("bz-payload-length-past", "bz-2.15", payload_length_past, AT_OPEN, PB_E_TRUNCATED, "payload_length", 0),
	FILE("bz-payload-length-past-signed", "bz-signed", payload_length_past, AT_OPEN, PB_E_TRUNCATED,
	     "payload_length", 0),
	FILE_FIELD("bz-payload-length-wraps", "bz-2.15", HDR(payload_length, UINT32_MAX), AT_OPEN, PB_E_TRUNCATED,
		   "payload_length"),
	FILE_FIELD("bz-payload-length-3", "bz-2.15", HDR(payload_length, 3), AT_OPEN, PB_E_RANGE, "payload_length"),

	FILE("bz-no-payload", "bz-no-payload", NULL, AT_KERNEL, PB_E_NO_PAYLOAD, "payload_length", 0),
	FILE("bz-before-payload", "bz-2.07", NULL, AT_KERNEL, PB_E_NO_PAYLOAD, "payload_offset", 0),
	FILE("payload-unknown-codec", "bz-2.15", unknown_codec, AT_KERNEL, PB_E_CODEC_UNKNOWN, "payload", 0),
	FILE_FIELD("payload-skippable", "bz-2.15", NUMBER(BZ_PAYLOAD_OFF, 4, 0x184d2a50), AT_KERNEL, PB_E_CODEC_UNKNOWN,
		   "payload"), /* a skippable frame where the stream should begin */
	FILE("payload-claim-0", "bz-2.15", claim_0, AT_OPEN, PB_E_RANGE, "payload size", 0),
	FILE("payload-claim-less", "bz-lz4", claim_less, AT_KERNEL, PB_E_SIZE_CLAIM, "payload size", 0),
	FILE("payload-claim-more", "bz-lz4", claim_more, AT_KERNEL, PB_E_SIZE_CLAIM, "payload size", 0),
	FILE("payload-claim-less-big", "bz-big", claim_less, AT_UNPACK, PB_E_SIZE_CLAIM, "payload size", 0),
	FILE("payload-claim-more-big", "bz-big", claim_more, AT_UNPACK, PB_E_SIZE_CLAIM, "payload size", 0),
	FILE("payload-claim-4-gib", "bz-lz4", claim_4_gib, AT_KERNEL, PB_E_LIMIT, "payload size", 0),
	FILE("payload-claim-limit", "bz-lz4", NULL, AT_KERNEL, PB_E_LIMIT, "payload size", .unpacked_len = 1000),
	FILE("payload-gzip-crc", "bz-2.15", gzip_crc, AT_KERNEL, PB_E_CODEC, "gzip", 0),
	FILE("payload-gzip-crc-big", "bz-big-gzip", gzip_crc, AT_UNPACK, PB_E_CODEC, "gzip", 0), /* not seen before */
	FILE_FIELD("payload-lz4-block", "bz-lz4", NUMBER(BZ_PAYLOAD_OFF + 4, 4, 100), AT_KERNEL, PB_E_CODEC,
		   "lz4"), /* the size of the one block */
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
	KERNEL_FIELD("emitted-entsize", "elf64-emitted", SHDR(EMITTED_REL_TEXT, sh_entsize, 8), AT_RELOCS, PB_E_RANGE,
		     "sh_entsize"),
	KERNEL_FIELD("emitted-symbol-entsize", "elf64-emitted", SHDR(EMITTED_SYMTAB, sh_entsize, 0), AT_RELOCS,
		     PB_E_RANGE, "sh_entsize"),
	KERNEL("emitted-limit", "elf64-emitted", NULL, AT_RELOCS, PB_E_LIMIT, "sh_size", .unpacked_len = 300),
	KERNEL_FIELD("emitted-rel", "elf64-emitted", SHDR(EMITTED_REL_TEXT, sh_type, SHT_REL), AT_RELOCS, PB_E_RELOC,
		     "sh_type"),
	KERNEL_FIELD("emitted-info-past", "elf64-emitted", SHDR(EMITTED_REL_TEXT, sh_info, EMITTED_SHSTRTAB + 1),
		     AT_RELOCS, PB_E_RANGE, "sh_info"),
	KERNEL_FIELD("emitted-link-past", "elf64-emitted", SHDR(EMITTED_REL_TEXT, sh_link, UINT32_MAX), AT_RELOCS,
		     PB_E_RANGE, "sh_link"),
	KERNEL_FIELD("emitted-link-text", "elf64-emitted", SHDR(EMITTED_REL_TEXT, sh_link, EMITTED_TEXT), AT_RELOCS,
		     PB_E_RELOC, "symbol table's sh_type"),
	KERNEL("emitted-two-symtabs", "elf64-emitted", emitted_two_symtabs, AT_RELOCS, PB_E_RELOC, "sh_link", 0),
	KERNEL_FIELD("emitted-names-past", "elf64-emitted", SHDR(EMITTED_SYMTAB, sh_link, EMITTED_SHSTRTAB + 1),
		     AT_RELOCS, PB_E_RANGE, "symbol table's sh_link"),
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
	KERNEL_FIELD("emitted-percpu-outside", "elf64-emitted", SHDR(EMITTED_PERCPU, sh_offset, 0), AT_RELOCS,
		     PB_E_RELOC, ".data..percpu"),
	KERNEL_FIELD("section-past", "elf64", SHDR(1, sh_offset, UINT64_MAX), AT_RELOCS, PB_E_TRUNCATED, "sh_offset"),

	FILE("pe-stub-cut", "uki-bz", pe_cut_stub, AT_OPEN, PB_E_TRUNCATED, "e_lfanew", 0),
	FILE_FIELD("pe-lfanew-past", "uki-bz", NUMBER(0x3c, 4, UINT32_MAX), AT_OPEN, PB_E_TRUNCATED, "PE header"),
	FILE_FIELD("pe-signature", "uki-bz", NUMBER(PE_HEADER_OFF, 1, 'N'), AT_OPEN, PB_E_MAGIC, "PE signature"),
	FILE_FIELD("pe-arm64", "uki-bz", NUMBER(PE_HEADER_OFF + 4, 2, 0xaa64), AT_OPEN, PB_E_MACHINE, "PE machine"),
	FILE_FIELD("pe-many-sections", "uki-bz", NUMBER(PE_HEADER_OFF + 6, 2, 65535), AT_OPEN, PB_E_LIMIT,
		   "NumberOfSections"),
	FILE("pe-sections-cut", "uki-bz", pe_cut_sections, AT_OPEN, PB_E_TRUNCATED, "section table", 0),
	FILE_FIELD("pe-no-linux", "uki-bz", NUMBER(PE_HEADER_OFF + 24 + 0xf0 + 40, 1, '_'), AT_OPEN, PB_E_FORMAT,
		   "a PE file without a .linux section"),
	FILE("pe-linux-past", "uki-bz", pe_linux_past, AT_OPEN, PB_E_TRUNCATED, ".linux", 0),
	FILE("pe-linux-pe", "uki-elf", pe_linux_pe, AT_OPEN, PB_E_FORMAT, "a PE file inside another file", 0),
	FILE_FIELD("pe-linux-empty", "uki-bz", NUMBER(PE_HEADER_OFF + 24 + 0xf0 + 40 + 16, 4, 0), AT_OPEN, PB_E_FORMAT,
		   "an empty file"),
	{ 0 },
};

static void set_field(struct blob *blob, const struct field *field)
{
	size_t start = field->section ? ehdr(blob)->e_shoff + field->section * sizeof(Elf64_Shdr) : 0;

	blob_set_le(blob, start + field->off, field->value, field->len);
}

static void spoil(struct blob *blob, void (*how)(struct blob *blob), const struct field *field)
{
	if (how)
		how(blob);
	if (field->len)
		set_field(blob, field);
}

void bad_image_build(struct blob *out, const struct bad_image *bad)
{
	struct blob kernel = { 0 };

	image_build_kernel(&kernel, bad->base);
	spoil(&kernel, bad->spoil_kernel, &bad->kernel_field);
	image_build_around(out, bad->base, &kernel);
	spoil(out, bad->spoil, &bad->file_field);
	blob_free(&kernel);
}
