/* SPDX-License-Identifier: MIT */
/*
 * A domain's memory: taken from the hypervisor in the largest pieces that it
 * has, and seen from here while the plan is placed. All that the plan writes
 * to is mapped at once, in few pieces: each mapping is a hypercall. What is
 * mapped here must be gone before Xen takes page tables for such. The kernel
 * and the initrd linger until the domain is to run, for then the kernel makes
 * tables of its own pages: page by page, dom0 is trapped for each that it
 * unmaps, but not if its process ends, as it does behind a domain left paused.
 */
#include "builder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE_ORDER 9   /* 2 MiB */
#define GAP_PAGES   512 /* placements nearer to each other than this are mapped as one */
#define RANGES      8

/* ---- From the hypervisor ------------------------------------------------- */

/* A PV domain's frames, noted in the order of its pages; what follows in the machine as well makes a run longer. */
static void note_frames(struct xen_builder *builder, uint64_t pfn, uint64_t mfn, uint64_t count)
{
	struct pb_extent *last = builder->nr_extents ? &builder->extents[builder->nr_extents - 1] : NULL;

	if (last && last->mfn + last->count == mfn)
		last->count += count;
	else
		builder->extents[builder->nr_extents++] = (struct pb_extent){ pfn, mfn, count };
}

/* [pfn, pfn+count) of the domain's pages, by pieces of 2^order, as far as there are such; how many pages. */
static uint64_t populate_pieces(struct xen_builder *builder, uint64_t pfn, uint64_t count, unsigned order)
{
	uint64_t pieces = count >> order;
	xen_pfn_t *list = calloc(pieces ? pieces : 1, sizeof(*list));
	int done = 0;

	for (uint64_t i = 0; list && i < pieces; i++)
		list[i] = pfn + (i << order);
	if (list && pieces)
		done = xc_domain_populate_physmap(builder->host.control, builder->domid, pieces, order, 0, list);
	for (int i = 0; builder->extents && i < done; i++)
		note_frames(builder, pfn + ((uint64_t)i << order), list[i], 1ull << order);
	free(list);
	return done > 0 ? (uint64_t)done << order : 0;
}

/* Taking all that there is, to find that it is too little, would hit others. */
static int check_memory(struct xen_builder *builder, struct engine_error *err)
{
	xc_physinfo_t physinfo = { 0 };

	if (xc_physinfo(builder->host.control, &physinfo) < 0)
		return engine_fail_errno(err, "asking the hypervisor for its free memory");
	if (physinfo.free_pages < builder->info.ram_len / PAGE_LEN)
		return engine_fail(err, ENGINE_UNABLE, "%llu MiB of memory: the hypervisor has %llu MiB free",
				   (unsigned long long)builder->info.ram_len >> 20,
				   (unsigned long long)physinfo.free_pages * PAGE_LEN >> 20);
	return 0;
}

static int populate_range(struct xen_builder *builder, uint64_t pfn, uint64_t count, struct engine_error *err)
{
	uint64_t done = populate_pieces(builder, pfn, count, LARGE_ORDER);

	if (done < count)
		done += populate_pieces(builder, pfn + done, count - done, 0);
	if (done == count)
		return 0;
	return engine_fail(err, ENGINE_UNABLE, "%llu MiB of memory: the hypervisor gave %llu pages of %llu",
			   (unsigned long long)builder->info.ram_len >> 20, (unsigned long long)done,
			   (unsigned long long)count);
}

static int populate_pvh(struct xen_builder *builder, struct engine_error *err)
{
	const struct engine_memory *memory = builder->run->memory;

	for (size_t i = 0; i < memory->nr_ram; i++)
		if (memory->ram[i].type == PB_E820_RAM &&
		    populate_range(builder, memory->ram[i].gpa / PAGE_LEN, memory->ram[i].len / PAGE_LEN, err))
			return -1;
	return 0;
}

static int populate_pv(struct xen_builder *builder, struct engine_error *err)
{
	uint64_t nr_pages = builder->pv.nr_pages;

	builder->extents = calloc(nr_pages, sizeof(*builder->extents)); /* if no two are neighbours */
	if (!builder->extents)
		return engine_fail_errno(err, "the domain's frames");
	return populate_range(builder, 0, nr_pages, err);
}

int memory_populate(struct xen_builder *builder, struct engine_error *err)
{
	if (check_memory(builder, err))
		return -1;
	return builder_is_pv(builder) ? populate_pv(builder, err) : populate_pvh(builder, err);
}

uint64_t memory_frame(const struct xen_builder *builder, uint64_t pfn)
{
	size_t low = 0, high = builder->nr_extents;

	if (!builder->extents)
		return pfn;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		*(pfn < builder->extents[middle].pfn ? &high : &low) = middle;
	}
	return builder->extents[low].mfn + (pfn - builder->extents[low].pfn);
}

