/* SPDX-License-Identifier: MIT */
/*
 * The layout of xen-pv64 with our paravisor in ring 0: its block of memory
 * low, above it the guest's frames, which are all other RAM. The CPU enters
 * the paravisor, in 64-bit mode; where the guest's own start is stands in the
 * facts it is handed (guest/paravisor/facts.h).
 */
#include <string.h>

#include "../entry/rows.h"
#include "../error.h"
#include "arith.h"
#include "builder.h"
#include "memory_map.h"
#include "pv_bind.h"

#define OWN_ALIGN  0x200000ull
#define MAX_VCPUS  32u
#define MAX_MEMORY (1ull << 39) /* what the paravisor's direct map holds */

extern const uint8_t guest_paravisor[], guest_paravisor_end[];

struct pv_start {
	struct pv_layout layout;
	struct pv_facts facts;
	struct pv_binding binding;
};

static void set_reach(struct plan_builder *builder)
{
	builder->reach = PLAN_4G_MAX;
	builder->kernel_reach = PLAN_4G_MAX;
	builder->small_fallback = SPACE_LOWEST;
}

static uint64_t machine_len(const struct plan_builder *builder)
{
	const struct space *space = &builder->space;

	return space->nr ? space->free[space->nr - 1].end : 0;
}

/* ---- Machine memory: the paravisor's block, and what the guest gets ---- */

static int take_own(struct plan_builder *builder, struct pv_facts *facts, struct pb_error *err)
{
	struct space_want want = {
		.align = OWN_ALIGN, .min = PLAN_LOWEST_GPA, .max = PLAN_4G_MAX, .order = SPACE_LOWEST
	};

	facts->nr_vcpus = builder->request.vcpus;
	facts->machine_len = machine_len(builder);
	if (facts->nr_vcpus > MAX_VCPUS)
		return fail(err, PB_E_ARG, "vcpus", facts->nr_vcpus, MAX_VCPUS, 0);
	if (facts->machine_len > MAX_MEMORY)
		return fail(err, PB_E_MEMORY_MAP, "ram", facts->machine_len, MAX_MEMORY, 0);
	want.len = facts->own_len = pv_own_len(facts->machine_len, facts->nr_vcpus);
	return builder_take(builder, "paravisor", &want, &facts->own_gpa, err);
}

/* All that is free above the block; below it stay a few pages for the start. */
static int take_extents(struct plan_builder *builder, struct pv_facts *facts, struct pb_error *err)
{
	uint64_t floor = facts->own_gpa + facts->own_len;

	for (size_t i = 0; i < builder->space.nr; i++) {
		const struct extent *free = &builder->space.free[i];
		struct pv_extent *extent = &facts->extents[facts->nr_extents];

		if (free->start < floor)
			continue;
		if (facts->nr_extents == PV_MAX_EXTENTS)
			return fail(err, PB_E_MEMORY_MAP, "ram", i, PV_MAX_EXTENTS, free->start);
		*extent = (struct pv_extent){ facts->nr_pages, free->start / PLAN_PAGE_LEN,
					      (free->end - free->start) / PLAN_PAGE_LEN };
		facts->nr_pages += extent->count;
		facts->nr_extents++;
	}
	for (unsigned i = 0; i < facts->nr_extents; i++) {
		const struct pv_extent *extent = &facts->extents[i];
		int rc = space_drop(&builder->space, extent->mfn * PLAN_PAGE_LEN, extent->count * PLAN_PAGE_LEN, err);

		if (rc)
			return rc;
	}
	return 0;
}

/* ---- The paravisor and its facts --------------------------------------- */

static int put_image(struct plan_builder *builder, const struct pv_facts *facts, struct pb_error *err)
{
	return builder_put(builder, PB_KIND_PARAVISOR, facts->own_gpa, guest_paravisor,
			   (uintptr_t)guest_paravisor_end - (uintptr_t)guest_paravisor, err);
}

