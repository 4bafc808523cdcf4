/* SPDX-License-Identifier: MIT */
/*
 * From frames to machine memory: where an area of the layout crosses from one
 * extent into the next, it becomes two placements.
 */
#include "pv_bind.h"

#include <stdlib.h>
#include <string.h>
#include <xen/xen.h>

#include "../error.h"
#include "arith.h"
#include "memory_map.h"

#define PTE_PRESENT  1ull
#define PTE_WRITABLE 2ull
#define PTE_USER     4ull
#define PTE_ACCESSED 0x20ull
#define PTE_DIRTY    0x40ull
#define LEAF_RO      (PTE_PRESENT | PTE_USER | PTE_ACCESSED)
#define LEAF_RW      (LEAF_RO | PTE_WRITABLE | PTE_DIRTY)
#define LINK         (PTE_PRESENT | PTE_USER | PTE_WRITABLE | PTE_ACCESSED | PTE_DIRTY)

/* The machine address of byte `at` of the domain, and how many bytes follow it in the same extent. */
static pb_gpa locate(const struct pv_binding *binding, uint64_t at, uint64_t *ret_run)
{
	uint64_t pfn = at / PLAN_PAGE_LEN;

	for (unsigned i = 0; i < binding->nr_extents; i++) {
		const struct pv_extent *extent = &binding->extents[i];

		if (pfn < extent->pfn || pfn - extent->pfn >= extent->count)
			continue;
		*ret_run = (extent->pfn + extent->count) * PLAN_PAGE_LEN - at;
		return (extent->mfn + (pfn - extent->pfn)) * PLAN_PAGE_LEN + at % PLAN_PAGE_LEN;
	}
	*ret_run = 0;
	return 0;
}

pb_gpa pv_gpa(const struct pv_binding *binding, uint64_t pfn)
{
	uint64_t run;

	return locate(binding, pfn * PLAN_PAGE_LEN, &run);
}

/* Add a placement whose gpa is an address within the domain, cut where the extents are. */
static int add_split(struct plan_builder *builder, const struct pv_binding *binding,
		     const struct pb_placement *placement, struct pb_error *err)
{
	struct pb_placement part = *placement;
	uint64_t done = 0;
	int rc = 0;

	while (done < placement->len && rc == 0) {
		uint64_t run, source_left = placement->source_len > done ? placement->source_len - done : 0;

		part.gpa = locate(binding, placement->gpa + done, &run);
		if (run == 0)
			return fail(err, PB_E_NO_ROOM, "initial area", placement->gpa + done, 0, 0);
		part.len = min_u64(run, placement->len - done);
		part.source_len = min_u64(source_left, part.len);
		part.source_off = placement->source_off + (part.source_len ? done : 0);
		rc = builder_add(builder, &part, err);
		done += part.len;
	}
	return rc;
}

/* ---- Parts that hold no machine frame numbers -------------------------- */

static int put_kernel(struct plan_builder *builder, const struct pv_binding *binding, struct pb_error *err)
{
	const struct kernel *kernel = image_kernel(builder->image);
	int rc = 0;

	for (unsigned i = 0; i < kernel->nr_segments && rc == 0; i++) {
		const struct segment *segment = &kernel->segments[i];
		struct pb_placement placement = { .gpa = segment->gpa - binding->layout->notes.paddr_offset,
						  .len = segment->mem_len,
						  .kind = PB_KIND_KERNEL,
						  .source = PB_FROM_KERNEL,
						  .index = i,
						  .source_off = segment->file_off,
						  .source_len = segment->file_len };

		rc = add_split(builder, binding, &placement, err);
	}
	return rc;
}

static int put_initrds(struct plan_builder *builder, const struct pv_binding *binding, struct pb_error *err)
{
	const struct pb_request *request = &builder->request;
	uint64_t at = binding->layout->initrd.pfn * PLAN_PAGE_LEN;
	int rc = 0;

	for (size_t i = 0; i < request->nr_initrds && rc == 0; i++) {
		struct pb_placement placement = { .gpa = at,
						  .len = align_up(request->initrds[i].len, 4),
						  .kind = PB_KIND_INITRD,
						  .source = PB_FROM_INITRD,
						  .index = (uint32_t)i,
						  .source_len = request->initrds[i].len };

		rc = add_split(builder, binding, &placement, err);
		at += placement.len;
	}
	return rc;
}

/* The frames of the ring pages and the stack must be zero, and nothing else may be put there. */
static int put_zero(struct plan_builder *builder, const struct pv_binding *binding, const struct pv_area *area,
		    enum pb_kind kind, struct pb_error *err)
{
	struct pb_placement placement = { .gpa = area->pfn * PLAN_PAGE_LEN,
					  .len = area->count * PLAN_PAGE_LEN,
					  .kind = kind,
					  .source = PB_FROM_ZERO };

