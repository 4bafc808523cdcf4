/* SPDX-License-Identifier: MIT */
/*
 * Lays out the initial area of a 64-bit Xen PV domain; pv_layout.h draws it.
 * The page tables lie within what they map, so their number is found by
 * asking again with a larger guess until it is enough.
 */
#include "pv_layout.h"

#include <xen/elfnote.h>

#include "../entry/rows.h"
#include "../error.h"
#include "arith.h"
#include "memory_map.h"

#define PADDING_LEN 0x80000ull  /* xen.h: at least so much is mapped behind the stack, */
#define MAPPED_END  0x400000ull /* and the mapping ends on such a boundary */
#define TABLE_SPAN  512ull      /* entries in a table */

static int optional_number(struct pb_image *image, uint32_t type, const char *field, uint64_t absent, uint64_t *ret,
			   struct pb_error *err)
{
	*ret = absent;
	if (!kernel_note(image, "Xen", type))
		return 0;
	return xen_number(image_kernel(image), type, field, ret, err);
}

int pv_notes_read(struct pb_image *image, struct pv_notes *ret, struct pb_error *err)
{
	struct pv_notes notes = { 0 };
	uint64_t mod_start_pfn;
	int rc = xen_number(image_kernel(image), XEN_ELFNOTE_ENTRY, "ENTRY", &notes.entry_va, err);

	if (rc == 0)
		rc = optional_number(image, XEN_ELFNOTE_VIRT_BASE, "VIRT_BASE", 0, &notes.virt_base, err);
	if (rc == 0)
		rc = optional_number(image, XEN_ELFNOTE_PADDR_OFFSET, "PADDR_OFFSET", 0, &notes.paddr_offset, err);
	if (rc == 0)
		rc = optional_number(image, XEN_ELFNOTE_HYPERCALL_PAGE, "HYPERCALL_PAGE", PV_NOWHERE,
				     &notes.hypercall_va, err);
	if (rc == 0)
		rc = optional_number(image, XEN_ELFNOTE_INIT_P2M, "INIT_P2M", PV_NOWHERE, &notes.init_p2m_va, err);
	if (rc == 0)
		rc = optional_number(image, XEN_ELFNOTE_MOD_START_PFN, "MOD_START_PFN", 0, &mod_start_pfn, err);
	if (rc)
		return rc;
	notes.mod_start_pfn = mod_start_pfn != 0;
	*ret = notes;
	return 0;
}

/* ---- Page tables ------------------------------------------------------- */

/* How many tables of that level (1 lowest) a mapping of [va, va+len) takes. */
static uint64_t tables_of_level(uint64_t va, uint64_t len, unsigned level)
{
	unsigned shift = 12 + 9 * level;

	return ((va + len - 1) >> shift) - (va >> shift) + 1;
}

static uint64_t tables_below_top(uint64_t va, uint64_t len)
{
	uint64_t sum = 0;

	for (unsigned level = 1; level < PV_LEVELS; level++)
		sum += tables_of_level(va, len, level);
	return sum;
}

/* ---- The areas --------------------------------------------------------- */

static struct pv_area take(uint64_t *next_pfn, uint64_t count)
{
	struct pv_area area = { *next_pfn, count };

	*next_pfn += count;
	return area;
}

/* Everything behind the mapped part's fixed head, with so many page-table frames; returns how many that needs. */
static uint64_t lay_out_tail(struct pv_layout *layout, uint64_t next_pfn, uint64_t nr_tables)
{
	uint64_t len;

	layout->start_info = take(&next_pfn, 1);
	layout->xenstore = take(&next_pfn, 1);
	layout->console = take(&next_pfn, 1);
	layout->tables = take(&next_pfn, nr_tables);
	layout->stack = take(&next_pfn, 1);
	len = align_up(next_pfn * PLAN_PAGE_LEN + PADDING_LEN, MAPPED_END);
	layout->mapped = (struct pv_area){ 0, len / PLAN_PAGE_LEN };
	return 1 + tables_below_top(layout->notes.virt_base, len);
}

static void lay_out_mapped(struct pv_layout *layout, uint64_t next_pfn)
{
	uint64_t tables = 4, need;

	while ((need = lay_out_tail(layout, next_pfn, tables)) > tables)
		tables = need;
}

