/* SPDX-License-Identifier: MIT */
/*
 * The only writer of guest memory. Everything goes through struct pb_mem_ops:
 * a window of guest memory as plain memory, or a file's pages put there
 * without a copy. pb_place() is such a pb_mem_ops over the caller's regions.
 * A Xen PV domain's placements are cut where its frames are not in a row. Where
 * the caller can see guest pages elsewhere, show.c has the kernel unpacked there.
 *
 * What can fail without writing anything fails first: the regions are checked
 * against every placement, and the kernel is unpacked, before the first byte.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "error.h"
#include "inner.h"
#include "plan/arith.h"
#include "plan/memory_map.h"
#include "plan/plan.h"
#include "pv_render.h"
#include "show.h"

#define MAP_LEN_MIN      0x10000ull  /* a shorter run of pages is cheaper copied than mapped */
#define RELOC_WINDOW_LEN 0x200000ull /* how much is mapped at a time to apply relocations in */

struct placer {
	const pb_plan *plan;
	struct pb_mem_ops ops;
	void *ctx;
	struct source kernel; /* of PB_FROM_KERNEL; all zero if the plan has none */
	bool kernel_lent;     /* it is there until it is placed */
	bool kernel_shown;    /* its whole pages were unpacked where they belong */
	struct pv_renderer pv;
};

/* ---- Windows into guest memory ----------------------------------------- */

struct window {
	pb_gpa gpa;
	uint64_t len; /* 0: none */
	uint8_t *host;
};

/* Open a window of up to len bytes, at least one. */
static int window_open(const struct placer *placer, pb_gpa gpa, uint64_t len, struct window *ret, struct pb_error *err)
{
	uint64_t got = len;
	void *host = placer->ops.map(placer->ctx, gpa, &got);

	if (!host || got == 0)
		return fail(err, PB_E_NO_GUEST_MEMORY, "placement", gpa, len, 0);
	*ret = (struct window){ gpa, min_u64(got, len), host };
	return 0;
}

static void window_close(const struct placer *placer, struct window *window)
{
	if (window->len && placer->ops.unmap)
		placer->ops.unmap(placer->ctx, window->host, window->gpa, window->len);
	window->len = 0;
}

/* Copy from src, straight into guest memory. */
static int copy_bytes(const struct placer *placer, pb_gpa gpa, const struct source *src, uint64_t off, uint64_t len,
		      struct pb_error *err)
{
	int rc = 0;

	while (len > 0 && rc == 0) {
		struct window window;

		rc = window_open(placer, gpa, len, &window, err);
		if (rc)
			break;
		gpa += window.len;
		len -= window.len;
		rc = source_read(src, off, window.host, window.len, "placement", err);
		off += window.len;
		window_close(placer, &window);
	}
	return rc;
}

static int zero_bytes(const struct placer *placer, pb_gpa gpa, uint64_t len, struct pb_error *err)
{
	if (placer->ops.zeroed)
		return 0;
	while (len > 0) {
		struct window window;
		int rc = window_open(placer, gpa, len, &window, err);

		if (rc)
			return rc;
		memset(window.host, 0, window.len);
		gpa += window.len;
		len -= window.len;
		window_close(placer, &window);
	}
	return 0;
}

/* ---- Placements -------------------------------------------------------- */

/* Could whole pages of src stand at gpa as they are? */
static bool is_mappable(const struct placer *placer, pb_gpa gpa, const struct source *src, uint64_t off)
{
	return placer->ops.map_file && !src->mem && (src->base + off - gpa) % PLAN_PAGE_LEN == 0;
}

/* Pages past the end of a file that was shortened would be SIGBUS to the guest. */
static int check_file_len(const struct source *src, uint64_t off, uint64_t len, struct pb_error *err)
{
	struct stat st;
	uint64_t end = src->base + off + len;

	if (fstat(src->fd, &st) < 0)
		return fail_io(err, "placement");
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size < end)
		return fail(err, PB_E_CHANGED, "placement", (uint64_t)st.st_size, end, src->base + off);
	return 0;
}