	return add_split(builder, binding, &placement, err);
}

/* xen.h, struct start_info; shared_info and the event channels are the hypervisor's to fill in. */
static int put_start_info(struct plan_builder *builder, const struct pv_binding *binding, struct pb_error *err)
{
	const struct pv_layout *layout = binding->layout;
	struct start_info si = { .nr_pages = layout->nr_pages, .flags = SIF_VIRT_P2M_4TOOLS };

	if (builder->cmdline_len >= sizeof(si.cmd_line))
		return fail(err, PB_E_CMDLINE, "cmdline", builder->cmdline_len, sizeof(si.cmd_line) - 1, 0);
	memcpy(si.magic, "xen-3.0-x86_64", sizeof("xen-3.0-x86_64"));
	memcpy(si.cmd_line, builder->request.cmdline, builder->cmdline_len);
	si.store_mfn = pv_gpa(binding, layout->xenstore.pfn) / PLAN_PAGE_LEN;
	si.console.domU.mfn = pv_gpa(binding, layout->console.pfn) / PLAN_PAGE_LEN;
	si.pt_base = pv_va(layout, layout->tables.pfn);
	si.nr_pt_frames = layout->tables.count;
	si.mfn_list = pv_va(layout, layout->p2m.pfn);
	if (layout->notes.init_p2m_va != PV_NOWHERE) {
		si.mfn_list = layout->notes.init_p2m_va;
		si.first_p2m_pfn = layout->p2m.pfn;
		si.nr_p2m_frames = layout->p2m.count + layout->p2m_tables.count;
	}
	if (builder->info.initrd_len) {
		si.mod_start = layout->notes.mod_start_pfn ? layout->initrd.pfn : pv_va(layout, layout->initrd.pfn);
		si.mod_len = builder->info.initrd_len;
		if (layout->notes.mod_start_pfn)
			si.flags |= SIF_MOD_START_PFN;
	}
	return builder_put(builder, PB_KIND_START_INFO, pv_gpa(binding, layout->start_info.pfn), &si, sizeof(si), err);
}

int pv_put_parts(struct plan_builder *builder, const struct pv_binding *binding, struct pb_error *err)
{
	const struct pv_layout *layout = binding->layout;
	int rc = put_kernel(builder, binding, err);

	if (rc == 0)
		rc = put_initrds(builder, binding, err);
	if (rc == 0)
		rc = put_start_info(builder, binding, err);
	if (rc == 0)
		rc = put_zero(builder, binding, &layout->xenstore, PB_KIND_RING, err);
	if (rc == 0)
		rc = put_zero(builder, binding, &layout->console, PB_KIND_RING, err);
	if (rc == 0)
		rc = put_zero(builder, binding, &layout->stack, PB_KIND_STACK, err);
	return rc;
}

/* ---- Parts made of machine frame numbers ------------------------------- */

/* Bytes that are made here and placed, cut where the extents are. */
static int put_made(struct plan_builder *builder, const struct pv_binding *binding, const struct pv_area *area,
		    enum pb_kind kind, const void *bytes, struct pb_error *err)
{
	uint64_t at = area->pfn * PLAN_PAGE_LEN, len = area->count * PLAN_PAGE_LEN, done = 0, run;
	int rc = 0;

	while (done < len && rc == 0) {
		pb_gpa gpa = locate(binding, at + done, &run);

		run = min_u64(run, len - done);
		if (run == 0)
			return fail(err, PB_E_NO_ROOM, "initial area", at + done, 0, 0);
		rc = builder_put(builder, kind, gpa, (const uint8_t *)bytes + done, run, err);
		done += run;
	}
	return rc;
}

static int put_p2m(struct plan_builder *builder, const struct pv_binding *binding, struct pb_error *err)
{
	const struct pv_layout *layout = binding->layout;
	uint64_t *list = calloc(layout->p2m.count, PLAN_PAGE_LEN), pfn = 0;
	int rc;

	if (!list)
		return fail_nomem(err, layout->p2m.count * PLAN_PAGE_LEN);
	for (unsigned i = 0; i < binding->nr_extents; i++)
		for (uint64_t n = 0; n < binding->extents[i].count && pfn < layout->nr_pages; n++)
			list[pfn++] = binding->extents[i].mfn + n;
	rc = put_made(builder, binding, &layout->p2m, PB_KIND_P2M, list, err);
	free(list);
	return rc;
}

/* Page tables in the making: frames of one area, handed out in order. */
struct table_maker {
	const struct pv_binding *binding;
	uint64_t (*pages)[512];
	uint64_t first_pfn, used, count;
};

