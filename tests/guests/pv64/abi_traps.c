/* SPDX-License-Identifier: MIT */
/*
 * Exceptions, system calls and emulated instructions, in the guest's kernel and
 * in a process. Both run on the same tables: every page of a PV guest is ring 3's.
 */
#include "abi.h"
#include "instructions.h"

#include <xen/callback.h>
#include <xen/physdev.h>

static shared_info_t *shared;

/* ---- Single instructions ---- */

static void do_read_cr8(unsigned long a, unsigned long b)
{
	(void)a, (void)b;
	__asm__ volatile("mov %%cr8, %%rcx" ::: "rcx");
}

static void do_syscall(unsigned long a, unsigned long b)
{
	(void)b;
	__asm__ volatile("syscall" ::"a"(a), "d"(0x80) : "rcx", "rbx", "memory");
}

static const struct instruction rows[] = {
	{ "nothing", do_nothing, 0, 0, NONE, 32, NONE },
	{ "int3", do_int3, 0, 3, NONE, 3, NONE },
	{ "int $3", do_int_3, 0, 3, NONE, 3, NONE },
	{ "int $1, whose gate is not open", do_int_1, 0, TRAP_GP, 1 << 3 | 2, TRAP_GP, 1 << 3 | 2 },
	{ "int $0x20, whose gate is", do_int_20, 0, 32, NONE, 32, NONE },
	{ "int $0x21, without a handler", do_int_21, 0, TRAP_GP, 0x21 << 3 | 2, TRAP_GP, 0x21 << 3 | 2 },
	{ "int $0x80", do_int_80, 0, TRAP_GP, 0x80 << 3 | 2, TRAP_GP, 0x80 << 3 | 2 },
	{ "int $0x82", do_int_82, 0, TRAP_GP, 0x82 << 3 | 2, TRAP_GP, 0x82 << 3 | 2 },
	{ "into", do_into, 0, TRAP_UD, NONE, TRAP_UD, NONE },
	{ "ud2", do_ud2, 0, TRAP_UD, NONE, TRAP_UD, NONE },
	{ "a forced mov", do_forced_mov, 0, TRAP_UD, NONE, TRAP_UD, NONE },
	{ "a forced cpuid", do_forced_cpuid, 0, 0, NONE, 32, NONE },
	{ "a division by 0", do_divide, 0, TRAP_DE, NONE, TRAP_DE, NONE },
	{ "a selector beyond the table", do_load_ds, 0xfff8, TRAP_GP, 0xfff8, TRAP_GP, 0xfff8 },
	{ "a selector of an LDT that is not there", do_load_ds, 0x0c, TRAP_GP, 0x0c, TRAP_GP, 0x0c },
	{ "a stack segment that is null", do_load_ss, 0, TRAP_GP, 0, TRAP_GP, 0 },
	{ "a read of what is not mapped", do_read, 0x10, TRAP_PF, 0, TRAP_PF, 4 },
	{ "a write of what is not mapped", do_write, 0x10, TRAP_PF, 2, TRAP_PF, 6 },
	{ "a write of the machine-to-physical table", do_write, 0xffff800000000000, TRAP_PF, 3, TRAP_PF, 7 },
	{ "an address that is none", do_read, 0x8000000000000000, TRAP_GP, 0, TRAP_GP, 0 },
	{ "a jump to what is not mapped", do_jump, 0x10, TRAP_PF, 0x10, TRAP_PF, 0x14 },
	{ "cli", do_cli, 0, TRAP_GP, 0, TRAP_GP, 0 },
	{ "sti", do_sti, 0, TRAP_GP, 0, TRAP_GP, 0 },
	{ "out", do_out, 0, TRAP_GP, 0, TRAP_GP, 0 },
	{ "in", do_in, 0, TRAP_GP, 0, TRAP_GP, 0 },
	{ "invlpg", do_invlpg, 0, TRAP_GP, 0, TRAP_GP, 0 },
	{ "lgdt", do_lgdt, 0, TRAP_GP, 0, TRAP_GP, 0 },
	{ "ltr", do_ltr, 0, TRAP_GP, 0, TRAP_GP, 0 },
	{ "a read of cr3", do_read_cr3, 0, 0, NONE, TRAP_GP, 0 },
	{ "a read of cr8", do_read_cr8, 0, TRAP_GP, 0, TRAP_GP, 0 },
	{ "cr0 as it is", do_mov_cr0, 0, 0, NONE, TRAP_GP, 0 },
	{ "cr0 with another bit", do_mov_cr0, 1 << 16, TRAP_GP, 0, TRAP_GP, 0 },
	{ "clts", do_clts, 0, 0, NONE, TRAP_GP, 0 },
	{ "a bad dr7", do_write_dr7, 0x2000, TRAP_GP, 0, TRAP_GP, 0 },
	{ "dr7 as it is", do_write_dr7, 0x400, 0, NONE, TRAP_GP, 0 },
	{ "an MSR that is none", do_rdmsr, 0x12345, TRAP_GP, 0, TRAP_GP, 0 },
	{ "a write to it", do_wrmsr, 0x12345, TRAP_GP, 0, TRAP_GP, 0 },
	{ "the time stamp by rdmsr", do_rdmsr, 0x10, 0, NONE, TRAP_GP, 0 },
	{ "platform information", do_rdmsr, 0xce, 0, NONE, TRAP_GP, 0 },
	{ "wbinvd", do_wbinvd, 0, 0, NONE, TRAP_GP, 0 },
	{ "rdtsc", do_rdtsc, 0, 0, NONE, 32, NONE },
	{ "hlt, of a process", do_hlt, 0, NONE, NONE, TRAP_GP, 0 },
};

