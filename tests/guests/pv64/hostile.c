/* SPDX-License-Identifier: MIT */
/*
 * A PV guest that does what a guest must not: it passes wild pointers to
 * every hypercall, maps what is not its own, writes where it may only read.
 * Each thing is one line of TAP on the console, and Xen's answer is the
 * expected one. "attack=NAME" on the command line does instead one thing that
 * no guest survives; the paravisor must end it with the crash block.
 */
#include "guest.h"

static uint8_t page[4096] __attribute__((aligned(4096)));
static uint8_t other[4096] __attribute__((aligned(4096)));

/* ---- Wild pointers ---- */

static const uint64_t wild[] = { 0x10,
				 0xdead000000000000,
				 0xffff800000000000,
				 0xffff810000000000,
				 0xffff810020000000,
				 0xffff87ffffffffff,
				 0xfffffffffffffff8 };

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
			for (unsigned i = 0; i < ARRAY(wild) && !ends_or_waits(nr, cmd); i++) {
				call(nr, cmd, wild[i], wild[i], wild[i], 0);
				call(nr, wild[i], cmd, wild[i], DOMID_SELF, 0);
				call(nr, cmd, 0, wild[i], 0, 0);
			}
		line[10] = (char)(nr < 10 ? ' ' : '0' + nr / 10);
		line[11] = (char)('0' + nr % 10);
		check(line, 0, 0);
	}
}

/* Lists of more than there is, and arguments that lie across the end of what a guest may address. */
static void wild_counts(void)
{
	static const uint64_t counts[] = { 1u << 31, UINT32_MAX, 1ul << 32, UINT64_MAX };
	static const uint64_t edges[] = { 0x00007fffffffeff8, 0x00007ffffffffffc, 0xffff7ffffffffff8,
					  0xffff87fffffffffc, 0xfffffffffffffffc };
	static const unsigned lists[] = { __HYPERVISOR_mmu_update, __HYPERVISOR_mmuext_op, __HYPERVISOR_multicall,
					  __HYPERVISOR_set_gdt };

	for (unsigned i = 0; i < ARRAY(lists); i++)
		for (unsigned n = 0; n < ARRAY(counts) * ARRAY(edges); n++)
			call(lists[i], edges[n / ARRAY(counts)], counts[n % ARRAY(counts)], 0, DOMID_SELF, 0);
	for (unsigned n = 0; n < ARRAY(counts); n++)
		call(__HYPERVISOR_grant_table_op, 5, edges[0], counts[n], 0, 0);
	check("counts of 2^31 and more, lists across the end", 0, 0);
}

/* ---- Mappings ---- */

static void foreign_mappings(void)
{
	uint64_t *l1 = table_at(page, 1), *l2 = table_at(page, 2), *l4 = (uint64_t *)start_info->pt_base;
	uint64_t own = l1[(uint64_t)page >> 12 & 511];

	check("a device's frame cannot be mapped", map_at(page, 0xfee00000 | PTE_P | PTE_W) < 0, 1);
	check("the first MiB cannot be mapped", map_at(page, 0x8000 | PTE_P), -XEN_EPERM);
	check("the paravisor's frame cannot be mapped", map_at(page, 0x200000 | PTE_P), -XEN_EBUSY);
	check("a frame beyond memory cannot be mapped", map_at(page, 0xfffffffff000 | PTE_P) < 0, 1);
	check("nor any of them by mmu_update",
	      update(mfn_of(l1) << 12 | ((uint64_t)page >> 12 & 511) << 3, 0x200000 | PTE_P), -XEN_EBUSY);
	check("a large page is refused", update(mfn_of(l2) << 12 | 8, PTE_P | PTE_PS), -XEN_EINVAL);
	check("the hypervisor's slots are refused", update(mfn_of(l4) << 12 | 256 << 3, 0), -XEN_EINVAL);
	check("a table outside the guest is refused", update(0x200000, 0), -XEN_EINVAL);
	check("no mapping in the hypervisor's part", map_at((void *)0xffff810000000000, own), -XEN_EINVAL);
	check("the own frame still can be mapped", map_at(page, own), 0);
}

