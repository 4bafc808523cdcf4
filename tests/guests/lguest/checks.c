/* SPDX-License-Identifier: MIT */
/*
 * What an lguest kernel finds: its state at the start, and each call. Every
 * thing is one line of TAP on the console.
 */
#include "console.h"

#include <asm/bootparam.h>

#define TEST_VA   (VIRT_BASE + MAPPED_PAGES * PAGE)
#define ACCESSED  (PTE_P | PTE_A)
#define WRITABLE  (PTE_P | PTE_W | PTE_A | PTE_D)
#define DR6_STEP  0x4000
#define FREE_FLAG 0x5a5a5a5au

static uint32_t pages[3][PAGE / 4] __attribute__((aligned(4096)));

/* ---- Functions that may trap ---- */

static void read_at(uint32_t va, uint32_t b)
{
	(void)b;
	(void)*(volatile uint32_t *)va;
}

static void write_at(uint32_t va, uint32_t value)
{
	*(volatile uint32_t *)va = value;
}

static void use_fpu(uint32_t a, uint32_t b)
{
	(void)a, (void)b;
	__asm__ volatile("fnop");
}

static uint32_t msr_words; /* of an MSR both, by or */

static void read_msr(uint32_t msr, uint32_t b)
{
	uint32_t low = UINT32_MAX, high = UINT32_MAX;

	(void)b;
	__asm__ volatile("rdmsr" : "+a"(low), "+d"(high) : "c"(msr));
	msr_words = low | high;
}

static void write_msr(uint32_t msr, uint32_t value)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"(value), "d"(0));
}

static void undefined(uint32_t a, uint32_t b)
{
	(void)a, (void)b;
	__asm__ volatile("ud2");
}

static void breakpoint(uint32_t a, uint32_t b)
{
	(void)a, (void)b;
	__asm__ volatile("int3");
}

static void step(uint32_t a, uint32_t b)
{
	(void)a, (void)b;
	__asm__ volatile("pushf; orl $0x100, (%%esp); popf; nop; nop" ::: "memory", "cc");
}

static void load_fs(uint32_t selector, uint32_t b)
{
	(void)b;
	__asm__ volatile("mov %0, %%fs" ::"r"(selector));
}

/* ---- The start ---- */

static void check_start(void)
{
	const struct entry_state *s = &entry_state;
	uint32_t cr0, cs;

	__asm__ volatile("smsw %0" : "=r"(cr0));
	__asm__ volatile("mov %%cs, %0" : "=r"(cs));
	check("privilege level 1", (cs & 3) == 1);
	check("paging is on", cr0 >> 31);
	check("it runs where it was linked", (uint32_t)check >= VIRT_BASE);
	check("at entry: cs 0x61, ds, es and ss 0x69",
	      s->cs == KERNEL_CS && s->ds == KERNEL_DS && s->es == KERNEL_DS && s->ss == KERNEL_DS);
	check("at entry: interrupts on", s->flags & FLAG_IF);
	check("before LGUEST_INIT CR3 and MSRs read as 0", !early_words[0] && !early_words[1]);
}

static void check_boot_params(void)
{
	const struct boot_params *params = (const void *)(VIRT_BASE + entry_state.esi);
	const struct setup_header *hdr = &params->hdr;

	check("boot_params at physical 0", entry_state.esi == 0);
	check("hardware_subarch is 1", hdr->hardware_subarch == 1);
	check("hardware_subarch_data is 0", hdr->hardware_subarch_data == 0);
	check("the segments are to be kept", hdr->loadflags & KEEP_SEGMENTS);
	check("protocol 2.07 or later", hdr->header == 0x53726448 && hdr->version >= 0x207);
	check("RAM is one range from 0 on",
	      params->e820_entries == 1 && params->e820_table[0].addr == 0 && params->e820_table[0].type == 1);
}

static void check_data(void)
{
	check("reserve_mem", lguest_data.reserve_mem == LGUEST_RESERVE);
	check("tsc_khz", lguest_data.tsc_khz > 100000);
	check("the time of day is after 2020",
	      lguest_data.seconds > 1577836800u && lguest_data.nanoseconds < 1000000000u);
}

/* ---- Page tables ---- */

