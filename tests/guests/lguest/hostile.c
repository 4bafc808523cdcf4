/* SPDX-License-Identifier: MIT */
/*
 * What an lguest guest must not do, one attack a boot: each ends it in the
 * paravisor's crash block, and nothing else.
 */
#include "console.h"

#define ABOVE_ALL 0xfffff000u
#define WRITABLE  (PTE_P | PTE_W | PTE_A | PTE_D)
#define TEST_VA   (VIRT_BASE + MAPPED_PAGES * PAGE)

static void touch(uint32_t va)
{
	*(volatile uint32_t *)va = 1;
}

static void map_outside(void)
{
	set_pte(TEST_VA, ABOVE_ALL | WRITABLE, true);
	touch(TEST_VA);
}

/* The paravisor's memory lies low in the machine; in the guest's there is something else. */
static void table_outside(void)
{
#ifdef PAE
	middle_table[TABLE_ENTRIES - 1] = ABOVE_ALL | WRITABLE;
	call(LHCALL_SET_PMD, physical(middle_table), TABLE_ENTRIES - 1, 0, 0);
	touch(VIRT_BASE + 0x3fe00000);
#else
	top_table[TABLE_ENTRIES - 1] = ABOVE_ALL | WRITABLE;
	call(LHCALL_SET_PGD, physical(top_table), TABLE_ENTRIES - 1, 0, 0);
	touch(0xffc00000);
#endif
}

static void root_outside(void)
{
	call(LHCALL_NEW_PGTABLE, ABOVE_ALL, 0, 0, 0);
}

static void no_tables(void)
{
	static pte_t empty[TABLE_ENTRIES] __attribute__((aligned(4096)));

	call(LHCALL_NEW_PGTABLE, physical(empty), 0, 0, 0);
}

static void large_page(void)
{
#ifdef PAE
	middle_table[TABLE_ENTRIES - 1] = 0x83 | PTE_W;
	call(LHCALL_SET_PMD, physical(middle_table), TABLE_ENTRIES - 1, 0, 0);
	touch(VIRT_BASE + 0x3fe00000);
#else
	top_table[TABLE_ENTRIES - 1] = 0x83 | PTE_W;
	call(LHCALL_SET_PGD, physical(top_table), TABLE_ENTRIES - 1, 0, 0);
	touch(0xffc00000);
#endif
}

static void unknown_call(void)
{
	call(12345, 1, 2, 3, 4);
}

static void missing_call(void)
{
	call(11, 0, 0, 0, 0);
}

static void second_init(void)
{
	call(LHCALL_LGUEST_INIT, physical(&lguest_data), 0, 0, 0);
}

static void gdt_outside(void)
{
	call(LHCALL_LOAD_GDT_ENTRY, 0xe008 / 8, 0xffff, 0x00af9b00, 0);
}

static void long_gdt(void)
{
	call(LHCALL_LOAD_GDT, physical(&lguest_data), 0x10000000, 0, 0);
}

static void tls_outside(void)
{
	call(LHCALL_LOAD_TLS, ABOVE_ALL, 0, 0, 0);
}

static void idt_outside(void)
{
	call(LHCALL_LOAD_IDT_ENTRY, 0x10000, 0, 0x8e00, 0);
}

static void task_gate(void)
{
	call(LHCALL_LOAD_IDT_ENTRY, 13, KERNEL_CS << 16, 0x8500, 0);
}

static void stack_of_ring_0(void)
{
	call(LHCALL_SET_STACK, 0x68, 0xc0000000, 1, 0);
}

static void huge_stack(void)
{
	call(LHCALL_SET_STACK, KERNEL_DS, 0xc0000000, 1000, 0);
}

static void top_outside(void)
{
	call(LHCALL_SET_PGD, physical(top_table), 0x10000, 0, 0);
}

static void middle_outside(void)
{
	call(LHCALL_SET_PMD, physical(top_table), 0x10000, 0, 0);
}

static void notify_outside(void)
{
	call(LHCALL_NOTIFY, ABOVE_ALL, 0, 0, 0);
}

static void no_stack(void)
{
	__asm__ volatile("mov %0, %%esp; ud2" ::"r"(0x80000000));
}

static void no_handler(void)
{
	call(LHCALL_LOAD_IDT_ENTRY, 6, 0, 0, 0);
	__asm__ volatile("ud2");
}

static void jump_nowhere(void)
{
	call(LHCALL_LOAD_IDT_ENTRY, 14, 0, 0, 0);
	((void (*)(void))0x80000000)();
}

