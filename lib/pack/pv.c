/* SPDX-License-Identifier: MIT */
/*
 * What a packed image is to a hypervisor's domain builder. Such a builder puts
 * the image's one PT_LOAD, which is the whole window, where the kernel itself
 * would lie, and maps it: so the decompressor finds the kernel's place below
 * itself, at the kernel's own virtual address, and all that the kernel's notes
 * ask of the address space stays true. What differs is the entry, and the
 * hypercall page: the builder fills it before anything runs, so the note names
 * a page of the decompressor's, which copies it to the kernel's.
 */
#include <xen/elfnote.h>

#include "../entry/subarch.h"
#include "../entry/xen_pv.h"
#include "../error.h"
#include "../plan/memory_map.h"
#include "pack.h"

/* Could a builder start the kernel itself, by its notes? */
static bool starts_by_notes(const struct packing *packing, struct pv_notes *ret)
{
	const struct kernel *kernel = packing->kernel;

	if (kernel->low_gpa % PLAN_PAGE_LEN) /* the window would begin inside of a page, and so would its pages */
		return false;
	if (xen_pv_can(packing->image, PB_UNPACK_HOST, kernel->elf_class, NULL) < 0)
		return false;
	if (pv_notes_read(kernel, 0, ret, NULL) < 0)
		return false;
	/* An old kernel that says so takes no top-level table above 4 GiB; no note can say that. */
	return kernel->elf_class == 64 || ret->extended_cr3;
}

/* From run, as the page has it. */
static uint32_t off_of(const struct packing *packing, uint64_t va)
{
	const struct pv_notes *notes = &packing->pv;

	return (uint32_t)(va - notes->virt_base + notes->paddr_offset - packing->kernel->low_gpa);
}

void pack_pv(struct packing *packing)
{
	struct pack_page *page = &packing->page;
	struct pv_notes *notes = &packing->pv;

	packing->has_pv = starts_by_notes(packing, notes);
	page->kernel_hypercall_off = PACK_NOWHERE;
	page->pv_kernel_off = PACK_NOWHERE;
	if (!packing->has_pv && pv_notes_read(packing->kernel, SUBARCH_XEN, notes, NULL) < 0)
		return;
	page->pv_base = notes->virt_base;
	if (!packing->has_pv)
		return;
	page->pv_kernel_off = off_of(packing, notes->entry_va);
	if (notes->hypercall_va != PV_NOWHERE)
		page->kernel_hypercall_off = off_of(packing, notes->hypercall_va);
}

uint64_t pack_pv_va(const struct packing *packing, uint32_t off)
{
	const struct pv_notes *notes = &packing->pv;

	return notes->virt_base + packing->page.pref_gpa - notes->paddr_offset + off;
}
