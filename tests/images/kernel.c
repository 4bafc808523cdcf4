/* SPDX-License-Identifier: MIT */
/*
 * ELF kernels of either class with three segments, notes in any of the places
 * where kernels have kept them, and the relocation table behind, or the
 * relocations in sections (emitted.c). The layout in the file: ELF header,
 * program headers, segments, notes, sections, section headers, relocation
 * table; all but that in an order that no reader may rely on.
 */
#include <elf.h>
#include <string.h>

#include "emitted.h"
#include "images.h"

#define TEXT_LEN    0x400u
#define DATA_LEN    0x300u
#define PERCPU_LEN  0x100u
#define BIG_LEN     0x100000u
#define PHDRS       5u

#define PERCPU_NAME 30u /* behind the names that every kernel has */

struct builder {
	struct blob *out;
	unsigned flags;
	bool wide;
	uint64_t virt;
	unsigned segments, sections;
	Elf64_Phdr phdrs[PHDRS];
	Elf64_Shdr shdrs[EMITTED_SHSTRTAB + 1]; /* null, notes or __xen_guest, what emitted.c adds, .shstrtab */
};

/* ---- Notes ---- */

static void put_note(struct builder *b, const char *owner, uint32_t type, const void *desc, uint32_t desc_len)
{
	uint32_t owner_len = (uint32_t)strlen(owner) + !(b->flags & KERNEL_BARE_OWNER);

	blob_put_le(b->out, owner_len, 4);
	blob_put_le(b->out, desc_len, 4);
	blob_put_le(b->out, type, 4);
	blob_put(b->out, owner, owner_len);
	blob_align(b->out, 4);
	blob_put(b->out, desc, desc_len);
	blob_align(b->out, 4);
}

static void put_number(struct builder *b, uint32_t type, uint64_t number)
{
	put_note(b, "Xen", type, &number, b->wide ? 8 : 4);
}

static void put_string(struct builder *b, uint32_t type, const char *text)
{
	put_note(b, "Xen", type, text, (uint32_t)strlen(text) + 1);
}

/* Numbers as in <xen/elfnote.h>; spelled out, so that a wrong table in the library shows. */
static void put_xen_notes(struct builder *b)
{
	static const uint32_t reloc[3] = { 0x200000, 0x1000000, 0x3fffffff };
	static const uint64_t mfn_valid[2] = { 1, 1 };

	put_string(b, 6, "linux");
	put_string(b, 7, "2.6");
	put_string(b, 5, "xen-3.0");
	put_number(b, 3, b->virt);
	if (!(b->flags & KERNEL_NO_XEN_ENTRY))
		put_number(b, 1, b->virt + KERNEL_GPA + 0x10);
	put_note(b, "Xen", 10, "!writable_page_tables|pae_pgdir_above_4gb", 41);
	put_number(b, 17, 0x8801);
	put_string(b, 9, "yes");
	put_string(b, 8, "generic");
	put_note(b, "Xen", 13, mfn_valid, sizeof(mfn_valid));
	put_number(b, 14, 1);
	put_number(b, 16, 1);
	put_number(b, 4, 0);
	if (!(b->flags & KERNEL_NO_PVH))
		put_number(b, 18, KERNEL_GPA + 0x20);
	put_note(b, "Xen", 19, reloc, sizeof(reloc));
}

static void put_other_notes(struct builder *b)
{
	static const uint8_t id[20] = { 0xb0, 0x07, 0xab, 0x1e, 5,  6,  7,  8,  9,  10,
					11,   12,   13,   14,   15, 16, 17, 18, 19, 20 };

	put_note(b, "GNU", 3, id, sizeof(id));
	put_note(b, "Linux", 0x100, "test", 5);
}

/* ---- Headers ---- */

static void add_phdr(struct builder *b, const Elf64_Phdr *phdr)
{
	b->phdrs[b->segments++] = *phdr;
}

static void add_note_phdr(struct builder *b, size_t off)
{
	bool lost = b->flags & KERNEL_SECTION_NOTES;
	Elf64_Phdr phdr = {
		.p_type = PT_NOTE, .p_offset = lost ? 0 : off, .p_filesz = b->out->len - off, .p_align = 4
	};

	add_phdr(b, &phdr);
}

