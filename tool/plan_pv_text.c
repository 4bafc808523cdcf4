/* SPDX-License-Identifier: MIT */
/*
 * A domain for people: its frames from first to last and where its kernel sees
 * them; of a Xen PV domain also what start_info tells, and the first vCPU.
 */
#include <inttypes.h>
#include <stdio.h>

#include "plan_print.h"

#define PAGE_LEN 4096u

static void print_space(const struct pb_pv *pv)
{
	printf("\nThe domain, %u-bit, %" PRIu64 " pages\n", pv->elf_class, pv->nr_pages);
	printf("  0x%016" PRIx64 " - 0x%016" PRIx64 "  frame 0 and on\n", pv->virt_base, pv->virt_end);
	if (pv->fixmap_len)
		printf("  0x%016" PRIx64 " - 0x%016" PRIx64 "  fixmap: page tables, no pages\n", pv->fixmap_vaddr,
		       pv->fixmap_vaddr + pv->fixmap_len);
	if (pv->hypercall_vaddr)
		printf("  0x%016" PRIx64 "  hypercall page\n", pv->hypercall_vaddr);
	printf("  0x%016" PRIx64 "  the hypervisor's part begins\n", pv->hv_start);
}

static void print_frames(const pb_plan *plan)
{
	struct pb_extent extent;

	if (pb_plan_extent(plan, 0, &extent) < 0)
		return;
	printf("\nIts frames in the machine\n");
	for (unsigned i = 0; pb_plan_extent(plan, i, &extent) == 0; i++)
		printf("  pfn 0x%" PRIx64 " - 0x%" PRIx64 "  at 0x%012" PRIx64 "\n", extent.pfn,
		       extent.pfn + extent.count, extent.mfn * PAGE_LEN);
}

/* By whole pages: what begins within one, such as a second initrd, says so by its virtual address. */
static void print_piece(const struct pb_placement *placement)
{
	uint64_t end = (placement->gpa + placement->len + PAGE_LEN - 1) / PAGE_LEN;

	if (placement->access == PB_ACCESS_NONE)
		printf("  %-18s", "not mapped");
	else
		printf("  0x%016" PRIx64, placement->vaddr);
	printf("  pfn 0x%06" PRIx64 " - 0x%06" PRIx64 "  %-5s  %-13s", placement->gpa / PAGE_LEN, end,
	       placement->access == PB_ACCESS_NONE ? "" : access_name(placement->access),
	       pb_kind_name(placement->kind));
	print_source(placement);
}

static void print_pieces(const pb_plan *plan)
{
	struct pb_placement placement = PB_INIT(placement);

	printf("\nPlaced in the domain\n");
	for (unsigned i = 0; pb_plan_placement(plan, i, &placement) == 0; i++)
		if (placement.space == PB_DOMAIN)
			print_piece(&placement);
}

static void print_start_info(const struct pb_pv *pv)
{
	printf("\nstart_info\n");
	for (const struct cpu_register *field = start_info_fields; field->name; field++)
		printf("  %-15s0x%" PRIx64 "\n", field->name, *(const uint64_t *)((const char *)pv + field->at));
}

void plan_pv_text(const pb_plan *plan)
{
	struct pb_plan_info info = PB_INIT(info);
	struct pb_pv pv = PB_INIT(pv);
	bool xen = pb_plan_pv(plan, &pv) == 0;

	if (pb_plan_info(plan, &info) < 0 || info.space != PB_DOMAIN)
		return;
	if (xen)
		print_space(&pv);
	print_frames(plan);
	print_pieces(plan);
	if (!xen)
		return;
	print_start_info(&pv);
	printf("\nThe first vCPU, in %s; registers not named are 0\n", mode_name(pv.vcpu.mode));
	print_cpu(&pv.vcpu);
}
