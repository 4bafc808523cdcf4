/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls, one row a number. What makes no sense ends the guest, as lguest
 * had it: none of these calls has a result in which an error could stand.
 */
#include "../asm.h"
#include "lguest.h"

#include <xen/sched.h>

#define MAX_STACK_PAGES 2u
#define RING_DONE       0xff
#define TEXT_MAX        128
#define WORDS_WITH_PAE  5 /* of a call: before PAE none had four arguments */

typedef void call_fn(struct vcpu *v, const uint32_t args[4]);

/* ---- The beginning ---- */

/* Its last words, by which it was found, are in memory, and so is all of it. */
static void take_data(uint32_t gpa)
{
	lg.data_gpa = gpa;
	for (unsigned i = 0; i < ARRAY(lg.data_pages); i++)
		lg.data_pages[i] = gpa_va((gpa & -PAGE) + i * PAGE);
}

static void find_data(struct vcpu *v, const struct regs *r)
{
	const uint32_t candidates[] = { (uint32_t)r->rbx, (uint32_t)r->rdx };

	for (unsigned i = 0; i < ARRAY(candidates); i++)
		if (dialect_find(candidates[i], &lg.dialect)) {
			take_data(candidates[i]);
			lg.dialect.edx_first = i == 1;
			return;
		}
	guest_crash(v, "no lguest_data of a kernel that we know at %x or %x", candidates[0], candidates[1]);
}

static void initialise(struct vcpu *v, const struct regs *r)
{
	const struct dialect *d = &lg.dialect;

	if ((uint32_t)r->rax != LHCALL_LGUEST_INIT)
		guest_crash(v, "hypercall %lu before LGUEST_INIT", r->rax);
	find_data(v, r);
	lg.kernel_address = data_get(d->kernel_address);
	lg.noirq_start = data_get(d->noirq);
	lg.noirq_end = d->noirq_words == 2 ? data_get(d->noirq + 4) : lg.noirq_start + 1;
	data_set(d->tail, LGUEST_RESERVE);
	data_set(d->tail + 4, (uint32_t)(clock_scale.hz / 1000));
	if (d->pgdir)
		data_set(d->pgdir, tables_give(d->words == WORDS_WITH_PAE));
	if (d->may_have_pci)
		pci_init();
	lg.ready = true;
	lg.counts[LHCALL_LGUEST_INIT]++;
	clock_tell();
}

static void call_init(struct vcpu *v, const uint32_t args[4])
{
	guest_crash(v, "LGUEST_INIT at %x, a second time", args[0]);
}

static void call_flush_async(struct vcpu *v, const uint32_t args[4])
{
	(void)v, (void)args;
}

/* ---- The end ---- */

/* A text's bytes at gpa, as many as are there; 0 where none is. */
static void read_text(uint32_t gpa, char text[TEXT_MAX])
{
	const char *from;
	unsigned n = 0;

	for (; n < TEXT_MAX - 1 && (from = gpa_va((uint64_t)gpa + n)) && *from; n++)
		text[n] = *from;
	text[n] = 0;
}

/*
 * Every year's kernel powers off with one and the same text. Any other is a
 * panic's: the first years had no further argument, and later ones say
 * "power off" of a panic too.
 */
static void call_shutdown(struct vcpu *v, const uint32_t args[4])
{
	char text[TEXT_MAX];

	(void)v;
	read_text(args[0], text);
	if (args[1] == LGUEST_SHUTDOWN_RESTART)
		machine_off(SHUTDOWN_reboot);
	if (memcmp(text, "Power down", sizeof("Power down")) == 0)
		machine_off(SHUTDOWN_poweroff);
	say("Kernel panic - not syncing: %s\n", text);
	machine_off(SHUTDOWN_crash);
}

/* ---- Page tables ---- */

static void call_new_pgtable(struct vcpu *v, const uint32_t args[4])
{
	tables_root(v, args[0]);
}

