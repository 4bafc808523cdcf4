/* SPDX-License-Identifier: MIT */
/*
 * The image whose operations are measured, on Xen's ABI (pv/exits.c) and on a
 * PC: there each is what a kernel without a hypervisor does in its place.
 */
#include "batches.h"
#include "lguest.h"
#include "pc.h"

/* ---- On a PC ---- */

static void iret_here(void)
{
	__asm__ volatile("	pushfl\n"
			 "	pushl %0\n"
			 "	pushl $1f\n"
			 "	iretl\n"
			 "1:" ::"i"(PC_CS)
			 : "memory", "cc");
}

static long irets(long n)
{
	for (long i = 0; i < n; i++)
		iret_here();
	return n;
}

/* An entry of the last table but one, which maps what nobody uses. */
static volatile uint32_t *spare_entry(void)
{
	return &page_directory[1022];
}

static long stores(long n)
{
	for (long i = 0; i < n; i++)
		*spare_entry() = i & 1 ? 0x87 : 0x85;
	return n;
}

static long mappings(long n)
{
	for (long i = 0; i < n; i++) {
		*spare_entry() = i & 1 ? 0x87 : 0x85;
		__asm__ volatile("invlpg (%0)" ::"r"(1022u << 22) : "memory");
	}
	return n;
}

static void load_root(void)
{
	uint32_t root;

	__asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(root)::"memory");
}

static long flushes(long n)
{
	for (long i = 0; i < n; i++)
		load_root();
	return n;
}

/* The stack of the kernel for traps, and the tables. */
static long switches(long n)
{
	for (long i = 0; i < n; i++) {
		pc_set_trap_stack();
		load_root();
	}
	return n;
}

static const struct {
	const char *name;
	long (*batch)(long n);
} rows[] = {
	{ "nothing", nothing },
	{ "system-call", system_calls },
	{ "fault-of-a-process", process_faults },
	{ "fault-of-the-kernel", kernel_faults },
	{ "iret", irets },
	{ "iret-to-a-process", process_irets },
	{ "mmu_update", stores },
	{ "update_va_mapping", mappings },
	{ "switch-of-processes", switches },
	{ "flush-of-the-TLB", flushes },
};

void pc_main(const struct boot_params *params)
{
	(void)params;
	hole = (void *)PC_UNMAPPED;
	for (unsigned i = 0; i < ARRAY(rows); i++)
		tell_cost(rows[i].name, rows[i].batch);
}

/* ---- On lguest ---- */

#define CLOCK_NS  1000
#define LAST_PAGE (VIRT_BASE + 0xfff000) /* that start.S maps, and nobody uses */

static uint32_t page_directory_gpa(void)
{
	return (uint32_t)page_directory - VIRT_BASE;
}

static long lguest_nothings(long n)
{
	for (long i = 0; i < n; i++)
		lguest_call(LHCALL_FLUSH_ASYNC, 0, 0, 0);
	return n;
}

/* The ring is emptied when it is nearly full, and at the end. */
static long lguest_ring_calls(long n)
{
	static unsigned next;

	for (long i = 1; i <= n; i++) {
		lguest_data.ring[next][0] = LHCALL_FLUSH_ASYNC;
		lguest_data.status[next] = 0;
		next = (next + 1) % LGUEST_RING;
		if (i % (LGUEST_RING - 1) == 0 || i == n)
			lguest_call(LHCALL_FLUSH_ASYNC, 0, 0, 0);
	}
	return n;
}

/* A carriage return, of which nobody sees anything. */
static long lguest_characters(long n)
{
	static const char text[] = "\r";

	for (long i = 0; i < n; i++)
		lguest_call(LHCALL_NOTIFY, (uint32_t)text - VIRT_BASE, 0, 0);
	return n;
}

/* Set the clock and spin until it has interrupted, with the time between the two. */
static long lguest_ticks(long n)
{
	lguest_data.blocked = 0;
	lguest_data.irq_enabled = FLAG_IF;
	for (long i = 0; i < n; i++) {
		unsigned long before = events_seen;

		lguest_call(LHCALL_SET_CLOCKEVENT, CLOCK_NS, 0, 0);
		while (events_seen == before)
			;
	}
	lguest_data.irq_enabled = 0;
	lguest_data.blocked = 1;
	return n;
}

static long lguest_mappings(long n)
{
	for (long i = 0; i < n; i++)
		lguest_call(LHCALL_SET_PTE, page_directory_gpa(), LAST_PAGE, 0xfff000 | (i & 1 ? 0x67 : 0x65));
	return n;
}

static long lguest_switches(long n)
{
	for (long i = 0; i < n; i++) {
		lguest_call(LHCALL_SET_STACK, LGUEST_DS, (uint32_t)trap_stack_end, 1);
		lguest_call(LHCALL_NEW_PGTABLE, page_directory_gpa(), 0, 0);
	}
	return n;
}

static const struct {
	const char *name;
	long (*batch)(long n);
} lguest_rows[] = {
	{ "nothing", nothing },
	{ "a-tick-in-1000", lguest_ticks }, /* before processes: their way back has its vector */
	{ "a-call-of-nothing", lguest_nothings },
	{ "a-call-by-the-ring", lguest_ring_calls },
	{ "a-character", lguest_characters },
	{ "system-call", system_calls },
	{ "fault-of-a-process", process_faults },
	{ "fault-of-the-kernel", kernel_faults },
	{ "iret-to-a-process", process_irets },
	{ "update_va_mapping", lguest_mappings },
	{ "switch-of-processes", lguest_switches },
};

void lguest_main(const struct boot_params *params)
{
	(void)params;
	hole = (void *)LGUEST_UNMAPPED;
	for (unsigned i = 0; i < ARRAY(lguest_rows); i++) {
		if (lguest_rows[i].batch == system_calls)
			lguest_prepare_processes();
		tell_cost(lguest_rows[i].name, lguest_rows[i].batch);
	}
}

/* ---- On Xen ---- */

void start_by_notes(const struct start_info *si)
{
	guest_start(si);
}

void start_on_xen(const struct boot_params *params)
{
	guest_start((const struct start_info *)(uintptr_t)params->hdr.hardware_subarch_data);
}
