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

#define PADDING_LEN 0x80000ull   /* xen.h: at least so much is mapped behind the stack, */
#define MAPPED_END  0x400000ull  /* and the mapping ends on such a boundary */
#define TOP_SPAN    (1ull << 39) /* what an entry of the top level covers */

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

/* ---- Checks ------------------------------------------------------------ */

#define HV_START 0xffff800000000000ull /* <xen/arch-x86/xen-x86_64.h> */
#define HV_END   0xffff880000000000ull

static bool is_guest_va(uint64_t va)
{
	uint64_t top = va >> 47;

	return (top == 0 || top == 0x1ffff) && (va < HV_START || va >= HV_END);
}

static int check_virtual(const struct pv_notes *notes, struct pb_error *err)
{
	if (notes->virt_base % PLAN_PAGE_LEN || !is_guest_va(notes->virt_base))
		return fail(err, PB_E_NOTE_VALUE, "VIRT_BASE", notes->virt_base, HV_START, 0);
	if (notes->init_p2m_va == PV_NOWHERE)
		return 0;
	if (notes->init_p2m_va % TOP_SPAN || !is_guest_va(notes->init_p2m_va) ||
	    notes->init_p2m_va / TOP_SPAN == notes->virt_base / TOP_SPAN)
		return fail(err, PB_E_NOTE_VALUE, "INIT_P2M", notes->init_p2m_va, notes->virt_base, 0);
	return 0;
}

/* A virtual address of the notes lies in the kernel. */
static bool in_kernel(const struct kernel *kernel, const struct pv_notes *notes, uint64_t va)
{
	return va >= notes->virt_base && kernel_segment_at(kernel, va - notes->virt_base + notes->paddr_offset);
}

static int check_kernel(const struct kernel *kernel, const struct pv_notes *notes, uint64_t nr_pages,
			struct pb_error *err)
{
	if (notes->paddr_offset % PLAN_PAGE_LEN || kernel->low_gpa < notes->paddr_offset)
		return fail(err, PB_E_NOTE_VALUE, "PADDR_OFFSET", notes->paddr_offset, kernel->low_gpa, 0);
	if (kernel->high_gpa - notes->paddr_offset > nr_pages * PLAN_PAGE_LEN)
		return fail(err, PB_E_NO_ROOM, "initial area", kernel->high_gpa - notes->paddr_offset,
			    nr_pages * PLAN_PAGE_LEN, 0);
	if (!in_kernel(kernel, notes, notes->entry_va))
		return fail(err, PB_E_ENTRY_OUTSIDE, "ENTRY", notes->entry_va, notes->virt_base, 0);
	if (notes->hypercall_va != PV_NOWHERE &&
	    (notes->hypercall_va % PLAN_PAGE_LEN || !in_kernel(kernel, notes, notes->hypercall_va)))
		return fail(err, PB_E_NOTE_VALUE, "HYPERCALL_PAGE", notes->hypercall_va, notes->virt_base, 0);
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

/* Everything behind the mapped part's fixed head, with so many page-table frames. */
static void lay_out_tail(struct pv_layout *layout, uint64_t next_pfn, uint64_t nr_tables)
{
	layout->start_info = take(&next_pfn, 1);
	layout->xenstore = take(&next_pfn, 1);
	layout->console = take(&next_pfn, 1);
	layout->tables = take(&next_pfn, nr_tables);
	layout->stack = take(&next_pfn, 1);
	layout->mapped.count = align_up(next_pfn * PLAN_PAGE_LEN + PADDING_LEN, MAPPED_END) / PLAN_PAGE_LEN;
}

static int no_room(uint64_t pages, uint64_t nr_pages, struct pb_error *err)
{
	return fail(err, PB_E_NO_ROOM, "initial area", pages * PLAN_PAGE_LEN, nr_pages * PLAN_PAGE_LEN, 0);
}

/* The mapping must not run into the hypervisor's part of the address space, nor over its end. */
static int check_mapped(const struct pv_layout *layout, struct pb_error *err)
{
	uint64_t base = layout->notes.virt_base, len = layout->mapped.count * PLAN_PAGE_LEN;

	if (layout->mapped.count > layout->nr_pages)
		return no_room(layout->mapped.count, layout->nr_pages, err);
	if (len - 1 > UINT64_MAX - base || !is_guest_va(base + len - 1) || (base + len - 1) >> 47 != base >> 47)
		return fail(err, PB_E_NOTE_VALUE, "VIRT_BASE", base, len, 0);
	return 0;
}

/* Each round has more tables, and the domain's size bounds them. */
static int lay_out_mapped(struct pv_layout *layout, uint64_t next_pfn, struct pb_error *err)
{
	uint64_t tables = 0, need = PV_LEVELS;
	int rc = 0;

	while (need > tables && rc == 0) {
		tables = need;
		lay_out_tail(layout, next_pfn, tables);
		rc = check_mapped(layout, err);
		if (rc == 0)
			need = 1 + tables_below_top(layout->notes.virt_base, layout->mapped.count * PLAN_PAGE_LEN);
	}
	return rc;
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

int pv_layout_make(struct pb_image *image, const struct pv_notes *notes, uint64_t nr_pages, uint64_t initrd_len,
		   struct pv_layout *ret, struct pb_error *err)
{
	const struct kernel *kernel = image_kernel(image);
	struct pv_layout layout = { .notes = *notes, .nr_pages = nr_pages };
	uint64_t p2m_count = align_up(nr_pages * 8, PLAN_PAGE_LEN) / PLAN_PAGE_LEN;
	uint64_t initrd_count = align_up(initrd_len, PLAN_PAGE_LEN) / PLAN_PAGE_LEN, next_pfn;
	int rc = check_virtual(notes, err);

	if (rc == 0)
		rc = check_kernel(kernel, notes, nr_pages, err);
	if (rc == 0 && initrd_count > nr_pages)
		rc = no_room(initrd_count, nr_pages, err);
	if (rc)
		return rc;
	layout.kernel.pfn = (kernel->low_gpa - notes->paddr_offset) / PLAN_PAGE_LEN;
	next_pfn = align_up(kernel->high_gpa - notes->paddr_offset, PLAN_PAGE_LEN) / PLAN_PAGE_LEN;
	layout.kernel.count = next_pfn - layout.kernel.pfn;
	if (!notes->mod_start_pfn)
		layout.initrd = take(&next_pfn, initrd_count);
	if (notes->init_p2m_va == PV_NOWHERE)
		layout.p2m = take(&next_pfn, p2m_count);
	rc = lay_out_mapped(&layout, next_pfn, err);
	if (rc)
		return rc;
	lay_out_unmapped(&layout, p2m_count, initrd_count);
	if (layout.end_pfn > nr_pages)
		return no_room(layout.end_pfn, nr_pages, err);
	*ret = layout;
	return 0;
}