/* ---- Seen from here ------------------------------------------------------ */

static int map_window(struct xen_builder *builder, struct window *window)
{
	xen_pfn_t *list = calloc(window->count, sizeof(*list));

	for (uint64_t i = 0; list && i < window->count; i++)
		list[i] = memory_frame(builder, window->pfn + i);
	window->host = list ? xenforeignmemory_map(builder->host.memory, builder->domid, PROT_READ | PROT_WRITE,
						   window->count, list, NULL)
			    : NULL;
	free(list);
	return window->host ? 0 : -1;
}

/* They come sorted: what is near the one before, and may linger as that may, belongs to the same window. */
static int want_pages(struct xen_builder *builder, uint64_t pfn, uint64_t end, bool lingers)
{
	struct window *last = builder->nr_windows ? &builder->windows[builder->nr_windows - 1] : NULL;

	if (pfn >= end)
		return 0;
	if (last && last->lingers == lingers && pfn < last->pfn + last->count + GAP_PAGES) {
		last->count = max_u64(end, last->pfn + last->count) - last->pfn;
		return 0;
	}
	if (builder->nr_windows == WINDOWS) {
		errno = E2BIG;
		return -1;
	}
	builder->windows[builder->nr_windows++] = (struct window){ .pfn = pfn, .count = end - pfn, .lingers = lingers };
	return 0;
}

/* A placement's pages, but for those that are shown. */
static int want_placement(struct xen_builder *builder, const struct pb_placement *placement)
{
	uint64_t pfn = placement->gpa / PAGE_LEN, end = (placement->gpa + placement->len + PAGE_LEN - 1) / PAGE_LEN;
	bool lingers = placement->kind == PB_KIND_KERNEL || placement->kind == PB_KIND_INITRD;
	int failed = 0;

	for (size_t i = 0; i < builder->nr_shown && !failed; i++) {
		const struct pages *shown = &builder->shown[i];

		if (shown->pfn >= end || shown->pfn + shown->count <= pfn)
			continue;
		failed = want_pages(builder, pfn, shown->pfn, lingers);
		pfn = shown->pfn + shown->count;
	}
	return failed ? failed : want_pages(builder, pfn, end, lingers);
}

static int map_windows(struct xen_builder *builder)
{
	int failed = 0;

	for (unsigned i = 0; i < builder->info.placements && !failed; i++) {
		struct pb_placement placement = PB_INIT(placement);

		pb_plan_placement(builder->run->plan, i, &placement);
		failed = want_placement(builder, &placement);
	}
	for (size_t i = 0; i < builder->nr_windows && !failed; i++)
		failed = map_window(builder, &builder->windows[i]);
	return failed;
}

void memory_unmap_tables(struct xen_builder *builder)
{
	for (size_t i = 0; i < builder->nr_windows; i++) {
		struct window *window = &builder->windows[i];

		if (!window->host || window->lingers)
			continue;
		xenforeignmemory_unmap(builder->host.memory, window->host, window->count);
		window->host = NULL;
	}
}

/* In the library's piece of memory, where something has to stay; at the worst, nothing. */
static void replace_side(const struct window *side)
{
	uint64_t len = side->count * PAGE_LEN;

	if (mmap(side->host, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) ==
	    MAP_FAILED)
		munmap(side->host, len);
}

void memory_unmap(struct xen_builder *builder)
{
	memory_unmap_tables(builder);
	for (size_t i = 0; i < builder->nr_windows; i++)
		if (builder->windows[i].host)
			xenforeignmemory_unmap(builder->host.memory, builder->windows[i].host,
					       builder->windows[i].count);
	for (size_t i = 0; i < builder->nr_sides; i++)
		replace_side(&builder->sides[i]);
	builder->nr_windows = builder->nr_sides = builder->nr_shown = 0;
	builder->seen = false;
}

void memory_release(struct xen_builder *builder)
{
	free(builder->extents);
	builder->extents = NULL;
	builder->nr_extents = 0;
}

/* ---- Placing ------------------------------------------------------------- */

static bool has_frame(const struct pb_extent *extent, uint64_t mfn)
{
	return mfn >= extent->mfn && mfn - extent->mfn < extent->count;
}

/* The page behind a machine frame, and how many follow it in the machine; place asks for neighbours mostly. */
static uint64_t page_of_frame(struct xen_builder *builder, uint64_t mfn, uint64_t *pages)
{
	for (size_t tried = 0; tried < builder->nr_extents; tried++) {
		const struct pb_extent *extent = &builder->extents[builder->last_extent];

		if (has_frame(extent, mfn)) {
			*pages = extent->count - (mfn - extent->mfn);
			return extent->pfn + (mfn - extent->mfn);
		}
		builder->last_extent = (builder->last_extent + 1) % builder->nr_extents;
	}
	*pages = 0;
	return 0;
}

