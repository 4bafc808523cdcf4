/* SPDX-License-Identifier: MIT */
/*
 * From request to plan: check, let the entry lay it out, sort, and seal the
 * result into one flat body. And the questions a finished plan answers.
 */
#include "plan.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../entry/rows.h"
#include "../error.h"
#include "../plain.h"
#include "arith.h"
#include "builder.h"

static void builder_done(struct plan_builder *builder)
{
	space_done(&builder->space);
	free(builder->ram);
	free(builder->placements);
	free(builder->bytes);
}

/* ---- Sealing ----------------------------------------------------------- */

static int compare_placements(const void *a, const void *b)
{
	const struct pb_placement *left = a, *right = b;

	if (left->space != right->space)
		return left->space < right->space ? -1 : 1;
	return left->gpa < right->gpa ? -1 : left->gpa > right->gpa;
}

static int make_body(struct plan_builder *builder, struct plan_body **ret, struct pb_error *err)
{
	uint64_t table_len = builder->nr_placements * sizeof(*builder->placements);
	uint64_t len = sizeof(struct plan_body) + table_len + builder->bytes_len;
	struct plan_body *body = calloc(1, len);

	if (!body)
		return fail_nomem(err, len);
	qsort(builder->placements, builder->nr_placements, sizeof(*builder->placements), compare_placements);
	builder->info.placements = (unsigned)builder->nr_placements;
	body->len = len;
	body->info = builder->info;
	body->cpu = builder->cpu;
	body->relocs = builder->relocs;
	body->own_address = builder->own_address;
	body->pv = builder->pv;
	body->pv_start = builder->pv_start;
	memcpy(body->extents, builder->extents, sizeof(body->extents));
	body->nr_extents = builder->nr_extents;
	body->pv_cmdline = builder->pv_cmdline;
	body->placements_off = sizeof(*body);
	body->bytes_off = sizeof(*body) + table_len;
	body->bytes_len = builder->bytes_len;
	memcpy((char *)body + body->placements_off, builder->placements, table_len);
	if (builder->bytes_len)
		memcpy((char *)body + body->bytes_off, builder->bytes, builder->bytes_len);
	*ret = body;
	return 0;
}

static int adopt_initrd(struct source *ret, const struct pb_blob *blob, struct pb_error *err)
{
	*ret = (struct source){ .fd = -1, .base = blob->off, .len = blob->len };
	if (blob->len == 0)
		return 0;
	if (blob->mem) {
		ret->mem = blob->mem;
		return 0;
	}
	ret->fd = fcntl(blob->fd, F_DUPFD_CLOEXEC, 0);
	return ret->fd < 0 ? fail_io(err, "initrd") : 0;
}

static int seal(struct plan_builder *builder, pb_plan **ret, struct pb_error *err)
{
	size_t n = builder->request.nr_initrds, len = sizeof(pb_plan) + n * sizeof(struct source);
	pb_plan *plan = calloc(1, len);
	int rc;

	if (!plan)
		return fail_nomem(err, len);
	plan->image = image_ref(builder->image);
	rc = make_body(builder, &plan->body, err);
	for (; rc == 0 && plan->nr_initrds < n; plan->nr_initrds++)
		rc = adopt_initrd(&plan->initrds[plan->nr_initrds], &builder->request.initrds[plan->nr_initrds], err);
	if (rc) {
		pb_plan_close(plan);
		return rc;
	}
	*ret = plan;
	return 0;
}

void pb_plan_close(pb_plan *plan)
{
	if (!plan)
		return;
	for (unsigned i = 0; i < plan->nr_initrds; i++)
		if (plan->initrds[i].fd >= 0)
			close(plan->initrds[i].fd);
	pb_image_close(plan->image);
	free(plan->body);
	free(plan);
}

/* ---- Making ------------------------------------------------------------ */

