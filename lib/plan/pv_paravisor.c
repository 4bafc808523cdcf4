/* SPDX-License-Identifier: MIT */
/*
 * The machine below a PV or lguest domain when ring 0 is our paravisor: its block of
 * memory low, above it the guest's frames, which are all other RAM. The CPU
 * enters the paravisor, in 64-bit mode; where the guest's own start is stands
 * in the facts it is handed (guest/paravisor/facts.h).
 */
#include "pv_paravisor.h"

#include "../error.h"
#include "memory_map.h"

#define OWN_ALIGN 0x200000ull
#define MAX_VCPUS 32u

_Static_assert(PLAN_MAX_EXTENTS == PV_MAX_EXTENTS, "the plan holds what the paravisor takes");
_Static_assert(sizeof(struct pv_extent) == sizeof(struct pb_extent), "the paravisor's is the library's");

extern const uint8_t guest_paravisor[], guest_paravisor_end[], guest_paravisor32[], guest_paravisor32_end[];
extern const uint8_t guest_paravisor_lguest[], guest_paravisor_lguest_end[];

/* The paravisors, by their guests' ABI. */
struct program {
	enum pb_entry entry;
	const uint8_t *image, *end;
	uint64_t max_memory; /* what its direct map holds, its guests' machine-to-physical table, or their addresses */
	uint64_t more_len;   /* beyond what pv_own_len() counts */
};

static const struct program programs[] = {
	{ PB_XEN_PV64, guest_paravisor, guest_paravisor_end, 1ull << 39, 0 },
	{ PB_XEN_PV32, guest_paravisor32, guest_paravisor32_end, 128ull << 30,
	  0 }, /* its machine-to-physical table has 168 MiB of addresses */
	{ PB_LGUEST, guest_paravisor_lguest, guest_paravisor_lguest_end, 3ull << 30, LGUEST_TABLES_LEN },
};

static const struct program *program_of(const struct plan_builder *builder)
{
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (programs[i].entry == builder->request.entry)
			return &programs[i];
	return NULL;
}

/* ---- Memory ------------------------------------------------------------ */

static uint64_t machine_len(const struct plan_builder *builder)
{
	const struct space *space = &builder->space;

	return space->nr ? space->free[space->nr - 1].end : 0;
}

static int take_own(struct plan_builder *builder, struct pb_error *err)
{
	const struct program *program = program_of(builder);
	struct own_block *own = &builder->own;
	struct space_want want = {
		.align = OWN_ALIGN, .min = PLAN_LOWEST_GPA, .max = PLAN_4G_MAX, .order = SPACE_LOWEST
	};

	own->machine_len = machine_len(builder);
	if (!program)
		return fail(err, PB_E_NOT_BUILT, pb_entry_name(builder->request.entry), builder->request.entry, 0, 0);
	if (builder->request.vcpus > MAX_VCPUS)
		return fail(err, PB_E_ARG, "vcpus", builder->request.vcpus, MAX_VCPUS, 0);
	if (own->machine_len > program->max_memory)
		return fail(err, PB_E_MEMORY_MAP, "ram", own->machine_len, program->max_memory, 0);
	want.len = own->len = pv_own_len(own->machine_len, builder->request.vcpus) + program->more_len;
	return builder_take(builder, "paravisor", &want, &own->gpa, err);
}

/* All that is free above the block; below it stay a few pages for the start. */
static int choose_extents(struct plan_builder *builder, uint64_t *ret_nr_pages, struct pb_error *err)
{
	uint64_t floor = builder->own.gpa + builder->own.len, pfn = 0;

	for (size_t i = 0; i < builder->space.nr; i++) {
		const struct extent *free = &builder->space.free[i];
		uint64_t count = (free->end - free->start) / PLAN_PAGE_LEN;

		if (free->start < floor)
			continue;
		if (builder->nr_extents == PLAN_MAX_EXTENTS)
			return fail(err, PB_E_MEMORY_MAP, "ram", i, PLAN_MAX_EXTENTS, free->start);
		builder->extents[builder->nr_extents++] = (struct pb_extent){ pfn, free->start / PLAN_PAGE_LEN, count };
		pfn += count;
	}
	*ret_nr_pages = pfn;
	return 0;
}

int pv_paravisor_take(struct plan_builder *builder, uint64_t *ret_nr_pages, struct pb_error *err)
{
	int rc = take_own(builder, err);

	if (rc == 0)
		rc = choose_extents(builder, ret_nr_pages, err);
	for (unsigned i = 0; i < builder->nr_extents && rc == 0; i++) {
		const struct pb_extent *extent = &builder->extents[i];

		rc = space_drop(&builder->space, extent->mfn * PLAN_PAGE_LEN, extent->count * PLAN_PAGE_LEN, err);
	}
	return rc;
}

/* ---- The paravisor and its facts --------------------------------------- */

static int put_image(struct plan_builder *builder, struct pb_error *err)
{
	const struct program *program = program_of(builder);

	return builder_put(builder, PB_KIND_PARAVISOR, builder->own.gpa, program->image,
			   (uintptr_t)program->end - (uintptr_t)program->image, err);
}

static void fill_extents(struct pv_facts *facts, const struct plan_builder *builder)
{
	facts->nr_extents = builder->nr_extents;
	for (unsigned i = 0; i < builder->nr_extents; i++) {
		const struct pb_extent *extent = &builder->extents[i];

		facts->extents[i] = (struct pv_extent){ extent->pfn, extent->mfn, extent->count };
	}
}

static void fill_facts(struct pv_facts *facts, const struct plan_builder *builder)
{
	facts->magic = PV_FACTS_MAGIC;
	facts->size = sizeof(*facts);
	if (builder->request.flags & PB_PARAVISOR_COUNTS)
		facts->flags |= PV_FLAG_VERBOSE;
	if (builder->request.flags & PB_PARAVISOR_FIFO)
		facts->flags |= PV_FLAG_FIFO;
	facts->own_gpa = builder->own.gpa;
	facts->own_len = builder->own.len;
	facts->machine_len = builder->own.machine_len;
	facts->nr_vcpus = builder->request.vcpus;
	fill_extents(facts, builder);
}

static int put_facts(struct plan_builder *builder, struct pv_facts *facts, pb_gpa *ret_gpa, struct pb_error *err)
{
	int rc = builder_take_small(builder, "paravisor facts", sizeof(*facts), ret_gpa, err);

	if (rc)
		return rc;
	fill_facts(facts, builder);
	return builder_put(builder, PB_KIND_PARAVISOR, *ret_gpa, facts, sizeof(*facts), err);
}

int pv_paravisor_put(struct plan_builder *builder, struct pv_facts *facts, struct pb_error *err)
{
	pb_gpa facts_gpa = 0;
	int rc;

	builder->reach = builder->kernel_reach = PLAN_4G_MAX;
	builder->small_fallback = SPACE_LOWEST;
	rc = put_image(builder, err);
	if (rc == 0)
		rc = cpu_flat64(builder, builder->own.gpa, err);
	if (rc == 0)
		rc = put_facts(builder, facts, &facts_gpa, err);
	if (rc == 0)
		builder->cpu.rdi = facts_gpa;
	return rc;
}
