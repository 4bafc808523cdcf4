/* SPDX-License-Identifier: MIT */
/*
 * From the plan's CPU state to the trampoline's table. The plan speaks of
 * segments as the processor holds them; the trampoline can only load them from
 * descriptors, so each planned segment becomes a descriptor at its own
 * selector in the trampoline's GDT. A state that cannot be reached this way
 * is refused here, not met by surprise in the guest.
 */
#include "../guest/blobs.h"
#include "domain.h"

#include <asm/bootparam.h>
#include <string.h>
#include <xen/arch-x86/hvm/start_info.h>

enum {
	EFER_LMA = 1 << 10,
	RPL_AND_TI = 7,
	TSS_BUSY = 2, /* in a descriptor's type; ltr wants it clear and sets it */
	CR0_PE = 1,
	REAL_FLAGS = 2, /* bit 1 is always set */
	ATTR_CODE16 = 0x9b,
	ATTR_DATA16 = 0x93,
};

static int unreachable(struct engine_error *err, const char *field, uint64_t value, const char *wanted)
{
	return engine_fail(err, ENGINE_BAD_INPUT, "entry state: %s 0x%llx, the trampoline can only enter with %s",
			   field, (unsigned long long)value, wanted);
}

static uint64_t descriptor(uint64_t base, uint32_t limit, uint16_t attr)
{
	uint64_t units = attr & 0x8000 ? limit >> 12 : limit;

	return (units & 0xffff) | (base & 0xffffff) << 16 | (uint64_t)(attr & 0xff) << 40 | (units >> 16 & 0xf) << 48 |
	       (uint64_t)(attr >> 12) << 52 | (base >> 24 & 0xff) << 56;
}

/* A null selector's hidden part cannot be loaded, and no kernel relies on it. */
static int add_segment(struct trampoline_table *table, const char *name, const struct pb_seg *seg, bool system,
		       struct engine_error *err)
{
	unsigned slot = seg->selector / 8;
	uint64_t made;

	if (slot == 0 && !(seg->selector & 4))
		return 0;
	if (seg->selector & RPL_AND_TI || slot >= TRAMPOLINE_SEL_CODE16 / 8)
		return unreachable(err, name, seg->selector, "selectors of ring 0 below 0xf0");
	if (seg->base >> 32)
		return unreachable(err, name, seg->base, "segment bases below 4 GiB");
	made = descriptor(seg->base, seg->limit, system ? seg->attr & (uint16_t)~TSS_BUSY : seg->attr);
	if (table->gdt[slot] && table->gdt[slot] != made)
		return unreachable(err, name, seg->selector, "one descriptor for each selector");
	table->gdt[slot] = made;
	return 0;
}

static int add_segments(struct trampoline_table *table, const struct pb_cpu *cpu, struct engine_error *err)
{
	const struct {
		const char *name;
		const struct pb_seg *seg;
		bool system;
	} segments[] = {
		{ "cs", &cpu->cs, false }, { "ds", &cpu->ds, false },   { "es", &cpu->es, false },
		{ "fs", &cpu->fs, false }, { "gs", &cpu->gs, false },   { "ss", &cpu->ss, false },
		{ "tr", &cpu->tr, true },  { "ldt", &cpu->ldt, false },
	};

	for (size_t i = 0; i < sizeof(segments) / sizeof(segments[0]); i++)
		if (add_segment(table, segments[i].name, segments[i].seg, segments[i].system, err) < 0)
			return -1;
	return 0;
}

/* The trampoline reads its table through them up to its last instructions. */
static int check_flat(const struct pb_cpu *cpu, struct engine_error *err)
{
	const struct pb_seg *segments[] = { &cpu->cs, &cpu->ds, &cpu->ss };

	for (size_t i = 0; i < 3; i++)
		if (segments[i]->base || segments[i]->limit != UINT32_MAX)
			return unreachable(err, "cs, ds or ss base", segments[i]->base, "flat segments");
	return 0;
}

static int check_prot32(struct trampoline_table *table, const struct pb_cpu *cpu, struct engine_error *err)
{
	if (check_flat(cpu, err) < 0)
		return -1;
	return add_segments(table, cpu, err);
}

