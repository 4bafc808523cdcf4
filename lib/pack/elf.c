/* SPDX-License-Identifier: MIT */
/*
 * An ELF header in the boot sector, before the setup header, for loaders that
 * look for ELF first. Its one PT_LOAD is the protected-mode part with its
 * window, where it is loaded to run without moving; p_vaddr is where the kernel
 * that ends up there is linked. e_type is ET_NONE: kexec takes
 * ET_EXEC for a kernel without boot_params, and this file for a bzImage.
 * PT_NOTE lies behind the 16-bit code (notes.c).
 */
#include <elf.h>
#include <string.h>

#include "pack.h"

#define HDR_OFF    0x1f1u
#define NOTE_ALIGN 4u

struct ranges {
	uint64_t load_off, load_len, load_gpa, load_vaddr, mem_len;
	uint64_t note_off, note_len;
	uint64_t entry;
};

static void fill_ident(unsigned char *ident, unsigned char elf_class)
{
	static const unsigned char magic[SELFMAG] = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3 };

	memcpy(ident, magic, sizeof(magic));
	ident[EI_CLASS] = elf_class;
	ident[EI_DATA] = ELFDATA2LSB;
	ident[EI_VERSION] = EV_CURRENT;
}

static void fill64(uint8_t *at, const struct ranges *ranges)
{
	struct {
		Elf64_Ehdr ehdr;
		Elf64_Phdr phdrs[2];
	} elf = {
		.ehdr = { .e_type = ET_NONE,
			  .e_machine = EM_X86_64,
			  .e_version = EV_CURRENT,
			  .e_entry = ranges->entry,
			  .e_phoff = sizeof(Elf64_Ehdr),
			  .e_ehsize = sizeof(Elf64_Ehdr),
			  .e_phentsize = sizeof(Elf64_Phdr),
			  .e_phnum = 2 },
		.phdrs = { { .p_type = PT_LOAD,
			     .p_flags = PF_R | PF_W | PF_X,
			     .p_offset = ranges->load_off,
			     .p_vaddr = ranges->load_vaddr,
			     .p_paddr = ranges->load_gpa,
			     .p_filesz = ranges->load_len,
			     .p_memsz = ranges->mem_len,
			     .p_align = 1 },
			   { .p_type = PT_NOTE,
			     .p_flags = PF_R,
			     .p_offset = ranges->note_off,
			     .p_filesz = ranges->note_len,
			     .p_memsz = ranges->note_len,
			     .p_align = NOTE_ALIGN } },
	};

	_Static_assert(sizeof(elf) <= HDR_OFF, "before the setup header");
	fill_ident(elf.ehdr.e_ident, ELFCLASS64);
	memcpy(at, &elf, sizeof(elf));
}

static void fill32(uint8_t *at, const struct ranges *ranges)
{
	struct {
		Elf32_Ehdr ehdr;
		Elf32_Phdr phdrs[2];
	} elf = {
		.ehdr = { .e_type = ET_NONE,
			  .e_machine = EM_386,
			  .e_version = EV_CURRENT,
			  .e_entry = (Elf32_Addr)ranges->entry,
			  .e_phoff = sizeof(Elf32_Ehdr),
			  .e_ehsize = sizeof(Elf32_Ehdr),
			  .e_phentsize = sizeof(Elf32_Phdr),
			  .e_phnum = 2 },
		.phdrs = { { .p_type = PT_LOAD,
			     .p_flags = PF_R | PF_W | PF_X,
			     .p_offset = (Elf32_Off)ranges->load_off,
			     .p_vaddr = (Elf32_Addr)ranges->load_vaddr,
			     .p_paddr = (Elf32_Addr)ranges->load_gpa,
			     .p_filesz = (Elf32_Word)ranges->load_len,
			     .p_memsz = (Elf32_Word)ranges->mem_len,
			     .p_align = 1 },
			   { .p_type = PT_NOTE,
			     .p_flags = PF_R,
			     .p_offset = (Elf32_Off)ranges->note_off,
			     .p_filesz = (Elf32_Word)ranges->note_len,
			     .p_memsz = (Elf32_Word)ranges->note_len,
			     .p_align = NOTE_ALIGN } },
	};

	_Static_assert(sizeof(elf) <= HDR_OFF, "before the setup header");
	fill_ident(elf.ehdr.e_ident, ELFCLASS32);
	memcpy(at, &elf, sizeof(elf));
}

void pack_elf_header(struct packing *packing, uint64_t prot_len)
{
	const struct pack_page *page = &packing->page;
	bool wide = packing->kernel->elf_class == 64;
	struct ranges ranges = { .load_off = packing->setup.len,
				 .load_len = prot_len,
				 .load_gpa = page->pref_gpa,
				 .load_vaddr = page->link_vaddr,
				 .mem_len = page->window_len > prot_len ? page->window_len : prot_len,
				 .note_off = packing->notes_off,
				 .note_len = packing->notes_len,
				 .entry = page->pref_gpa + (wide ? PACK_ENTRY64 : 0) };

	(wide ? fill64 : fill32)(packing->setup.mem, &ranges);
}
