/* SPDX-License-Identifier: MIT */
/*
 * The rules of plan_rules.h, one function each.
 */
#include "plan_rules.h"

#include <string.h>

#define PAGE_LEN 0x1000u

struct look {
	const pb_plan *plan;
	const struct pb_request *request;
	struct pb_plan_info info;
	struct pb_cpu cpu;
};

static struct pb_placement placement_at(const struct look *look, unsigned index)
{
	struct pb_placement placement = PB_INIT(placement);

	pb_plan_placement(look->plan, index, &placement);
	return placement;
}

static bool overlap(pb_gpa a, uint64_t a_len, pb_gpa b, uint64_t b_len)
{
	return a_len && b_len && (a < b ? b - a < a_len : a - b < b_len);
}

/* The end of the RAM range that holds gpa, or 0. */
static pb_gpa ram_end(const struct pb_request *request, pb_gpa gpa)
{
	for (size_t i = 0; i < request->rams; i++) {
		const struct pb_range *ram = &request->ram[i];

		if (ram->type == PB_E820_RAM && gpa >= ram->gpa && gpa - ram->gpa < ram->len)
			return ram->gpa + ram->len;
	}
	return 0;
}

/* Ranges that touch are as good as one. */
static bool is_ram(const struct pb_request *request, pb_gpa gpa, uint64_t len)
{
	pb_gpa end = gpa + len;

	while (gpa && gpa < end)
		gpa = ram_end(request, gpa);
	return gpa != 0;
}

static bool sorted_and_disjoint(const struct look *look)
{
	pb_gpa end = PAGE_LEN; /* page 0 is never used */

	for (unsigned i = 0; i < look->info.placements; i++) {
		struct pb_placement placement = placement_at(look, i);

		if (placement.gpa < end || placement.len == 0 || placement.source_len > placement.len)
			return false;
		end = placement.gpa + placement.len;
	}
	return true;
}

static bool inside_ram(const struct look *look)
{
	for (unsigned i = 0; i < look->info.placements; i++) {
		struct pb_placement placement = placement_at(look, i);

		if (!is_ram(look->request, placement.gpa, placement.len))
			return false;
	}
	return true;
}

static bool keeps_clear(const struct look *look)
{
	for (unsigned i = 0; i < look->info.placements; i++) {
		struct pb_placement placement = placement_at(look, i);

		for (size_t k = 0; k < look->request->keeps; k++)
			if (overlap(placement.gpa, placement.len, look->request->keep[k].gpa,
				    look->request->keep[k].len))
				return false;
	}
	return true;
}

static bool kernel_has_its_window(const struct look *look)
{
	for (unsigned i = 0; i < look->info.placements; i++) {
		struct pb_placement placement = placement_at(look, i);

		if (placement.kind != PB_KIND_KERNEL &&
		    overlap(placement.gpa, placement.len, look->info.kernel_gpa, look->info.kernel_len))
			return false;
	}
	return true;
}

/* A host-unpacked kernel lies in its window; one that moves itself may be loaded elsewhere. */
static bool kernel_in_its_window(const struct look *look)
{
	for (unsigned i = 0; i < look->info.placements; i++) {
		struct pb_placement placement = placement_at(look, i);

		if (placement.source == PB_FROM_KERNEL &&
		    (placement.gpa < look->info.kernel_gpa ||
		     placement.gpa + placement.len > look->info.kernel_gpa + look->info.kernel_len))
			return false;
	}
	return true;
}

/* Is [gpa, gpa+len) in a placement of that kind? */
static bool in_kind(const struct look *look, enum pb_kind kind, pb_gpa gpa, uint64_t len)
{
	for (unsigned i = 0; i < look->info.placements; i++) {
		struct pb_placement placement = placement_at(look, i);

		if (placement.kind == kind && gpa >= placement.gpa && gpa - placement.gpa < placement.len &&
		    len <= placement.len - (gpa - placement.gpa))
			return true;
	}
	return false;
}