static int lay_out(struct plan_builder *builder, struct pb_error *err)
{
	const struct pb_request *request = &builder->request;
	const struct entry *entry = &entries[request->entry];
	int rc;

	if (request->subarch && entry->can_subarch)
		rc = entry->can_subarch(builder->image, request->unpack, err);
	else
		rc = pb_image_can(builder->image, request->entry, request->unpack, err);
	if (rc)
		return rc;
	if (!entry->plan)
		return fail(err, PB_E_NOT_BUILT, entry->name, request->entry, 0, 0);
	if (request->subarch && !entry->boot_params)
		return fail(err, PB_E_ARG, "subarch", request->subarch, 0, 0);
	if (request->fixmap_len && entry->plan != xen_pv_plan)
		return fail(err, PB_E_ARG, "fixmap", request->fixmap_len, 0, 0);
	builder->info.entry = request->entry;
	builder->info.unpack = request->unpack;
	return entry->plan(builder, err);
}

int pb_plan_make(pb_plan **ret, pb_image *image, const struct pb_request *request, struct pb_error *err)
{
	struct plan_builder builder;
	int rc;

	if (!ret || !image)
		return fail(err, PB_E_ARG, ret ? "image" : "ret", 0, 0, 0);
	memset(&builder, 0, sizeof(builder)); /* with the padding in what becomes part of the plan */
	builder.image = image;
	rc = request_check(&builder, request, err);
	if (rc == 0)
		rc = lay_out(&builder, err);
	if (rc == 0)
		rc = seal(&builder, ret, err);
	builder_done(&builder);
	return rc;
}

/* ---- Asking ------------------------------------------------------------ */

int pb_plan_info(const pb_plan *plan, struct pb_plan_info *ret)
{
	return plain_give(ret, &plan->body->info, sizeof(plan->body->info));
}

int pb_plan_placement(const pb_plan *plan, unsigned index, struct pb_placement *ret)
{
	if (index >= plan->body->info.placements)
		return -PB_E_ARG;
	return plain_give(ret, &plan_placements(plan)[index], sizeof(*ret));
}

int pb_plan_cpu(const pb_plan *plan, unsigned vcpu, struct pb_cpu *ret)
{
	if (vcpu > 0)
		return -PB_E_ARG;
	return plain_give(ret, &plan->body->cpu, sizeof(plan->body->cpu));
}

int pb_plan_pv(const pb_plan *plan, struct pb_pv *ret)
{
	if (plan->body->pv.nr_pages == 0)
		return -PB_E_ARG;
	return plain_give(ret, &plan->body->pv_start, sizeof(plan->body->pv_start));
}

int pb_plan_extent(const pb_plan *plan, unsigned index, struct pb_extent *ret)
{
	if (!ret || index >= plan->body->nr_extents)
		return -PB_E_ARG;
	*ret = plan->body->extents[index];
	return 0;
}

pb_gpa pb_plan_locate(const pb_plan *plan, enum pb_space space, pb_gpa gpa, uint64_t *len)
{
	struct frames frames = plan_frames(plan);

	return space == PB_DOMAIN ? frames_locate(&frames, gpa, len) : gpa;
}

static const char *const kind_names[] = {
	[PB_KIND_KERNEL] = "kernel",
	[PB_KIND_SETUP_CODE] = "setup_code",
	[PB_KIND_BOOT_PARAMS] = "boot_params",
	[PB_KIND_SETUP_DATA] = "setup_data",
	[PB_KIND_CMDLINE] = "cmdline",
	[PB_KIND_INITRD] = "initrd",
	[PB_KIND_PAGE_TABLES] = "page_tables",
	[PB_KIND_GDT] = "gdt",
	[PB_KIND_START_INFO] = "start_info",
	[PB_KIND_STACK] = "stack",
	[PB_KIND_RING] = "ring",
	[PB_KIND_P2M] = "p2m",
	[PB_KIND_PARAVISOR] = "paravisor",
};

const char *pb_kind_name(enum pb_kind kind)
{
	return (size_t)kind < sizeof(kind_names) / sizeof(kind_names[0]) ? kind_names[kind] : NULL;
}
