/* SPDX-License-Identifier: MIT */
/*
 * The CPU at entry. All entries share one GDT: flat code at 0x10 and flat
 * data at 0x18, as boot.rst has it, and a task segment, which the
 * architecture wants and PVH describes. The descriptors in memory are made
 * from the very values that the CPU state holds.
 */
#include <string.h>

#include "../error.h"
#include "arith.h"
#include "builder.h"
#include "memory_map.h"

enum { SEL_CODE = 0x10, SEL_DATA = 0x18, SEL_TASK = 0x20, GDT_ENTRIES = 6 };

/* struct pb_seg.attr */
enum { ATTR_CODE32 = 0xc09b, ATTR_CODE64 = 0xa09b, ATTR_DATA = 0xc093, ATTR_TASK = 0x008b };
#define ATTR_TASK_BUSY    0x2u
#define ATTR_GRANULARITY  0x8000u
#define TASK_LIMIT        0x67u
#define RFLAGS_ALWAYS_ONE 0x2ull /* interrupts off, direction up */

/* Intel SDM volume 3, "Control Registers" and "IA32_EFER". */
#define CR0_PE   0x1ull
#define CR0_ET   0x10ull
#define CR0_PG   0x80000000ull
#define CR4_PAE  0x20ull
#define EFER_LME 0x100ull
#define EFER_LMA 0x400ull

static const struct pb_seg code32 = { SEL_CODE, ATTR_CODE32, 0xffffffff, 0 };
static const struct pb_seg code64 = { SEL_CODE, ATTR_CODE64, 0xffffffff, 0 };
static const struct pb_seg data = { SEL_DATA, ATTR_DATA, 0xffffffff, 0 };
static const struct pb_seg task = { SEL_TASK, ATTR_TASK, TASK_LIMIT, 0 };

/* A segment as its 8 bytes in the GDT; all of ours have base 0. */
static uint64_t descriptor(const struct pb_seg *seg)
{
	uint64_t limit = seg->attr & ATTR_GRANULARITY ? seg->limit >> 12 : seg->limit;
	uint64_t attr = seg->attr;

	return (limit & 0xffff) | (attr & 0xff) << 40 | (limit >> 16 & 0xf) << 48 | (attr & 0xf000) << 40;
}

static int gdt_put(struct plan_builder *builder, const struct pb_seg *code, struct pb_error *err)
{
	uint64_t gdt[GDT_ENTRIES] = { 0 };
	pb_gpa gpa;
	int rc = builder_take_small(builder, "gdt", sizeof(gdt), &gpa, err);

	if (rc)
		return rc;
	gdt[SEL_CODE / 8] = descriptor(code);
	gdt[SEL_DATA / 8] = descriptor(&data);
	/* Available here, busy in the CPU: a program that makes this state by `ltr` needs it so. */
	gdt[SEL_TASK / 8] = descriptor(&task) & ~((uint64_t)ATTR_TASK_BUSY << 40);
	builder->cpu.gdt_base = gpa;
	builder->cpu.gdt_limit = sizeof(gdt) - 1;
	return builder_put(builder, PB_KIND_GDT, gpa, gdt, sizeof(gdt), err);
}

static int cpu_flat(struct plan_builder *builder, enum pb_mode mode, const struct pb_seg *code, pb_gpa rip,
		    struct pb_error *err)
{
	struct pb_cpu *cpu = &builder->cpu;

	cpu->size = sizeof(*cpu);
	cpu->mode = mode;
	cpu->rip = rip;
	cpu->rflags = RFLAGS_ALWAYS_ONE;
	cpu->cs = *code;
	cpu->ds = cpu->es = cpu->fs = cpu->gs = cpu->ss = data;
	cpu->tr = task;
	cpu->cr0 = CR0_PE | CR0_ET;
	return gdt_put(builder, code, err);
}

int cpu_flat32(struct plan_builder *builder, pb_gpa rip, struct pb_error *err)
{
	return cpu_flat(builder, PB_PROT32, &code32, rip, err);
}

int cpu_flat64(struct plan_builder *builder, pb_gpa rip, struct pb_error *err)
{
	const struct pb_plan_info *info = &builder->info;
	const struct pb_range mapped[] = {
		{ 0, PLAN_4G_MAX + 1, 0 },
		{ info->kernel_gpa, info->kernel_len, 0 },
		{ info->params_gpa, PLAN_PAGE_LEN, 0 },
		{ info->cmdline_gpa, builder->cmdline_len + 1, 0 },
		{ rip, 1, 0 },
	};
	int rc = cpu_flat(builder, PB_LONG64, &code64, rip, err);

	builder->cpu.cr0 |= CR0_PG;
	builder->cpu.cr4 = CR4_PAE;
	builder->cpu.efer = EFER_LME | EFER_LMA;
	if (rc == 0)
		rc = page_tables_put(builder, mapped, sizeof(mapped) / sizeof(mapped[0]), &builder->cpu.cr3, err);
	return rc;
}
