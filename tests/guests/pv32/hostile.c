/* SPDX-License-Identifier: MIT */
/*
 * What only a 32-bit guest can try. Its rings are real, and below ring 1 there
 * is ring 0: so it goes for selectors of that ring, descriptors that would
 * lead there, 64-bit code, from which all of the paravisor could be seen, and
 * flags that only ring 0 may set, from its kernel and from a process.
 */
#include "hostile.h"

#define RING_0_CS      0xe008 /* Xen's own, and the paravisor's */
#define RING_0_SS      0xe010
#define CONFORMING_0   0x00cf9f000000ffffull
#define CODE_64        0x00affb000000ffffull
#define INTERRUPT_GATE 0x0000ee00e0080000ull
#define TASK_GATE      0x0000e500e0400000ull
#define A_TSS          0x0000890000000067ull
#define AN_LDT         0x000082000000ffffull

static const unsigned long wild[] = { 0x10, 0x1000, M2P, 0xfffffff8, 0xf57ffffe, 0xffffffff };
static const unsigned long counts[] = { 1u << 31, UINT32_MAX, UINT32_MAX / 8, 1u << 29 };
static const unsigned long edges[] = { 0xf57ffff8, 0xf57ffffc, 0xfffffff8, 0xfffffffc };

/* ---- Instructions ---- */

static void far_call(unsigned long selector, unsigned long b)
{
	struct {
		uint32_t offset;
		uint16_t selector;
	} to = { 0, (uint16_t)selector };

	(void)b;
	__asm__ volatile("movl $1f, %0\n"
			 "	lcall *%0\n"
			 "	jmp 2f\n"
			 "1:	lret\n"
			 "2:"
			 : "+m"(to)
			 :
			 : "memory");
}

/* The processor's own iret, to here. */
static void iret_to(unsigned long selector, unsigned long flags)
{
	__asm__ volatile("pushl %1\n"
			 "	pushl %0\n"
			 "	pushl $1f\n"
			 "	iretl\n"
			 "1:"
			 :
			 : "r"(selector), "r"(flags | 2)
			 : "memory", "cc");
}

#define CODE(name, insn)                                                                                               \
	static void name(unsigned long a, unsigned long b)                                                             \
	{                                                                                                              \
		(void)b;                                                                                               \
		__asm__ volatile(insn ::"a"(a) : "ecx", "edx", "memory");                                              \
	}
CODE(load_es, "push %%es; mov %%ax, %%es; pop %%es")
CODE(load_gs, "push %%gs; mov %%ax, %%gs; pop %%gs")
CODE(do_lldt, "lldt %%ax")
CODE(do_lmsw, "lmsw %%ax")
CODE(do_mov_cr3, "mov %%eax, %%cr3")
CODE(do_mov_cr4, "mov %%eax, %%cr4")
CODE(do_sysenter, "sysenter")
/* It clears no flag but IF and VM: direction, nested task and alignment come along. */
CODE(do_sysenter_flags, "pushf; orl $0x44400, (%%esp); popf; sysenter")
CODE(do_syscall, "syscall")
CODE(do_sysexit, "xor %%ecx, %%ecx; xor %%edx, %%edx; sysexit")
CODE(do_int_f0, "int $0xf0")

