/* SPDX-License-Identifier: MIT */
/*
 * A PV guest that does what a guest must not: it passes wild pointers to
 * every hypercall, maps what is not its own, writes where it may only read.
 * Each thing is one line of TAP on the console, and Xen's answer is the
 * expected one. "attack=NAME" on the command line does instead one thing that
 * no guest survives; the paravisor must end it with the crash block. What is
 * wild, and what only one class of guests can try, each class says (hostile.h).
 */
#include "hostile.h"

uint8_t page[4096] __attribute__((aligned(4096)));
uint8_t other[4096] __attribute__((aligned(4096)));

/* ---- Wild pointers ---- */

/* Calls that a wild argument cannot make return, by their meaning. */
static bool ends_or_waits(unsigned nr, unsigned cmd)
{
	if (nr == __HYPERVISOR_iret || nr == __HYPERVISOR_sched_op_compat)
		return true;
	if (nr == __HYPERVISOR_vcpu_op && cmd == VCPUOP_down)
		return true;
	return nr == __HYPERVISOR_sched_op && cmd <= SCHEDOP_shutdown;
}

static void wild_pointers(void)
{
	static char line[] = "hypercall    survives wild pointers";

	for (unsigned nr = 0; nr < 64; nr++) {
		for (unsigned cmd = 0; cmd < 48; cmd++)
			for (unsigned i = 0; i < hostile.wild.nr && !ends_or_waits(nr, cmd); i++) {
				call(nr, cmd, hostile.wild.at[i], hostile.wild.at[i], hostile.wild.at[i], 0);
				call(nr, hostile.wild.at[i], cmd, hostile.wild.at[i], DOMID_SELF, 0);
				call(nr, cmd, 0, hostile.wild.at[i], 0, 0);
			}
		line[10] = (char)(nr < 10 ? ' ' : '0' + nr / 10);
		line[11] = (char)('0' + nr % 10);
		check(line, 0, 0);
	}
}

/* Lists of more than there is, and arguments that lie across the end of what a guest may address. */
static void wild_counts(void)
{
	static const unsigned lists[] = { __HYPERVISOR_mmu_update, __HYPERVISOR_mmuext_op, __HYPERVISOR_multicall,
					  __HYPERVISOR_set_gdt };
	const unsigned nr = hostile.counts.nr;

	for (unsigned i = 0; i < ARRAY(lists); i++)
		for (unsigned n = 0; n < nr * hostile.edges.nr; n++)
			call(lists[i], hostile.edges.at[n / nr], hostile.counts.at[n % nr], 0, DOMID_SELF, 0);
	for (unsigned n = 0; n < nr; n++)
		call(__HYPERVISOR_grant_table_op, GNTTABOP_copy, hostile.edges.at[0], hostile.counts.at[n], 0, 0);
	check("counts of 2^31 and more, lists across the end", 0, 0);
}

/* ---- Mappings ---- */

static void foreign_mappings(void)
{
	uint64_t *l1 = table_at(page, 1), *l2 = table_at(page, 2), own = pte_of(page);
	void *m2p = (void *)M2P;

	check("a device's frame cannot be mapped", map_at(page, 0xfee00000 | PTE_P | PTE_W) < 0, 1);
	check("the first MiB cannot be mapped", map_at(page, 0x8000 | PTE_P), -XEN_EPERM);
	check("the paravisor's frame cannot be mapped", map_at(page, PARAVISOR | PTE_P), -XEN_EBUSY);
	check("a frame beyond memory cannot be mapped", map_at(page, 0xfffffffff000 | PTE_P) < 0, 1);
	check("nor any of them by mmu_update", update(mfn_of(l1) << 12 | slot_of(page, 1) << 3, PARAVISOR | PTE_P),
	      -XEN_EBUSY);
	check("a large page is refused", update(mfn_of(l2) << 12 | 8, PTE_P | PTE_PS), -XEN_EINVAL);
	check("the hypervisor's slots are refused",
	      update(mfn_of(table_at(m2p, M2P_LEVEL)) << 12 | slot_of(m2p, M2P_LEVEL) << 3, 0), -XEN_EINVAL);
	check("a table outside the guest is refused", update(PARAVISOR, 0), -XEN_EINVAL);
	check("no mapping in the hypervisor's part", map_at(hostile.hypervisor, own), -XEN_EINVAL);
	check("the own frame still can be mapped", map_at(page, own), 0);
}