/* A page that is there: its bits, its contents, and what stands in its place later. */
static void check_mapping(void)
{
	pte_t *pte = set_pte(TEST_VA, physical(pages[0]) | PTE_P, true);

	pages[0][0] = 77;
	pages[1][0] = 78;
	check("a new page is read", *(volatile uint32_t *)TEST_VA == 77);
	check("its entry is accessed, not dirty", (*pte & (PTE_A | PTE_D)) == PTE_A);
	check("a write to it faults", try(write_at, TEST_VA, 1) == 14);
	check("the fault: present, a write, of the kernel", trap.error == 3 && lguest_data.cr2 == TEST_VA);
	pte = set_pte(TEST_VA, physical(pages[0]) | PTE_P | PTE_W, true);
	check("writable, it is written", try(write_at, TEST_VA, 79) == 0 && pages[0][0] == 79);
	check("its entry is accessed and dirty", (*pte & (PTE_A | PTE_D)) == (PTE_A | PTE_D));
	set_pte(TEST_VA, physical(pages[1]) | WRITABLE, true);
	check("another page in its place", *(volatile uint32_t *)TEST_VA == 78);
	set_pte(TEST_VA, 0, true);
	check("no page in its place",
	      try(read_at, TEST_VA + 8, 0) == 14 && trap.error == 0 && lguest_data.cr2 == TEST_VA + 8);
}

/* SET_PTE of 0 of an entry that is there still only says: look again. */
static void check_forgetting(void)
{
	set_pte(TEST_VA, physical(pages[0]) | WRITABLE, true);
	(void)*(volatile uint32_t *)TEST_VA;
	set_pte(TEST_VA, physical(pages[1]) | WRITABLE, false);
	call(LHCALL_SET_PTE, physical(top_table), TEST_VA, 0, 0);
	check("SET_PTE of 0 looks again", *(volatile uint32_t *)TEST_VA == 78);
	set_pte(TEST_VA, physical(pages[0]) | WRITABLE, false);
	call(LHCALL_FLUSH_TLB, 1, 0, 0, 0);
	check("FLUSH_TLB of all forgets", *(volatile uint32_t *)TEST_VA == 79);
	set_pte(TEST_VA, physical(pages[1]) | WRITABLE, false);
	call(LHCALL_NEW_PGTABLE, physical(top_table), 0, 0, 0);
	call(LHCALL_FLUSH_TLB, 1, 0, 0, 0);
	check("NEW_PGTABLE of the same tables", *(volatile uint32_t *)TEST_VA == 78);
	set_pte(TEST_VA, 0, true);
}

/* Of addresses below the kernel's only. */
static void check_user_flush(void)
{
	pte_t *entry = &tables[2];
	pte_t before = *entry;

	*entry = physical(pages[0]) | WRITABLE;
	call(LHCALL_FLUSH_TLB, 0, 0, 0, 0);
	check("FLUSH_TLB of a process's addresses", *(volatile uint32_t *)(2 * PAGE) == 79);
	*entry = before;
	call(LHCALL_FLUSH_TLB, 1, 0, 0, 0);
}

/* A second top level, and an entry of it that changes while it runs. */
static pte_t other_top[TABLE_ENTRIES] __attribute__((aligned(4096)));

static void check_other_tables(void)
{
	bool was, is;

	for (unsigned i = 0; i < TABLE_ENTRIES; i++)
		other_top[i] = top_table[i];
	call(LHCALL_NEW_PGTABLE, physical(other_top), 0, 0, 0);
	was = try(read_at, PAGE, 0) == 0;
	other_top[0] = 0;
	call(LHCALL_SET_PGD, physical(other_top), 0, 0, 0);
	is = try(read_at, PAGE, 0) == 0;
	call(LHCALL_NEW_PGTABLE, physical(top_table), 0, 0, 0);
	check("NEW_PGTABLE, SET_PGD: an entry that goes while its tables run", was && !is);
	check("the first tables have it still", try(read_at, PAGE, 0) == 0);
}

/* More than there are roots, and more leaves than fit: all come back. */
static void check_many_tables(void)
{
	static pte_t tops[24][TABLE_ENTRIES] __attribute__((aligned(4096)));
	unsigned good = 0;

	for (unsigned n = 0; n < 24; n++)
		for (unsigned i = 0; i < TABLE_ENTRIES; i++)
			tops[n][i] = top_table[i];
	for (unsigned n = 0; n < 200; n++) {
		call(LHCALL_NEW_PGTABLE, physical(tops[n % 24]), 0, 0, 0);
		for (unsigned page = 1; page < MAPPED_PAGES; page += 400)
			(void)*(volatile uint32_t *)(page * PAGE);
		good += pages[1][0] == 78;
	}
	call(LHCALL_NEW_PGTABLE, physical(top_table), 0, 0, 0);
	check("24 processes' tables, in turn", good == 200);
}