static void frames(void)
{
	debug_hits = 0;
	check("icebp", (long)try(do_icebp, 0, 0), 0);
	check("icebp needs no open gate", (long)debug_hits, 1);
	try(do_read, 0x123456, 0);
	check("the address of a fault", (long)shared->vcpu_info[0].arch.cr2, 0x123456);
	check("a frame of the kernel's has its selector in ring 0", (long)(trap_cs & 3), 0);
	in_user(do_ud2, 0, 0);
	check("a frame of a process's has it in ring 3", (long)(trap_cs & 3), 3);
	check("a process runs with interrupts on", (long)(trap_flags >> 9 & 1), 1);
	call(__HYPERVISOR_fpu_taskswitch, 1, 0, 0, 0, 0);
	check("TS set: the FPU is not available", (long)try(do_fnop, 0, 0), TRAP_NM);
	check("once", (long)try(do_fnop, 0, 0), 0);
}

/* ---- Model-specific registers ---- */

static uint64_t msr_value;

static void write_msr(unsigned long msr, unsigned long value)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static void read_msr(unsigned long msr, unsigned long b)
{
	uint32_t low, high;

	(void)b;
	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	msr_value = (uint64_t)high << 32 | low;
}

static uint32_t cpuid_word(uint32_t leaf, unsigned reg)
{
	uint32_t out[4] = { leaf, 0, 0, 0 };

	__asm__ volatile("ud2a; .ascii \"xen\"; cpuid" : "+a"(out[0]), "=b"(out[1]), "+c"(out[2]), "=d"(out[3]));
	return out[reg];
}

#define MSR_TSC_AUX 0xc0000103

static void tsc_aux(void)
{
	bool there = cpuid_word(0x80000001, 3) >> 27 & 1 || (cpuid_word(0, 0) >= 7 && cpuid_word(7, 2) >> 22 & 1);

	check("TSC_AUX is there as the CPU has it", (long)try(write_msr, MSR_TSC_AUX, 5), there ? 0 : TRAP_GP);
	check("it is of 32 bits", (long)try(write_msr, MSR_TSC_AUX, 1ul << 32), TRAP_GP);
	msr_value = 5;
	check("it is read", (long)try(read_msr, MSR_TSC_AUX, 0), there ? 0 : TRAP_GP);
	check("as it was written", (long)msr_value, 5);
}

static void hypercalls_by_msr(void)
{
	uint32_t msr = cpuid_word(0x40000002, 1);
	uint64_t page = mfn_of(spare[2]) << 12;
	long (*version)(long cmd, long arg) = (void *)(spare[2] + __HYPERVISOR_xen_version * 32);

	check("one kind of page of hypercalls", (long)cpuid_word(0x40000002, 0), 1);
	check("its MSR reads as 0", (long)try(read_msr, msr, 0) | (long)msr_value, 0);
	check("it makes one", (long)try(write_msr, msr, page), 0);
	check("through which to call", version(XENVER_version, 0), call(__HYPERVISOR_xen_version, 0, 0, 0, 0, 0));
	check("no second kind", (long)try(write_msr, msr, page | 1), TRAP_GP);
	check("not of a page table", (long)try(write_msr, msr, mfn_of((void *)start_info->pt_base) << 12), TRAP_GP);
	check("nor of the hypervisor's memory", (long)try(write_msr, msr, PARAVISOR), TRAP_GP);
	check("nor of a process", (long)in_user(write_msr, msr, page), TRAP_GP);
}

