/* SPDX-License-Identifier: MIT */
/*
 * xen-pv64 and xen-pv32, by who has ring 0. With our paravisor the plan covers the machine
 * and the domain on it, and the CPU enters the paravisor. With Xen it is the
 * domain alone, and the CPU is its first vCPU. An image that unpacks itself is
 * laid out by its own ELF header: what that describes is what runs first.
 */
#include "../entry/rows.h"
#include "../entry/subarch.h"
#include "../error.h"
#include "memory_map.h"
#include "pv_domain.h"
#include "pv_paravisor.h"

static int check_request(const struct pb_request *request, struct pb_error *err)
{
	if (request->nr_setup_data)
		return fail(err, PB_E_ARG, "setup_data", request->nr_setup_data, 0, 0);
	if (request->subarch_data) /* it is start_info's address */
		return fail(err, PB_E_ARG, "subarch_data", request->subarch_data, 0, 0);
	if (request->kaslr)
		return fail(err, PB_E_KASLR, pb_entry_name(request->entry), 1, 0, 0);
	return 0;
}

/* What the paravisor is to know of the domain. */
static struct pv_facts facts_of(const struct plan_builder *builder)
{
	const struct pv_layout *layout = &builder->pv;
	const struct pb_cpu *vcpu = &builder->pv_start.vcpu;
	struct pv_facts facts = { .nr_pages = layout->nr_pages,
				  .rip = vcpu->rip,
				  .rsp = vcpu->rsp,
				  .start_info_va = vcpu->rsi,
				  .start_info_pfn = layout->start_info.pfn,
				  .xenstore_pfn = layout->xenstore.pfn,
				  .console_pfn = layout->console.pfn,
				  .pt_pfn = layout->tables.pfn,
				  .nr_pt = layout->tables.count,
				  .hypercall_pfn = PV_NONE };

	if (layout->notes.hypercall_va != PV_NOWHERE)
		facts.hypercall_pfn = (layout->notes.hypercall_va - layout->notes.virt_base) / PLAN_PAGE_LEN;
	return facts;
}

static int plan_paravisor(struct plan_builder *builder, struct pb_error *err)
{
	struct pv_facts facts;
	uint64_t nr_pages;
	int rc = pv_paravisor_take(builder, &nr_pages, err);

	if (rc == 0)
		rc = pv_domain_put(builder, nr_pages, err);
	if (rc)
		return rc;
	facts = facts_of(builder);
	return pv_paravisor_put(builder, &facts, err);
}

/* Xen's own memory is none of the domain's: its RAM is so many pages, wherever they come from. */
static int plan_xen(struct plan_builder *builder, struct pb_error *err)
{
	int rc;

	if (builder->request.keeps)
		return fail(err, PB_E_ARG, "keep", builder->request.keeps, 0, 0);
	rc = pv_domain_put(builder, builder->info.ram_len / PLAN_PAGE_LEN, err);
	if (rc == 0)
		builder->cpu = builder->pv_start.vcpu;
	return rc;
}

int xen_pv_plan(struct plan_builder *builder, struct pb_error *err)
{
	const struct pb_request *request = &builder->request;
	int rc = check_request(request, err);

	if (rc == 0)
		rc = subarch_check(builder->image, request->subarch, request->flags & PB_SUBARCH_INSIST, err);
	if (rc == 0)
		rc = entered_elf(builder->image, request->unpack, &builder->entered, err);
	if (rc)
		return rc;
	rc = request->ring0 == PB_RING0_XEN ? plan_xen(builder, err) : plan_paravisor(builder, err);
	entered_elf_done(&builder->entered);
	return rc;
}