/* All but the whole pages, which are there already. */
static int copy_around(const struct placer *placer, pb_gpa gpa, const struct source *src, uint64_t off, uint64_t len,
		       const struct inner *inner, struct pb_error *err)
{
	uint64_t done = inner->head_len + inner->len;
	int rc = copy_bytes(placer, gpa, src, off, inner->head_len, err);

	return rc ? rc : copy_bytes(placer, gpa + done, src, off + done, len - done, err);
}

/* Whole pages by mapping where that is allowed, the rest by copying. */
static int put_bytes(const struct placer *placer, pb_gpa gpa, const struct source *src, uint64_t off, uint64_t len,
		     struct pb_error *err)
{
	struct inner inner = inner_of(gpa, len);
	int rc;

	if (!is_mappable(placer, gpa, src, off) || inner.len < MAP_LEN_MIN)
		return copy_bytes(placer, gpa, src, off, len, err);
	rc = check_file_len(src, off, len, err);
	if (rc)
		return rc;
	if (placer->ops.map_file(placer->ctx, inner.gpa, inner.len, src->fd, src->base + off + inner.head_len,
				 source_is_sealed(src)))
		return copy_bytes(placer, gpa, src, off, len, err);
	return copy_around(placer, gpa, src, off, len, &inner, err);
}

/* A kernel whose whole pages were unpacked where they belong. */
static int put_shown(const struct placer *placer, const struct pb_placement *part, struct pb_error *err)
{
	struct inner inner = shown_pages(part);
	const struct source *src = &placer->kernel;

	if (inner.len == 0)
		return copy_bytes(placer, part->gpa, src, part->source_off, part->source_len, err);
	return copy_around(placer, part->gpa, src, part->source_off, part->source_len, &inner, err);
}

static struct source source_of(const struct placer *placer, const struct pb_placement *placement)
{
	const pb_plan *plan = placer->plan;

	switch (placement->source) {
	case PB_FROM_IMAGE:
		return plan->image->image;
	case PB_FROM_KERNEL:
		return placer->kernel;
	case PB_FROM_INITRD:
		return plan->initrds[placement->index];
	case PB_FROM_PLAN:
		return (struct source){ .mem = plan_bytes(plan), .fd = -1, .len = plan->body->bytes_len };
	case PB_FROM_ZERO:
	case PB_FROM_FRAMES:
		break;
	}
	return (struct source){ .fd = -1 };
}

static int put_part(const struct placer *placer, const struct pb_placement *part, struct pb_error *err)
{
	struct source src = source_of(placer, part);
	int rc = 0;

	if (part->source_len && part->source == PB_FROM_KERNEL && placer->kernel_shown)
		rc = put_shown(placer, part, err);
	else if (part->source_len)
		rc = put_bytes(placer, part->gpa, &src, part->source_off, part->source_len, err);
	if (rc == 0)
		rc = zero_bytes(placer, part->gpa + part->source_len, part->len - part->source_len, err);
	return rc;
}

/* ---- A domain's placements --------------------------------------------- */

static int put_domain_parts(struct placer *placer, const struct pb_placement *placement, struct pb_error *err)
{
	struct pb_placement part;
	int rc = 0;

	for (uint64_t done = 0; done < placement->len && rc == 0; done += part.len) {
		part = frames_part(&placer->pv.frames, placement, done);
		if (part.len == 0)
			return fail(err, PB_E_FRAMES, "frames", placement->gpa + done, 0, 0);
		rc = put_part(placer, &part, err);
	}
	return rc;
}

