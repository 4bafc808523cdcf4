/* SPDX-License-Identifier: MIT */
/*
 * Reads and checks the notes that a PV layout follows. Where <xen/elfnote.h>
 * leaves a case open, the rule is the one of Xen's own builders: a kernel that
 * starts there is to start here.
 */
#include "pv_notes.h"

#include <string.h>
#include <xen/elfnote.h>

#include "../entry/xen_pv.h"
#include "../error.h"
#include "../kernel.h"
#include "../notes.h"
#include "memory_map.h"

static const struct note *xen_note(const struct kernel *kernel, uint32_t type)
{
	return note_find(kernel->notes, kernel->nr_notes, "Xen", type);
}

static int optional_number(const struct kernel *kernel, uint32_t type, const char *field, uint64_t absent,
			   uint64_t *ret, struct pb_error *err)
{
	*ret = absent;
	if (!xen_note(kernel, type))
		return 0;
	return xen_number(kernel, type, field, ret, err);
}

/* The numbers that have a default, by where they go. */
static int read_numbers(const struct kernel *kernel, struct pv_notes *notes, struct pb_error *err)
{
	const struct {
		uint32_t type;
		const char *field;
		uint64_t absent, *to;
	} rows[] = {
		{ XEN_ELFNOTE_VIRT_BASE, "VIRT_BASE", 0, &notes->virt_base },
		{ XEN_ELFNOTE_PADDR_OFFSET, "PADDR_OFFSET", 0, &notes->paddr_offset },
		{ XEN_ELFNOTE_HYPERCALL_PAGE, "HYPERCALL_PAGE", PV_NOWHERE, &notes->hypercall_va },
		{ XEN_ELFNOTE_INIT_P2M, "INIT_P2M", PV_NOWHERE, &notes->init_p2m_va },
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && rc == 0; i++)
		rc = optional_number(kernel, rows[i].type, rows[i].field, rows[i].absent, rows[i].to, err);
	return rc;
}

/* ---- The hypervisor's part of the address space ------------------------ */

/* <xen/arch-x86/xen-x86_64.h>, <xen/arch-x86/xen-x86_32.h> */
#define HV_START_64 0xffff800000000000ull
#define HV_END_64   0xffff880000000000ull
#define HV_START_32 0xf5800000ull

/*
 * HV_START_LOW is a lower bound that the kernel can live with. A value above
 * where the hole can begin at the earliest is against the note's definition.
 */
static int read_hole(const struct kernel *kernel, struct pv_notes *notes, struct pb_error *err)
{
	uint64_t low;
	int rc;

	notes->hv_start = notes->elf_class == 32 ? HV_START_32 : HV_START_64;
	notes->hv_end = notes->elf_class == 32 ? 0 : HV_END_64;
	rc = optional_number(kernel, XEN_ELFNOTE_HV_START_LOW, "HV_START_LOW", notes->hv_start, &low, err);
	if (rc == 0 && low > notes->hv_start)
		rc = fail(err, PB_E_NOTE_VALUE, "HV_START_LOW", low, notes->hv_start, 0);
	return rc;
}

/* A canonical address: bits 63 to 47 are all the same. */
static bool is_canonical(uint64_t va)
{
	return va >> 47 == 0 || va >> 47 == 0x1ffff;
}

bool pv_is_guest_va(const struct pv_notes *notes, uint64_t va, uint64_t len)
{
	uint64_t last = va + len - 1;

	if (last < va || !is_canonical(va) || !is_canonical(last) || va >> 47 != last >> 47)
		return false;
	return last < notes->hv_start || (notes->hv_end && va >= notes->hv_end);
}

/* ---- Our own note ------------------------------------------------------ */

/* FIXMAP is two numbers of 8 bytes, in either class: the first address, and how many bytes. */
static int read_fixmap(const struct kernel *kernel, struct pv_notes *notes, struct pb_error *err)
{
	const struct note *note = note_find(kernel->notes, kernel->nr_notes, NOTES_OWN, NOTE_OWN_FIXMAP);
	uint64_t range[2];

	if (!note)
		return 0;
	if (note->desc_len != sizeof(range))
		return fail(err, PB_E_NOTE, "FIXMAP", note->desc_len, sizeof(range), 0);
	memcpy(range, note->desc, sizeof(range));
	notes->fixmap_va = range[0];
	notes->fixmap_len = range[1];
	return 0;
}

/* ---- Checks ------------------------------------------------------------ */

static int check_addresses(const struct pv_notes *notes, struct pb_error *err)
{
	if (notes->virt_base % PLAN_PAGE_LEN || !pv_is_guest_va(notes, notes->virt_base, 1))
		return fail(err, PB_E_NOTE_VALUE, "VIRT_BASE", notes->virt_base, notes->hv_start, 0);
	if (notes->init_p2m_va != PV_NOWHERE &&
	    (notes->init_p2m_va % PLAN_PAGE_LEN || !pv_is_guest_va(notes, notes->init_p2m_va, 1)))
		return fail(err, PB_E_NOTE_VALUE, "INIT_P2M", notes->init_p2m_va, notes->hv_start, 0);
	return 0;
}

