/* SPDX-License-Identifier: MIT */
/*
 * The notes behind the 16-bit part, which the ELF header points to: those that
 * tell of this file (where its entries are, and whom it serves), the kernel's
 * that are true of it too, and the caller's, which go before the kernel's of the
 * same owner and type.
 */
#include <elf.h>
#include <string.h>
#include <xen/elfnote.h>

#include "../entry/subarch.h"
#include "../error.h"
#include "../notes.h"
#include "pack.h"

#ifndef XEN_ELFNOTE_PHYS32_RELOC
#define XEN_ELFNOTE_PHYS32_RELOC 19 /* Xen 4.20; Debian 12 packages 4.17 */
#endif

#define NOTE_ALIGN    4u
#define OWNER_LEN_MAX 255u
#define ANY_LGUEST    (1ull << 1)
#define ANY_XEN       (1ull << SUBARCH_XEN)

/* ---- One note ----------------------------------------------------------- */

static int add_note(struct packing *packing, const struct pb_pack_note *note, struct pb_error *err)
{
	struct pack_bytes *out = &packing->setup;
	const Elf64_Nhdr head = { (Elf64_Word)strlen(note->owner) + 1, note->desc_len, note->type };
	int rc = pack_bytes_add(out, &head, sizeof(head), err);

	if (rc == 0)
		rc = pack_bytes_add(out, note->owner, head.n_namesz, err);
	if (rc == 0)
		rc = pack_bytes_pad(out, NOTE_ALIGN, err);
	if (rc == 0)
		rc = pack_bytes_add(out, note->desc, note->desc_len, err);
	return rc < 0 ? rc : pack_bytes_pad(out, NOTE_ALIGN, err);
}

static int add_own(struct packing *packing, const char *owner, uint32_t type, const void *desc, uint32_t desc_len,
		   struct pb_error *err)
{
	const struct pb_pack_note note = { owner, type, desc, desc_len };

	return add_note(packing, &note, err);
}

/* ---- Xen's, that name addresses ----------------------------------------- */

/*
 * Notes that nobody but the packer can write: what they name lies in this file,
 * or (BSD_SYMTAB) would have to.
 */
static bool is_ours_to_write(const char *owner, uint32_t type)
{
	static const uint32_t types[] = { XEN_ELFNOTE_ENTRY,        XEN_ELFNOTE_HYPERCALL_PAGE,
					  XEN_ELFNOTE_VIRT_BASE,    XEN_ELFNOTE_PADDR_OFFSET,
					  XEN_ELFNOTE_INIT_P2M,     XEN_ELFNOTE_PHYS32_ENTRY,
					  XEN_ELFNOTE_PHYS32_RELOC, XEN_ELFNOTE_BSD_SYMTAB };

	if (strcmp(owner, NOTES_OWN) == 0)
		return type == NOTE_OWN_SUBARCH_ENTRY;
	for (size_t i = 0; strcmp(owner, "Xen") == 0 && i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i] == type)
			return true;
	return false;
}

