/* SPDX-License-Identifier: MIT */
/*
 * From a plan's placements of the kernel to views: runs of guest pages, and where
 * in the arena they are to be seen. The arena is laid out as the kernel's file is,
 * so a placement whose address and offset differ by no whole number of pages has
 * none, nor has a kernel whose segments share bytes of the file.
 */
#include "show.h"

#include <stdlib.h>

#include "error.h"

/* Those of one kernel, as they are collected. */
struct views {
	struct showing *showing;
	uint8_t *arena;
	struct pb_view *list;
	size_t nr, cap;
};

struct inner shown_pages(const struct pb_placement *part)
{
	struct inner inner = inner_of(part->gpa, part->source_len);

	if ((part->source_off - part->gpa) % PLAN_PAGE_LEN)
		inner.len = 0;
	return inner;
}

static int add_view(struct views *views, const struct pb_placement *part, struct pb_error *err)
{
	struct inner inner = shown_pages(part);

	if (inner.len == 0)
		return 0;
	if (views->nr == views->cap) {
		size_t cap = 2 * views->cap + 16;
		struct pb_view *grown = realloc(views->list, cap * sizeof(*grown));

		if (!grown)
			return fail_nomem(err, cap * sizeof(*grown));
		views->list = grown;
		views->cap = cap;
	}
	views->list[views->nr++] =
		(struct pb_view){ inner.gpa, inner.len, views->arena + part->source_off + inner.head_len };
	return 0;
}

static int add_views(struct views *views, const struct pb_placement *placement, struct pb_error *err)
{
	struct pb_placement part;
	int rc = 0;

	if (placement->space == PB_MACHINE)
		return add_view(views, placement, err);
	for (uint64_t done = 0; done < placement->len && rc == 0; done += part.len) {
		part = frames_part(views->showing->frames, placement, done);
		if (part.len == 0)
			return fail(err, PB_E_FRAMES, "frames", placement->gpa + done, 0, 0);
		rc = add_view(views, &part, err);
	}
	return rc;
}

/* A page of the file can be in one place of the guest's only: segments that share bytes of it are all copied. */
static bool overlap(const struct views *views)
{
	for (size_t i = 1; i < views->nr; i++) {
		const struct pb_view *before = &views->list[i - 1], *view = &views->list[i];

		if ((uint8_t *)view->host < (uint8_t *)before->host + before->len)
			return true;
	}
	return false;
}

static int show(struct views *views, struct pb_error *err)
{
	struct showing *showing = views->showing;

	if (overlap(views))
		views->nr = 0;
	showing->shown = views->nr > 0;
	if (views->nr && showing->ops->show(showing->ctx, views->list, views->nr))
		return fail(err, PB_E_NO_GUEST_MEMORY, "placement", views->list[0].gpa, views->list[0].len, 0);
	return 0;
}

/* In the order of the file, which a kernel's segments mostly are in as they stand in memory. */
static int show_arena(void *ctx, uint8_t *arena, struct pb_error *err)
{
	struct showing *showing = ctx;
	struct views views = { .showing = showing, .arena = arena };
	const struct pb_placement *placements = plan_placements(showing->plan);
	int rc = 0;

	for (unsigned i = 0; i < showing->plan->body->info.placements && rc == 0; i++)
		if (placements[i].source == PB_FROM_KERNEL)
			rc = add_views(&views, &placements[i], err);
	if (rc == 0)
		rc = show(&views, err);
	free(views.list);
	return rc;
}

int show_kernel(struct showing *showing, struct source *ret, struct pb_error *err)
{
	const struct kernel_shower shower = { show_arena, showing };

	return kernel_source_shown(showing->plan->image, &shower, ret, &showing->lent, err);
}