static void call_flush_tlb(struct vcpu *v, const uint32_t args[4])
{
	(void)v;
	if (args[0])
		tables_flush_all();
	else
		tables_flush_user();
}

static void call_set_pte(struct vcpu *v, const uint32_t args[4])
{
	(void)v;
	tables_set_pte(args[0], args[1], args[2] | (uint64_t)args[3] << 32);
}

static void call_set_pgd(struct vcpu *v, const uint32_t args[4])
{
	(void)v;
	tables_set_top(args[0], args[1]);
}

static void call_set_pmd(struct vcpu *v, const uint32_t args[4])
{
	(void)v;
	tables_set_middle(args[0], args[1]);
}

/* ---- Segments, stack, FPU ---- */

static void call_load_gdt(struct vcpu *v, const uint32_t args[4])
{
	for (uint32_t i = 0; i < args[1]; i++) {
		uint64_t desc;

		if (!gpa_read(args[0] + 8ull * i, &desc, sizeof(desc)))
			guest_crash(v, "a GDT at %x, which is not its memory", args[0]);
		gdt_entry_set(v, i, desc);
	}
}

static void call_load_gdt_entry(struct vcpu *v, const uint32_t args[4])
{
	gdt_entry_set(v, args[0], args[1] | (uint64_t)args[2] << 32);
}

static void call_load_tls(struct vcpu *v, const uint32_t args[4])
{
	uint64_t desc[LGUEST_TLS_ENTRIES];

	if (!gpa_read(args[0], desc, sizeof(desc)))
		guest_crash(v, "TLS entries at %x, which is not its memory", args[0]);
	for (unsigned i = 0; i < LGUEST_TLS_ENTRIES; i++)
		gdt_entry_set(v, LGUEST_TLS_FIRST + i, desc[i]);
}

static void call_load_idt_entry(struct vcpu *v, const uint32_t args[4])
{
	idt_entry_set(v, args[0], args[1] | (uint64_t)args[2] << 32);
}

static void call_set_stack(struct vcpu *v, const uint32_t args[4])
{
	if ((args[0] & 3) != 1)
		guest_crash(v, "a stack segment %x, not of ring 1", args[0]);
	if (args[2] > MAX_STACK_PAGES)
		guest_crash(v, "a stack of %u pages", args[2]);
	v->kernel_ss = args[0] & 0xffff;
	v->kernel_sp = args[1];
}

static void call_ts(struct vcpu *v, const uint32_t args[4])
{
	v->cr0 = (v->cr0 & ~CR0_TS) | (args[0] ? CR0_TS : 0);
	write_cr0((read_cr0() & ~CR0_TS) | (args[0] ? CR0_TS : 0));
}

/* ---- Time and interrupts ---- */

static void call_set_clockevent(struct vcpu *v, const uint32_t args[4])
{
	clock_event(v, args[0]);
}

static void call_halt(struct vcpu *v, const uint32_t args[4])
{
	(void)args;
	irq_halt(v);
}

/* What is due comes on the way out of any call. */
static void call_send_interrupts(struct vcpu *v, const uint32_t args[4])
{
	(void)v, (void)args;
}

static void call_notify(struct vcpu *v, const uint32_t args[4])
{
	if (!lg.dialect.has_notify)
		guest_crash(v, "hypercall %u, which a kernel of its year has not", LHCALL_NOTIFY);
	devpage_notify(v, args[0]);
}