/* Page by page, made on the way. */
static int put_rendered(struct placer *placer, const struct pb_placement *placement, struct pb_error *err)
{
	uint8_t page[PLAN_PAGE_LEN];
	const struct source src = { .mem = page, .fd = -1, .len = sizeof(page) };
	int rc = 0;

	for (uint64_t done = 0; done < placement->len && rc == 0; done += sizeof(page)) {
		struct pb_placement part = frames_part(&placer->pv.frames, placement, done);

		if (part.len < sizeof(page))
			return fail(err, PB_E_FRAMES, "frames", placement->gpa + done, 0, 0);
		pv_render(&placer->pv, placement->kind, (placement->gpa + done) / PLAN_PAGE_LEN, page);
		rc = copy_bytes(placer, part.gpa, &src, 0, sizeof(page), err);
	}
	return rc;
}

static int put_placement(struct placer *placer, const struct pb_placement *placement, struct pb_error *err)
{
	if (placement->space == PB_MACHINE)
		return put_part(placer, placement, err);
	if (placement->source == PB_FROM_FRAMES)
		return put_rendered(placer, placement, err);
	return put_domain_parts(placer, placement, err);
}

/* ---- Relocations ------------------------------------------------------- */

struct relocator {
	const struct placer *placer;
	struct window window;
	bool own_address_done; /* the table lists it after all */
};

/* One byte at a time: for a field that the end of a window cuts. */
static int copy_field(const struct placer *placer, pb_gpa gpa, uint8_t *field, size_t len, bool to_guest,
		      struct pb_error *err)
{
	for (size_t i = 0; i < len; i++) {
		struct window window;
		int rc = window_open(placer, gpa + i, 1, &window, err);

		if (rc)
			return rc;
		if (to_guest)
			*window.host = field[i];
		else
			field[i] = *window.host;
		window_close(placer, &window);
	}
	return 0;
}

static void adjust(uint8_t *field, size_t len, uint64_t delta)
{
	uint64_t value = 0;

	memcpy(&value, field, len); /* a guest field and its host are both little-endian */
	value += delta;
	memcpy(field, &value, len);
}

static bool window_holds(const struct window *window, pb_gpa gpa, uint64_t len)
{
	return gpa >= window->gpa && gpa - window->gpa < window->len && len <= window->len - (gpa - window->gpa);
}

static int relocate_field(struct relocator *relocator, pb_gpa gpa, size_t len, uint64_t room_len, uint64_t delta,
			  struct pb_error *err)
{
	const struct placer *placer = relocator->placer;
	struct window *window = &relocator->window;
	uint8_t field[sizeof(uint64_t)];
	int rc = 0;

	if (!window_holds(window, gpa, len)) {
		window_close(placer, window);
		rc = window_open(placer, gpa, min_u64(room_len, RELOC_WINDOW_LEN), window, err);
	}
	if (rc)
		return rc;
	if (window_holds(window, gpa, len)) {
		adjust(window->host + (gpa - window->gpa), len, delta);
		return 0;
	}
	window_close(placer, window);
	rc = copy_field(placer, gpa, field, len, false, err);
	if (rc)
		return rc;
	adjust(field, len, delta);
	return copy_field(placer, gpa, field, len, true, err);
}

static int relocate_entry(void *ctx, enum reloc_group group, const struct segment *segment, uint64_t seg_off,
			  struct pb_error *err)
{
	struct relocator *relocator = ctx;
	const struct pb_plan_info *info = &relocator->placer->plan->body->info;
	uint64_t delta = (uint64_t)info->virt_delta;
	pb_gpa gpa = segment->gpa + (uint64_t)info->phys_delta + seg_off;

	relocator->own_address_done |= gpa == relocator->placer->plan->body->own_address.gpa;
	/* An inverse field holds the distance from something that does not move to something that does. */
	return relocate_field(relocator, gpa, group == RELOC_ABS64 ? 8 : 4, segment->file_len - seg_off,
			      group == RELOC_INVERSE32 ? -delta : delta, err);
}