/* A virtual address of the notes lies in the kernel. */
static bool in_kernel(const struct kernel *kernel, const struct pv_notes *notes, uint64_t va)
{
	return va >= notes->virt_base && kernel_segment_at(kernel, va - notes->virt_base + notes->paddr_offset);
}

static int check_kernel(const struct kernel *kernel, const struct pv_notes *notes, struct pb_error *err)
{
	if (notes->paddr_offset % PLAN_PAGE_LEN || kernel->low_gpa < notes->paddr_offset)
		return fail(err, PB_E_NOTE_VALUE, "PADDR_OFFSET", notes->paddr_offset, kernel->low_gpa, 0);
	if (!in_kernel(kernel, notes, notes->entry_va))
		return fail(err, PB_E_ENTRY_OUTSIDE, "ENTRY", notes->entry_va, notes->virt_base, 0);
	if (notes->hypercall_va != PV_NOWHERE &&
	    (notes->hypercall_va % PLAN_PAGE_LEN || !in_kernel(kernel, notes, notes->hypercall_va)))
		return fail(err, PB_E_NOTE_VALUE, "HYPERCALL_PAGE", notes->hypercall_va, notes->virt_base, 0);
	return 0;
}

/*
 * In the notes' days every PAE kernel can have it; the old string's "yes"
 * without "[extended-cr3]" is older than that. A note that was made from the
 * string has no place in the file.
 */
static bool has_extended_cr3(const struct kernel *kernel)
{
	const struct note *pae = xen_note(kernel, XEN_ELFNOTE_PAE_MODE);

	return pae && (pae->desc_off || strstr((const char *)pae->desc, "extended-cr3"));
}

/* What a 32-bit kernel says of INIT_P2M is for nobody (elfnote.h: only x86-64). */
static void read_class(const struct kernel *kernel, struct pv_notes *notes)
{
	if (notes->elf_class == 64)
		return;
	notes->init_p2m_va = PV_NOWHERE;
	notes->extended_cr3 = has_extended_cr3(kernel);
}

/* SUBARCH_ENTRY's row for an entry in ring 1, or e_entry. */
static int subarch_entry_gpa(const struct kernel *kernel, uint32_t subarch, pb_gpa *ret, struct pb_error *err)
{
	const struct note *note = note_find(kernel->notes, kernel->nr_notes, NOTES_OWN, NOTE_OWN_SUBARCH_ENTRY);
	struct subarch_entry entry;

	for (uint32_t off = 0; note && sizeof(entry) <= note->desc_len - off; off += sizeof(entry)) {
		memcpy(&entry, note->desc + off, sizeof(entry));
		if (entry.number == subarch && entry.mode == SUBARCH_RING1) {
			*ret = entry.gpa;
			return 0;
		}
	}
	return kernel_entry_of(kernel, ret, err);
}

/*
 * Where the kernel is entered. The boot protocol's entry is a physical address,
 * seen where the kernel is mapped: without a note, where it was linked.
 */
static int read_entry(const struct kernel *kernel, uint32_t subarch, struct pv_notes *notes, struct pb_error *err)
{
	const struct segment *first = kernel->segments;
	pb_gpa entry_gpa;
	int rc;

	if (!subarch)
		return xen_pv_entry(kernel, &notes->entry_va, err);
	rc = subarch_entry_gpa(kernel, subarch, &entry_gpa, err);
	if (rc)
		return rc;
	if (!xen_note(kernel, XEN_ELFNOTE_VIRT_BASE)) {
		notes->virt_base = first->vaddr - first->gpa;
		notes->paddr_offset = 0;
	}
	notes->entry_va = entry_gpa - notes->paddr_offset + notes->virt_base;
	return 0;
}

int pv_notes_read(const struct kernel *kernel, uint32_t subarch, struct pv_notes *ret, struct pb_error *err)
{
	struct pv_notes notes = { .elf_class = kernel->elf_class };
	uint64_t mod_start_pfn;
	int rc = read_numbers(kernel, &notes, err);

	if (rc == 0)
		rc = read_entry(kernel, subarch, &notes, err);
	if (rc == 0)
		rc = optional_number(kernel, XEN_ELFNOTE_MOD_START_PFN, "MOD_START_PFN", 0, &mod_start_pfn, err);
	if (rc == 0)
		rc = read_hole(kernel, &notes, err);
	if (rc == 0)
		rc = read_fixmap(kernel, &notes, err);
	read_class(kernel, &notes);
	if (rc == 0)
		rc = check_addresses(&notes, err);
	if (rc == 0)
		rc = check_kernel(kernel, &notes, err);
	if (rc)
		return rc;
	notes.mod_start_pfn = mod_start_pfn != 0;
	*ret = notes;
	return 0;
}
