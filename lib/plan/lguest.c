/* SPDX-License-Identifier: MIT */
/*
 * lguest: a 32-bit kernel in ring 1 below our paravisor, told of its
 * hypervisor by hardware_subarch 1 alone. Its physical memory begins at 0, and
 * until it hands over page tables of its own it is mapped one to one; the
 * layout is that of lguest's own launcher, on which old kernels may lean:
 *
 *   0x00000000  boot_params
 *   0x00001000  command line
 *   ...         kernel: where it was linked, or its protected-mode part, which moves itself
 *   ...         initrd, at the end of RAM
 *   RAM's end   LGUEST_DEVICE_PAGES for what the guest shares with its console; no RAM to it
 *
 * hardware_subarch_data is 0: nobody ever gave it a meaning for lguest.
 */
#include <elf.h>

#include "../../guest/paravisor/facts.h"
#include "../entry/rows.h"
#include "../entry/subarch.h"
#include "../error.h"
#include "memory_map.h"
#include "pv_paravisor.h"

#define CMDLINE_GPA PLAN_PAGE_LEN

static int check_request(const struct pb_request *request, struct pb_error *err)
{
	if (request->subarch && request->subarch != SUBARCH_LGUEST)
		return fail(err, PB_E_ARG, "subarch", request->subarch, SUBARCH_LGUEST, 0);
	if (request->subarch_data)
		return fail(err, PB_E_ARG, "subarch_data", request->subarch_data, 0, 0);
	if (request->nr_setup_data)
		return fail(err, PB_E_ARG, "setup_data", request->nr_setup_data, 0, 0);
	if (request->kaslr)
		return fail(err, PB_E_KASLR, pb_entry_name(request->entry), 1, 0, 0);
	if (request->vcpus > 1)
		return fail(err, PB_E_ARG, "vcpus", request->vcpus, 1, 0);
	return 0;
}

/* ---- In the guest's own memory ----------------------------------------- */

static int put_kernel(struct plan_builder *builder, pb_gpa *ret_entry_gpa, struct pb_error *err)
{
	const struct kernel_rules where_linked = { .align = PLAN_PAGE_LEN, .max = PLAN_4G_MAX, .never = true };
	int rc;

	if (builder->request.unpack == PB_UNPACK_GUEST)
		return kernel_put_guest(builder, ret_entry_gpa, err);
	rc = kernel_entry_gpa(builder->image, ret_entry_gpa, err);
	if (rc == 0)
		rc = kernel_reserve_host(builder, &where_linked, err);
	return rc ? rc : kernel_put_host(builder, err);
}

static int put_boot_params(struct plan_builder *builder, uint64_t ram_len, struct pb_error *err)
{
	uint8_t page[PLAN_PAGE_LEN];

	builder->info.params_gpa = 0;
	builder->info.cmdline_gpa = CMDLINE_GPA;
	builder->request.subarch = SUBARCH_LGUEST;
	boot_params_of_domain(builder, ram_len, page);
	return builder_put(builder, PB_KIND_BOOT_PARAMS, 0, page, sizeof(page), err);
}

static int put_parts(struct plan_builder *builder, uint64_t ram_len, pb_gpa *ret_entry_gpa, struct pb_error *err)
{
	uint64_t cmdline_len = builder->cmdline_len + 1;
	int rc = space_drop(&builder->space, CMDLINE_GPA, cmdline_len, err);

	builder->kernel_reach = PLAN_4G_MAX;
	builder->initrd_max = builder->initrd_reach = linux_initrd_max(builder);
	if (rc == 0)
		rc = put_kernel(builder, ret_entry_gpa, err);
	if (rc == 0)
		rc = initrd_put(builder, err);
	if (rc == 0)
		rc = builder_put(builder, PB_KIND_CMDLINE, CMDLINE_GPA, builder->request.cmdline, cmdline_len, err);
	return rc ? rc : put_boot_params(builder, ram_len, err);
}

/* All of it is mapped one to one when the kernel is entered. */
static void set_access(struct pb_placement *placement)
{
	placement->space = PB_DOMAIN;
	placement->access = PB_ACCESS_WRITE;
	placement->vaddr = placement->gpa;
}

/* The builder's memory is the guest's for so long, from 0 on; all that is placed meanwhile is there. */
static int put_guest(struct plan_builder *builder, uint64_t ram_len, pb_gpa *ret_entry_gpa, struct pb_error *err)
{
	const struct pb_range ram = { .gpa = 0, .len = ram_len, .type = PB_E820_RAM };
	struct space machine = builder->space;
	size_t first = builder->nr_placements;
	int rc;

	builder->space = (struct space){ 0 };
	rc = space_init(&builder->space, &ram, 1, err);
	if (rc == 0)
		rc = put_parts(builder, ram_len, ret_entry_gpa, err);
	space_done(&builder->space);
	builder->space = machine;
	builder->kernel_low = 0; /* of the guest; in the machine there is none */
	builder->info.space = PB_DOMAIN;
	for (size_t i = first; i < builder->nr_placements; i++)
		set_access(&builder->placements[i]);
	return rc;
}

/* From the first byte to the last of the file's in segments that can be executed, which lie where they were linked. */
static void note_code(const struct kernel *kernel, struct pv_facts *facts)
{
	uint64_t end = 0;

	for (unsigned i = 0; i < kernel->nr_segments; i++) {
		const struct segment *segment = &kernel->segments[i];

		if (!(segment->flags & PF_X) || !segment->file_len)
			continue;
		if (!end)
			facts->code_gpa = segment->gpa;
		end = segment->gpa + segment->file_len;
		facts->code_len = end - facts->code_gpa;
	}
}

/* ---- The plan ---------------------------------------------------------- */

int lguest_plan(struct plan_builder *builder, struct pb_error *err)
{
	struct pv_facts facts = { 0 };
	pb_gpa entry_gpa = 0;
	uint64_t nr_pages;
	int rc = check_request(&builder->request, err);

	if (rc == 0 && builder->request.unpack == PB_UNPACK_HOST)
		rc = kernel_load(builder->image, err);
	if (rc == 0)
		rc = pv_paravisor_take(builder, &nr_pages, err);
	if (rc)
		return rc;
	if (nr_pages <= LGUEST_DEVICE_PAGES)
		return fail(err, PB_E_NO_ROOM, "ram", nr_pages * PLAN_PAGE_LEN, LGUEST_DEVICE_PAGES * PLAN_PAGE_LEN, 0);
	facts.nr_pages = nr_pages;
	facts.ram_pages = nr_pages - LGUEST_DEVICE_PAGES;
	rc = put_guest(builder, facts.ram_pages * PLAN_PAGE_LEN, &entry_gpa, err);
	facts.rip = entry_gpa;
	if (builder->request.unpack == PB_UNPACK_HOST)
		note_code(image_kernel(builder->image), &facts);
	return rc ? rc : pv_paravisor_put(builder, &facts, err);
}