/* Code of the paravisor's class: 64 bits wide, it would reach what 32 bits cannot. */
static void long_segment(void)
{
	call(LHCALL_LOAD_GDT_ENTRY, 20, 0x0000ffff, 0x00afbb00, 0);
	call(LHCALL_LOAD_IDT_ENTRY, 13, 0, 0, 0);
	__asm__ volatile("ljmp $0xa1, $1f; 1:");
}

static void ring_of_unknown(void)
{
	call_later(777, 1, 2, 3, 4);
	call(LHCALL_FLUSH_ASYNC, 0, 0, 0, 0);
}

static void ring_init(void)
{
	call_later(LHCALL_LGUEST_INIT, 1, 2, 3, 4);
	call(LHCALL_FLUSH_ASYNC, 0, 0, 0, 0);
}

static void offer(uint16_t head, uint32_t gpa, uint16_t flags, uint16_t next)
{
	device_map();
	console_describe(OUTPUT, 0, gpa, 1, flags, next);
	console_offer(OUTPUT, head);
}

static void queue_descriptor(void)
{
	offer(9999, physical(attack), 0, 0);
}

static void queue_outside(void)
{
	offer(0, ABOVE_ALL, 0, 0);
}

static void queue_loop(void)
{
	offer(0, physical("."), 1, 0);
}

static void input_unwritable(void)
{
	device_map();
	console_describe(INPUT, 0, physical("text"), 4, 0, 0);
	console_offer(INPUT, 0);
}

/* ---- By the PCI bus ---- */

#ifdef HAS_PCI
static void ring_outside(void)
{
	pci_attack_ring(ABOVE_ALL, 0);
}

/* The region begins where the guest's memory ends. */
static void ring_across_the_end(void)
{
	pci_attack_ring(pci_region_gpa() - 8, 0);
}

static void ring_above_32_bits(void)
{
	pci_attack_ring(physical(top_table), 1);
}

static void ring_misaligned(void)
{
	pci_attack_ring(physical(top_table) + 1, 0);
}
#endif

#define ATTACK(name, fn)                                                                                               \
	{                                                                                                              \
		name, fn                                                                                               \
	}
static const struct {
	const char *name;
	void (*fn)(void);
} attacks[] = {
	ATTACK("map-outside", map_outside),
	ATTACK("table-outside", table_outside),
	ATTACK("root-outside", root_outside),
	ATTACK("no-tables", no_tables),
	ATTACK("large-page", large_page),
	ATTACK("unknown-call", unknown_call),
	ATTACK("missing-call", missing_call),
	ATTACK("second-init", second_init),
	ATTACK("gdt-outside", gdt_outside),
	ATTACK("long-gdt", long_gdt),
	ATTACK("tls-outside", tls_outside),
	ATTACK("idt-outside", idt_outside),
	ATTACK("task-gate", task_gate),
	ATTACK("stack-of-ring-0", stack_of_ring_0),
	ATTACK("huge-stack", huge_stack),
	ATTACK("top-outside", top_outside),
	ATTACK("middle-outside", middle_outside),
	ATTACK("notify-outside", notify_outside),
	ATTACK("no-stack", no_stack),
	ATTACK("no-handler", no_handler),
	ATTACK("jump-nowhere", jump_nowhere),
	ATTACK("long-segment", long_segment),
	ATTACK("ring-of-unknown", ring_of_unknown),
	ATTACK("ring-init", ring_init),
	ATTACK("queue-descriptor", queue_descriptor),
	ATTACK("queue-outside", queue_outside),
	ATTACK("queue-loop", queue_loop),
	ATTACK("input-unwritable", input_unwritable),
#ifdef HAS_PCI
	ATTACK("queue-size", pci_attack_queue_size),
	ATTACK("queue-running", pci_attack_running),
	ATTACK("ring-outside", ring_outside),
	ATTACK("ring-across-the-end", ring_across_the_end),
	ATTACK("ring-above-32-bits", ring_above_32_bits),
	ATTACK("ring-misaligned", ring_misaligned),
	ATTACK("region-disabled", pci_attack_disabled),
#endif
};

static bool names(const char *text, const char *name)
{
	while (*name && *text == *name)
		text++, name++;
	return !*name && (!*text || *text == ' ');
}

void attack(const char *name)
{
	for (unsigned i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
		if (names(name, attacks[i].name))
			attacks[i].fn();
	check("an attack that ends the guest", false);
}