/* Xen counts the uses of a frame: what is mapped writable becomes neither a table nor a GDT. */
static void tables(void)
{
	uint64_t *l1 = table_at(page, 1);
	uint64_t pte = table_at(other, 1)[(uint64_t)other >> 12 & 511] & ~PTE_W;

	((uint64_t *)other)[3] = 0x200000 | PTE_P;
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

static void descriptors(void)
{
	uint64_t *gdt = (uint64_t *)page, mfn = mfn_of(page);
	uint64_t pte = table_at(page, 1)[(uint64_t)page >> 12 & 511];

	gdt[1] = 0x0000ec00e0080000; /* a call gate into ring 0's code */
	map_at(page, pte & ~PTE_W);
	check("a GDT with a call gate is refused", call(__HYPERVISOR_set_gdt, (uint64_t)&mfn, 512, 0, 0, 0),
	      -XEN_EINVAL);
	map_at(page, pte | PTE_W);
	gdt[1] = 0;
	map_at(page, pte & ~PTE_W);
	check("an empty GDT is taken", call(__HYPERVISOR_set_gdt, (uint64_t)&mfn, 512, 0, 0, 0), 0);
	check("no call gate by update_descriptor",
	      call(__HYPERVISOR_update_descriptor, mfn << 12 | 8, 0x0000ec00e0080000, 0, 0, 0), -XEN_EINVAL);
	check("a data segment is taken",
	      call(__HYPERVISOR_update_descriptor, mfn << 12 | 8, 0x00cf93000000ffff, 0, 0, 0), 0);
}

/* ---- Instructions ---- */

static void read_at(uint64_t va, uint64_t b)
{
	(void)b;
	*(volatile uint8_t *)va;
}

static void write_at(uint64_t va, uint64_t b)
{
	*(volatile uint64_t *)va = b;
}

static void interrupt_f0(uint64_t a, uint64_t b)
{
	(void)a, (void)b;
	__asm__ volatile("int $0xf0");
}

static void read_msr(uint64_t msr, uint64_t b)
{
	(void)b;
	__asm__ volatile("rdmsr" ::"c"((uint32_t)msr) : "eax", "edx");
}

static void load_idt(uint64_t a, uint64_t b)
{
	static const uint8_t none[10];

	(void)a, (void)b;
	__asm__ volatile("lidt %0" ::"m"(none));
}

static void instructions(void)
{
	uint64_t *l1 = table_at(page, 1);
	uint64_t m2p = 0xffff800000000000 + mfn_of(page) * 8;

	call(__HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables, 0, 0, 0);
	check("the machine-to-physical table says who has a frame", *(uint64_t *)m2p == pfn_of(page), 1);
	check("it cannot be written", (long)try(write_at, m2p, 0), 14);
	check("the paravisor cannot be read", (long)try(read_at, 0xffff810000000000, 0), 14);
	check("nor the direct map", (long)try(read_at, 0xffff808000100000, 0), 14);
	check("int to the paravisor's vector is a #GP", (long)try(interrupt_f0, 0, 0), 13);
	check("an unknown MSR is a #GP", (long)try(read_msr, 0x12345, 0), 13);
	check("lidt is a #GP", (long)try(load_idt, 0, 0), 13);
	check("a live table's entry can be cleared by a plain write",
	      (long)try(write_at, (uint64_t)&l1[(uint64_t)other >> 12 & 511], 0), 0);
	check("and not be set to what is not the guest's",
	      (long)try(write_at, (uint64_t)&l1[(uint64_t)other >> 12 & 511], 0x200000 | PTE_P), 14);
	check("the cleared page is gone", (long)try(read_at, (uint64_t)other, 0), 14);
}

/* A breakpoint on what is loaded into %ss is taken after the next instruction: in ring 0, if that is a syscall. */
static void held_breakpoint(void)
{
	static uint16_t stack_segment = FLAT_KERNEL_SS;
	long ret = __HYPERVISOR_xen_version;

	call(__HYPERVISOR_set_debugreg, 0, (uint64_t)&stack_segment, 0, 0, 0);
	call(__HYPERVISOR_set_debugreg, 7, 0x70001, 0, 0, 0);
	__asm__ volatile("mov %1, %%ss; syscall"
			 : "+a"(ret)
			 : "m"(stack_segment), "D"((uint64_t)XENVER_version), "S"(0ul)
			 : "rcx", "r11", "memory");
	call(__HYPERVISOR_set_debugreg, 7, 0, 0, 0, 0);
	check("a breakpoint held back by mov ss hits nobody in ring 0", ret >> 16, 4);
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
	((void (*)(void))0x1234567000)();
}

static void no_stack(void)
{
	__asm__ volatile("movq $0x1000, %rsp; ud2");
}

static void hypervisor_stack(void)
{
	__asm__ volatile("movabsq $0xffff810020010000, %rsp; ud2");
}

/* Its own live top level mapped writable, which unpinning allows, and wiped out. */
static void wreck_tables(void)
{
	uint64_t *l4 = (uint64_t *)start_info->pt_base, *l1 = table_at(l4, 1);
	uint64_t pte = l1[(uint64_t)l4 >> 12 & 511];

	ext(MMUEXT_UNPIN_TABLE, mfn_of(l4));
	map_at(l4, pte | PTE_W);
	for (unsigned i = 0; i < 512; i++)
		l4[i] = 0x200000 | 7;
	ext(MMUEXT_NEW_BASEPTR, mfn_of(l4));
	ext(MMUEXT_TLB_FLUSH_LOCAL, 0);
	jump_nowhere();
}

static const struct {
	const char *name;
	void (*fn)(void);
} attacks[] = {
	{ "jump-nowhere", jump_nowhere },
	{ "no-stack", no_stack },
	{ "hypervisor-stack", hypervisor_stack },
	{ "wreck-tables", wreck_tables },
};

void guest_main(void)
{
	for (unsigned i = 0; i < ARRAY(attacks); i++)
		if (asked_for("attack", attacks[i].name))
			attacks[i].fn();
	unknown();
	foreign_mappings();
	tables();
	descriptors();
	forced_cpuid();
	held_breakpoint();
	instructions();
	wild_pointers();
	wild_counts();
}