static const struct {
	const char *name;
	call_fn *fn;
} calls[LHCALLS] = {
	[LHCALL_FLUSH_ASYNC] = { "FLUSH_ASYNC", call_flush_async },
	[LHCALL_LGUEST_INIT] = { "LGUEST_INIT", call_init },
	[LHCALL_SHUTDOWN] = { "SHUTDOWN", call_shutdown },
	[LHCALL_LOAD_GDT] = { "LOAD_GDT", call_load_gdt },
	[LHCALL_NEW_PGTABLE] = { "NEW_PGTABLE", call_new_pgtable },
	[LHCALL_FLUSH_TLB] = { "FLUSH_TLB", call_flush_tlb },
	[LHCALL_LOAD_IDT_ENTRY] = { "LOAD_IDT_ENTRY", call_load_idt_entry },
	[LHCALL_SET_STACK] = { "SET_STACK", call_set_stack },
	[LHCALL_TS] = { "TS", call_ts },
	[LHCALL_SET_CLOCKEVENT] = { "SET_CLOCKEVENT", call_set_clockevent },
	[LHCALL_HALT] = { "HALT", call_halt },
	[LHCALL_SET_PMD] = { "SET_PMD", call_set_pmd },
	[LHCALL_SET_PTE] = { "SET_PTE", call_set_pte },
	[LHCALL_SET_PGD] = { "SET_PGD", call_set_pgd },
	[LHCALL_LOAD_TLS] = { "LOAD_TLS", call_load_tls },
	[LHCALL_NOTIFY] = { "NOTIFY", call_notify },
	[LHCALL_LOAD_GDT_ENTRY] = { "LOAD_GDT_ENTRY", call_load_gdt_entry },
	[LHCALL_SEND_INTERRUPTS] = { "SEND_INTERRUPTS", call_send_interrupts },
};

/* ---- Dispatch ---- */

static void call(struct vcpu *v, uint32_t nr, const uint32_t args[4])
{
	if (nr >= LHCALLS || !calls[nr].fn)
		guest_crash(v, "hypercall %u, which there is not", nr);
	lg.counts[nr]++;
	trace(v, 'H', nr, args[0]);
	calls[nr].fn(v, args);
}

/* Is the next of the ring to be done? Its place, if so. */
static volatile uint8_t *ring_status(void)
{
	unsigned at = lg.dialect.status + lg.next_call;

	return (volatile uint8_t *)data_at(at & -4u) + at % 4;
}

/* And its words; where there are four, the fourth argument is 0. Seldom one's lie in two pages. */
static void ring_words(uint32_t words[5])
{
	unsigned len = lg.dialect.words * 4, at = lg.dialect.ring + lg.next_call * len;
	const volatile uint32_t *from = data_at(at);

	words[4] = 0;
	if (((uint64_t)from & (PAGE - 1)) + len > PAGE)
		gpa_read(lg.data_gpa + at, words, len);
	else
		for (unsigned n = 0; n < lg.dialect.words; n++)
			words[n] = from[n];
}

/* Once round at most: the guest could not put more there meanwhile. */
static void do_ring(struct vcpu *v)
{
	for (unsigned i = 0; i < LGUEST_RING; i++) {
		uint32_t words[5];
		volatile uint8_t *status = ring_status();

		if (*status == RING_DONE)
			return;
		ring_words(words);
		lg.next_call = (lg.next_call + 1) % LGUEST_RING;
		call(v, words[0], words + 1);
		*status = RING_DONE;
	}
}

void lguest_call(struct vcpu *v, struct regs *r)
{
	const uint32_t ebx = (uint32_t)r->rbx, ecx = (uint32_t)r->rcx, edx = (uint32_t)r->rdx, esi = (uint32_t)r->rsi;
	const uint32_t now[4] = { ebx, ecx, edx, esi }, old[4] = { edx, ebx, ecx, 0 };

	if (!lg.ready) {
		initialise(v, r);
		return;
	}
	do_ring(v);
	call(v, (uint32_t)r->rax, lg.dialect.edx_first ? old : now);
}

void hypercall_counts(void)
{
	say("paravisor: hypercalls\n");
	for (unsigned n = 0; n < LHCALLS; n++)
		if (lg.counts[n])
			say("  %2u %s %lu\n", n, calls[n].name, lg.counts[n]);
}
