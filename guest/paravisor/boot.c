/* SPDX-License-Identifier: MIT */
/*
 * From the entry to the guest's first instruction: memory is carved up, once
 * and for ever, the
 * processors are set up, the guest is made (domain.c), and vCPU 0 leaves for it.
 *
 * Until mem_init() has made the direct map, machine memory is reached one to
 * one through the tables that the paravisor was entered with.
 */
#include "asm.h"
#include "paravisor.h"

extern char image_start[], text_end[], rodata_end[], image_end[];
extern uint64_t early_cr3, hv_cr3;
extern uint32_t facts_vcpus;
void boot(uint64_t facts_gpa, uint64_t image_gpa) __attribute__((noreturn));

struct pv_facts facts;
unsigned nr_vcpus;
uint64_t max_mfn;
uint64_t *hv_root;
guest_word *m2p_table;

static uint64_t machine_base; /* where machine address 0 is mapped: 0, then DIRECT_VA */
static uint64_t next_gpa, end_gpa;

/* ---- The block ---- */

void *boot_alloc(uint64_t pages)
{
	uint64_t gpa = next_gpa, len = pages * PAGE;

	if (len > end_gpa - next_gpa)
		panic("the plan gave %lu KiB, which is too little", facts.own_len >> 10);
	next_gpa += len;
	memset((void *)(machine_base + gpa), 0, len);
	return (void *)(machine_base + gpa);
}

uint64_t boot_pages_left(void)
{
	return (end_gpa - next_gpa) >> PAGE_SHIFT;
}

static uint64_t gpa_of(const void *va)
{
	return (uint64_t)va - machine_base;
}

/* The table below entry `index` of `table`, made if it is not there. All rights: the leaf decides. */
static uint64_t *table_below(uint64_t *table, unsigned index)
{
	if (!(table[index] & PTE_P))
		table[index] = gpa_of(boot_alloc(1)) | PTE_P | PTE_W | PTE_U;
	return (uint64_t *)(machine_base + (table[index] & PTE_MFN));
}

static void map_one(uint64_t va, uint64_t pte, unsigned level)
{
	uint64_t *table = hv_root;

	for (unsigned l = 4; l > level; l--)
		table = table_below(table, (va >> (12 + 9 * (l - 1))) & 511);
	table[(va >> (12 + 9 * (level - 1))) & 511] = pte;
}

uint64_t *boot_entry(uint64_t va)
{
	uint64_t *table = hv_root;

	for (unsigned l = 4; l > 1; l--)
		table = table_below(table, (va >> (12 + 9 * (l - 1))) & 511);
	return &table[va >> PAGE_SHIFT & 511];
}

#define BIG 0x200000ul

void boot_map(uint64_t va, uint64_t gpa, uint64_t len, uint64_t flags)
{
	uint64_t at = 0;

	while (at < len) {
		bool big = !((va + at) % BIG) && !((gpa + at) % BIG) && len - at >= BIG;

		map_one(va + at, (gpa + at) | flags | PTE_P | (big ? PTE_PS : 0), big ? 2 : 1);
		at += big ? BIG : PAGE;
	}
}

static void map_new(uint64_t va, uint64_t pages, uint64_t flags)
{
	boot_map(va, gpa_of(boot_alloc(pages)), pages * PAGE, flags);
}

/* ---- The map (map.h) ---- */

static void map_image(uint64_t image_gpa)
{
	uint64_t text = (uint64_t)(text_end - image_start), rodata = (uint64_t)(rodata_end - image_start),
		 end = (uint64_t)(image_end - image_start);

	boot_map(IMAGE_VA, image_gpa, text, 0);
	boot_map(IMAGE_VA + text, image_gpa + text, rodata - text, PTE_NX);
	boot_map(IMAGE_VA + rodata, image_gpa + rodata, end - rodata, PTE_W | PTE_NX);
}

static void map_vcpus(void)
{
	for (unsigned i = 0; i < facts.nr_vcpus; i++) {
		uint64_t va = (uint64_t)vcpu_at(i), tables = TABLES_VA + i * (uint64_t)TABLES_SIZE;

		map_new(va, VCPU_DATA_LEN / PAGE, PTE_W | PTE_NX);
		map_new(va + DEBUG_STACK, (CRASH_STACK_SP - DEBUG_STACK) / PAGE, PTE_W | PTE_NX);
		map_new(va + STACK, (STACK_SP - STACK) / PAGE, PTE_W | PTE_NX);
		map_new(tables, TABLES_SIZE / PAGE, PTE_W | PTE_NX);
	}
}