static const struct instruction rows[] = {
	{ "nothing", do_nothing, 0, 0, NONE, BACK, NONE },
	{ "int3", do_int3, 0, 3, NONE, 3, NONE },
	{ "int $1, whose gate is not open", do_int_1, 0, TRAP_GP, 1 << 3 | 2, TRAP_GP, 1 << 3 | 2 },
	{ "int $0x21, without a handler", do_int_21, 0, TRAP_GP, 0x21 << 3 | 2, TRAP_GP, 0x21 << 3 | 2 },
	{ "int $0x80", do_int_80, 0, 0, NONE, BACK, NONE },
	{ "int $0x82, the hypercall", do_int_82, 62, 0, NONE, TRAP_GP, 0x82 << 3 | 2 },
	{ "int to the paravisor's vector", do_int_f0, 0, TRAP_GP, 0xf0 << 3 | 2, TRAP_GP, 0xf0 << 3 | 2 },
	{ "ud2", do_ud2, 0, TRAP_UD, NONE, TRAP_UD, NONE },
	{ "a forced mov", do_forced_mov, 0, TRAP_UD, NONE, TRAP_UD, NONE },
	{ "a division by 0", do_divide, 0, TRAP_DE, NONE, TRAP_DE, NONE },
	{ "a read of what is not mapped", do_read, 0x10, TRAP_PF, 0, TRAP_PF, 4 },
	{ "a read of the machine-to-physical table", do_read, M2P, 0, NONE, TRAP_PF, 5 },
	{ "a write of it", do_write, M2P, TRAP_PF, 3, TRAP_PF, 7 },
	{ "a read of the last byte there is", do_read, 0xffffffff, TRAP_PF, 0, TRAP_PF, 4 },
	{ "a jump to nowhere", do_jump, 0x12345000, TRAP_PF, 0x10, TRAP_PF, 0x14 },
	{ "a jump into the hypervisor's part", do_jump, 0xfffff000, TRAP_PF, 0x10, TRAP_PF, 0x14 },
	{ "syscall, which is off", do_syscall, 0, TRAP_UD, NONE, TRAP_UD, NONE },
	{ "sysenter, without a callback", do_sysenter, 0, NONE, NONE, TRAP_GP, 0 },
	{ "sysenter with odd flags", do_sysenter_flags, 0, NONE, NONE, TRAP_GP, 0 },
	{ "sysexit", do_sysexit, 0, TRAP_GP, 0, TRAP_GP, 0 },
	{ "cli", do_cli, 0, TRAP_GP, 0, TRAP_GP, 0 },
	{ "sti", do_sti, 0, TRAP_GP, 0, TRAP_GP, 0 },
	{ "out", do_out, 0, TRAP_GP, 0, TRAP_GP, 0 },
	{ "in", do_in, 0, TRAP_GP, 0, TRAP_GP, 0 },
	{ "hlt, of a process", do_hlt, 0, NONE, NONE, TRAP_GP, 0 },
	{ "invlpg", do_invlpg, 0, TRAP_GP, 0, TRAP_GP, 0 },
	{ "lgdt", do_lgdt, 0, TRAP_GP, 0, TRAP_GP, 0 },
	{ "lldt", do_lldt, 0, TRAP_GP, 0, TRAP_GP, 0 },
	{ "ltr", do_ltr, 0, TRAP_GP, 0, TRAP_GP, 0 },
	{ "lmsw", do_lmsw, 0, TRAP_GP, 0, TRAP_GP, 0 },
	{ "cr0 with another bit", do_mov_cr0, 1 << 16, TRAP_GP, 0, TRAP_GP, 0 },
	{ "cr3 from nowhere", do_mov_cr3, 0x200000, TRAP_GP, 0, TRAP_GP, 0 },
	{ "cr4, of a process", do_mov_cr4, 0, NONE, NONE, TRAP_GP, 0 },
	{ "clts", do_clts, 0, 0, NONE, TRAP_GP, 0 },
	{ "a dr7 that watches debug registers", do_write_dr7, 0x2000, TRAP_GP, 0, TRAP_GP, 0 },
	{ "an MSR that is none", do_rdmsr, 0x12345, TRAP_GP, 0, TRAP_GP, 0 },
	{ "the address of the system call, by wrmsr", do_wrmsr, 0xc0000082, TRAP_GP, 0, TRAP_GP, 0 },
	{ "that of sysenter", do_wrmsr, 0x176, TRAP_GP, 0, TRAP_GP, 0 },
	{ "the base of %fs, which is 64-bit code's", do_rdmsr, 0xc0000100, TRAP_GP, 0, TRAP_GP, 0 },
	{ "a write to it", do_wrmsr, 0xc0000100, TRAP_GP, 0, TRAP_GP, 0 },
	{ "wbinvd", do_wbinvd, 0, 0, NONE, TRAP_GP, 0 },
	{ "rdtsc", do_rdtsc, 0, 0, NONE, BACK, NONE },
	{ "a call into ring 0", far_call, RING_0_CS, TRAP_GP, RING_0_CS, TRAP_GP, RING_0_CS },
	{ "the same, asking for ring 1", far_call, RING_0_CS | 1, TRAP_GP, RING_0_CS, TRAP_GP, RING_0_CS },
	{ "an iret into ring 0", iret_to, RING_0_CS, TRAP_GP, RING_0_CS, TRAP_GP, RING_0_CS },
	{ "ring 0's stack", do_load_ss, RING_0_SS, TRAP_GP, RING_0_SS, TRAP_GP, RING_0_SS },
	{ "ring 0's data", load_es, RING_0_SS, TRAP_GP, RING_0_SS, TRAP_GP, RING_0_SS },
	{ "a task state for data", load_es, 0xe040, TRAP_GP, 0xe040, TRAP_GP, 0xe040 },
	{ "a call to a task", far_call, 0xe040, TRAP_GP, 0xe040, TRAP_GP, 0xe040 },
	{ "a selector beyond the table", load_gs, 0xfff8, TRAP_GP, 0xfff8, TRAP_GP, 0xfff8 },
	{ "a selector of an LDT that is not there", load_gs, 0x0c, TRAP_GP, 0x0c, TRAP_GP, 0x0c },
};