static int put_facts(struct plan_builder *builder, struct pv_start *start, pb_gpa *ret_gpa, struct pb_error *err)
{
	const struct pv_layout *layout = &start->layout;
	struct pv_facts *facts = &start->facts;
	int rc = builder_take_small(builder, "paravisor facts", sizeof(*facts), ret_gpa, err);

	if (rc)
		return rc;
	facts->magic = PV_FACTS_MAGIC;
	facts->size = sizeof(*facts);
	facts->flags = builder->request.flags & PB_PARAVISOR_COUNTS ? PV_FLAG_VERBOSE : 0;
	facts->rip = layout->notes.entry_va;
	facts->rsp = pv_va(layout, layout->stack.pfn + layout->stack.count);
	facts->start_info_va = pv_va(layout, layout->start_info.pfn);
	facts->start_info_pfn = layout->start_info.pfn;
	facts->xenstore_pfn = layout->xenstore.pfn;
	facts->console_pfn = layout->console.pfn;
	facts->pt_pfn = layout->tables.pfn;
	facts->nr_pt = layout->tables.count;
	facts->hypercall_pfn = PV_NONE;
	if (layout->notes.hypercall_va != PV_NOWHERE)
		facts->hypercall_pfn = (layout->notes.hypercall_va - layout->notes.virt_base) / PLAN_PAGE_LEN;
	return builder_put(builder, PB_KIND_PARAVISOR, *ret_gpa, facts, sizeof(*facts), err);
}

/* ---- The plan ---------------------------------------------------------- */

static int lay_out(struct plan_builder *builder, struct pv_start *start, struct pb_error *err)
{
	struct pv_notes notes;
	int rc = pv_notes_read(builder->image, &notes, err);

	if (rc == 0)
		rc = take_own(builder, &start->facts, err);
	if (rc == 0)
		rc = take_extents(builder, &start->facts, err);
	if (rc == 0)
		rc = pv_layout_make(builder->image, &notes, start->facts.nr_pages, builder->info.initrd_len,
				    &start->layout, err);
	start->binding = (struct pv_binding){ &start->layout, start->facts.extents, start->facts.nr_extents };
	return rc;
}

static void tell(struct plan_builder *builder, const struct pv_start *start)
{
	const struct pv_layout *layout = &start->layout;

	builder->info.kernel_gpa = pv_gpa(&start->binding, layout->kernel.pfn);
	builder->info.kernel_len = layout->kernel.count * PLAN_PAGE_LEN;
	builder->info.params_gpa = pv_gpa(&start->binding, layout->start_info.pfn);
	if (builder->info.initrd_len)
		builder->info.initrd_gpa = pv_gpa(&start->binding, layout->initrd.pfn);
}

static int put_all(struct plan_builder *builder, struct pv_start *start, struct pb_error *err)
{
	int rc = pv_put_parts(builder, &start->binding, err);

	if (rc == 0)
		rc = pv_put_tables(builder, &start->binding, err);
	if (rc == 0)
		rc = put_image(builder, &start->facts, err);
	return rc;
}

int xen_pv64_plan(struct plan_builder *builder, struct pb_error *err)
{
	struct pv_start start = { 0 };
	pb_gpa facts_gpa;
	int rc;

	if (builder->request.unpack == PB_UNPACK_GUEST)
		return fail(err, PB_E_NOT_BUILT, "unpack", PB_UNPACK_GUEST, PB_UNPACK_HOST, 0);
	if (builder->request.nr_setup_data)
		return fail(err, PB_E_ARG, "setup_data", builder->request.nr_setup_data, 0, 0);
	if (builder->request.kaslr)
		return fail(err, PB_E_KASLR, "xen-pv64", 1, 0, 0);
	rc = kernel_load(builder->image, err);
	if (rc)
		return rc;
	set_reach(builder);
	rc = lay_out(builder, &start, err);
	if (rc == 0)
		rc = put_all(builder, &start, err);
	if (rc)
		return rc;
	tell(builder, &start);
	rc = cpu_flat64(builder, start.facts.own_gpa, err);
	if (rc == 0)
		rc = put_facts(builder, &start, &facts_gpa, err);
	if (rc == 0)
		builder->cpu.rdi = facts_gpa;
	return rc;
}
