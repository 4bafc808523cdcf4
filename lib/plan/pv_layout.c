/* SPDX-License-Identifier: MIT */
/*
 * Lays out the initial area of a Xen PV domain; pv_layout.h draws it. The
 * page tables lie within what they map, so their number is found by asking
 * again with a larger guess until it is enough.
 */
#include "pv_layout.h"

#include "../error.h"
#include "arith.h"
#include "memory_map.h"

#define PADDING_LEN  0x80000ull  /* xen.h: at least so much is mapped behind the stack, */
#define MAPPED_END   0x400000ull /* and the mapping ends on such a boundary */
#define PAE_LEVELS   3
#define ADDRESS_MASK ((1ull << 48) - 1)

static int no_room(uint64_t pages, uint64_t nr_pages, struct pb_error *err)
{
	return fail(err, PB_E_NO_ROOM, "initial area", pages * PLAN_PAGE_LEN, nr_pages * PLAN_PAGE_LEN, 0);
}

/* ---- Page tables ------------------------------------------------------- */

static bool in_run(const struct pv_run *run, uint64_t number)
{
	return number >= run->first && number - run->first < run->count;
}

/* Two mappings that do not overlap can only share a level's first or last table. */
static struct pv_run without_earlier(const struct pv_layout *layout, unsigned which, unsigned level, uint64_t first,
				     uint64_t last)
{
	uint64_t end = last + 1;

	for (unsigned i = 0; i < which; i++) {
		const struct pv_run *run = &layout->mappings[i].level[level];

		if (first < end && in_run(run, first))
			first = run->first + run->count;
		if (first < end && in_run(run, end - 1))
			end = run->first;
	}
	return (struct pv_run){ .first = first, .count = first < end ? end - first : 0 };
}

/* Page tables for count pages at va, down to the lowest level, lie from tables_pfn on. Returns how many those are. */
static uint64_t lay_out_tables(struct pv_layout *layout, unsigned which, uint64_t va, uint64_t count, unsigned lowest,
			       uint64_t tables_pfn)
{
	struct pv_mapping *mapping = &layout->mappings[which];
	uint64_t page = (va & ADDRESS_MASK) / PLAN_PAGE_LEN, next_pfn = tables_pfn;

	for (unsigned level = layout->levels; level >= lowest; level--) {
		struct pv_run *run = &mapping->level[level];

		*run = without_earlier(layout, which, level, page >> 9 * level, (page + count - 1) >> 9 * level);
		run->pfn = next_pfn;
		next_pfn += run->count;
	}
	return next_pfn - tables_pfn;
}

/* And show frames there. */
static uint64_t lay_out_mapping(struct pv_layout *layout, unsigned which, uint64_t va, struct pv_area frames,
				uint64_t tables_pfn)
{
	layout->mappings[which].level[0] =
		(struct pv_run){ (va & ADDRESS_MASK) / PLAN_PAGE_LEN, frames.count, frames.pfn };
	return lay_out_tables(layout, which, va, frames.count, 1, tables_pfn);
}

/* The tables in the mapped area. */
static uint64_t lay_out_base(struct pv_layout *layout)
{
	const struct pv_notes *notes = &layout->notes;
	uint64_t n = lay_out_mapping(layout, PV_MAP_BASE, notes->virt_base, layout->mapped, layout->tables.pfn);

	if (notes->fixmap_len)
		n += lay_out_tables(layout, PV_MAP_FIXMAP, notes->fixmap_va, notes->fixmap_len / PLAN_PAGE_LEN, 1,
				    layout->tables.pfn + n);
	if (layout->levels == PAE_LEVELS)
		n += lay_out_tables(layout, PV_MAP_HOLE, notes->hv_start, 1, 2, layout->tables.pfn + n);
	return n;
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
	layout->boot_params = take(&next_pfn, layout->by_subarch);
	layout->tables = take(&next_pfn, nr_tables);
	layout->stack = take(&next_pfn, 1);
	layout->mapped.count = align_up(next_pfn * PLAN_PAGE_LEN + PADDING_LEN, MAPPED_END) / PLAN_PAGE_LEN;
}

/* The mapping must not run into the hypervisor's part of the address space, nor over its end. */
static int check_mapped(const struct pv_layout *layout, struct pb_error *err)
{
	uint64_t len = layout->mapped.count * PLAN_PAGE_LEN;

	if (layout->mapped.count > layout->nr_pages)
		return no_room(layout->mapped.count, layout->nr_pages, err);
	if (!pv_is_guest_va(&layout->notes, layout->notes.virt_base, len))
		return fail(err, PB_E_NOTE_VALUE, "VIRT_BASE", layout->notes.virt_base, len, 0);
	return 0;
}

/* Each round has more tables, and the domain's size bounds them. */
static int lay_out_mapped(struct pv_layout *layout, uint64_t next_pfn, struct pb_error *err)
{
	uint64_t tables = 0, need = layout->levels;
	int rc = 0;

	while (need > tables && rc == 0) {
		tables = need;
		lay_out_tail(layout, next_pfn, tables);
		rc = check_mapped(layout, err);
		if (rc == 0)
			need = lay_out_base(layout);
	}
	return rc;
}

static bool overlaps_base(const struct pv_layout *layout, uint64_t va, uint64_t len)
{
	uint64_t base = layout->notes.virt_base;

	return va < base + layout->mapped.count * PLAN_PAGE_LEN && base < va + len;
}

