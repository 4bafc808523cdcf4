/* SPDX-License-Identifier: MIT */
/*
 * A domain's frames in the machine. The list is the caller's claim: it is
 * checked once, before anything is written, and whoever asks later walks
 * through it in order, so an answer costs nothing but rarely a search.
 */
#include "frames.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "plan/arith.h"
#include "plan/memory_map.h"

#define MAX_MFN (PLAN_HIGHEST_END / PLAN_PAGE_LEN)

/* ---- Checking ---------------------------------------------------------- */

static int check_extent(const struct pb_extent *extent, uint64_t pfn, struct pb_error *err)
{
	if (extent->pfn != pfn)
		return fail(err, PB_E_FRAMES, "frames.pfn", extent->pfn, pfn, 0);
	if (extent->mfn >= MAX_MFN || extent->count == 0 || extent->count > MAX_MFN - extent->mfn)
		return fail(err, PB_E_FRAMES, "frames.count", extent->count, MAX_MFN, extent->mfn);
	return 0;
}

static int compare_mfns(const void *a, const void *b)
{
	const struct pb_extent *left = a, *right = b;

	return left->mfn < right->mfn ? -1 : left->mfn > right->mfn;
}

/* Sorted by mfn, no extent begins before the one before it has ended. */
static int check_sorted_mfns(const struct pb_extent *extents, size_t nr, struct pb_error *err)
{
	for (size_t i = 1; i < nr; i++)
		if (extents[i].mfn - extents[i - 1].mfn < extents[i - 1].count)
			return fail(err, PB_E_FRAMES, "frames.mfn", extents[i].mfn,
				    extents[i - 1].mfn + extents[i - 1].count, 0);
	return 0;
}

static bool ascending(const struct frames *frames)
{
	for (size_t i = 1; i < frames->nr; i++)
		if (frames->extents[i].mfn <= frames->extents[i - 1].mfn)
			return false;
	return true;
}

/* Two frames of the domain in one of the machine would overwrite each other. */
static int check_mfns(const struct frames *frames, struct pb_error *err)
{
	struct pb_extent *sorted;
	int rc;

	if (ascending(frames))
		return check_sorted_mfns(frames->extents, frames->nr, err);
	sorted = calloc(frames->nr, sizeof(*sorted));
	if (!sorted)
		return fail_nomem(err, frames->nr * sizeof(*sorted));
	memcpy(sorted, frames->extents, frames->nr * sizeof(*sorted));
	qsort(sorted, frames->nr, sizeof(*sorted), compare_mfns);
	rc = check_sorted_mfns(sorted, frames->nr, err);
	free(sorted);
	return rc;
}

int frames_check(const struct frames *frames, uint64_t nr_pages, struct pb_error *err)
{
	uint64_t pfn = 0;
	int rc = 0;

	if (!frames->extents || frames->nr == 0)
		return fail(err, PB_E_FRAMES, "frames", 0, nr_pages, 0);
	for (size_t i = 0; i < frames->nr && rc == 0; i++) {
		rc = check_extent(&frames->extents[i], pfn, err);
		pfn += frames->extents[i].count;
	}
	if (rc == 0 && pfn < nr_pages)
		rc = fail(err, PB_E_FRAMES, "frames", pfn, nr_pages, 0);
	return rc ? rc : check_mfns(frames, err);
}

/* ---- Asking ------------------------------------------------------------ */

static bool extent_holds(const struct frames *frames, size_t i, uint64_t pfn)
{
	return i < frames->nr && pfn - frames->extents[i].pfn < frames->extents[i].count;
}

/* The extent of pfn: the last answer, the one behind it, or wherever it is. */
static size_t find(const struct frames *frames, uint64_t pfn)
{
	size_t low = 0, high = frames->nr;

	if (extent_holds(frames, frames->at, pfn))
		return frames->at;
	if (extent_holds(frames, frames->at + 1, pfn))
		return frames->at + 1;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (extent_holds(frames, mid, pfn))
			return mid;
		if (pfn < frames->extents[mid].pfn)
			high = mid;
		else
			low = mid + 1;
	}
	return frames->nr;
}

uint64_t frames_run(struct frames *frames, uint64_t pfn, uint64_t *ret_mfn)
{
	size_t i = find(frames, pfn);
	const struct pb_extent *extent;

	if (i == frames->nr)
		return 0;
	frames->at = i;
	extent = &frames->extents[i];
	*ret_mfn = extent->mfn + (pfn - extent->pfn);
	return extent->count - (pfn - extent->pfn);
}

pb_gpa frames_locate(struct frames *frames, pb_gpa gpa, uint64_t *len)
{
	uint64_t mfn = 0, count = frames_run(frames, gpa / PLAN_PAGE_LEN, &mfn);

	*len = count ? min_u64(*len, count * PLAN_PAGE_LEN - gpa % PLAN_PAGE_LEN) : 0;
	return mfn * PLAN_PAGE_LEN + gpa % PLAN_PAGE_LEN;
}

struct pb_placement frames_part(struct frames *frames, const struct pb_placement *placement, uint64_t done)
{
	struct pb_placement part = *placement;
	uint64_t source_left = placement->source_len > done ? placement->source_len - done : 0;

	part.len = placement->len - done;
	part.gpa = frames_locate(frames, placement->gpa + done, &part.len);
	part.source_len = min_u64(source_left, part.len);
	part.source_off = placement->source_off + (part.source_len ? done : 0);
	return part;
}