#ifdef PAE
#define SMALL_VA 0x40000000u

/*
 * The 4.x give a process's root 32 bytes, not a page. One that dies clears it without a call; the next, with tables of
 * its own, tells of each entry.
 */
static struct small_root {
	pte_t root[4];
} small_roots[3] __attribute__((aligned(4096)));
static pte_t small_middles[2][TABLE_ENTRIES] __attribute__((aligned(4096)));
static pte_t small_leaves[2][TABLE_ENTRIES] __attribute__((aligned(4096)));

static void populate(struct small_root *of, unsigned n)
{
	pte_t *root = of->root;

	root[0] = top_table[0];
	root[3] = top_table[3];
	root[1] = physical(small_middles[n]) | PTE_P;
	small_middles[n][0] = physical(small_leaves[n]) | WRITABLE | PTE_U;
	small_leaves[n][0] = physical(pages[n]) | WRITABLE | PTE_U;
	call(LHCALL_SET_PGD, physical(root), 1, 0, 0);
}

/* Is that page the one that these tables have there? */
static bool shows(const struct small_root *of, unsigned n)
{
	call(LHCALL_NEW_PGTABLE, physical(of->root), 0, 0, 0);
	pages[n][1] = FREE_FLAG + n;
	return *(volatile uint32_t *)(SMALL_VA + 4) == FREE_FLAG + n;
}

static void check_small_roots(void)
{
	bool all;

	populate(&small_roots[1], 0);
	populate(&small_roots[2], 1);
	all = shows(&small_roots[1], 0) && shows(&small_roots[2], 1) && shows(&small_roots[1], 0);
	call(LHCALL_NEW_PGTABLE, physical(top_table), 0, 0, 0);
	check("two roots in one page", all);
	small_roots[1] = (struct small_root){ { 0 } };
	populate(&small_roots[1], 1);
	all = shows(&small_roots[1], 1);
	call(LHCALL_NEW_PGTABLE, physical(top_table), 0, 0, 0);
	check("one that another process gets", all);
}
#endif

/* ---- The ring ---- */

static void check_ring(void)
{
	unsigned done = 0;

	set_pte(TEST_VA, physical(pages[0]) | WRITABLE, false);
	call_later(LHCALL_SET_PTE, physical(top_table), TEST_VA, physical(pages[0]) | WRITABLE, 0);
	for (unsigned i = 0; i < LGUEST_RING - 1; i++)
		call_later(LHCALL_FLUSH_ASYNC, 0, 0, 0, 0);
	check("a full ring waits", lguest_data.status[5] == 0);
	call(LHCALL_FLUSH_ASYNC, 0, 0, 0, 0);
	for (unsigned i = 0; i < LGUEST_RING; i++)
		done += lguest_data.status[i] == 0xff;
	check("the next call does all that is in it", done == LGUEST_RING);
	check("and what it asked for", *(volatile uint32_t *)TEST_VA == 79);
	call_later(LHCALL_TS, 0, 0, 0, 0);
	call(LHCALL_FLUSH_ASYNC, 0, 0, 0, 0);
	check("it goes round", lguest_data.status[0] == 0xff);
	set_pte(TEST_VA, 0, true);
}

/* ---- Segments, FPU, traps ---- */

static void check_segments(void)
{
	static uint64_t tls[LGUEST_TLS_ENTRIES];
	uint32_t base = (uint32_t)pages[2], value;

	tls[1] = 0x00cff30000000fff | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)(base >> 24) << 56;
	pages[2][3] = FREE_FLAG;
	call(LHCALL_LOAD_TLS, physical(tls), 0, 0, 0);
	__asm__ volatile("mov %1, %%gs; mov %%gs:12, %0" : "=r"(value) : "r"((LGUEST_TLS_FIRST + 1) << 3 | 3));
	check("LOAD_TLS: a segment with a base", value == FREE_FLAG);
	check("an empty entry is not loaded", try(load_fs, LGUEST_TLS_FIRST << 3 | 3, 0) == 13);
	check("nor is what was no segment", try(load_fs, 16 << 3, 0) == 13);
	__asm__ volatile("mov %0, %%gs" ::"r"(0));
}