static void registers(void)
{
	check("MISC_ENABLE, written", (long)try(write_msr, 0x1a0, 0), 0);
	check("PERF_CAPABILITIES: none", (long)try(read_msr, 0x345, 0) | (long)msr_value, 0);
	check("a write to it", (long)try(write_msr, 0x345, 0), TRAP_GP);
	check("LSTAR", (long)try(read_msr, 0xc0000082, 0), TRAP_GP);
	check("a write to EFER", (long)try(write_msr, 0xc0000080, 0), TRAP_GP);
	check("a base that is no address", (long)try(write_msr, 0xc0000100, 0x8000000000000000), TRAP_GP);
	tsc_aux();
	hypercalls_by_msr();
}

/* ---- I/O privilege ---- */

static void set_iopl(uint32_t level)
{
	struct physdev_set_iopl op = { level };

	call(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, P(op), 0, 0, 0);
}

static void levels(void)
{
	static uint8_t bitmap[8192];
	struct physdev_set_iobitmap ports = { .bitmap = { bitmap }, .nr_ports = 0x100 };

	set_iopl(1);
	check("I/O level 1: the kernel's cli", (long)try(do_cli, 0, 0), 0);
	check("I/O level 1: the kernel's out", (long)try(do_out, 0, 0), 0);
	check("I/O level 1: a process's out", (long)in_user(do_out, 0, 0), TRAP_GP);
	set_iopl(3);
	check("I/O level 3: a process's cli", (long)in_user(do_cli, 0, 0), 32);
	check("I/O level 3: a process's out", (long)in_user(do_out, 0, 0), 32);
	set_iopl(0);
	check("a bitmap of ports", call(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap, P(ports), 0, 0, 0), 0);
	check("a port that it allows", (long)in_user(do_out, 0, 0), 32);
	bitmap[0x10] = 1;
	check("a port that it does not", (long)in_user(do_out, 0, 0), TRAP_GP);
	ports.nr_ports = 0x82;
	bitmap[0x10] = 0;
	call(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap, P(ports), 0, 0, 0);
	check("an access that ends beyond it", (long)in_user(do_in, 0, 0), TRAP_GP);
	ports.nr_ports = 0;
	call(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap, P(ports), 0, 0, 0);
}

/* ---- Strings of ports ---- */

static volatile struct {
	unsigned long at, left; /* %rdi or %rsi, and %rcx, when they ended or faulted */
} string;

#define STRING(name, insn, reg)                                                                                        \
	static void name(unsigned long a, unsigned long b)                                                             \
	{                                                                                                              \
		string.at = a;                                                                                         \
		string.left = b;                                                                                       \
		__asm__ volatile(insn "; cld" : "+" reg(a), "+c"(b) : "d"(0x80) : "memory");                           \
		string.at = a;                                                                                         \
		string.left = b;                                                                                       \
	}
STRING(do_insb, "insb", "D")
STRING(do_rep_insl, "rep insl", "D")
STRING(do_rep_insl_down, "std; rep insl", "D")
STRING(do_rep_insw_short, "addr32 rep insw", "D")
STRING(do_rep_outsb, "rep outsb", "S")
STRING(do_outsl_fs, "fs outsl", "S")

static void clear(uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((volatile uint8_t *)at)[i] = 0;
}

static long ones(const uint8_t *at)
{
	long n = 0;

	while (at[n] == 0xff)
		n++;
	return n;
}

static void string_refused(void)
{
	check("rep outsb without a right to the port", (long)try(do_rep_outsb, P(spare[0]), 3), TRAP_GP);
	check("rep insl of none needs none", (long)try(do_rep_insl, P(spare[0]), 0), 0);
	check("a process's insb", (long)in_user(do_insb, P(spare[0]), 1), TRAP_GP);
}