static void add_section(struct builder *b, uint32_t name, uint32_t type, size_t off)
{
	b->shdrs[b->sections++] = (Elf64_Shdr){
		.sh_name = name, .sh_type = type, .sh_offset = off, .sh_size = b->out->len - off, .sh_addralign = 4
	};
}

static void put_phdr(struct builder *b, const Elf64_Phdr *p)
{
	Elf32_Phdr narrow = { p->p_type,
			      (Elf32_Off)p->p_offset,
			      (Elf32_Addr)p->p_vaddr,
			      (Elf32_Addr)p->p_paddr,
			      (Elf32_Word)p->p_filesz,
			      (Elf32_Word)p->p_memsz,
			      p->p_flags,
			      (Elf32_Word)p->p_align };

	if (b->wide)
		blob_put(b->out, p, sizeof(*p));
	else
		blob_put(b->out, &narrow, sizeof(narrow));
}

static void put_shdr(struct builder *b, const Elf64_Shdr *s)
{
	Elf32_Shdr narrow = { s->sh_name,
			      s->sh_type,
			      (Elf32_Word)s->sh_flags,
			      (Elf32_Addr)s->sh_addr,
			      (Elf32_Off)s->sh_offset,
			      (Elf32_Word)s->sh_size,
			      s->sh_link,
			      s->sh_info,
			      (Elf32_Word)s->sh_addralign,
			      (Elf32_Word)s->sh_entsize };

	if (b->wide)
		blob_put(b->out, s, sizeof(*s));
	else
		blob_put(b->out, &narrow, sizeof(narrow));
}

static size_t ehdr_len(const struct builder *b)
{
	return b->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
}

static size_t phdr_len(const struct builder *b)
{
	return b->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
}

/* ELF header and program headers, into the room left for them; the section headers stand at shoff. */
static void set_headers(struct builder *b, size_t shoff)
{
	struct blob head = { 0 };
	struct blob *out = b->out;
	static const uint8_t ident[EI_NIDENT] = { 0x7f, 'E', 'L', 'F', 0, ELFDATA2LSB, EV_CURRENT };
	uint64_t entry = KERNEL_GPA + (b->flags & KERNEL_VIRTUAL_ENTRY ? b->virt : 0);
	unsigned word = b->wide ? 8 : 4;

	b->out = &head;
	blob_put(&head, ident, sizeof(ident));
	blob_set_le(&head, EI_CLASS, b->wide ? ELFCLASS64 : ELFCLASS32, 1);
	blob_put_le(&head, b->flags & KERNEL_DYN ? ET_DYN : ET_EXEC, 2);
	blob_put_le(&head, b->wide ? EM_X86_64 : EM_386, 2);
	blob_put_le(&head, EV_CURRENT, 4);
	blob_put_le(&head, entry, word);
	blob_put_le(&head, ehdr_len(b), word);
	blob_put_le(&head, shoff, word);
	blob_put_le(&head, 0, 4);
	blob_put_le(&head, ehdr_len(b), 2);
	blob_put_le(&head, phdr_len(b), 2);
	blob_put_le(&head, b->segments, 2);
	blob_put_le(&head, b->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr), 2);
	blob_put_le(&head, b->sections, 2);
	blob_put_le(&head, b->sections - 1, 2);
	for (unsigned i = 0; i < b->segments; i++)
		put_phdr(b, &b->phdrs[i]);
	b->out = out;
	blob_set(out, 0, head.data, head.len);
	blob_free(&head);
}

/* ---- Parts ---- */

/* len bytes that tell their own offset, so that a copy from the wrong place shows. */
static void put_pattern(struct blob *out, size_t len)
{
	for (size_t i = 0; i < len; i += 4)
		blob_put_le(out, 0x90000000u | (uint32_t)(i / 4 * 2654435761u >> 8), 4);
}

static void add_load(struct builder *b, uint64_t gpa_off, uint64_t vaddr, size_t len, uint64_t mem_len, uint32_t flags)
{
	Elf64_Phdr phdr = { .p_type = PT_LOAD,
			    .p_flags = flags,
			    .p_offset = b->out->len,
			    .p_vaddr = vaddr,
			    .p_paddr = KERNEL_GPA + gpa_off,
			    .p_filesz = len,
			    .p_memsz = mem_len,
			    .p_align = 0x1000 };

	add_phdr(b, &phdr);
	put_pattern(b->out, len);
}