/* ---- Descriptors ---- */

/* Of all that the descriptor table shows to ring 1: none is 64-bit code, or leads into a ring below. */
static long bad_selectors(void)
{
	long bad = 0;

	for (uint32_t selector = 0; selector < 0x10000; selector += 8) {
		uint32_t rights = 0;
		bool shown;

		__asm__ volatile("lar %2, %0" : "+r"(rights), "=@ccz"(shown) : "r"(selector | 1));
		if (shown)
			bad += !(rights & 1 << 12) || (rights >> 13 & 3) == 0 || (rights & 1 << 11 && rights & 1 << 21);
	}
	return bad;
}

static const struct {
	const char *what;
	uint64_t desc;
	long want;
} refused[] = {
	{ "64-bit code is refused", CODE_64, -XEN_EINVAL },
	{ "an interrupt gate is refused", INTERRUPT_GATE, -XEN_EINVAL },
	{ "a task gate is refused", TASK_GATE, -XEN_EINVAL },
	{ "a task state is refused", A_TSS, -XEN_EINVAL },
	{ "an LDT is refused", AN_LDT, -XEN_EINVAL },
	{ "conforming code of ring 0 is taken", CONFORMING_0, 0 },
};

/* `page` is the GDT, of 512 entries (hostile.c). */
static void own_descriptors(void)
{
	volatile uint64_t *gdt = (volatile uint64_t *)page;

	for (unsigned i = 0; i < ARRAY(refused); i++)
		check(refused[i].what, set_descriptor(mfn_of(page), 2, refused[i].desc), refused[i].want);
	check("and becomes ring 1's", (long)(gdt[2] >> 45 & 3), 1);
	check("no selector leads to ring 0 or 64-bit code", bad_selectors(), 0);
}

static long set_ldt(const void *at, unsigned nr)
{
	struct mmuext_op op = { .cmd = MMUEXT_SET_LDT, .arg1.linear_addr = (unsigned long)at, .arg2.nr_ents = nr };

	return call(__HYPERVISOR_mmuext_op, P(op), 1, 0, DOMID_SELF, 0);
}

/* What a selector of the LDT has in its low bits, of ring 1. */
#define OF_LDT(index) ((index) << 3 | 4 | 1)

static void ldts(void)
{
	static uint64_t ldt[512] __attribute__((aligned(4096)));

	ldt[1] = CALL_GATE;
	ldt[2] = CODE_64;
	ldt[3] = DATA_RING_0;
	check("an LDT at an odd address is refused", set_ldt((char *)ldt + 8, 4), -XEN_EINVAL);
	check("one of 8193 entries too", set_ldt(ldt, 8193), -XEN_EINVAL);
	check("one with a call gate is taken", set_ldt(ldt, 4), 0);
	check("but the gate is none", (long)try(far_call, OF_LDT(1), 0), TRAP_GP);
	check("nor is 64-bit code", (long)try(far_call, OF_LDT(2), 0), TRAP_GP);
	check("data of ring 0 is ring 1's", (long)try(load_es, OF_LDT(3), 0), 0);
	check("its page cannot be changed then to hold a gate", set_descriptor(mfn_of(ldt), 3, CALL_GATE), -XEN_EINVAL);
	ldt[3] = CALL_GATE;
	check("nor does a plain write make one", (long)try(far_call, OF_LDT(3), 0), TRAP_GP);
	check("an LDT where nothing is", set_ldt((void *)0x12345000, 4), 0);
	check("is a page fault", (long)try(load_es, OF_LDT(1), 0), TRAP_PF);
	check("an LDT in the hypervisor's part", set_ldt((void *)M2P, 4), 0);
	check("is one too", (long)try(load_es, OF_LDT(1), 0), TRAP_PF);
	check("none again", set_ldt(NULL, 0), 0);
}