static void map_frames(void)
{
	uint64_t m2p_pages = (max_mfn * sizeof(guest_word) + PAGE - 1) / PAGE,
		 frame_pages = (max_mfn * sizeof(struct frame) + PAGE - 1) / PAGE;

	m2p_table = boot_alloc(m2p_pages);
	memset(m2p_table, 0xff, m2p_pages * PAGE); /* INVALID_P2M_ENTRY */
	if (ROOT_LEVEL == 4)
		boot_map(M2P_VA, gpa_of(m2p_table), m2p_pages * PAGE, PTE_U | PTE_NX);
	map_new(FRAMES_VA, frame_pages, PTE_W | PTE_NX);
}

static void mem_init(uint64_t image_gpa)
{
	uint64_t top = facts.machine_len;

	next_gpa = image_gpa + (uint64_t)(image_end - image_start);
	end_gpa = image_gpa + facts.own_len;
	max_mfn = top >> PAGE_SHIFT;
	hv_root = boot_alloc(1);
	for (unsigned slot = HV_FIRST; slot < HV_FIRST + 3; slot++)
		table_below(hv_root, slot);
	boot_map(DIRECT_VA, 0, (top + BIG - 1) & ~(BIG - 1), PTE_W | PTE_NX);
	map_image(image_gpa);
	map_frames();
	map_vcpus();
	boot_map(LAPIC_VA, 0xfee00000, PAGE, PTE_W | PTE_NX | PTE_PCD | PTE_PWT);
	boot_map(IOAPIC_VA, 0xfec00000, PAGE, PTE_W | PTE_NX | PTE_PCD | PTE_PWT);
	boot_map(HPET_VA, 0xfed00000, PAGE, PTE_W | PTE_NX | PTE_PCD | PTE_PWT);
	boot_map(GED_VA, 0xfea00000, PAGE, PTE_W | PTE_NX | PTE_PCD | PTE_PWT);
	hv_cr3 = gpa_of(hv_root);
	write_cr3(hv_cr3);
	machine_base = DIRECT_VA;
	hv_root = (uint64_t *)(DIRECT_VA + hv_cr3);
	m2p_table = (guest_word *)(DIRECT_VA + (uint64_t)m2p_table);
}

/* ---- The facts ---- */

static void check_facts(uint64_t image_gpa)
{
	uint64_t pfn = 0;

	if (facts.magic != PV_FACTS_MAGIC || facts.size != sizeof(facts))
		panic("the facts at the entry are not ours");
	if (image_gpa != facts.own_gpa || image_gpa % BIG)
		panic("placed at %lx, not at %lx", image_gpa, facts.own_gpa);
	if (!facts.nr_vcpus || facts.nr_vcpus > MAX_VCPUS || facts.nr_extents > PV_MAX_EXTENTS ||
	    facts.machine_len > (uint64_t)DIRECT_SLOTS << 39)
		panic("%u vCPUs, %u extents, %lx bytes: too many", facts.nr_vcpus, facts.nr_extents, facts.machine_len);
	for (unsigned i = 0; i < facts.nr_extents; i++) {
		struct pv_extent *x = &facts.extents[i];

		if (x->pfn != pfn || x->mfn + x->count > facts.machine_len >> PAGE_SHIFT)
			panic("extent %u is wrong", i);
		pfn += x->count;
	}
	if (pfn != facts.nr_pages)
		panic("%lu pages in the extents, not %lu", pfn, facts.nr_pages);
}

uint64_t pfn_to_mfn(uint64_t pfn)
{
	for (unsigned i = 0; i < facts.nr_extents; i++) {
		const struct pv_extent *x = &facts.extents[i];

		if (pfn - x->pfn < x->count)
			return x->mfn + (pfn - x->pfn);
	}
	return PV_NONE;
}

static void leave(const void *a, const void *b)
{
	(void)a, (void)b;
	start_guest();
}

void boot(uint64_t facts_gpa, uint64_t image_gpa)
{
	uart_init();
	memcpy(&facts, (const void *)facts_gpa, sizeof(facts));
	check_facts(image_gpa);
	facts_vcpus = facts.nr_vcpus;
	mem_init(image_gpa);
	cpu_features_init();
	vcpu_at(0)->online = true;
	cpu_init(vcpu_at(0));
	apic_init();
	time_init();
	smp_start();
	guest_init();
	call_on_stack(NULL, NULL, (uint64_t)guest_regs(vcpu_at(0)) & ~15ul, leave);
}