/* p_flags are no evidence: there are kernels whose entry lies in a segment without X. */
static bool enters_the_kernel(const struct look *look)
{
	bool paravisor = look->info.entry == PB_XEN_PV32 || look->info.entry == PB_XEN_PV64;

	return in_kind(look, paravisor ? PB_KIND_PARAVISOR : PB_KIND_KERNEL, look->cpu.rip, 1);
}

static bool tables_are_placed(const struct look *look)
{
	if (!in_kind(look, PB_KIND_GDT, look->cpu.gdt_base, look->cpu.gdt_limit + 1u))
		return false;
	return look->cpu.mode != PB_LONG64 || in_kind(look, PB_KIND_PAGE_TABLES, look->cpu.cr3, PAGE_LEN);
}

static bool initrd_is_where_it_says(const struct look *look)
{
	pb_gpa end = look->info.initrd_gpa;

	for (unsigned i = 0; i < look->info.placements; i++) {
		struct pb_placement placement = placement_at(look, i);

		if (placement.kind != PB_KIND_INITRD)
			continue;
		if (placement.gpa != end || placement.len % 4)
			return false;
		end += placement.len;
	}
	return end - look->info.initrd_gpa == look->info.initrd_len && look->info.initrd_gpa % PAGE_LEN == 0;
}

static const struct {
	const char *name;
	bool (*holds)(const struct look *look);
	bool linear; /* holds where the guest's memory is the machine's; a PV guest's parts may lie in several extents
		      */
} rules[] = {
	{ "sorted and disjoint, above page 0", sorted_and_disjoint, false },
	{ "inside RAM", inside_ram, false },
	{ "clear of what is to be kept", keeps_clear, false },
	{ "the entry is in a placed kernel", enters_the_kernel, false },
	{ "GDT and page tables are placed", tables_are_placed, false },
	{ "nothing else in the kernel's window", kernel_has_its_window, true },
	{ "segments inside the window", kernel_in_its_window, true },
	{ "initrds back to back at a page", initrd_is_where_it_says, true },
};

const char *plan_broken_rule(const pb_plan *plan, const struct pb_request *request)
{
	struct look look = { .plan = plan, .request = request, .info = PB_INIT(look.info), .cpu = PB_INIT(look.cpu) };

	if (pb_plan_info(plan, &look.info) || pb_plan_cpu(plan, 0, &look.cpu))
		return "a plan answers";
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if ((look.info.entry < PB_XEN_PV32 || !rules[i].linear) && !rules[i].holds(&look))
			return rules[i].name;
	return NULL;
}

static bool placements_equal(const pb_plan *a, const pb_plan *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct pb_placement left, right;

		/* Compared as bytes: the padding must not differ by chance. */
		memset(&left, 0, sizeof(left));
		memset(&right, 0, sizeof(right));
		left.size = right.size = sizeof(left);
		if (pb_plan_placement(a, i, &left) || pb_plan_placement(b, i, &right) ||
		    memcmp(&left, &right, sizeof(left)) != 0)
			return false;
	}
	return true;
}

bool plans_equal(const pb_plan *a, const pb_plan *b)
{
	struct pb_plan_info a_info, b_info;
	struct pb_cpu a_cpu, b_cpu;

	memset(&a_info, 0, sizeof(a_info));
	memset(&b_info, 0, sizeof(b_info));
	memset(&a_cpu, 0, sizeof(a_cpu));
	memset(&b_cpu, 0, sizeof(b_cpu));
	a_info.size = b_info.size = sizeof(a_info);
	a_cpu.size = b_cpu.size = sizeof(a_cpu);
	if (pb_plan_info(a, &a_info) || pb_plan_info(b, &b_info) || pb_plan_cpu(a, 0, &a_cpu) ||
	    pb_plan_cpu(b, 0, &b_cpu))
		return false;
	return memcmp(&a_info, &b_info, sizeof(a_info)) == 0 && memcmp(&a_cpu, &b_cpu, sizeof(a_cpu)) == 0 &&
	       placements_equal(a, b, a_info.placements);
}