/* Xen counts the uses of a frame: what is mapped writable becomes neither a table nor a GDT. */
static void tables(void)
{
	uint64_t *l1 = table_at(page, 1);
	uint64_t pte = pte_of(other) & ~PTE_W;

	((uint64_t *)other)[3] = PARAVISOR | PTE_P;
	map_at(other, pte);
	check("a table that maps the paravisor is not pinned", ext(MMUEXT_PIN_L1_TABLE, mfn_of(other)) < 0, 1);
	map_at(other, pte | PTE_W);
	((uint64_t *)other)[3] = 0;
	check("it can be mapped read-only", map_at(other, pte), 0);
	check("an empty table is pinned", ext(MMUEXT_PIN_L1_TABLE, mfn_of(other)), 0);
	check("but not twice", ext(MMUEXT_PIN_L1_TABLE, mfn_of(other)), -XEN_EINVAL);
	check("nor as another level", ext(MMUEXT_NEW_BASEPTR, mfn_of(other)), -XEN_EINVAL);
	check("a pinned table cannot be mapped writable", map_at(other, pte | PTE_W), -XEN_EBUSY);
	check("it can be unpinned", ext(MMUEXT_UNPIN_TABLE, mfn_of(other)), 0);
	check("and then be mapped writable", map_at(other, pte | PTE_W), 0);
	check("nothing is cleared that is a table", ext(MMUEXT_CLEAR_PAGE, mfn_of(l1)), -XEN_EINVAL);
	check("nor what is not the guest's", ext(MMUEXT_CLEAR_PAGE, 0x200), -XEN_EINVAL);
}

/* ---- Descriptors ---- */

static long set_gdt(uint64_t mfn)
{
	xen_ulong_t frame = mfn;

	return call(__HYPERVISOR_set_gdt, P(frame), 512, 0, 0, 0);
}

/* One entry of the table of descriptors in that frame. */
long set_descriptor(uint64_t mfn, unsigned index, uint64_t desc)
{
	uint64_t at = mfn << 12 | index * 8;

	return sizeof(long) == 8 ? call(__HYPERVISOR_update_descriptor, (unsigned long)at, (unsigned long)desc, 0, 0, 0)
				 : call(__HYPERVISOR_update_descriptor, (uint32_t)at, (uint32_t)(at >> 32),
					(uint32_t)desc, (uint32_t)(desc >> 32), 0);
}

static void descriptors(void)
{
	uint64_t *gdt = (uint64_t *)page, mfn = mfn_of(page), pte = pte_of(page);

	gdt[1] = CALL_GATE;
	map_at(page, pte & ~PTE_W);
	check("a GDT with a call gate is refused", set_gdt(mfn), -XEN_EINVAL);
	map_at(page, pte | PTE_W);
	gdt[1] = 0;
	map_at(page, pte & ~PTE_W);
	check("an empty GDT is taken", set_gdt(mfn), 0);
	check("no call gate by update_descriptor", set_descriptor(mfn, 1, CALL_GATE), -XEN_EINVAL);
	check("a data segment is taken", set_descriptor(mfn, 1, DATA_RING_0), 0);
}

/* ---- Instructions ---- */

static void write_at(unsigned long va, unsigned long b)
{
	*(volatile unsigned long *)va = b;
}

static void interrupt_f0(unsigned long a, unsigned long b)
{
	(void)a, (void)b;
	__asm__ volatile("int $0xf0");
}

static void load_idt(unsigned long a, unsigned long b)
{
	static const uint8_t none[10];

	(void)a, (void)b;
	__asm__ volatile("lidt %0" ::"m"(none));
}