static int check_long64(struct trampoline_table *table, const struct pb_cpu *cpu, struct engine_error *err)
{
	if (cpu->cr3 >> 32)
		return unreachable(err, "cr3", cpu->cr3, "page tables below 4 GiB");
	return add_segments(table, cpu, err);
}

static int check_real16(struct trampoline_table *table, const struct pb_cpu *cpu, struct engine_error *err)
{
	const struct pb_seg *segments[] = { &cpu->cs, &cpu->ds, &cpu->es, &cpu->fs, &cpu->gs, &cpu->ss };

	for (size_t i = 0; i < sizeof(segments) / sizeof(segments[0]); i++)
		if (segments[i]->base != (uint64_t)segments[i]->selector << 4)
			return unreachable(err, "segment base", segments[i]->base, "16 times the selector");
	if (cpu->rflags != REAL_FLAGS)
		return unreachable(err, "rflags", cpu->rflags, "flags 2 in real mode");
	if (cpu->cr0 & CR0_PE)
		return unreachable(err, "cr0", cpu->cr0, "PE clear in real mode");
	(void)table; /* no descriptors */
	return 0;
}

static const struct {
	uint32_t mode;
	int (*check)(struct trampoline_table *table, const struct pb_cpu *cpu, struct engine_error *err);
} modes[] = {
	[PB_REAL16] = { TRAMPOLINE_REAL16, check_real16 },
	[PB_PROT32] = { TRAMPOLINE_PROT32, check_prot32 },
	[PB_LONG64] = { TRAMPOLINE_LONG64, check_long64 },
};

static struct trampoline_cpu registers(const struct pb_cpu *cpu)
{
	return (struct trampoline_cpu){
		.gdtr = { .limit = cpu->gdt_limit, .base = cpu->gdt_base },
		.idtr = { .limit = cpu->idt_limit, .base = cpu->idt_base },
		.cs = cpu->cs.selector,
		.ds = cpu->ds.selector,
		.es = cpu->es.selector,
		.fs = cpu->fs.selector,
		.gs = cpu->gs.selector,
		.ss = cpu->ss.selector,
		.tr = cpu->tr.selector,
		.ldt = cpu->ldt.selector,
		.cr0 = cpu->cr0,
		.cr3 = cpu->cr3,
		.cr4 = cpu->cr4,
		.efer = cpu->efer & ~(uint64_t)EFER_LMA,
		.rip = cpu->rip,
		.rflags = cpu->rflags,
		.rax = cpu->rax,
		.rbx = cpu->rbx,
		.rcx = cpu->rcx,
		.rdx = cpu->rdx,
		.rsi = cpu->rsi,
		.rdi = cpu->rdi,
		.rsp = cpu->rsp,
		.rbp = cpu->rbp,
		.r8 = cpu->r8,
		.r9 = cpu->r9,
		.r10 = cpu->r10,
		.r11 = cpu->r11,
		.r12 = cpu->r12,
		.r13 = cpu->r13,
		.r14 = cpu->r14,
		.r15 = cpu->r15,
	};
}

/* Each entry's own place for ACPI's root, from the structure that the guest is handed. */
static uint32_t rsdp_slot(const struct domain *domain)
{
	static const struct {
		bool is;
		uint32_t off;
	} slots[PB_ENTRIES] = {
		[PB_LINUX32] = { true, offsetof(struct boot_params, acpi_rsdp_addr) },
		[PB_LINUX64] = { true, offsetof(struct boot_params, acpi_rsdp_addr) },
		[PB_PVH] = { true, offsetof(struct hvm_start_info, rsdp_paddr) },
	};
	pb_gpa params_gpa = domain->info.params_gpa;

	if (!slots[domain->info.entry].is || !params_gpa || params_gpa >> 32)
		return 0;
	return (uint32_t)params_gpa + slots[domain->info.entry].off;
}

/* ---- The home: program, table, ranges, copies -------------------------- */

static struct trampoline_head program_head(void)
{
	struct trampoline_head head;

