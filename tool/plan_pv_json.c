/* SPDX-License-Identifier: MIT */
/*
 * A Xen PV domain for scripts: the key "domain" of plan --json.
 */
#include "json.h"
#include "plan_print.h"

static json_t *frames(const pb_plan *plan)
{
	struct pb_extent extent;
	json_t *array = json_array();

	for (unsigned i = 0; pb_plan_extent(plan, i, &extent) == 0; i++)
		json_array_append_new(array, json_pack("{s:o, s:o, s:o}", "pfn", json_number(extent.pfn), "mfn",
						       json_number(extent.mfn), "count", json_number(extent.count)));
	return array;
}

static json_t *piece(const struct pb_placement *placement)
{
	json_t *object = placement_json(placement);
	bool mapped = placement->access != PB_ACCESS_NONE;

	json_object_set_new(object, "vaddr", mapped ? json_gpa(placement->vaddr) : json_null());
	json_object_set_new(object, "access", json_string(access_name(placement->access)));
	return object;
}

static json_t *pieces(const pb_plan *plan)
{
	struct pb_placement placement = PB_INIT(placement);
	json_t *array = json_array();

	for (unsigned i = 0; pb_plan_placement(plan, i, &placement) == 0; i++)
		if (placement.space == PB_DOMAIN)
			json_array_append_new(array, piece(&placement));
	return array;
}

static json_t *start_info(const struct pb_pv *pv)
{
	json_t *object = json_object();

	for (const struct cpu_register *field = start_info_fields; field->name; field++)
		json_object_set_new(object, field->name, json_gpa(*(const uint64_t *)((const char *)pv + field->at)));
	return object;
}

/* Only Xen's domains have them, and what comes last. */
static json_t *addresses(const struct pb_pv *pv)
{
	json_t *object = json_pack("{s:o, s:o, s:o, s:o, s:o}", "class", json_number(pv->elf_class), "pages",
				   json_number(pv->nr_pages), "virt_base", json_gpa(pv->virt_base), "virt_end",
				   json_gpa(pv->virt_end), "hv_start", json_gpa(pv->hv_start));

	json_object_set_new(object, "hypercall_vaddr",
			    pv->hypercall_vaddr ? json_gpa(pv->hypercall_vaddr) : json_null());
	json_object_set_new(object, "fixmap",
			    pv->fixmap_len ? json_pack("{s:o, s:o}", "vaddr", json_gpa(pv->fixmap_vaddr), "length",
						       json_number(pv->fixmap_len))
					   : json_null());
	return object;
}

json_t *plan_pv_json(const pb_plan *plan)
{
	struct pb_plan_info info = PB_INIT(info);
	struct pb_pv pv = PB_INIT(pv);
	json_t *object;

	if (pb_plan_info(plan, &info) < 0 || info.space != PB_DOMAIN)
		return json_null();
	object = pb_plan_pv(plan, &pv) == 0 ? addresses(&pv) : json_object();
	json_object_set_new(object, "frames", frames(plan));
	json_object_set_new(object, "placements", pieces(plan));
	if (pv.nr_pages) {
		json_object_set_new(object, "start_info", start_info(&pv));
		json_object_set_new(object, "vcpu", cpu_json(&pv.vcpu));
	}
	return object;
}
