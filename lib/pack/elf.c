/* SPDX-License-Identifier: MIT */
/*
 * An ELF header in the boot sector, before the setup header, for loaders that
 * look for ELF first. Its one PT_LOAD is the protected-mode part with its
 * window, where it is loaded to run without moving; p_vaddr is where the kernel
 * that ends up there is linked. e_type is ET_NONE: kexec takes
 * ET_EXEC for a kernel without boot_params, and this file for a bzImage.
 *
 * PT_NOTE lies behind the 16-bit code. It has the kernel's notes but for those
 * that name addresses in the kernel, which are not true of this file: it has its own.
 */
#include <elf.h>
#include <string.h>
#include <xen/elfnote.h>

#include "../error.h"
#include "pack.h"

#ifndef XEN_ELFNOTE_PHYS32_RELOC
#define XEN_ELFNOTE_PHYS32_RELOC 19 /* Xen 4.20; Debian 12 packages 4.17 */
#endif

#define HDR_OFF    0x1f1u
#define NOTE_ALIGN 4u

/* ---- Notes -------------------------------------------------------------- */

static int add_note(struct pack_bytes *out, const char *owner, uint32_t type, const void *desc, uint32_t desc_len,
		    struct pb_error *err)
{
	const Elf64_Nhdr head = { (Elf64_Word)strlen(owner) + 1, desc_len, type };
	int rc = pack_bytes_add(out, &head, sizeof(head), err);

	if (rc == 0)
		rc = pack_bytes_add(out, owner, head.n_namesz, err);
	if (rc == 0)
		rc = pack_bytes_pad(out, NOTE_ALIGN, err);
	if (rc == 0)
		rc = pack_bytes_add(out, desc, desc_len, err);
	return rc < 0 ? rc : pack_bytes_pad(out, NOTE_ALIGN, err);
}

/*
 * Of the kernel's notes those that would not be true of this file: they name
 * addresses in the kernel, or want the symbols of an ELF file loaded.
 */
static bool is_about_the_kernel(const struct note *note)
{
	static const uint32_t types[] = { XEN_ELFNOTE_ENTRY,        XEN_ELFNOTE_HYPERCALL_PAGE,
					  XEN_ELFNOTE_VIRT_BASE,    XEN_ELFNOTE_PADDR_OFFSET,
					  XEN_ELFNOTE_INIT_P2M,     XEN_ELFNOTE_PHYS32_ENTRY,
					  XEN_ELFNOTE_PHYS32_RELOC, XEN_ELFNOTE_BSD_SYMTAB };

	for (size_t i = 0; strcmp(note->owner, "Xen") == 0 && i < sizeof(types) / sizeof(types[0]); i++)
		if (note->type == types[i])
			return true;
	return false;
}

/* The same for this file; what a kernel cannot be started by, the file cannot either. */
static int add_own_notes(struct packing *packing, struct pb_error *err)
{
	const struct pack_page *page = &packing->page;
	const struct pv_notes *pv = &packing->pv;
	const bool has_pv = packing->has_pv;
	const struct {
		bool there;
		uint32_t type;
		uint64_t value;
	} rows[] = {
		{ true, XEN_ELFNOTE_PHYS32_ENTRY, page->pref_gpa + page->pvh_entry_off },
		{ has_pv, XEN_ELFNOTE_ENTRY, pack_pv_va(packing, page->pv_entry_off) },
		{ has_pv, XEN_ELFNOTE_VIRT_BASE, pv->virt_base },
		{ has_pv, XEN_ELFNOTE_PADDR_OFFSET, pv->paddr_offset },
		{ page->kernel_hypercall_off != PACK_NOWHERE, XEN_ELFNOTE_HYPERCALL_PAGE,
		  pack_pv_va(packing, page->code_at + page->hypercall_off) },
		{ has_pv && pv->init_p2m_va != PV_NOWHERE, XEN_ELFNOTE_INIT_P2M, pv->init_p2m_va },
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && rc == 0; i++)
		if (rows[i].there)
			rc = add_note(&packing->setup, "Xen", rows[i].type, &rows[i].value,
				      packing->kernel->elf_class / 8, err);
	return rc;
}

static int add_notes(struct packing *packing, struct pb_error *err)
{
	const struct kernel *kernel = packing->kernel;
	int rc = add_own_notes(packing, err);

	for (unsigned i = 0; i < kernel->nr_notes && rc == 0; i++) {
		const struct note *note = &kernel->notes[i];

		if (!is_about_the_kernel(note))
			rc = add_note(&packing->setup, note->owner, note->type, note->desc, note->desc_len, err);
	}
	return rc;
}

/* ---- Headers ------------------------------------------------------------ */

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

int pack_elf_notes(struct packing *packing, struct pb_error *err)
{
	int rc = pack_bytes_pad(&packing->setup, NOTE_ALIGN, err);

	packing->notes_off = packing->setup.len;
	if (rc == 0)
		rc = add_notes(packing, err);
	packing->notes_len = packing->setup.len - packing->notes_off;
	return rc;
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