/* What a kernel cannot be started by, the file cannot either. */
static int add_addresses(struct packing *packing, struct pb_error *err)
{
	const struct pack_page *page = &packing->page;
	const struct pv_notes *pv = &packing->pv;
	const bool has_pv = packing->has_pv;
	const struct {
		bool there;
		uint32_t type;
		uint64_t value;
	} rows[] = {
		{ packing->has_native, XEN_ELFNOTE_PHYS32_ENTRY, page->pref_gpa + page->pvh_entry_off },
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
			rc = add_own(packing, "Xen", rows[i].type, &rows[i].value, packing->kernel->elf_class / 8, err);
	return rc;
}

/* ---- The caller's ------------------------------------------------------- */

static const struct pb_pack_note *given(const struct packing *packing, const char *owner, uint32_t type)
{
	const struct pb_pack *request = packing->request;

	for (size_t i = 0; i < request->nr_notes; i++)
		if (request->notes[i].type == type && strcmp(request->notes[i].owner, owner) == 0)
			return &request->notes[i];
	return NULL;
}

int pack_check_notes(const struct pb_pack *request, struct pb_error *err)
{
	if (request->nr_notes && !request->elf)
		return fail(err, PB_E_ARG, "notes without an ELF header", request->nr_notes, 0, 0);
	for (size_t i = 0; i < request->nr_notes; i++) {
		const struct pb_pack_note *note = &request->notes[i];
		size_t owner_len = note->owner ? strlen(note->owner) : 0;

		if (owner_len == 0 || owner_len > OWNER_LEN_MAX)
			return fail(err, PB_E_ARG, "note's owner", owner_len, OWNER_LEN_MAX, 0);
		if (is_ours_to_write(note->owner, note->type))
			return fail(err, PB_E_ARG, "note that tells of the packed file", note->type, 0, 0);
	}
	return 0;
}

static int add_given(struct packing *packing, struct pb_error *err)
{
	const struct pb_pack *request = packing->request;
	int rc = 0;

	for (size_t i = 0; i < request->nr_notes && rc == 0; i++)
		rc = add_note(packing, &request->notes[i], err);
	return rc;
}

/* ---- Whom the image serves ---------------------------------------------- */

/* The caller's word, or the kernel's, or what the kernel shows. */
static int ask_served(const struct packing *packing, uint64_t *ret, struct pb_error *err)
{
	const struct pb_pack_note *word = given(packing, NOTES_OWN, NOTE_OWN_SUBARCH);
	uint64_t bits = 0;
	int rc = 0;

	if (word && (word->desc_len == 0 || word->desc_len > sizeof(bits)))
		return fail(err, PB_E_NOTE, "SUBARCH", word->desc_len, sizeof(bits), 0);
	if (word)
		memcpy(&bits, word->desc, word->desc_len);
	for (uint32_t number = 0; !word && number < 64 && rc == 0; number++) {
		enum pb_serves serves = PB_SERVES_NO;

		rc = pb_image_serves(packing->image, number, &serves, err);
		if (serves >= PB_SERVES_PROTOCOL)
			bits |= 1ull << number;
	}
	*ret = bits;
	return rc;
}

/* In ring 1 only 32-bit images are entered by the boot protocol; and a kernel for Xen's ABI alone is by none. */
static uint64_t can_serve(const struct packing *packing)
{
	if (!packing->has_native)
		return 0;
	return packing->kernel->elf_class == 64 ? ~(ANY_LGUEST | ANY_XEN) : UINT64_MAX;
}

static int add_entry(struct packing *packing, uint64_t bits, uint32_t mode, uint32_t off, struct pb_error *err)
{
	int rc = 0;

	for (uint32_t number = 0; number < 64 && rc == 0; number++) {
		const struct subarch_entry entry = { number, mode, packing->page.pref_gpa + off };

		if (bits >> number & 1)
			rc = pack_bytes_add(&packing->entries, &entry, sizeof(entry), err);
	}
	return rc;
}

int pack_served(struct packing *packing, struct pb_error *err)
{
	int rc = ask_served(packing, &packing->served, err);

	packing->served &= can_serve(packing);
	return rc;
}

static int add_served(struct packing *packing, struct pb_error *err)
{
	bool wide = packing->kernel->elf_class == 64;
	uint64_t bits = packing->served, in_ring_1 = ANY_LGUEST | ANY_XEN;
	int rc = add_entry(packing, bits & ~in_ring_1, SUBARCH_LINUX32, 0, err);

	if (rc == 0 && wide)
		rc = add_entry(packing, bits, SUBARCH_LINUX64, PACK_ENTRY64, err);
	if (rc == 0)
		rc = add_entry(packing, bits & in_ring_1, SUBARCH_RING1, 0, err);
	if (rc == 0 && !given(packing, NOTES_OWN, NOTE_OWN_SUBARCH))
		rc = add_own(packing, NOTES_OWN, NOTE_OWN_SUBARCH, &bits, sizeof(bits), err);
	return rc < 0 ? rc
		      : add_own(packing, NOTES_OWN, NOTE_OWN_SUBARCH_ENTRY, packing->entries.mem,
				(uint32_t)packing->entries.len, err);
}

/* ---- All of them -------------------------------------------------------- */

static int add_kernels(struct packing *packing, struct pb_error *err)
{
	const struct kernel *kernel = packing->kernel;
	int rc = 0;

	for (unsigned i = 0; i < kernel->nr_notes && rc == 0; i++) {
		const struct note *note = &kernel->notes[i];
		bool is_served = strcmp(note->owner, NOTES_OWN) == 0 && note->type == NOTE_OWN_SUBARCH;

		if (!is_served && !is_ours_to_write(note->owner, note->type) &&
		    !given(packing, note->owner, note->type))
			rc = add_own(packing, note->owner, note->type, note->desc, note->desc_len, err);
	}
	return rc;
}

int pack_notes(struct packing *packing, struct pb_error *err)
{
	int rc = pack_bytes_pad(&packing->setup, NOTE_ALIGN, err);

	packing->notes_off = packing->setup.len;
	if (rc == 0)
		rc = add_addresses(packing, err);
	if (rc == 0)
		rc = add_served(packing, err);
	if (rc == 0)
		rc = add_kernels(packing, err);
	if (rc == 0)
		rc = add_given(packing, err);
	packing->notes_len = packing->setup.len - packing->notes_off;
	return rc;
}