/* ---- Flags ---- */

#define IOPL_3     0x3000
#define FLAG_IF    0x200
#define FLAG_VM    0x20000
#define FLAG_NT    0x4000
#define FLAG_TF    0x100
#define FLAGS_RUNS 0x202

static void flags_of_processes(void)
{
	user_flags = FLAGS_RUNS | IOPL_3;
	check("an iret with I/O level 3: a process's cli", (long)in_user(do_cli, 0, 0), TRAP_GP);
	check("and its out", (long)in_user(do_out, 0, 0), TRAP_GP);
	user_flags = FLAGS_RUNS | FLAG_VM;
	check("no virtual 8086 mode", (long)in_user(do_nothing, 0, 0), TRAP_GP);
	user_flags = FLAGS_RUNS | FLAG_NT;
	check("a nested task is none", (long)in_user(do_nothing, 0, 0), BACK);
	user_flags = FLAGS_RUNS | FLAG_TF;
	check("a single step comes to the kernel", (long)in_user(do_nothing, 0, 0), 1);
	user_flags = 2;
	check("events off in a process are the kernel's affair", (long)in_user(do_nothing, 0, 0), BACK);
	user_flags = FLAGS_RUNS;
}

static void own_flags(void)
{
	unsigned long flags;

	__asm__ volatile("pushl %1; popfl; pushfl; popl %0" : "=r"(flags) : "i"(IOPL_3 | 2) : "cc");
	check("popf changes neither interrupts nor I/O level", (long)(flags & (IOPL_3 | FLAG_IF)), FLAG_IF);
	check("nor does iret", (long)try(iret_to, FLAT_KERNEL_CS, IOPL_3), 0);
	__asm__ volatile("pushfl; popl %0" : "=r"(flags));
	check("as flags show", (long)(flags & (IOPL_3 | FLAG_IF)), FLAG_IF);
}

void own_attempts(void)
{
	prepare_processes();
	check_instructions(rows, ARRAY(rows));
	own_descriptors();
	ldts();
	flags_of_processes();
	own_flags();
}

/* ---- What no guest survives ---- */

static void set_handler(unsigned vector, uint16_t cs)
{
	const struct trap_info traps[] = { { (uint8_t)vector, 0, cs, trap_entries[vector] }, { 0, 0, 0, 0 } };

	call(__HYPERVISOR_set_trap_table, (unsigned long)traps, 0, 0, 0, 0);
}

static void ring_0_handler(void)
{
	set_handler(TRAP_UD, RING_0_CS);
	do_ud2(0, 0);
}

static void ring_0_stack(void)
{
	prepare_processes();
	call(__HYPERVISOR_stack_switch, RING_0_SS, (unsigned long)trap_stack_end, 0, 0, 0);
	in_user(do_ud2, 0, 0);
}

/* By the hypercall. */
static void ring_0_iret(void)
{
	user_cs = RING_0_CS;
	in_user(do_nothing, 0, 0);
}

static const struct attack attacks[] = {
	{ "ring-0-handler", ring_0_handler },
	{ "ring-0-stack", ring_0_stack },
	{ "ring-0-iret", ring_0_iret },
};

const struct hostile hostile = {
	.wild = WORDS(wild),
	.counts = WORDS(counts),
	.edges = WORDS(edges),
	.nowhere = 0x12345000,
	.stack = 0xf5800100,
	.hypervisor = (void *)M2P,
	.attacks = attacks,
	.nr_attacks = ARRAY(attacks),
};