static void string_done(void)
{
	clear(spare[0], sizeof(spare[0]));
	check("insb", (long)try(do_insb, P(spare[0]), 7), 0);
	check("a byte of ones", ones(spare[0]), 1);
	check("one further, and the count as it was", string.at == P(spare[0][1]) && string.left == 7, 1);
	check("rep insl", (long)try(do_rep_insl, P(spare[0]), 3), 0);
	check("twelve bytes", ones(spare[0]), 12);
	check("and to the count's end", string.at == P(spare[0][12]) && !string.left, 1);
	clear(spare[0], 12);
	check("downwards", (long)try(do_rep_insl_down, P(spare[0][8]), 2), 0);
	check("leaves the first", ones(spare[0] + 4) == 8 && !spare[0][3], 1);
	check("more than is done at once", (long)try(do_rep_outsb, P(spare[0]), 4000), 0);
	check("to its end", string.at == P(spare[0][4000]) && !string.left, 1);
	check("of an %fs of 0", (long)try(do_outsl_fs, P(spare[0]), 1), 0);
}

static void string_faults(void)
{
	uint64_t pte = pte_of(spare[1]);

	map_at(spare[1], 0);
	check("outsb from what is not mapped", (long)try(do_rep_outsb, P(spare[1]), 1), TRAP_PF);
	check("its error", (long)trap_error, 0);
	check("insl across a page's end", (long)in_user(do_rep_insl, P(spare[1]) - 6, 3), TRAP_PF);
	check("its error, as a process's", (long)trap_error, 6);
	check("where it is missing", (long)shared->vcpu_info[0].arch.cr2, (long)P(spare[1]));
	map_at(spare[1], pte);
	check("what there was memory for is done", ones(spare[1] - 6) >= 4, 1);
	check("a 32-bit address", (long)try(do_rep_insw_short, 0x7000000000 | 0x123456, 1), TRAP_PF);
	check("is cut", (long)shared->vcpu_info[0].arch.cr2, 0x123456);
	check("an address that is none", (long)try(do_rep_insl, 0x8000000000000000, 1), TRAP_GP);
	check("one of the hypervisor", (long)try(do_rep_insl, 0xffff820000000000, 1), TRAP_GP);
}

static void strings(void)
{
	string_refused();
	set_iopl(3);
	string_done();
	string_faults();
	set_iopl(0);
}

/* ---- The trap flag, over an instruction that is done for the guest ---- */

static void do_step(unsigned long a, unsigned long b)
{
	(void)a, (void)b;
	__asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq; clts; pushfq; andl $~0x100, (%%rsp); popfq" ::: "memory");
}

static void single_step(void)
{
	call(__HYPERVISOR_set_debugreg, 6, 0, 0, 0, 0);
	debug_hits = 0;
	check("clts with the trap flag", (long)try(do_step, 0, 0), 0);
	check("each instruction traps, and it too", (long)debug_hits, 4);
	check("and DR6 says so", call(__HYPERVISOR_get_debugreg, 6, 0, 0, 0, 0) >> 14 & 1, 1);
	call(__HYPERVISOR_set_debugreg, 6, 0xffff0ff0, 0, 0, 0);
}

/* The other way: the level is that of the flags which iret returns to. */
static void architectural(void)
{
	check("architectural_iopl",
	      call(__HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_architectural_iopl, 0, 0, 0), 0);
	check("the kernel may always", (long)try(do_cli, 0, 0), 0);
	check("a process of level 0 may not", (long)in_user(do_cli, 0, 0), TRAP_GP);
	user_flags = 0x3202;
	check("a process of level 3 may", (long)in_user(do_cli, 0, 0), 32);
	in_user(do_ud2, 0, 0);
	check("and its frames say so", (long)(trap_flags >> 12 & 3), 3);
	syscalls_seen = 0;
	in_user(do_syscall, 0, 0);
	check("its system calls come too", (long)syscalls_seen, 1);
	user_flags = 0x202;
	in_user(do_nothing, 0, 0);
	call(__HYPERVISOR_vm_assist, VMASST_CMD_disable, VMASST_TYPE_architectural_iopl, 0, 0, 0);
	set_iopl(0);
}

/* ---- System calls ---- */

static uint64_t answer;

static void ask_kernel(uint64_t nr, uint64_t b)
{
	uint64_t ret = nr;

	(void)b;
	__asm__ volatile("syscall" : "+a"(ret) : : "rcx", "r11", "memory");
	answer = ret;
}