/* A PV plan is placed by machine address. */
static uint64_t page_at(struct xen_builder *builder, pb_gpa gpa, uint64_t *pages)
{
	if (builder->nr_extents)
		return page_of_frame(builder, gpa / PAGE_LEN, pages);
	*pages = UINT64_MAX / PAGE_LEN;
	return gpa / PAGE_LEN;
}

/* The first one needs them all. */
static void *map(void *ctx, pb_gpa gpa, uint64_t *len)
{
	struct xen_builder *builder = ctx;
	uint64_t pages, pfn = page_at(builder, gpa, &pages);

	if (!builder->seen && map_windows(builder)) {
		builder->map_errno = errno;
		return NULL;
	}
	builder->seen = true;
	for (size_t i = 0; i < builder->nr_windows && pages; i++) {
		const struct window *window = &builder->windows[i];

		if (pfn < window->pfn || pfn - window->pfn >= window->count)
			continue;
		pages = min_u64(pages, window->count - (pfn - window->pfn));
		*len = min_u64(*len, pages * PAGE_LEN - gpa % PAGE_LEN);
		return window->host + (pfn - window->pfn) * PAGE_LEN + gpa % PAGE_LEN;
	}
	return NULL;
}

/* Side by side here: one mapping, whatever frames they are. */
static int map_side(struct xen_builder *builder, const struct window *side, const xen_pfn_t *list)
{
	if (side->count == 0)
		return 0;
	if (builder->nr_sides == WINDOWS) {
		errno = E2BIG;
		return -1;
	}
	builder->sides[builder->nr_sides++] = *side;
	return xenforeignmemory_map2(builder->host.memory, builder->domid, side->host, PROT_READ | PROT_WRITE,
				     MAP_FIXED, side->count, list, NULL)
		       ? 0
		       : -1;
}

/* In as few pieces as the domain's own pages are, for the windows to leave them out. */
static int note_shown(struct xen_builder *builder, uint64_t pfn, uint64_t count)
{
	struct pages *last = builder->nr_shown ? &builder->shown[builder->nr_shown - 1] : NULL;

	if (last && last->pfn + last->count == pfn) {
		last->count += count;
		return 0;
	}
	if (builder->nr_shown == WINDOWS) {
		errno = E2BIG;
		return -1;
	}
	builder->shown[builder->nr_shown++] = (struct pages){ pfn, count };
	return 0;
}

static uint64_t views_len(const struct pb_view *views, size_t nr)
{
	uint64_t len = 0;

	for (size_t i = 0; i < nr; i++)
		len += views[i].len;
	return len;
}

/* In order of where they are seen: one begins a new side, or makes the last one longer. */
static int show(void *ctx, const struct pb_view *views, size_t nr)
{
	struct xen_builder *builder = ctx;
	xen_pfn_t *list = calloc(views_len(views, nr) / PAGE_LEN + 1, sizeof(*list));
	struct window side = { 0 };
	int failed = list ? 0 : -1;

	for (size_t i = 0; i < nr && !failed; i++) {
		uint64_t count = views[i].len / PAGE_LEN, pages;

		failed = note_shown(builder, page_at(builder, views[i].gpa, &pages), count);
		if (!failed && views[i].host != side.host + side.count * PAGE_LEN) {
			failed = map_side(builder, &side, list);
			side = (struct window){ .host = views[i].host };
		}
		for (uint64_t page = 0; page < count; page++)
			list[side.count++] = views[i].gpa / PAGE_LEN + page;
	}
	if (!failed)
		failed = map_side(builder, &side, list);
	builder->map_errno = errno;
	free(list);
	return failed;
}

static int place(struct xen_builder *builder, struct engine_error *err)
{
	const struct pb_frames frames = {
		.size = sizeof(frames),
		.extents = builder->extents,
		.nr_extents = builder->nr_extents,
		.shared_info_maddr = builder->shared_info_frame * PAGE_LEN,
		.store_port = builder->store_port,
		.console_port = builder->console_port,
	};
	const struct pb_mem_ops ops = {
		.size = sizeof(ops), .map = map, .show = show, .frames = builder_is_pv(builder) ? &frames : NULL
	};
	struct pb_error why = PB_INIT(why);

	int rc = pb_place_ops(builder->run->plan, &ops, builder, &why);

	if (rc == -PB_E_NO_GUEST_MEMORY)
		return engine_fail(err, ENGINE_UNABLE, "mapping the domain's memory: %s", strerror(builder->map_errno));
	return rc < 0 ? engine_fail_pb(err, "placing", &why) : 0;
}

int memory_place(struct xen_builder *builder, struct engine_error *err)
{
	int failed = place(builder, err);

	memory_unmap_tables(builder);
	return failed;
}