/* Entry `index` of a table: the table below it, taken from the area if there is none yet. */
static uint64_t (*table_below(struct table_maker *maker, uint64_t (*table)[512], unsigned index))[512]
{
	uint64_t entry = (*table)[index];

	for (uint64_t i = 0; entry && i < maker->used; i++)
		if (pv_gpa(maker->binding, maker->first_pfn + i) == (entry & ~0xfffull))
			return &maker->pages[i];
	if (maker->used == maker->count)
		return NULL;
	(*table)[index] = pv_gpa(maker->binding, maker->first_pfn + maker->used) | LINK;
	return &maker->pages[maker->used++];
}

static unsigned index_at(uint64_t va, unsigned level)
{
	return (unsigned)(va >> (12 + 9 * (level - 1))) & 511;
}

static bool holds(const struct pv_area *area, uint64_t pfn)
{
	return pfn >= area->pfn && pfn - area->pfn < area->count;
}

/* Tables of one level for the whole range before those of the next: the order in which builders hand them out. */
static int make_level(struct table_maker *maker, uint64_t (*top)[512], uint64_t va, uint64_t len, unsigned level,
		      struct pb_error *err)
{
	unsigned shift = 12 + 9 * level;

	for (uint64_t at = va >> shift; at <= (va + len - 1) >> shift; at++) {
		uint64_t(*table)[512] = top;

		for (unsigned l = PV_LEVELS; l > level && table; l--)
			table = table_below(maker, table, index_at(at << shift, l));
		if (!table)
			return fail(err, PB_E_NO_ROOM, "page tables", maker->count, maker->used, 0);
	}
	return 0;
}

static int map_leaf(struct table_maker *maker, uint64_t (*top)[512], uint64_t va, uint64_t pte, struct pb_error *err)
{
	uint64_t(*table)[512] = top;

	for (unsigned level = PV_LEVELS; level > 1 && table; level--)
		table = table_below(maker, table, index_at(va, level));
	if (!table)
		return fail(err, PB_E_NO_ROOM, "page tables", maker->count, maker->used, 0);
	(*table)[index_at(va, 1)] = pte;
	return 0;
}

/* Map count frames from pfn on at va; page tables are read-only to their own guest. */
static int map_frames(struct table_maker *maker, uint64_t (*top)[512], uint64_t va, struct pv_area frames,
		      struct pb_error *err)
{
	const struct pv_layout *layout = maker->binding->layout;
	int rc = 0;

	for (unsigned level = PV_LEVELS - 1; level > 0 && rc == 0; level--)
		rc = make_level(maker, top, va, frames.count * PLAN_PAGE_LEN, level, err);
	for (uint64_t n = 0; n < frames.count && rc == 0; n++) {
		uint64_t pfn = frames.pfn + n;
		bool table = holds(&layout->tables, pfn) || holds(&layout->p2m_tables, pfn);

		rc = map_leaf(maker, top, va + n * PLAN_PAGE_LEN,
			      pv_gpa(maker->binding, pfn) | (table ? LEAF_RO : LEAF_RW), err);
	}
	return rc;
}

static int make_tables(const struct pv_binding *binding, struct table_maker *main, struct table_maker *p2m,
		       struct pb_error *err)
{
	const struct pv_layout *layout = binding->layout;
	uint64_t(*top)[512] = &main->pages[0];
	int rc;

	main->used = 1;
	rc = map_frames(main, top, layout->notes.virt_base, layout->mapped, err);
	if (rc == 0 && p2m->count)
		rc = map_frames(p2m, top, layout->notes.init_p2m_va, layout->p2m, err);
	return rc;
}

int pv_put_tables(struct plan_builder *builder, const struct pv_binding *binding, struct pb_error *err)
{
	const struct pv_layout *layout = binding->layout;
	struct table_maker main = { binding, calloc(layout->tables.count, PLAN_PAGE_LEN), layout->tables.pfn, 0,
				    layout->tables.count };
	struct table_maker p2m = { binding, calloc(layout->p2m_tables.count + 1, PLAN_PAGE_LEN), layout->p2m_tables.pfn,
				   0, layout->p2m_tables.count };
	int rc = main.pages && p2m.pages ? make_tables(binding, &main, &p2m, err)
					 : fail_nomem(err, layout->tables.count * PLAN_PAGE_LEN);

	if (rc == 0)
		rc = put_made(builder, binding, &layout->tables, PB_KIND_PAGE_TABLES, main.pages, err);
	if (rc == 0)
		rc = put_made(builder, binding, &layout->p2m_tables, PB_KIND_PAGE_TABLES, p2m.pages, err);
	if (rc == 0)
		rc = put_p2m(builder, binding, err);
	free(main.pages);
	free(p2m.pages);
	return rc;
}