static void check_traps(void)
{
	check("ud2", try(undefined, 0, 0) == 6);
	check("int3", try(breakpoint, 0, 0) == 3);
	call(LHCALL_TS, 8, 0, 0, 0);
	check("TS: the FPU traps", try(use_fpu, 0, 0) == 7);
	call(LHCALL_TS, 0, 0, 0, 0);
	check("TS of 0: it does not", try(use_fpu, 0, 0) == 0);
}

static void check_instructions(void)
{
	uint32_t byte = 0x12345600, word = 0x12340000, all = 0;

	__asm__ volatile("in $0x61, %%al" : "+a"(byte));
	__asm__ volatile("in (%%dx), %%ax" : "+a"(word) : "d"(0x3f8));
	__asm__ volatile("in (%%dx), %%eax" : "+a"(all) : "d"(0xcf4));
	check("ports that nobody has read as ones", byte == 0x123456ff && word == 0x1234ffff && all == UINT32_MAX);
	__asm__ volatile("out %%al, $0x21; out %%al, $0xa1; out %%eax, (%%dx)" ::"a"(0), "d"(0x378));
	__asm__ volatile("cli");
	check("out and cli are skipped", true);
}

#define IS_VMCALL(bytes) (((bytes)&0xffffff) == 0xc1010f)
#define IS_INT(bytes)    (((bytes)&0xffffff) == 0x901fcd)

/* A kernel that calls by vmcall does not any more when it runs, unless it was packed; in no other is that a call. */
static void check_rewritten(void)
{
#ifdef BY_VMCALL
	check("its calls are int 0x1f before it runs", IS_INT(call_bytes[0]) && IS_INT(call_bytes[1]));
#else
	check("what looks like a vmcall is left alone", IS_VMCALL(call_bytes[1]));
#endif
}

/*
 * MSRs that kernels access, with no answer to a fault, once they have a handler for it. On AMD's processors, whose
 * family they hide: K6's write allocation, the OS visible workarounds, the number of the node; and what 4.4 and 4.9
 * write at a switch between processes if their cpuid has IBPB.
 */
static void check_msrs(void)
{
	static const uint32_t unguarded[] = { 0xc0000082, 0xc0000085, 0xc0010140, 0xc0010141, 0xc001100c, 0x48 };
	uint32_t words = 0;
	bool trapped = false;

	for (unsigned i = 0; i < sizeof(unguarded) / sizeof(*unguarded); i++) {
		trapped |= try(read_msr, unguarded[i], 0) != 0;
		words |= msr_words;
	}
	check("MSRs read as 0, with a handler too", !trapped && !words);
	trapped = try(write_msr, 0xc0000082, 0x10001) || try(write_msr, 0x49, 1) || try(read_msr, 0xc0000082, 0);
	check("and what is written is nowhere", !trapped && !msr_words);
}

/* What kernels do past their paravirtual operations: CR4 in early code, DR6 when a process is stepped. */
static void check_system_instructions(void)
{
	uint32_t cr0, cr4 = UINT32_MAX, dr6;

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("mov %%cr4, %0; mov %0, %%cr4" : "+r"(cr4));
	check("CR0 is read", cr0 >> 31);
	check("CR4 is read as 0, and written", cr4 == 0);
	check("a step", try(step, 0, 0) == 1);
	__asm__ volatile("mov %%dr6, %0; mov %0, %%dr7" : "=r"(dr6));
	check("is told in DR6", (dr6 & DR6_STEP) != 0);
}

/* The instruction that a call was before it came the first time. */
static void check_vmcall(void)
{
	static uint8_t code[] __attribute__((aligned(16))) = { 0, 0x01, 0xc1, 0xc3 };

	code[0] = 0x0f; /* late enough that nobody saw it before */
	__asm__ volatile("call *%1" ::"a"(LHCALL_FLUSH_ASYNC), "r"(code) : "memory");
	check("vmcall is a call, and int 0x1f from then on", code[0] == 0xcd && code[1] == 0x1f && code[2] == 0x90);
}

/* ---- Processes ---- */

static void open_to_user(uint32_t first, uint32_t end)
{
	for (uint32_t va = first & -PAGE; va < end; va += PAGE)
		set_pte(va, physical((void *)va) | WRITABLE | PTE_U, true);
#ifdef PAE
	for (unsigned i = 0; i < MAPPED_PAGES / TABLE_ENTRIES; i++)
		middle_table[i] |= PTE_U;
#endif
}

extern char user_start[], user_end[], user_stack_end[], trap_stack_end[];