static void instructions(void)
{
	unsigned long leaf = (unsigned long)leaf_of(other), m2p = M2P + mfn_of(page) * sizeof(long);

	call(__HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables, 0, 0, 0);
	check("the machine-to-physical table says who has a frame", *(unsigned long *)m2p == pfn_of(page), 1);
	check("it cannot be written", (long)try(write_at, m2p, 0), TRAP_PF);
	check("int to the paravisor's vector is a #GP", (long)try(interrupt_f0, 0, 0), TRAP_GP);
	check("an unknown MSR is a #GP", (long)try(do_rdmsr, 0x12345, 0), TRAP_GP);
	check("lidt is a #GP", (long)try(load_idt, 0, 0), TRAP_GP);
	check("a live table's entry can be cleared by a plain write", (long)try(write_at, leaf, 0), 0);
	check("and not be set to what is not the guest's", (long)try(write_at, leaf, PARAVISOR | PTE_P), TRAP_PF);
	check("the cleared page is gone", (long)try(do_read, (unsigned long)other, 0), TRAP_PF);
}

static void forced_cpuid(void)
{
	uint32_t a = 0x40000000, b, c = 0, d;

	__asm__ volatile("ud2a; .ascii \"xen\"; cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	check("the forced cpuid is Xen's", b == 0x566e6558 && c == 0x65584d4d && d == 0x4d4d566e, 1);
	a = 7, c = 0;
	__asm__ volatile("ud2a; .ascii \"xen\"; cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	check("no SMEP, no SMAP", b & (1u << 7 | 1u << 20), 0);
}

static void unknown(void)
{
	check("an unknown hypercall", call(62, 0, 0, 0, 0, 0), -XEN_ENOSYS);
	check("a number out of range", call(~0ul, 0, 0, 0, 0, 0), -XEN_ENOSYS);
	check("an unknown mmuext_op", ext(99, 0), -XEN_ENOSYS);
	check("domctl of no version", call(__HYPERVISOR_domctl, 0, 0, 0, 0, 0), -XEN_EFAULT);
	check("kexec is not for guests", call(__HYPERVISOR_kexec_op, 0, 0, 0, 0, 0), -XEN_EPERM);
}

/* ---- What no guest survives ---- */

static void jump_nowhere(void)
{
	call(__HYPERVISOR_set_trap_table, 0, 0, 0, 0, 0);
	((void (*)(void))hostile.nowhere)();
}

static void trap_on(unsigned long stack)
{
	__asm__ volatile("mov %0, %%" R(sp) "; ud2" ::"r"(stack));
}

static void no_stack(void)
{
	trap_on(0x1000);
}

static void hypervisor_stack(void)
{
	trap_on(hostile.stack);
}

/* All that it has goes out of its own live tables, its code and stack last. */
static void wreck_tables(void)
{
	uint64_t top = mfn_of((void *)start_info->pt_base) << 12, l2 = mfn_of(table_at(page, 2)) << 12;

	for (unsigned i = 0; i < 512; i++)
		if (i != slot_of(page, LEVELS))
			update(top | i << 3, 0);
	update(l2 | slot_of(page, 2) << 3, 0);
	ext(MMUEXT_TLB_FLUSH_LOCAL, 0);
	jump_nowhere();
}

static const struct attack attacks[] = {
	{ "jump-nowhere", jump_nowhere },
	{ "no-stack", no_stack },
	{ "hypervisor-stack", hypervisor_stack },
	{ "wreck-tables", wreck_tables },
};

static void attack(const struct attack *rows, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		if (asked_for("attack", rows[i].name))
			rows[i].fn();
}

void guest_main(void)
{
	attack(attacks, ARRAY(attacks));
	attack(hostile.attacks, hostile.nr_attacks);
	unknown();
	foreign_mappings();
	tables();
	descriptors();
	forced_cpuid();
	instructions();
	own_attempts();
	wild_pointers();
	wild_counts();
}