static int relocate_own_address(struct relocator *relocator, struct pb_error *err)
{
	const struct plan_body *body = relocator->placer->plan->body;
	const struct own_address *own = &body->own_address;

	if (own->len == 0 || relocator->own_address_done)
		return 0;
	return relocate_field(relocator, own->gpa, own->len, own->len, (uint64_t)body->info.virt_delta, err);
}

static int relocate(const struct placer *placer, struct pb_error *err)
{
	const struct plan_body *body = placer->plan->body;
	struct relocator relocator = { .placer = placer };
	int rc;

	if (body->info.virt_delta == 0)
		return 0;
	rc = reloc_each(placer->plan->image, &body->relocs, relocate_entry, &relocator, err);
	if (rc == 0)
		rc = relocate_own_address(&relocator, err);
	window_close(placer, &relocator.window);
	return rc;
}

/* ---- A whole plan ------------------------------------------------------ */

/* A kernel that is moved is not shown: its relocations, too, are in what is unpacked. */
static int find_kernel(struct placer *placer, struct pb_error *err)
{
	struct showing showing = {
		.plan = placer->plan, .frames = &placer->pv.frames, .ops = &placer->ops, .ctx = placer->ctx
	};
	int rc;

	if (!placer->ops.show || placer->plan->body->info.virt_delta)
		return kernel_source(placer->plan->image, &placer->kernel, err);
	rc = show_kernel(&showing, &placer->kernel, err);
	placer->kernel_lent = showing.lent;
	placer->kernel_shown = showing.shown;
	return rc;
}

static int open_kernel(struct placer *placer, struct pb_error *err)
{
	const struct pb_placement *placements = plan_placements(placer->plan);

	for (unsigned i = 0; i < placer->plan->body->info.placements; i++)
		if (placements[i].source == PB_FROM_KERNEL)
			return find_kernel(placer, err);
	return 0;
}

/* A PAE kernel from before extended cr3 wants its top-level table below 4 GiB, where %cr3 reaches. */
static int check_root(struct pv_renderer *pv, struct pb_error *err)
{
	const struct pv_layout *layout = &pv->body->pv;
	uint64_t mfn = 0;

	if (layout->notes.elf_class != 32 || layout->notes.extended_cr3)
		return 0;
	frames_run(&pv->frames, layout->tables.pfn, &mfn);
	return mfn > PLAN_4G_MAX / PLAN_PAGE_LEN
		       ? fail(err, PB_E_FRAMES, "frames.mfn", mfn, PLAN_4G_MAX / PLAN_PAGE_LEN, 0)
		       : 0;
}

static int check_frames(struct pv_renderer *pv, struct pb_error *err)
{
	int rc = 0;

	if (pv->body->pv.nr_pages == 0)
		return 0;
	rc = frames_check(&pv->frames, pv->body->pv.nr_pages, err);
	return rc ? rc : check_root(pv, err);
}

/*
 * The frames of a PV domain: the plan's own if it has chosen them, else the
 * caller's. Whoever gives both has two ideas of where the domain is.
 */
static int find_frames(struct placer *placer, const struct pb_frames *told, struct pb_error *err)
{
	const struct plan_body *body = placer->plan->body;
	struct pv_renderer *pv = &placer->pv;

	pv->body = body;
	pv->cmdline = plan_bytes(placer->plan) + body->pv_cmdline.off;
	pv->frames = plan_frames(placer->plan);
	if (told && (body->pv.nr_pages == 0 || pv->frames.nr))
		return fail(err, PB_E_ARG, "frames", told->nr_extents, 0, 0);
	if (told && told->size < sizeof(told->size))
		return fail(err, PB_E_ARG, "frames", told->size, sizeof(*told), 0);
	if (told) {
		memcpy(&pv->told, told, min_u64(told->size, sizeof(pv->told)));
		pv->frames = (struct frames){ .extents = pv->told.extents, .nr = pv->told.nr_extents };
	}
	return check_frames(pv, err);
}