static void check_processes(void)
{
	open_to_user((uint32_t)user_start, (uint32_t)user_end);
	open_to_user((uint32_t)user_stack_end - 4, (uint32_t)user_stack_end);
	check("a process calls its kernel", try_user(user_system_call) == 128 && (trap.cs & 3) == 3);
	check("on the stack of SET_STACK", trap.esp == (uint32_t)trap_stack_end - 8);
	check("its kernel's pages are not its", try_user(user_read_kernel) == 14 && trap.error == 5);
#ifdef HAS_PCI
	pci_check_process();
#endif
	check("it may not halt", try_user(user_privileged) == 13);
	check("nor call the hypervisor", try_user(user_hypercall) == 13);
	check("it may use int3", try_user(user_breakpoint) == 3);
}

/* ---- Interrupts and the clock ---- */

#define MS 1000000u

static void spin_until(uint32_t count)
{
	for (uint32_t i = 0; i < 400000000u && ticks < count; i++)
		__asm__ volatile("pause");
}

static void check_clock(void)
{
	uint32_t seconds = lguest_data.seconds, nanoseconds = lguest_data.nanoseconds, before;

	lguest_data.blocked = 0;
	lguest_data.irq_enabled = FLAG_IF;
	call(LHCALL_SET_CLOCKEVENT, MS, 0, 0, 0);
	spin_until(1);
	check("a timer tick", ticks == 1);
	check("the time went on with it", lguest_data.seconds != seconds || lguest_data.nanoseconds != nanoseconds);
	check("the flag is on again behind it", lguest_data.irq_enabled & FLAG_IF);
	lguest_data.irq_enabled = 0;
	call(LHCALL_SET_CLOCKEVENT, 2 * MS, 0, 0, 0);
	call(LHCALL_HALT, 0, 0, 0, 0);
	check("HALT until the tick, which it lets in", ticks == 2);
	call(LHCALL_SET_CLOCKEVENT, 200 * MS, 0, 0, 0); /* interrupts are on: a tick before hlt would be the last */
	__asm__ volatile("hlt" ::: "memory");
	check("hlt until the tick", ticks == 3);
	before = ticks;
	call(LHCALL_SET_CLOCKEVENT, 20 * MS, 0, 0, 0); /* a busy machine is slow to call again */
	call(LHCALL_SET_CLOCKEVENT, 0, 0, 0, 0);
	for (volatile uint32_t i = 0; i < 50 * MS; i++)
		;
	check("SET_CLOCKEVENT of 0: none", ticks == before);
}

static void check_blocked(void)
{
	uint32_t before = ticks;

	lguest_data.irq_enabled = 0;
	call(LHCALL_SET_CLOCKEVENT, 1000, 0, 0, 0);
	for (volatile uint32_t i = 0; i < 30 * MS; i++)
		;
	check("interrupts off: none comes", ticks == before);
#ifdef HAS_PENDING
	check("irq_pending tells of it", lguest_data.irq_pending == FLAG_IF);
	lguest_data.irq_enabled = FLAG_IF;
	call(LHCALL_SEND_INTERRUPTS, 0, 0, 0, 0);
	check("SEND_INTERRUPTS: it comes at once", ticks == before + 1);
	check("and nothing is pending any more", lguest_data.irq_pending == 0);
#endif
	before = ticks;
	lguest_data.irq_enabled = 0;
	call(LHCALL_SET_CLOCKEVENT, 1000, 0, 0, 0);
	for (volatile uint32_t i = 0; i < 30 * MS; i++)
		;
	interrupts_on_for_iret();
	spin_until(before + 1);
	check("on by the guest's own iret: it comes by itself", ticks == before + 1);
	before = ticks;
	lguest_data.blocked = 1;
	call(LHCALL_SET_CLOCKEVENT, 1000, 0, 0, 0);
	for (volatile uint32_t i = 0; i < 30 * MS; i++)
		;
	check("a blocked one does not come", ticks == before);
	lguest_data.blocked = 0;
	spin_until(before + 1);
	check("but when it is not any more", ticks == before + 1);
}

void checks(void)
{
	print("# an lguest guest\n");
	check_start();
	check_boot_params();
	check_data();
	check_mapping();
	check_forgetting();
	check_user_flush();
	check_other_tables();
#ifdef PAE
	check_small_roots();
#endif
	check_many_tables();
	check_ring();
	check_segments();
	check_traps();
	check_msrs();
	check_instructions();
	check_rewritten();
	check_system_instructions();
	check_vmcall();
	check_clock();
	check_blocked();
	check_console();
	check_processes();
}
