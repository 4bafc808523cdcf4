/* SPDX-License-Identifier: MIT */
/*
 * The caller's wishes, checked: everything here holds whatever the image and
 * the entry are. After it, RAM is sorted and disjoint and ends at or below
 * 2^52, so that no sum of a guest address and a length can wrap any more.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../entry/subarch.h"
#include "../error.h"
#include "arith.h"
#include "builder.h"
#include "memory_map.h"

/* More than any machine has; they bound loops and allocations. */
#define MAX_RANGES 4096u
#define MAX_BLOBS  4096u

/* type_of_loader (boot.rst) */
#define LOADER_XEN       0x90
#define LOADER_UNDEFINED 0xff

#define ALL_FLAGS        (PB_PARAVISOR_COUNTS | PB_SUBARCH_INSIST | PB_PARAVISOR_FIFO)

/* What the caller's struct has of ours; the rest is 0, which is every field's default. */
static int copy_request(struct pb_request *ret, const struct pb_request *request, struct pb_error *err)
{
	size_t size = request ? request->size : 0;

	if (size < sizeof(request->size))
		return fail(err, PB_E_ARG, "request", size, sizeof(*ret), 0);
	*ret = (struct pb_request){ 0 };
	memcpy(ret, request, min_u64(size, sizeof(*ret)));
	ret->size = sizeof(*ret);
	if (ret->loader_type == 0)
		ret->loader_type = ret->subarch == SUBARCH_XEN ? LOADER_XEN : LOADER_UNDEFINED;
	if (ret->vcpus == 0)
		ret->vcpus = 1;
	return 0;
}

static int check_start(const struct pb_request *request, struct pb_error *err)
{
	if (request->entry < PB_LINUX16 || request->entry >= PB_ENTRIES)
		return fail(err, PB_E_ARG, "entry", request->entry, PB_ENTRIES - 1, 0);
	if (request->ring0 != PB_RING0_PARAVISOR && request->ring0 != PB_RING0_XEN)
		return fail(err, PB_E_ARG, "ring0", request->ring0, PB_RING0_XEN, 0);
	if (request->ring0 == PB_RING0_XEN && request->entry != PB_XEN_PV64 && request->entry != PB_XEN_PV32)
		return fail(err, PB_E_ARG, "ring0", request->ring0, PB_RING0_PARAVISOR, 0);
	if (request->flags & ~ALL_FLAGS)
		return fail(err, PB_E_ARG, "flags", request->flags, ALL_FLAGS, 0);
	if (request->subarch_data && !request->subarch)
		return fail(err, PB_E_ARG, "subarch_data", request->subarch_data, 0, 0);
	if (request->unpack != PB_UNPACK_HOST && request->unpack != PB_UNPACK_GUEST)
		return fail(err, PB_E_ARG, "unpack", request->unpack, PB_UNPACK_GUEST, 0);
	return 0;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct pb_range *left = a, *right = b;

	return left->gpa < right->gpa ? -1 : left->gpa > right->gpa;
}

static int check_range(const struct pb_range *range, const char *field, struct pb_error *err)
{
	if (range->gpa > PLAN_HIGHEST_END || range->len > PLAN_HIGHEST_END - range->gpa)
		return fail(err, PB_E_MEMORY_MAP, field, range->len, PLAN_HIGHEST_END, range->gpa);
	return 0;
}

/* One range of the sorted memory map, and its distance to the one before. */
static int check_ram(const struct pb_range *ram, const struct pb_range *before, struct pb_error *err)
{
	if (ram->type == 0)
		return fail(err, PB_E_MEMORY_MAP, "ram.type", 0, PB_E820_RAM, ram->gpa);
	if (ram->len == 0)
		return fail(err, PB_E_MEMORY_MAP, "ram.len", 0, 1, ram->gpa);
	if (before && ram->gpa - before->gpa < before->len)
		return fail(err, PB_E_MEMORY_MAP, "ram.gpa", ram->gpa, before->gpa + before->len, ram->gpa);
	return check_range(ram, "ram.len", err);
}

static int take_ram(struct plan_builder *builder, struct pb_error *err)
{
	const struct pb_request *request = &builder->request;
	size_t n = request->rams;

	if (n > 0 && !request->ram)
		return fail(err, PB_E_ARG, "ram", 0, n, 0);
	if (n > MAX_RANGES)
		return fail(err, PB_E_MEMORY_MAP, "rams", n, MAX_RANGES, 0);
	builder->ram = malloc((n + 1) * sizeof(*builder->ram));
	if (!builder->ram)
		return fail_nomem(err, n * sizeof(*builder->ram));
	if (n)
		memcpy(builder->ram, request->ram, n * sizeof(*builder->ram));
	qsort(builder->ram, n, sizeof(*builder->ram), compare_ranges);
	for (size_t i = 0; i < n; i++) {
		int rc = check_ram(&builder->ram[i], i ? &builder->ram[i - 1] : NULL, err);

		if (rc)
			return rc;
		if (builder->ram[i].type == PB_E820_RAM)
			builder->info.ram_len += builder->ram[i].len;
	}
	if (builder->info.ram_len == 0)
		return fail(err, PB_E_MEMORY_MAP, "ram", 0, 1, 0);
	return space_init(&builder->space, builder->ram, n, err);
}

