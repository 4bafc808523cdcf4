/* SPDX-License-Identifier: MIT */
/*
 * The library's side of a plan made by hand; see fake_plan.h.
 */
#include "fake_plan.h"

#include <stdio.h>
#include <string.h>

struct pb_plan fake_plan(pb_gpa entry_gpa)
{
	const struct pb_seg code = { 8, 0xc09b, UINT32_MAX, 0 }, data = { 16, 0xc093, UINT32_MAX, 0 };
	struct pb_plan plan = { .info = { .size = sizeof(plan.info), .entry = PB_PVH } };

	plan.cpu = (struct pb_cpu){ .size = sizeof(plan.cpu),
				    .mode = PB_PROT32,
				    .rip = entry_gpa,
				    .rflags = 2,
				    .cs = code,
				    .ds = data,
				    .es = data,
				    .fs = data,
				    .gs = data,
				    .ss = data,
				    .cr0 = 0x11 };
	return plan;
}

void fake_put(struct pb_plan *plan, pb_gpa gpa, const void *bytes, uint64_t len, uint64_t mem_len)
{
	unsigned i = plan->info.placements++;

	plan->bytes[i] = bytes;
	plan->placements[i] = (struct pb_placement){ .size = sizeof(plan->placements[i]),
						     .gpa = gpa,
						     .len = mem_len,
						     .source = len ? PB_FROM_PLAN : PB_FROM_ZERO,
						     .source_len = len };
}

const char *pb_entry_name(enum pb_entry entry)
{
	return entry == PB_PVH ? "pvh" : "another";
}

int pb_plan_info(const pb_plan *plan, struct pb_plan_info *ret)
{
	*ret = plan->info;
	return 0;
}

int pb_plan_placement(const pb_plan *plan, unsigned index, struct pb_placement *ret)
{
	*ret = plan->placements[index];
	return 0;
}

pb_gpa pb_plan_locate(const pb_plan *plan, enum pb_space space, pb_gpa gpa, uint64_t *len)
{
	(void)plan;
	(void)space;
	(void)len;
	return gpa;
}

int pb_plan_cpu(const pb_plan *plan, unsigned vcpu, struct pb_cpu *ret)
{
	if (vcpu)
		return -PB_E_ARG;
	*ret = plan->cpu;
	return 0;
}

static int place(const struct pb_placement *placement, const uint8_t *bytes, const struct pb_mem_ops *ops, void *ctx,
		 struct pb_error *err)
{
	for (uint64_t done = 0; done < placement->source_len;) {
		uint64_t len = placement->source_len - done;
		void *host = ops->map(ctx, placement->gpa + done, &len);

		if (!host) {
			*err = (struct pb_error){ sizeof(*err), PB_E_NO_GUEST_MEMORY, "placement", done, 0, 0 };
			return -PB_E_NO_GUEST_MEMORY;
		}
		memcpy(host, bytes + done, len);
		ops->unmap(ctx, host, placement->gpa + done, len);
		done += len;
	}
	return 0;
}

int pb_place_ops(const pb_plan *plan, const struct pb_mem_ops *ops, void *ctx, struct pb_error *err)
{
	int ret = 0;

	for (unsigned i = 0; i < plan->info.placements && ret == 0; i++)
		ret = place(&plan->placements[i], plan->bytes[i], ops, ctx, err);
	return ret;
}

/* Into regions, as pb_place() does it: a pb_mem_ops over them. */
struct regions {
	const struct pb_ram *ram;
	size_t rams;
};

static void *map_region(void *ctx, pb_gpa gpa, uint64_t *len)
{
	const struct regions *regions = ctx;

	for (size_t i = 0; i < regions->rams; i++) {
		const struct pb_ram *ram = &regions->ram[i];

		if (gpa >= ram->gpa && gpa - ram->gpa < ram->len && *len <= ram->len - (gpa - ram->gpa))
			return (uint8_t *)ram->host + (gpa - ram->gpa);
	}
	return NULL;
}

static void unmap_region(void *ctx, void *host, pb_gpa gpa, uint64_t len)
{
	(void)ctx;
	(void)host;
	(void)gpa;
	(void)len;
}

int pb_place(const pb_plan *plan, const struct pb_ram *ram, size_t rams, struct pb_error *err)
{
	const struct pb_mem_ops ops = { .size = sizeof(ops), .map = map_region, .unmap = unmap_region, .zeroed = true };
	struct regions regions = { ram, rams };

	return pb_place_ops(plan, &ops, &regions, err);
}

int pb_error_line(const struct pb_error *err, char *buf, size_t buf_len)
{
	return snprintf(buf, buf_len, "%s: code %d", err->field, err->code);
}