static void system_calls(void)
{
	struct callback_register none = { CALLBACKTYPE_syscall, 0, 0 },
				 back = { CALLBACKTYPE_syscall, 0, (unsigned long)syscall_entry };

	syscalls_seen = 0;
	check("a process's system call", (long)in_user(ask_kernel, 21, 0), 32);
	check("it came to the kernel", (long)syscalls_seen, 1);
	check("and its answer back", (long)answer, 42);
	in_user(ask_kernel, __HYPERVISOR_sched_op, 0);
	check("a process makes no hypercalls", (long)answer, 2 * __HYPERVISOR_sched_op);
	call(__HYPERVISOR_callback_op, CALLBACKOP_register, P(none), 0, 0, 0);
	check("without a callback the instruction is invalid", (long)in_user(do_syscall, 0, 0), TRAP_UD);
	check("and that is where it stands", *(uint16_t *)trap_ip, 0x050f);
	call(__HYPERVISOR_callback_op, CALLBACKOP_register, P(back), 0, 0, 0);
}

/* ---- Returns that fail: the process gets the exception ---- */

static void bad_returns(void)
{
	user_cs = 0xfffb;
	check("a return to a bad code selector", (long)in_user(do_nothing, 0, 0), TRAP_GP);
	check("its error code", (long)trap_error, 0xfff8);
	user_cs = FLAT_USER_CS;
	user_ss = 0xfffb;
	check("a return to a bad stack selector", (long)in_user(do_nothing, 0, 0), TRAP_GP);
	check("that one's", (long)trap_error, 0xfff8);
	user_ss = FLAT_USER_SS;
	check("a good one after them", (long)in_user(do_nothing, 0, 0), 32);
	check("no failsafe callback was needed", (long)failsafes_seen, 0);
}

/* ---- An LDT whose second page is not mapped: taken all the same, and a fault when it is used ---- */

static void descriptors(void)
{
	uint64_t *ldt = (uint64_t *)spare[0], first = pte_of(spare[0]), second = pte_of(spare[1]);
	struct mmuext_op op = { .cmd = MMUEXT_SET_LDT, .arg1.linear_addr = (uint64_t)ldt, .arg2.nr_ents = 1024 };

	ldt[0] = ldt[1] = ldt[512] = 0x00cff3000000ffff;
	map_at(spare[0], first & ~PTE_W);
	map_at(spare[1], 0);
	check("an LDT that is half there", call(__HYPERVISOR_mmuext_op, P(op), 1, 0, DOMID_SELF, 0), 0);
	check("its first page can be used", (long)try(do_load_ds, 1 << 3 | 7, 0), 0);
	check("its second faults", (long)try(do_load_ds, 512 << 3 | 7, 0), TRAP_PF);
	check("at the guest's address", (long)shared->vcpu_info[0].arch.cr2, (long)(spare[1]));
	map_at(spare[1], second & ~PTE_W);
	check("mapped then, it can be used", (long)try(do_load_ds, 512 << 3 | 7, 0), 0);
	try(do_load_ds, 0, 0);
	op.arg2.nr_ents = 0;
	check("no LDT again", call(__HYPERVISOR_mmuext_op, P(op), 1, 0, DOMID_SELF, 0), 0);
	check("then its selectors are bad", (long)try(do_load_ds, 1 << 3 | 7, 0), TRAP_GP);
	map_at(spare[0], first);
	map_at(spare[1], second);
}

void check_traps(void)
{
	struct mmuext_op user = { .cmd = MMUEXT_NEW_USER_BASEPTR, .arg1.mfn = mfn_of((void *)start_info->pt_base) };
	static uint8_t kernel_stack[8192] __attribute__((aligned(16)));

	shared = (shared_info_t *)spare[3];
	check("processes may run on the kernel's tables", call(__HYPERVISOR_mmuext_op, P(user), 1, 0, DOMID_SELF, 0),
	      0);
	call(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS, (uint64_t)kernel_stack + sizeof(kernel_stack), 0, 0, 0);
	set_traps();
	set_iopl(0);
	check_instructions(rows, ARRAY(rows));
	frames();
	registers();
	levels();
	strings();
	single_step();
	system_calls();
	architectural();
	bad_returns();
	descriptors();
}