	memcpy(&head, guest_blob(GUEST_TRAMPOLINE).bytes, sizeof(head));
	return head;
}

static uint32_t home_gpa(const struct domain *domain)
{
	return (uint32_t)domain->loads[0].gpa;
}

uint64_t domain_home_len(const struct engine_memory *memory, size_t nr_copies)
{
	return program_head().image_len + sizeof(struct trampoline_table) +
	       memory->nr_ram * sizeof(struct trampoline_range) + nr_copies * sizeof(struct trampoline_copy);
}

pb_gpa domain_entry_gpa(const struct domain *domain)
{
	return domain->loads[0].gpa + program_head().entry_off;
}

static int make_table(const struct domain *domain, const struct pb_cpu *cpu, struct trampoline_table *ret,
		      struct engine_error *err)
{
	uint32_t table_gpa = home_gpa(domain) + program_head().image_len;

	*ret = (struct trampoline_table){
		.magic = TRAMPOLINE_TABLE_MAGIC,
		.version = TRAMPOLINE_VERSION,
		.mode = modes[cpu->mode].mode,
		.rsdp_slot_gpa = rsdp_slot(domain),
		.ranges_gpa = table_gpa + (uint32_t)sizeof(*ret),
		.own_gdtr = { .limit = sizeof(ret->gdt) - 1,
			      .base = table_gpa + (uint32_t)offsetof(struct trampoline_table, gdt) },
		.cpu = registers(cpu),
	};
	ret->gdt[TRAMPOLINE_SEL_CODE16 / 8] = descriptor(home_gpa(domain), 0xffff, ATTR_CODE16);
	ret->gdt[TRAMPOLINE_SEL_DATA16 / 8] = descriptor(0, 0xffff, ATTR_DATA16);
	return modes[cpu->mode].check(ret, cpu, err);
}

/* Returns what follows the ranges. */
static uint8_t *write_ranges(const struct engine_memory *memory, uint8_t *to, uint32_t *ret_count)
{
	*ret_count = 0;
	for (size_t i = 0; i < memory->nr_ram; i++) {
		struct trampoline_range range = { memory->ram[i].gpa, memory->ram[i].len };

		if (memory->ram[i].type != PB_E820_RAM)
			continue;
		memcpy(to, &range, sizeof(range));
		to += sizeof(range);
		++*ret_count;
	}
	return to;
}

static void write_copies(const struct domain *domain, uint8_t *to, uint32_t *ret_count)
{
	*ret_count = 0;
	for (size_t i = 1; i < domain->nr_loads; i++) {
		const struct load *load = &domain->loads[i];
		struct trampoline_copy copy = { (uint32_t)load->load_gpa, (uint32_t)load->gpa,
						(uint32_t)load->mem_len };

		if (load->gpa == load->load_gpa)
			continue;
		memcpy(to, &copy, sizeof(copy));
		to += sizeof(copy);
		++*ret_count;
	}
}

static void write_program(const struct domain *domain, uint8_t *to)
{
	struct guest_blob program = guest_blob(GUEST_TRAMPOLINE);
	uint32_t home = home_gpa(domain);

	memcpy(to, program.bytes, program.len);
	memcpy(to + program_head().home_off, &home, sizeof(home));
}

int domain_write_home(const struct domain *domain, uint8_t *home, struct engine_error *err)
{
	struct pb_cpu cpu = PB_INIT(cpu);
	struct trampoline_table table;
	uint8_t *table_at = home + program_head().image_len, *copies;

	if (pb_plan_cpu(domain->plan, 0, &cpu) < 0 || !cpu.mode || cpu.mode > PB_LONG64)
		return engine_fail(err, ENGINE_UNABLE, "plan: no processor state that the trampoline knows");
	if (make_table(domain, &cpu, &table, err) < 0)
		return -1;
	write_program(domain, home);
	copies = write_ranges(domain->memory, table_at + sizeof(table), &table.nr_ranges);
	table.copies_gpa = home_gpa(domain) + (uint32_t)(copies - home);
	write_copies(domain, copies, &table.nr_copies);
	memcpy(table_at, &table, sizeof(table));
	return 0;
}