static void put_segments(struct builder *b)
{
	uint64_t linked = b->virt + KERNEL_GPA;
	size_t data_off;

	add_load(b, 0, linked, TEXT_LEN, 0x1000, PF_R | PF_X);
	data_off = b->out->len;
	add_load(b, 0x1000, linked + 0x1000, DATA_LEN, 0x3000, PF_R | PF_W);
	if (b->flags & KERNEL_BANNER)
		blob_set(b->out, data_off + 0x40, "Linux version 2.6.20", 21);
	if (b->flags & KERNEL_LGUEST)
		blob_set(b->out, data_off + 0x80, "\0lguest", 8);
	add_load(b, 0x4000, b->wide ? 0 : linked + 0x4000, PERCPU_LEN, 0x1000, PF_R | PF_W);
}

static void put_notes(struct builder *b)
{
	static const char xen_guest[] = "GUEST_OS=linux,GUEST_VER=2.6,XEN_VER=xen-3.0,VIRT_BASE=0xC0000000,"
					"ELF_PADDR_OFFSET=0x0,VIRT_ENTRY=0xC1000010,HYPERCALL_PAGE=0x1001,"
					"FEATURES=writable_page_tables|pae_pgdir_above_4gb,PAE=yes[extended-cr3],"
					"LOADER=generic,BSD_SYMTAB";
	size_t off = b->out->len;

	if (b->flags & KERNEL_XEN_GUEST) {
		blob_put(b->out, xen_guest, sizeof(xen_guest));
		add_section(b, 1, SHT_PROGBITS, off);
		return;
	}
	put_xen_notes(b);
	if (b->flags & KERNEL_TWO_PT_NOTES) {
		add_note_phdr(b, off);
		add_section(b, 13, SHT_NOTE, off);
		off = b->out->len;
	}
	put_other_notes(b);
	add_note_phdr(b, off);
	add_section(b, 13, SHT_NOTE, off);
}

/* Entries are low halves of virtual addresses; per-CPU data counts from where it is loaded. */
static void put_group(struct builder *b, uint64_t gpa_off)
{
	blob_put_le(b->out, 0, 4);
	for (unsigned i = 0; i < KERNEL_RELOCS; i++)
		blob_put_le(b->out, b->virt + KERNEL_GPA + gpa_off + 16 * (uint64_t)i, 4);
}

static void put_relocs(struct builder *b)
{
	if (b->wide)
		put_group(b, 0x1000);
	if (b->wide && !(b->flags & KERNEL_NO_INVERSE))
		put_group(b, 0x4000);
	put_group(b, 0x100);
}

static void put_emitted(struct builder *b)
{
	struct emitted emitted = { b->out, b->wide, b->shdrs };

	image_emitted(&emitted, b->phdrs);
	b->shdrs[EMITTED_PERCPU].sh_name = PERCPU_NAME;
	b->sections = EMITTED_SHSTRTAB;
}

void image_kernel_elf(struct blob *out, unsigned flags)
{
	static const char names[] = "\0__xen_guest\0.notes\0.shstrtab";
	static const char percpu_name[] = ".data..percpu";
	struct builder b = { .out = out, .flags = flags, .wide = !(flags & KERNEL_32), .sections = 1 };
	size_t off;

	b.virt = b.wide ? KERNEL_VIRT64 : KERNEL_VIRT32;
	blob_put_zeros(out, ehdr_len(&b) + PHDRS * phdr_len(&b));
	blob_align(out, 16);
	put_segments(&b);
	if (!(flags & KERNEL_NO_NOTES))
		put_notes(&b);
	if (flags & KERNEL_BIG)
		put_pattern(out, BIG_LEN);
	if (flags & KERNEL_EMITTED)
		put_emitted(&b);
	off = blob_put(out, names, sizeof(names));
	if (flags & KERNEL_EMITTED)
		blob_put(out, percpu_name, sizeof(percpu_name));
	add_section(&b, 20, SHT_STRTAB, off);
	blob_align(out, 8);
	off = out->len;
	for (unsigned i = 0; i < b.sections; i++)
		put_shdr(&b, &b.shdrs[i]);
	set_headers(&b, off);
	if (!(flags & (KERNEL_NO_RELOCS | KERNEL_EMITTED)))
		put_relocs(&b);
}