static int place_all(struct placer *placer, struct pb_error *err)
{
	const pb_plan *plan = placer->plan;
	int rc = open_kernel(placer, err);

	for (unsigned i = 0; i < plan->body->info.placements && rc == 0; i++)
		rc = put_placement(placer, &plan_placements(plan)[i], err);
	if (placer->kernel_lent)
		kernel_placed(plan->image);
	return rc ? rc : relocate(placer, err);
}

int pb_place_ops(const pb_plan *plan, const struct pb_mem_ops *ops, void *ctx, struct pb_error *err)
{
	struct placer placer = { .plan = plan, .ctx = ctx };
	int rc;

	if (!plan || !ops || ops->size < sizeof(ops->size))
		return fail(err, PB_E_ARG, plan ? "ops" : "plan", 0, 0, 0);
	memcpy(&placer.ops, ops, min_u64(ops->size, sizeof(placer.ops)));
	if (!placer.ops.map)
		return fail(err, PB_E_ARG, "ops.map", 0, 0, 0);
	rc = find_frames(&placer, placer.ops.frames, err);
	return rc ? rc : place_all(&placer, err);
}

/* ---- The caller's regions ---------------------------------------------- */

struct regions {
	struct pb_ram *ram; /* sorted, disjoint */
	size_t nr;
};

static int compare_ram(const void *a, const void *b)
{
	const struct pb_ram *left = a, *right = b;

	return left->gpa < right->gpa ? -1 : left->gpa > right->gpa;
}

static int check_regions(const struct regions *regions, struct pb_error *err)
{
	for (size_t i = 0; i < regions->nr; i++) {
		const struct pb_ram *ram = &regions->ram[i];

		if (!ram->host || ram->len == 0 || ram->len - 1 > UINT64_MAX - ram->gpa)
			return fail(err, PB_E_ARG, "ram", ram->gpa, ram->len, 0);
		if (i > 0 && ram->gpa - ram[-1].gpa < ram[-1].len)
			return fail(err, PB_E_ARG, "ram.gpa", ram->gpa, ram[-1].gpa + ram[-1].len, 0);
	}
	return 0;
}

static int sort_regions(struct regions *ret, const struct pb_ram *ram, size_t n, struct pb_error *err)
{
	if (n == 0 || !ram)
		return fail(err, PB_E_ARG, "ram", n, 1, 0);
	ret->ram = calloc(n, sizeof(*ram));
	if (!ret->ram)
		return fail_nomem(err, n);
	ret->nr = n;
	memcpy(ret->ram, ram, n * sizeof(*ram));
	qsort(ret->ram, n, sizeof(*ram), compare_ram);
	return check_regions(ret, err);
}

static const struct pb_ram *region_at(const struct regions *regions, pb_gpa gpa)
{
	size_t low = 0, high = regions->nr;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (gpa < regions->ram[mid].gpa)
			high = mid;
		else if (gpa - regions->ram[mid].gpa >= regions->ram[mid].len)
			low = mid + 1;
		else
			return &regions->ram[mid];
	}
	return NULL;
}

/* The caller's memory at gpa, or NULL; *len shrinks to what its region has from there. */
static void *host_at(const struct regions *regions, pb_gpa gpa, uint64_t *len)
{
	const struct pb_ram *ram = region_at(regions, gpa);

	if (!ram)
		return NULL;
	*len = min_u64(*len, ram->len - (gpa - ram->gpa));
	return (char *)ram->host + (gpa - ram->gpa);
}

static void *regions_map(void *ctx, pb_gpa gpa, uint64_t *len)
{
	return host_at(ctx, gpa, len);
}

/* May the pages at gpa be replaced, and up to where? 0: not at all. */
static uint64_t replaceable_len(const struct regions *regions, pb_gpa gpa, uint64_t len, uint32_t flag)
{
	const struct pb_ram *ram = region_at(regions, gpa);
	uintptr_t host = (uintptr_t)host_at(regions, gpa, &len);

	return ram && (ram->flags & flag) && host % PLAN_PAGE_LEN == 0 && len % PLAN_PAGE_LEN == 0 ? len : 0;
}

