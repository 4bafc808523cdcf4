/* SPDX-License-Identifier: MIT */
/*
 * hvm_start_info, version 1: what a PVH kernel finds at %ebx. Its module list
 * and memory map follow it in the same placement:
 *
 *     0    struct hvm_start_info
 *     64   struct hvm_modlist_entry, one: all initrds are one module
 *     96   struct hvm_memmap_table_entry, one for each range of the request
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xen/arch-x86/hvm/start_info.h>

#include "../error.h"
#include "builder.h"

enum { MODLIST_OFF = 64, MEMMAP_OFF = 96 };

_Static_assert(sizeof(struct hvm_start_info) <= MODLIST_OFF, "the module list lies behind it");
_Static_assert(MODLIST_OFF + sizeof(struct hvm_modlist_entry) == MEMMAP_OFF, "the memory map lies behind that");

static void fill(const struct plan_builder *builder, pb_gpa gpa, uint8_t *bytes)
{
	const struct pb_plan_info *info = &builder->info;
	struct hvm_start_info start = { .magic = XEN_HVM_START_MAGIC_VALUE,
					.version = 1,
					.nr_modules = info->initrd_len > 0,
					.modlist_paddr = info->initrd_len > 0 ? gpa + MODLIST_OFF : 0,
					.cmdline_paddr = info->cmdline_gpa,
					.rsdp_paddr = builder->request.rsdp_gpa,
					.memmap_paddr = gpa + MEMMAP_OFF,
					.memmap_entries = (uint32_t)builder->request.rams };
	struct hvm_modlist_entry module = { .paddr = info->initrd_gpa, .size = info->initrd_len };

	memcpy(bytes, &start, sizeof(start));
	memcpy(bytes + MODLIST_OFF, &module, sizeof(module));
	for (size_t i = 0; i < builder->request.rams; i++) {
		const struct pb_range *range = &builder->ram[i];
		struct hvm_memmap_table_entry entry = { range->gpa, range->len, range->type, 0 };

		memcpy(bytes + MEMMAP_OFF + i * sizeof(entry), &entry, sizeof(entry));
	}
}

int start_info_put(struct plan_builder *builder, struct pb_error *err)
{
	uint64_t len = MEMMAP_OFF + builder->request.rams * sizeof(struct hvm_memmap_table_entry);
	pb_gpa gpa;
	int rc = builder_take_small(builder, "start_info", len, &gpa, err);
	uint8_t *bytes;

	if (rc)
		return rc;
	bytes = calloc(1, len);
	if (!bytes)
		return fail_nomem(err, len);
	builder->info.params_gpa = gpa;
	fill(builder, gpa, bytes);
	rc = builder_put(builder, PB_KIND_START_INFO, gpa, bytes, len, err);
	free(bytes);
	return rc;
}
