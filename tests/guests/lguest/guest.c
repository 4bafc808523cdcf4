/* SPDX-License-Identifier: MIT */
/* The hands of the lguest test guests: calls, TAP on the console, page-table entries, the end. */
#include "console.h"

#include <asm/bootparam.h>

extern char noirq_start[], noirq_end[], trap_stack_end[];

struct lguest_data lguest_data = {
	.blocked = 1, /* the clock's, until there is a handler */
	.status = { [0 ... LGUEST_RING - 1] = 0xff },
	.noirq = { (uint32_t)noirq_start,
#if NOIRQ_WORDS == 2
		   (uint32_t)noirq_end
#endif
	},
	.kernel_address = VIRT_BASE,
	.syscall_vec = 0x80,
};

static unsigned number, failures;

/* ---- Calls ---- */

void call(uint32_t nr, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
#ifdef OLD_REGISTERS
	(void)d;
	__asm__ volatile(CALL_INSTRUCTION : "+a"(nr) : "d"(a), "b"(b), "c"(c) : "memory");
#else
	__asm__ volatile(CALL_INSTRUCTION : "+a"(nr) : "b"(a), "c"(b), "d"(c), "S"(d) : "memory");
#endif
}

void call_later(uint32_t nr, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	static unsigned next;
	const uint32_t words[5] = { nr, a, b, c, d };

	for (unsigned i = 0; i < WORDS; i++)
		lguest_data.ring[next][i] = words[i];
	__asm__ volatile("" ::: "memory");
	lguest_data.status[next] = 0;
	next = (next + 1) % LGUEST_RING;
}

/* ---- TAP ---- */

void print(const char *text)
{
	device_early_print(text);
}

static void print_number(unsigned n)
{
	char digits[12];
	unsigned at = sizeof(digits) - 1;

	digits[at] = 0;
	do
		digits[--at] = (char)('0' + n % 10);
	while (n /= 10);
	print(digits + at);
}

void check(const char *what, bool holds)
{
	failures += !holds;
	print(holds ? "ok " : "not ok ");
	print_number(++number);
	print(" - ");
	print(what);
	print("\n");
}

void finish(void)
{
	static const char bye[] = "Power down", failed[] = "checks failed";

	print("1..");
	print_number(number);
	print("\n");
	call(LHCALL_SHUTDOWN, physical(failures ? failed : bye), LGUEST_SHUTDOWN_POWEROFF, 0, 0);
	for (;;)
		;
}

/* ---- Tables ---- */

/* For addresses beyond what start.S maps: four tables from FREE_VA on, in the kernel's part. */
#define FREE_TABLES 4u
static pte_t free_tables[FREE_TABLES][TABLE_ENTRIES] __attribute__((aligned(4096)));

static pte_t *pte_of(uint32_t va)
{
	uint32_t page = (va - VIRT_BASE) / PAGE;

	return page < MAPPED_PAGES ? &tables[page] : &free_tables[0][page - MAPPED_PAGES];
}

pte_t *set_pte(uint32_t va, pte_t pte, bool tell)
{
	pte_t *at = pte_of(va);

	*at = pte;
	if (tell)
		call(LHCALL_SET_PTE, physical(top_table), va, (uint32_t)pte, (uint32_t)((uint64_t)pte >> 32));
	return at;
}

void tables_begin(void)
{
#ifdef HAS_PGDIR
	check_given();
	lguest_data.pgdir = physical(top_table);
	call(LHCALL_NEW_PGTABLE, physical(top_table), 0, 0, 0);
#endif
}

void tables_prepare(void)
{
	unsigned first = MAPPED_PAGES / TABLE_ENTRIES;

	for (unsigned i = 0; i < FREE_TABLES; i++) {
		pte_t entry = physical(free_tables[i]) | PTE_P | PTE_W | PTE_U | PTE_A | PTE_D;
#ifdef PAE
		middle_table[first + i] = entry;
		call(LHCALL_SET_PMD, physical(middle_table), first + i, 0, 0);
#else
		top_table[768 + first + i] = entry;
		call(LHCALL_SET_PGD, physical(top_table), 768 + first + i, 0, 0);
#endif
	}
}

/* ---- Segments and handlers ---- */

static void load_segments(void)
{
	static const uint64_t gdt[LGUEST_GDT_ENTRIES] = {
		[KERNEL_CS >> 3] = 0x00cf9b000000ffff,
		[KERNEL_DS >> 3] = 0x00cf93000000ffff,
		[USER_CS >> 3] = 0x00cffb000000ffff,
		[USER_DS >> 3] = 0x00cff3000000ffff,
		[16] = 0x00008b0000000067, /* a task segment: its hypervisor has that for it */
	};

#if YEAR == 2008
	call(LHCALL_LOAD_GDT, physical(gdt), LGUEST_GDT_ENTRIES, 0, 0);
#else
	for (unsigned i = 0; i < LGUEST_GDT_ENTRIES; i++)
		call(LHCALL_LOAD_GDT_ENTRY, i, (uint32_t)gdt[i], (uint32_t)(gdt[i] >> 32), 0);
#endif
	__asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%ss" ::"r"(KERNEL_DS));
}

static void load_handlers(void)
{
	for (const struct handler *h = (const void *)handlers; h < (const struct handler *)handlers_end; h++) {
		uint32_t low = (h->address & 0xffff) | (KERNEL_CS & ~3u)
							       << 16; /* as kernels do that were built for ring 0 */
		uint32_t high = (h->address & 0xffff0000) | 0x8000 | h->dpl << 13 | (h->dpl ? 0xf00 : 0xe00);

		call(LHCALL_LOAD_IDT_ENTRY, h->vector, low, high, 0);
	}
	call(LHCALL_SET_STACK, KERNEL_DS, (uint32_t)trap_stack_end, 1, 0);
}

/* What follows key on the command line, or NULL. */
static const char *argument(const char *key)
{
	const struct boot_params *params = (const void *)(VIRT_BASE + entry_state.esi);
	const char *at = (const char *)VIRT_BASE + params->hdr.cmd_line_ptr;

	for (; *at; at++) {
		unsigned n = 0;

		while (key[n] && at[n] == key[n])
			n++;
		if (!key[n])
			return at + n;
	}
	return NULL;
}

/* As a kernel whose user said "halt". */
static void halt_for_ever(void)
{
	lguest_data.irq_enabled = 0;
	for (;;)
		__asm__ volatile("hlt");
}

/* "halt", "keyboard", "restart", "panic" or "echo", which powers off. */
static void end(const char *how)
{
	static const char text[] = "the end that was asked for";

	if (*how == 'h')
		halt_for_ever();
	if (*how == 'k')
		__asm__ volatile("outb %%al, $0x64" ::"a"(0xfe)); /* its controller resets */
	if (*how == 'e') {
		console_echo();
		return;
	}
	call(LHCALL_SHUTDOWN, physical(text), *how == 'r' ? LGUEST_SHUTDOWN_RESTART : LGUEST_SHUTDOWN_POWEROFF, 0, 0);
}

void main(void)
{
	load_segments();
	load_handlers();
	tables_begin();
	tables_prepare();
	if (argument("attack="))
		attack(argument("attack="));
	else if (argument("end="))
		end(argument("end="));
	else
		checks();
	finish();
}
