/* SPDX-License-Identifier: MIT */
/*
 * A PV guest that does one thing very often, and then the next, so that whoever
 * runs it can count what leaves the virtual machine meanwhile (tests/lab/kvm/exits).
 * With "wait=typed" on the command line it waits for a byte on its console before
 * and after each batch; it waits by looking, for that leaves no machine. Without
 * that word it does less of each, and its answers alone are what is tested. With
 * "measure=ticks" it says what one of each that is quiet costs (bench/run pv32). Its
 * other vCPUs, if it has any, call and change their page tables all the time. What
 * each class does in its own way is in exits.h.
 */
#include "exits.h"

#include "batches.h"

#define OFTEN   100000
#define SELDOM  1000
#define OTHERS  3                   /* vCPUs, at most */
#define FAR_OFF 1000000000000000ull /* ns: the timer that is set never comes */

static uint8_t page[PAGE] __attribute__((aligned(4096)));
static uint8_t not_mapped[PAGE] __attribute__((aligned(4096)));

/* ---- The batches: each returns how often it got the right answer ---- */

static long irets(long n)
{
	long done = 0;

	while (n--) {
		iret_here();
		done++;
	}
	return done;
}

/* A page of its own, now read-only and now writable again. */
static long mmu_updates(long n)
{
	uint64_t entry = mfn_of(table_at(page, 1)) << 12 | slot_of(page, 1) << 3, pte = pte_of(page);
	long right = 0;

	while (n--)
		right += update(entry, n & 1 ? pte & ~PTE_W : pte) == 0;
	return right;
}

static long va_mappings(long n)
{
	uint64_t pte = pte_of(page);
	long right = 0;

	while (n--)
		right += map_at(page, n & 1 ? pte & ~PTE_W : pte) == 0;
	return right;
}

static long versions(long n)
{
	long right = 0;

	while (n--)
		right += call(__HYPERVISOR_xen_version, XENVER_version, 0, 0, 0, 0) >> 16 == 4;
	return right;
}

static long switches(long n)
{
	long right = 0;

	while (n--)
		right += switch_process() == 0;
	return right;
}

static long flushes(long n)
{
	long right = 0;

	while (n--)
		right += ext(MMUEXT_TLB_FLUSH_LOCAL, 0) == 0;
	return right;
}

static long timers(long n)
{
	long right = 0;

	while (n--)
		right += set_timer(FAR_OFF) == 0;
	set_timer(0);
	return right;
}

static long bytes(long n)
{
	for (long i = 0; i < n; i++)
		print(i % 64 ? "." : "\n");
	print("\n");
	return n;
}

/* Quiet ones must not leave the machine; the others must, each time. */
static const struct {
	const char *name;
	long (*batch)(long n);
	bool quiet;
} rows[] = {
	{ "nothing", nothing, true },
	{ "system-call", system_calls, true },
	{ "fault-of-a-process", process_faults, true },
	{ "fault-of-the-kernel", kernel_faults, true },
	{ "iret", irets, true },
	{ "iret-to-a-process", process_irets, true },
	{ "mmu_update", mmu_updates, true },
	{ "update_va_mapping", va_mappings, true },
	{ "xen_version", versions, true },
	{ "switch-of-processes", switches, true },
	{ "flush-of-the-TLB", flushes, true },
	{ "set_timer_op", timers, false },
	{ "byte-on-the-console", bytes, false },
};

/* ---- Beginning and end of a batch ---- */

static void wait_for_byte(void)
{
	struct xencons_interface *ring = console_ring();

	while (*(volatile XENCONS_RING_IDX *)&ring->in_prod == ring->in_cons)
		__asm__ volatile("pause");
	ring->in_cons++;
}

/* "# begin fault 100000 quiet" */
static void mark(const char *what, unsigned row, long n)
{
	print("# ");
	print(what);
	print(" ");
	print(rows[row].name);
	print(" ");
	print_number(n);
	print(rows[row].quiet ? " quiet\n" : " loud\n");
	wait_for_byte();
}

/* A first batch, a short one, touches all that the one which is counted will. */
static void run(unsigned row, bool waits)
{
	long n = rows[row].quiet ? OFTEN : SELDOM, right;

	check(rows[row].name, rows[row].batch(SELDOM), SELDOM);
	if (!waits)
		return;
	mark("begin", row, n);
	right = rows[row].batch(n);
	mark("end", row, n);
	check(rows[row].name, right, n);
}

/* ---- The other vCPUs ---- */

static struct {
	uint8_t page[PAGE];
	unsigned long stack[PAGE / sizeof(unsigned long)];
} others[OTHERS] __attribute__((aligned(4096)));
static volatile unsigned long rounds[OTHERS];

static void other_main(unsigned long n)
{
	uint64_t pte = pte_of(others[n].page);

	for (;; rounds[n]++) {
		versions(1);
		map_at(others[n].page, rounds[n] & 1 ? pte & ~PTE_W : pte);
	}
}

static bool start_other(unsigned long n)
{
	static vcpu_guest_context_t ctx;

	ctx.flags = VGCF_in_kernel;
	ctx.user_regs.cs = FLAT_KERNEL_CS;
	ctx.user_regs.ss = ctx.user_regs.ds = ctx.user_regs.es = ctx.kernel_ss = FLAT_KERNEL_SS;
	ctx.kernel_sp = (unsigned long)(others[n].stack + ARRAY(others[n].stack));
	ctx.ctrlreg[3] = xen_pfn_to_cr3(mfn_of((void *)start_info->pt_base));
	call_first(&ctx, other_main, n);
	if (call(__HYPERVISOR_vcpu_op, VCPUOP_initialise, n + 1, P(ctx), 0, 0) == -XEN_ENOENT)
		return false;
	check("another vCPU", call(__HYPERVISOR_vcpu_op, VCPUOP_up, n + 1, 0, 0, 0), 0);
	while (!rounds[n])
		call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
	return true;
}

static void start_others(void)
{
	unsigned long n = 0;

	while (n < OTHERS && start_other(n))
		n++;
}

/* Who says of a vCPU that it left no machine has to know that it ran. */
static void check_others(void)
{
	for (unsigned n = 0; n < OTHERS && rounds[n]; n++)
		check("another vCPU was at work", rounds[n] > SELDOM, 1);
}

void guest_main(void)
{
	bool waits = asked_for("wait", "typed"), measures = asked_for("measure", "ticks");

	prepare();
	check("a page is taken away", map_at(not_mapped, 0), 0);
	hole = not_mapped;
	start_others();
	for (unsigned row = 0; row < ARRAY(rows); row++)
		if (!measures)
			run(row, waits);
		else if (rows[row].quiet)
			tell_cost(rows[row].name, rows[row].batch);
	check_others();
}