/*
 * mmap elsewhere, then move: an mmap with MAP_FIXED that fails may already
 * have unmapped what it was to replace, and then nothing is left to copy into.
 */
static int replace_pages(void *host, uint64_t len, int fd, uint64_t off)
{
	void *fresh = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, (off_t)off);

	if (fresh == MAP_FAILED)
		return -1;
	if (mremap(fresh, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, host) == MAP_FAILED) {
		munmap(fresh, len);
		return -1;
	}
	return 0;
}

static int regions_map_file(void *ctx, pb_gpa gpa, uint64_t len, int fd, uint64_t off, bool sealed)
{
	uint32_t flag = sealed ? PB_RAM_MAP_SEALED : PB_RAM_MAP_FILE;
	uint64_t part_len;

	for (uint64_t done = 0; done < len; done += part_len) {
		part_len = replaceable_len(ctx, gpa + done, len - done, flag);
		if (part_len == 0)
			return -1;
	}
	for (uint64_t done = 0; done < len; done += part_len) {
		part_len = len - done;
		if (replace_pages(host_at(ctx, gpa + done, &part_len), part_len, fd, off + done))
			return -1;
	}
	return 0;
}

static int check_part(const struct regions *regions, const struct pb_placement *part, struct pb_error *err)
{
	uint64_t len;

	for (uint64_t done = 0; done < part->len; done += len) {
		len = part->len - done;
		if (!host_at(regions, part->gpa + done, &len))
			return fail(err, PB_E_NO_GUEST_MEMORY, pb_kind_name(part->kind), part->gpa + done, len, 0);
	}
	return 0;
}

/* Every byte of every placement lies in a region. */
static int check_covered(struct placer *placer, const struct regions *regions, struct pb_error *err)
{
	const struct pb_placement *placements = plan_placements(placer->plan);
	struct pb_placement part;
	int rc = 0;

	for (unsigned i = 0; i < placer->plan->body->info.placements; i++)
		for (uint64_t done = 0; done < placements[i].len && rc == 0; done += part.len) {
			part = placements[i];
			if (part.space == PB_DOMAIN)
				part = frames_part(&placer->pv.frames, &placements[i], done);
			rc = check_part(regions, &part, err);
		}
	return rc;
}

static bool all_zeroed(const struct regions *regions)
{
	for (size_t i = 0; i < regions->nr; i++)
		if (!(regions->ram[i].flags & PB_RAM_ZEROED))
			return false;
	return true;
}

static int place_in_regions(const pb_plan *plan, const struct pb_frames *frames, struct regions *regions,
			    struct pb_error *err)
{
	struct placer placer = { .plan = plan, .ctx = regions };
	int rc = find_frames(&placer, frames, err);

	placer.ops = (struct pb_mem_ops){ .map = regions_map, .map_file = regions_map_file };
	placer.ops.zeroed = all_zeroed(regions);
	if (rc == 0)
		rc = check_covered(&placer, regions, err);
	return rc ? rc : place_all(&placer, err);
}

int pb_place_frames(const pb_plan *plan, const struct pb_frames *frames, const struct pb_ram *ram, size_t rams,
		    struct pb_error *err)
{
	struct regions regions = { 0 };
	int rc;

	if (!plan)
		return fail(err, PB_E_ARG, "plan", 0, 0, 0);
	rc = sort_regions(&regions, ram, rams, err);
	if (rc == 0)
		rc = place_in_regions(plan, frames, &regions, err);
	free(regions.ram);
	return rc;
}

int pb_place(const pb_plan *plan, const struct pb_ram *ram, size_t rams, struct pb_error *err)
{
	return pb_place_frames(plan, NULL, ram, rams, err);
}