static int keep_clear(struct plan_builder *builder, struct pb_error *err)
{
	const struct pb_request *request = &builder->request;

	if (request->keeps > 0 && !request->keep)
		return fail(err, PB_E_ARG, "keep", 0, request->keeps, 0);
	if (request->keeps > MAX_RANGES)
		return fail(err, PB_E_MEMORY_MAP, "keeps", request->keeps, MAX_RANGES, 0);
	for (size_t i = 0; i < request->keeps; i++) {
		const struct pb_range *keep = &request->keep[i];
		int rc = check_range(keep, "keep.len", err);

		if (rc == 0 && keep->len)
			rc = space_drop(&builder->space, keep->gpa, keep->len, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* A file that is too short now is better refused now; one that shrinks later is found out by pread. */
static int check_file(const struct pb_blob *blob, struct pb_error *err)
{
	struct stat st;

	if (fstat(blob->fd, &st) < 0)
		return fail_io(err, "initrd");
	if (!S_ISREG(st.st_mode))
		return 0;
	if (blob->off > (uint64_t)st.st_size || blob->len > (uint64_t)st.st_size - blob->off)
		return fail(err, PB_E_TRUNCATED, "initrd", blob->len, (uint64_t)st.st_size, blob->off);
	return 0;
}

static int check_initrd(const struct pb_blob *blob, struct pb_error *err)
{
	if (blob->len > PLAN_HIGHEST_END)
		return fail(err, PB_E_INITRD, "initrd", blob->len, PLAN_HIGHEST_END, 0);
	if (blob->len == 0 || blob->mem)
		return 0;
	return blob->fd < 0 ? fail(err, PB_E_ARG, "initrd", 0, blob->len, 0) : check_file(blob, err);
}

static int check_initrds(struct plan_builder *builder, struct pb_error *err)
{
	const struct pb_request *request = &builder->request;
	int rc = 0;

	if (request->nr_initrds > MAX_BLOBS || (request->nr_initrds && !request->initrds))
		return fail(err, PB_E_ARG, "initrds", request->nr_initrds, MAX_BLOBS, 0);
	for (size_t i = 0; i < request->nr_initrds && rc == 0; i++) {
		rc = check_initrd(&request->initrds[i], err);
		builder->info.initrd_len += align_up(request->initrds[i].len, 4);
	}
	return rc;
}

static int check_setup_data(const struct pb_request *request, struct pb_error *err)
{
	if (request->nr_setup_data > MAX_BLOBS || (request->nr_setup_data && !request->setup_data))
		return fail(err, PB_E_ARG, "setup_data", request->nr_setup_data, MAX_BLOBS, 0);
	for (size_t i = 0; i < request->nr_setup_data; i++)
		if (request->setup_data[i].len && !request->setup_data[i].data)
			return fail(err, PB_E_ARG, "setup_data", 0, request->setup_data[i].len, 0);
	return 0;
}

/* A line that is too long is an error, never cut: whoever wrote its end meant it. */
static int check_cmdline(struct plan_builder *builder, struct pb_error *err)
{
	const struct pb_facts *facts = &builder->image->facts;
	uint64_t max = facts->protocol ? facts->cmdline_max : LINUX_CMDLINE_MAX;

	if (!builder->request.cmdline)
		builder->request.cmdline = "";
	builder->cmdline_len = strlen(builder->request.cmdline);
	if (builder->cmdline_len > max)
		return fail(err, PB_E_CMDLINE, "cmdline", builder->cmdline_len, max, 0);
	return 0;
}

int request_check(struct plan_builder *builder, const struct pb_request *request, struct pb_error *err)
{
	int rc = copy_request(&builder->request, request, err);

	if (rc == 0)
		rc = check_start(&builder->request, err);
	if (rc == 0)
		rc = take_ram(builder, err);
	if (rc == 0)
		rc = keep_clear(builder, err);
	if (rc == 0)
		rc = check_initrds(builder, err);
	if (rc == 0)
		rc = check_setup_data(&builder->request, err);
	if (rc == 0)
		rc = check_cmdline(builder, err);
	return rc;
}