static int fixmap_fail(const struct pv_notes *notes, uint64_t limit, struct pb_error *err)
{
	if (notes->fixmap_asked)
		return fail(err, PB_E_ARG, "fixmap", notes->fixmap_va, limit, 0);
	return fail(err, PB_E_NOTE_VALUE, "FIXMAP", notes->fixmap_va, limit, 0);
}

/* Before tables are laid out for it: it is the kernel's to use, and bounded by what the address space has. */
static int check_fixmap(const struct pv_layout *layout, struct pb_error *err)
{
	const struct pv_notes *notes = &layout->notes;

	if (notes->fixmap_len && !pv_is_guest_va(notes, notes->fixmap_va, notes->fixmap_len))
		return fixmap_fail(notes, notes->hv_start, err);
	return 0;
}

/* And after: what the kernel is to fill must be empty. */
static int check_fixmap_apart(const struct pv_layout *layout, struct pb_error *err)
{
	const struct pv_notes *notes = &layout->notes;

	if (notes->fixmap_len && overlaps_base(layout, notes->fixmap_va, notes->fixmap_len))
		return fixmap_fail(notes, notes->virt_base, err);
	return 0;
}

/* What INIT_P2M asks for must not lie over what is mapped at VIRT_BASE. */
static int check_p2m(const struct pv_layout *layout, uint64_t len, struct pb_error *err)
{
	const struct pv_notes *notes = &layout->notes;
	uint64_t from = notes->init_p2m_va, fixmap = notes->fixmap_va;

	if (!pv_is_guest_va(notes, from, len) || overlaps_base(layout, from, len))
		return fail(err, PB_E_NOTE_VALUE, "INIT_P2M", from, notes->virt_base, 0);
	if (notes->fixmap_len && from < fixmap + notes->fixmap_len && fixmap < from + len)
		return fail(err, PB_E_NOTE_VALUE, "INIT_P2M", from, fixmap, 0);
	return 0;
}

static int lay_out_unmapped(struct pv_layout *layout, uint64_t p2m_count, uint64_t initrd_count, struct pb_error *err)
{
	uint64_t next_pfn = layout->mapped.count;
	int rc = 0;

	if (layout->notes.init_p2m_va != PV_NOWHERE) {
		rc = check_p2m(layout, p2m_count * PLAN_PAGE_LEN, err);
		layout->p2m = take(&next_pfn, p2m_count);
		layout->p2m_tables = take(&next_pfn, lay_out_mapping(layout, PV_MAP_P2M, layout->notes.init_p2m_va,
								     layout->p2m, next_pfn));
	}
	if (layout->notes.mod_start_pfn)
		layout->initrd = take(&next_pfn, initrd_count);
	layout->end_pfn = next_pfn;
	if (rc == 0 && layout->end_pfn > layout->nr_pages)
		rc = no_room(layout->end_pfn, layout->nr_pages, err);
	return rc;
}

/* The kernel keeps its distance to VIRT_BASE: where it ends, the rest begins. */
static int lay_out_kernel(struct pv_layout *layout, const struct kernel *kernel, uint64_t *ret_next_pfn,
			  struct pb_error *err)
{
	uint64_t offset = layout->notes.paddr_offset, end = kernel->high_gpa - offset;

	if (end > layout->nr_pages * PLAN_PAGE_LEN)
		return fail(err, PB_E_NO_ROOM, "initial area", end, layout->nr_pages * PLAN_PAGE_LEN, 0);
	*ret_next_pfn = align_up(end, PLAN_PAGE_LEN) / PLAN_PAGE_LEN;
	layout->kernel.pfn = (kernel->low_gpa - offset) / PLAN_PAGE_LEN;
	layout->kernel.count = *ret_next_pfn - layout->kernel.pfn;
	return 0;
}

int pv_layout_make(const struct kernel *kernel, uint64_t nr_pages, uint64_t initrd_len, struct pv_layout *layout,
		   struct pb_error *err)
{
	uint64_t initrd_count = align_up(initrd_len, PLAN_PAGE_LEN) / PLAN_PAGE_LEN, p2m_count, next_pfn;
	int rc;

	layout->nr_pages = nr_pages;
	layout->levels = layout->notes.elf_class == 32 ? PAE_LEVELS : PV_MAX_LEVELS;
	layout->word_len = layout->notes.elf_class / 8;
	p2m_count = align_up(nr_pages * layout->word_len, PLAN_PAGE_LEN) / PLAN_PAGE_LEN;
	rc = lay_out_kernel(layout, kernel, &next_pfn, err);
	if (rc == 0 && initrd_count > nr_pages)
		rc = no_room(initrd_count, nr_pages, err);
	if (rc)
		return rc;
	if (!layout->notes.mod_start_pfn)
		layout->initrd = take(&next_pfn, initrd_count);
	if (layout->notes.init_p2m_va == PV_NOWHERE)
		layout->p2m = take(&next_pfn, p2m_count);
	rc = check_fixmap(layout, err);
	if (rc == 0)
		rc = lay_out_mapped(layout, next_pfn, err);
	if (rc == 0)
		rc = check_fixmap_apart(layout, err);
	return rc ? rc : lay_out_unmapped(layout, p2m_count, initrd_count, err);
}
