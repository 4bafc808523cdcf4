/* SPDX-License-Identifier: MIT */
/*
 * A plan for people: the guest's memory from bottom to top, then the CPU.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plan_print.h"
#include "say.h"
#include "values.h"

static void print_head(const struct domain *domain, const struct pb_plan_info *info)
{
	char *cmdline = escaped(domain->cmdline, strlen(domain->cmdline));

	printf("%s, unpacked by the %s%s%s\n", pb_entry_name(info->entry), pb_unpack_name(info->unpack),
	       domain->engine ? ", for engine " : "", domain->engine ? domain->engine->name : "");
	if (info->space == PB_DOMAIN)
		printf("ring 0        %s\n", ring0_name(domain->request.ring0));
	printf("kernel        0x%" PRIx64 " - 0x%" PRIx64 "%s\n", info->kernel_gpa, info->kernel_gpa + info->kernel_len,
	       info->space == PB_DOMAIN ? " of the domain" : "");
	if (info->subarch)
		printf("subarch       %" PRIu32 "%s%s, data 0x%" PRIx64 ", loader 0x%x\n", info->subarch,
		       pb_subarch_name(info->subarch) ? ", " : "",
		       pb_subarch_name(info->subarch) ? pb_subarch_name(info->subarch) : "", info->subarch_data,
		       info->loader_type);
	if (domain->request.kaslr)
		printf("kaslr         seed 0x%" PRIx64 ", moved by 0x%" PRIx64 " physical, 0x%" PRIx64 " virtual\n",
		       domain->request.kaslr_seed, (uint64_t)info->phys_delta, (uint64_t)info->virt_delta);
	printf("command line  %s\n", cmdline);
	free(cmdline);
}

static void print_range(const struct pb_range *range, const char *what)
{
	printf("  0x%012" PRIx64 " - 0x%012" PRIx64 "  %s\n", range->gpa, range->gpa + range->len, what);
}

static void print_ranges(const struct pb_request *request)
{
	printf("\nMemory map\n");
	for (size_t i = 0; i < request->rams; i++)
		print_range(&request->ram[i], ram_type_name(request->ram[i].type));
	if (request->keeps)
		printf("\nKept clear\n");
	for (size_t i = 0; i < request->keeps; i++)
		print_range(&request->keep[i], "the engine's");
}

void print_source(const struct pb_placement *placement)
{
	if (placement->source == PB_FROM_PLAN || placement->source == PB_FROM_ZERO ||
	    placement->source == PB_FROM_FRAMES)
		printf("from the plan\n");
	else
		printf("from the %s, 0x%" PRIx64 " bytes at 0x%" PRIx64 "\n", source_name(placement->source),
		       placement->source_len, placement->source_off);
}

static void print_placement(const struct pb_placement *placement)
{
	printf("  0x%012" PRIx64 " - 0x%012" PRIx64 "  %-13s", placement->gpa, placement->gpa + placement->len,
	       pb_kind_name(placement->kind));
	print_source(placement);
}

static void print_placements(const pb_plan *plan)
{
	struct pb_placement placement = PB_INIT(placement);

	if (pb_plan_placement(plan, 0, &placement) < 0 || placement.space != PB_MACHINE)
		return;
	printf("\nPlaced\n");
	for (unsigned i = 0; pb_plan_placement(plan, i, &placement) == 0; i++)
		if (placement.space == PB_MACHINE)
			print_placement(&placement);
}

static void print_registers(const struct pb_cpu *cpu)
{
	for (const struct cpu_register *reg = cpu_registers; reg->name; reg++) {
		uint64_t value = *(const uint64_t *)((const char *)cpu + reg->at);

		if (value)
			printf("  %-7s0x%" PRIx64 "\n", reg->name, value);
	}
}

static void print_segments(const struct pb_cpu *cpu)
{
	for (const struct cpu_register *reg = cpu_segments; reg->name; reg++) {
		const struct pb_seg *seg = (const struct pb_seg *)((const char *)cpu + reg->at);

		if (seg->attr || seg->selector)
			printf("  %-7s0x%04x  base 0x%" PRIx64 "  limit 0x%x  attr 0x%04x\n", reg->name, seg->selector,
			       seg->base, seg->limit, seg->attr);
	}
	printf("  gdt            base 0x%" PRIx64 "  limit 0x%x\n", cpu->gdt_base, cpu->gdt_limit);
	printf("  idt            base 0x%" PRIx64 "  limit 0x%x\n", cpu->idt_base, cpu->idt_limit);
}

void print_cpu(const struct pb_cpu *cpu)
{
	print_registers(cpu);
	print_segments(cpu);
}

void plan_print_text(const struct domain *domain)
{
	struct pb_plan_info info = PB_INIT(info);
	struct pb_cpu cpu = PB_INIT(cpu);

	pb_plan_info(domain->plan, &info);
	print_head(domain, &info);
	print_ranges(&domain->request);
	print_placements(domain->plan);
	plan_pv_text(domain->plan);
	if (domain->request.ring0 == PB_RING0_XEN || pb_plan_cpu(domain->plan, 0, &cpu) < 0)
		return;
	printf("\nThe CPU, in %s; registers not named are 0\n", mode_name(cpu.mode));
	print_cpu(&cpu);
}
