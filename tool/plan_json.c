/* SPDX-License-Identifier: MIT */
/*
 * plan --json: one object whose keys keep their meaning from release to
 * release (paraboot-plan.1 lists them).
 */
#include "json.h"
#include "plan_print.h"
#include "values.h"

static json_t *ranges(const struct pb_range *range, size_t count, bool typed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *one =
			json_pack("{s:o, s:o}", "gpa", json_gpa(range[i].gpa), "length", json_number(range[i].len));

		if (typed)
			json_object_set_new(one, "type", json_string(ram_type_name(range[i].type)));
		json_array_append_new(array, one);
	}
	return array;
}

json_t *placement_json(const struct pb_placement *placement)
{
	return json_pack("{s:o, s:o, s:s, s:s, s:o, s:o, s:o}", "gpa", json_gpa(placement->gpa), "length",
			 json_number(placement->len), "kind", pb_kind_name(placement->kind), "source",
			 source_name(placement->source), "index", json_number(placement->index), "source_offset",
			 json_number(placement->source_off), "source_length", json_number(placement->source_len));
}

/* The machine's; a PV domain's own stand in "domain". */
static json_t *placements(const pb_plan *plan)
{
	struct pb_placement placement = PB_INIT(placement);
	json_t *array = json_array();

	for (unsigned i = 0; pb_plan_placement(plan, i, &placement) == 0; i++)
		if (placement.space == PB_MACHINE)
			json_array_append_new(array, placement_json(&placement));
	return array;
}

static json_t *segment(const struct pb_seg *seg)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "selector", json_gpa(seg->selector), "base", json_gpa(seg->base),
			 "limit", json_gpa(seg->limit), "attr", json_gpa(seg->attr));
}

static json_t *table(uint64_t base, uint16_t limit)
{
	return json_pack("{s:o, s:o}", "base", json_gpa(base), "limit", json_gpa(limit));
}

json_t *cpu_json(const struct pb_cpu *state)
{
	json_t *object = json_pack("{s:s}", "mode", mode_name(state->mode));

	for (const struct cpu_register *reg = cpu_registers; reg->name; reg++)
		json_object_set_new(object, reg->name, json_gpa(*(const uint64_t *)((const char *)state + reg->at)));
	for (const struct cpu_register *reg = cpu_segments; reg->name; reg++)
		json_object_set_new(object, reg->name, segment((const struct pb_seg *)((const char *)state + reg->at)));
	json_object_set_new(object, "gdt", table(state->gdt_base, state->gdt_limit));
	json_object_set_new(object, "idt", table(state->idt_base, state->idt_limit));
	return object;
}

static json_t *cpu(const pb_plan *plan)
{
	struct pb_cpu state = PB_INIT(state);

	return pb_plan_cpu(plan, 0, &state) < 0 ? json_null() : cpu_json(&state);
}

static json_t *initrd(const struct pb_plan_info *info)
{
	if (!info->initrd_len)
		return json_null();
	return json_pack("{s:o, s:o}", "gpa", json_gpa(info->initrd_gpa), "length", json_number(info->initrd_len));
}

/* What boot_params tells of loader and subarchitecture. */
static json_t *boot_params(const struct pb_plan_info *info)
{
	if (!info->loader_type)
		return json_null();
	return json_pack("{s:o, s:o, s:o}", "type_of_loader", json_gpa(info->loader_type), "hardware_subarch",
			 json_number(info->subarch), "hardware_subarch_data", json_gpa(info->subarch_data));
}

static json_t *kernel(const struct pb_plan_info *info)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "gpa", json_gpa(info->kernel_gpa), "length",
			 json_number(info->kernel_len), "phys_delta", json_integer(info->phys_delta), "virt_delta",
			 json_integer(info->virt_delta));
}

void plan_print_json(const struct domain *domain)
{
	const struct pb_request *request = &domain->request;
	struct pb_plan_info info = PB_INIT(info);
	json_t *object;

	json_begin();
	pb_plan_info(domain->plan, &info);
	object = json_pack("{s:s, s:s}", "entry", pb_entry_name(info.entry), "unpack", pb_unpack_name(info.unpack));
	json_object_set_new(object, "engine", json_text(domain->engine ? domain->engine->name : NULL));
	json_object_set_new(object, "ring0", json_text(info.space == PB_DOMAIN ? ring0_name(request->ring0) : NULL));
	json_object_set_new(object, "kaslr_seed", request->kaslr ? json_gpa(request->kaslr_seed) : json_null());
	json_object_set_new(object, "cmdline", json_text(request->cmdline));
	json_object_set_new(object, "cmdline_gpa", json_gpa(info.cmdline_gpa));
	json_object_set_new(object, "params_gpa", json_gpa(info.params_gpa));
	json_object_set_new(object, "boot_params", boot_params(&info));
	json_object_set_new(object, "kernel", kernel(&info));
	json_object_set_new(object, "initrd", initrd(&info));
	json_object_set_new(object, "ram", ranges(request->ram, request->rams, true));
	json_object_set_new(object, "keep", ranges(request->keep, request->keeps, false));
	json_object_set_new(object, "placements", placements(domain->plan));
	json_object_set_new(object, "cpu", cpu(domain->plan));
	json_object_set_new(object, "domain", plan_pv_json(domain->plan));
	json_print(object);
}