static void lay_out_unmapped(struct pv_layout *layout, uint64_t p2m_count, uint64_t initrd_count)
{
	uint64_t next_pfn = layout->mapped.count;

	if (layout->notes.init_p2m_va != PV_NOWHERE) {
		layout->p2m = take(&next_pfn, p2m_count);
		layout->p2m_tables =
			take(&next_pfn, tables_below_top(layout->notes.init_p2m_va, p2m_count * PLAN_PAGE_LEN));
	}
	if (layout->notes.mod_start_pfn)
		layout->initrd = take(&next_pfn, initrd_count);
	layout->end_pfn = next_pfn;
}

/* ---- Checks ------------------------------------------------------------ */

/* The mapping must not run into the hypervisor's part of the address space, nor over its end. */
static int check_virtual(const struct pv_layout *layout, struct pb_error *err)
{
	uint64_t base = layout->notes.virt_base, len = layout->mapped.count * PLAN_PAGE_LEN;
	uint64_t hv_start = 0xffff800000000000, hv_end = 0xffff880000000000;

	if (base % PLAN_PAGE_LEN || len - 1 > UINT64_MAX - base || (base < hv_end && base + len - 1 >= hv_start))
		return fail(err, PB_E_NOTE_VALUE, "VIRT_BASE", base, len, 0);
	if (layout->notes.init_p2m_va != PV_NOWHERE &&
	    (layout->notes.init_p2m_va >> 39 == base >> 39 || layout->notes.init_p2m_va % (1ull << 39)))
		return fail(err, PB_E_NOTE_VALUE, "INIT_P2M", layout->notes.init_p2m_va, base, 0);
	return 0;
}

static int check_kernel(const struct kernel *kernel, const struct pv_notes *notes, struct pb_error *err)
{
	if (kernel->low_gpa < notes->paddr_offset)
		return fail(err, PB_E_NOTE_VALUE, "PADDR_OFFSET", notes->paddr_offset, kernel->low_gpa, 0);
	if (notes->entry_va < notes->virt_base ||
	    !kernel_segment_at(kernel, notes->entry_va - notes->virt_base + notes->paddr_offset))
		return fail(err, PB_E_ENTRY_OUTSIDE, "ENTRY", notes->entry_va, notes->virt_base, 0);
	return 0;
}

int pv_layout_make(struct pb_image *image, const struct pv_notes *notes, uint64_t nr_pages, uint64_t initrd_len,
		   struct pv_layout *ret, struct pb_error *err)
{
	const struct kernel *kernel = image_kernel(image);
	struct pv_layout layout = { .notes = *notes, .nr_pages = nr_pages };
	uint64_t p2m_count = align_up(nr_pages * 8, PLAN_PAGE_LEN) / PLAN_PAGE_LEN;
	uint64_t initrd_count = align_up(initrd_len, PLAN_PAGE_LEN) / PLAN_PAGE_LEN, next_pfn;
	int rc = check_kernel(kernel, notes, err);

	if (rc)
		return rc;
	layout.kernel.pfn = (kernel->low_gpa - notes->paddr_offset) / PLAN_PAGE_LEN;
	next_pfn = align_up(kernel->high_gpa - notes->paddr_offset, PLAN_PAGE_LEN) / PLAN_PAGE_LEN;
	layout.kernel.count = next_pfn - layout.kernel.pfn;
	if (!notes->mod_start_pfn)
		layout.initrd = take(&next_pfn, initrd_count);
	if (notes->init_p2m_va == PV_NOWHERE)
		layout.p2m = take(&next_pfn, p2m_count);
	lay_out_mapped(&layout, next_pfn);
	lay_out_unmapped(&layout, p2m_count, initrd_count);
	if (layout.end_pfn > nr_pages)
		return fail(err, PB_E_NO_ROOM, "initial area", layout.end_pfn * PLAN_PAGE_LEN, nr_pages * PLAN_PAGE_LEN,
			    0);
	rc = check_virtual(&layout, err);
	if (rc == 0)
		*ret = layout;
	return rc;
}
