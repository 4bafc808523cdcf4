/* SPDX-License-Identifier: MIT */
/*
 * Free guest memory as a sorted list of extents. A plan takes a dozen things,
 * so that a list and a linear walk are all it needs.
 */
#include "space.h"

#include <stdlib.h>
#include <string.h>

#include "../error.h"
#include "arith.h"
#include "memory_map.h"

/* The pages that [gpa, gpa+len) touches; saturates, since callers ask with hostile numbers. */
static struct extent pages_of(pb_gpa gpa, uint64_t len)
{
	pb_gpa end;

	if (__builtin_add_overflow(gpa, len, &end) || end > PLAN_HIGHEST_END)
		end = PLAN_HIGHEST_END;
	return (struct extent){ align_down(gpa, PLAN_PAGE_LEN), align_up(end, PLAN_PAGE_LEN) };
}

static int grow(struct space *space, size_t more, struct pb_error *err)
{
	size_t cap = space->cap + more + 16;
	struct extent *free_new;

	if (space->nr + more <= space->cap)
		return 0;
	free_new = realloc(space->free, cap * sizeof(*free_new));
	if (!free_new)
		return fail_nomem(err, cap * sizeof(*free_new));
	space->free = free_new;
	space->cap = cap;
	return 0;
}

/* Replace the extent at index i by the n extents at with. There is room. */
static void splice(struct space *space, size_t i, size_t gone, const struct extent *with, size_t n)
{
	memmove(&space->free[i + n], &space->free[i + gone], (space->nr - i - gone) * sizeof(*space->free));
	if (n)
		memcpy(&space->free[i], with, n * sizeof(*with));
	space->nr = space->nr - gone + n;
}

int space_give(struct space *space, pb_gpa gpa, uint64_t len, struct pb_error *err)
{
	struct extent all = pages_of(gpa, len);
	size_t first = 0, last;
	int rc = grow(space, 1, err);

	if (rc)
		return rc;
	while (first < space->nr && space->free[first].end < all.start)
		first++;
	for (last = first; last < space->nr && space->free[last].start <= all.end; last++) {
		all.start = min_u64(all.start, space->free[last].start);
		all.end = max_u64(all.end, space->free[last].end);
	}
	splice(space, first, last - first, &all, 1);
	return 0;
}

/* The pages that lie wholly in [start, end); page 0 is nobody's. */
static int give_whole_pages(struct space *space, pb_gpa start, pb_gpa end, struct pb_error *err)
{
	start = align_up(max_u64(start, PLAN_PAGE_LEN), PLAN_PAGE_LEN);
	end = align_down(end, PLAN_PAGE_LEN);
	return end > start ? space_give(space, start, end - start, err) : 0;
}

int space_init(struct space *space, const struct pb_range *ram, size_t rams, struct pb_error *err)
{
	int rc = 0;

	*space = (struct space){ 0 };
	for (size_t i = 0; i < rams && rc == 0; i++) {
		pb_gpa start = ram[i].gpa, end = start + ram[i].len;

		if (ram[i].type != PB_E820_RAM)
			continue;
		while (i + 1 < rams && ram[i + 1].type == PB_E820_RAM && ram[i + 1].gpa == end)
			end += ram[++i].len; /* a page may straddle ranges that touch */
		rc = give_whole_pages(space, start, end, err);
	}
	return rc;
}

void space_done(struct space *space)
{
	free(space->free);
	*space = (struct space){ 0 };
}

int space_drop(struct space *space, pb_gpa gpa, uint64_t len, struct pb_error *err)
{
	struct extent out = pages_of(gpa, len);
	int rc = grow(space, 1, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < space->nr;) {
		struct extent whole = space->free[i], rest[2];
		size_t n = 0;

		if (whole.start < out.start)
			rest[n++] = (struct extent){ whole.start, min_u64(whole.end, out.start) };
		if (whole.end > out.end)
			rest[n++] = (struct extent){ max_u64(whole.start, out.end), whole.end };
		splice(space, i, 1, rest, n);
		i += n;
	}
	return 0;
}

bool space_is_free(const struct space *space, pb_gpa gpa, uint64_t len)
{
	struct extent all = pages_of(gpa, len);

	if (gpa > PLAN_HIGHEST_END || len > PLAN_HIGHEST_END - gpa)
		return false;
	for (size_t i = 0; i < space->nr; i++)
		if (space->free[i].start <= all.start && all.end <= space->free[i].end)
			return true;
	return false;
}

/* The part of an extent that want may use: from its lowest start to its highest end. */
static bool clip(const struct extent *extent, const struct space_want *want, struct extent *ret)
{
	uint64_t align = max_u64(want->align, PLAN_PAGE_LEN);
	pb_gpa end = align_down(min_u64(want->max, PLAN_HIGHEST_END - 1) + 1, PLAN_PAGE_LEN);
	pb_gpa start = max_u64(extent->start, min_u64(want->min, PLAN_HIGHEST_END));

	if (align > PLAN_HIGHEST_END)
		return false;
	*ret = (struct extent){ align_up(start, align), min_u64(extent->end, end) };
	return ret->start <= ret->end;
}

/* The part of an extent in which want may begin: the lowest and the highest aligned start. */
static bool starts_in(const struct extent *extent, const struct space_want *want, pb_gpa *ret_low, pb_gpa *ret_high)
{
	uint64_t len = align_up(max_u64(min_u64(want->len, PLAN_HIGHEST_END), 1), PLAN_PAGE_LEN);
	struct extent part;

	if (want->len > PLAN_HIGHEST_END || !clip(extent, want, &part) || part.end - part.start < len)
		return false;
	*ret_low = part.start;
	*ret_high = align_down(part.end - len, max_u64(want->align, PLAN_PAGE_LEN));
	return true;
}

bool space_find(const struct space *space, const struct space_want *want, pb_gpa *ret)
{
	pb_gpa low, high;

	for (size_t i = 0; i < space->nr; i++) {
		size_t at = want->order == SPACE_LOWEST ? i : space->nr - 1 - i;

		if (!starts_in(&space->free[at], want, &low, &high))
			continue;
		*ret = want->order == SPACE_LOWEST ? low : high;
		return true;
	}
	return false;
}

uint64_t space_largest(const struct space *space, const struct space_want *want)
{
	struct space_want anywhere = { .max = want->max };
	struct extent part;
	uint64_t most = 0;

	for (size_t i = 0; i < space->nr; i++)
		if (clip(&space->free[i], &anywhere, &part))
			most = max_u64(most, part.end - part.start);
	return most;
}

uint64_t space_slots(const struct space *space, const struct space_want *want)
{
	uint64_t slots = 0;
	pb_gpa low, high;

	for (size_t i = 0; i < space->nr; i++)
		if (starts_in(&space->free[i], want, &low, &high))
			slots += 1 + (high - low) / max_u64(want->align, PLAN_PAGE_LEN);
	return slots;
}

pb_gpa space_slot(const struct space *space, const struct space_want *want, uint64_t number)
{
	uint64_t align = max_u64(want->align, PLAN_PAGE_LEN);
	pb_gpa low, high;

	for (size_t i = 0; i < space->nr; i++) {
		if (!starts_in(&space->free[i], want, &low, &high))
			continue;
		if (number <= (high - low) / align)
			return low + number * align;
		number -= 1 + (high - low) / align;
	}
	return 0;
}
