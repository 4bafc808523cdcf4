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
	struct pb_pv pv; /* nr_pages is 0 if it is not for Xen PV */
	uint64_t pages;  /* of the domain; 0: there is none */
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
	enum pb_space space = PB_MACHINE;
	pb_gpa end = PAGE_LEN; /* a machine's page 0 is never used */

	for (unsigned i = 0; i < look->info.placements; i++) {
		struct pb_placement placement = placement_at(look, i);

		if (placement.space > space)
			end = 0;
		if (placement.space < space || placement.gpa < end || placement.len == 0 ||
		    placement.source_len > placement.len)
			return false;
		space = placement.space;
		end = placement.gpa + placement.len;
	}
	return true;
}

static bool is_there(const struct look *look, const struct pb_placement *placement)
{
	if (placement->space == PB_DOMAIN)
		return placement->gpa + placement->len <= look->pages * PAGE_LEN;
	return is_ram(look->request, placement->gpa, placement->len);
}

static bool inside_ram(const struct look *look)
{
	for (unsigned i = 0; i < look->info.placements; i++) {
		struct pb_placement placement = placement_at(look, i);

		if (!is_there(look, &placement))
			return false;
	}
	return true;
}

static bool is_kept(const struct look *look, pb_gpa gpa, uint64_t len)
{
	for (size_t k = 0; k < look->request->keeps; k++)
		if (overlap(gpa, len, look->request->keep[k].gpa, look->request->keep[k].len))
			return true;
	return false;
}

static bool keeps_clear(const struct look *look)
{
	for (unsigned i = 0; i < look->info.placements; i++) {
		struct pb_placement placement = placement_at(look, i);

		if (placement.space == PB_MACHINE && is_kept(look, placement.gpa, placement.len))
			return false;
	}
	return true;
}

/* The domain's frames: RAM of the machine in which nothing else is placed, and as many as it is told. */
static bool frames_are_free_ram(const struct look *look)
{
	struct pb_extent extent;
	uint64_t pfn = 0;

	for (unsigned i = 0; pb_plan_extent(look->plan, i, &extent) == 0; i++) {
		pb_gpa gpa = extent.mfn * PAGE_LEN;
		uint64_t len = extent.count * PAGE_LEN;

		if (extent.pfn != pfn || !is_ram(look->request, gpa, len) || is_kept(look, gpa, len))
			return false;
		pfn += extent.count;
		for (unsigned k = 0; k < look->info.placements; k++) {
			struct pb_placement placement = placement_at(look, k);

			if (placement.space == PB_MACHINE && overlap(gpa, len, placement.gpa, placement.len))
				return false;
		}
	}
	return look->pages == pfn || (pfn == 0 && look->request->ring0 == PB_RING0_XEN);
}

static bool kernel_has_its_window(const struct look *look)
{
	for (unsigned i = 0; i < look->info.placements; i++) {
		struct pb_placement placement = placement_at(look, i);

		if (placement.kind != PB_KIND_KERNEL && placement.space == look->info.space &&
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
		    (placement.space != look->info.space || placement.gpa < look->info.kernel_gpa ||
		     placement.gpa + placement.len > look->info.kernel_gpa + look->info.kernel_len))
			return false;
	}
	return true;
}

/* The guest's page tables show each placement once, and their own frames read-only. */
static bool access_is_right(const struct look *look)
{
	for (unsigned i = 0; i < look->info.placements; i++) {
		struct pb_placement placement = placement_at(look, i);
		bool table = placement.kind == PB_KIND_PAGE_TABLES;

		if (placement.space == PB_MACHINE ? placement.access != PB_ACCESS_NONE
						  : placement.access == (table ? PB_ACCESS_WRITE : PB_ACCESS_READ))
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

/* Does the domain see a placement of that kind at va? */
static bool sees_kind(const struct look *look, enum pb_kind kind, uint64_t va)
{
	for (unsigned i = 0; i < look->info.placements; i++) {
		struct pb_placement placement = placement_at(look, i);

		if (placement.kind == kind && placement.access && va - placement.vaddr < placement.len)
			return true;
	}
	return false;
}

static bool has_paravisor(const struct look *look)
{
	return look->pages && look->request->ring0 == PB_RING0_PARAVISOR;
}

/* p_flags are no evidence: there are kernels whose entry lies in a segment without X. */
static bool enters_the_kernel(const struct look *look)
{
	if (look->pv.nr_pages && !sees_kind(look, PB_KIND_KERNEL, look->pv.vcpu.rip))
		return false;
	if (look->pv.nr_pages && !has_paravisor(look))
		return look->cpu.rip == look->pv.vcpu.rip;
	return in_kind(look, has_paravisor(look) ? PB_KIND_PARAVISOR : PB_KIND_KERNEL, look->cpu.rip, 1);
}

static bool tables_are_placed(const struct look *look)
{
	bool own_gdt = !look->pages || has_paravisor(look);

	if (own_gdt && !in_kind(look, PB_KIND_GDT, look->cpu.gdt_base, look->cpu.gdt_limit + 1u))
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
} rules[] = {
	{ "sorted and disjoint, above page 0", sorted_and_disjoint },
	{ "inside RAM", inside_ram },
	{ "clear of what is to be kept", keeps_clear },
	{ "the domain's frames are RAM of their own", frames_are_free_ram },
	{ "the entry is in a placed kernel", enters_the_kernel },
	{ "GDT and page tables are placed", tables_are_placed },
	{ "page tables, and nothing else, are read-only", access_is_right },
	{ "nothing else in the kernel's window", kernel_has_its_window },
	{ "segments inside the window", kernel_in_its_window },
	{ "initrds back to back at a page", initrd_is_where_it_says },
};

/* An lguest guest's plan tells of its memory by its frames alone. */
static uint64_t count_frames(const pb_plan *plan)
{
	struct pb_extent extent;
	uint64_t pages = 0;

	for (unsigned i = 0; pb_plan_extent(plan, i, &extent) == 0; i++)
		pages += extent.count;
	return pages;
}

const char *plan_broken_rule(const pb_plan *plan, const struct pb_request *request)
{
	struct look look = { .plan = plan,
			     .request = request,
			     .info = PB_INIT(look.info),
			     .pv = PB_INIT(look.pv),
			     .cpu = PB_INIT(look.cpu) };

	if (pb_plan_info(plan, &look.info) || pb_plan_cpu(plan, 0, &look.cpu))
		return "a plan answers";
	pb_plan_pv(plan, &look.pv);
	look.pages = look.info.entry == PB_LGUEST ? count_frames(plan) : look.pv.nr_pages;
	if ((look.pages != 0) != (look.info.space == PB_DOMAIN))
		return "a domain is a PV or lguest kernel's";
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (!rules[i].holds(&look))
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
