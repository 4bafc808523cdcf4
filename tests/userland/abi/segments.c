/* SPDX-License-Identifier: MIT */
/* Segments: the bases of %fs and %gs, an LDT, 32-bit code inside a 64-bit process, and frames that no return accepts.
 */
#define _GNU_SOURCE
#include "abi.h"

#include <asm/ldt.h>
#include <asm/prctl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/wait.h>
#include <unistd.h>

enum { YIELDS = 300, HAS_FSGSBASE = 2, LDT_SELECTOR = 7, SEL_CODE32 = 0x23, SEL_DATA = 0x2b, SEL_CODE64 = 0x33 };

static uint64_t words[2] = { 0x1122334455667788, 0x8877665544332211 };

static uint64_t at_gs(void)
{
	uint64_t word;

	__asm__ volatile("movq %%gs:0, %0" : "=r"(word));
	return word;
}

static void load_gs(uint16_t selector)
{
	__asm__ volatile("movw %0, %%gs" ::"r"(selector));
}

static uint16_t gs(void)
{
	uint16_t selector;

	__asm__ volatile("movw %%gs, %0" : "=r"(selector));
	return selector;
}

static void set_gs_prctl(uint64_t base)
{
	syscall(SYS_arch_prctl, ARCH_SET_GS, base);
}

static void set_gs_instruction(uint64_t base)
{
	__asm__ volatile("wrgsbase %0" ::"r"(base));
}

static const char *keeps_word(uint64_t word)
{
	for (unsigned i = 0; i < YIELDS; i++) {
		if (at_gs() != word)
			return complain("after %u switches it reads %lx", i, at_gs());
		syscall(SYS_sched_yield);
	}
	return NULL;
}

/* Two processes on one processor, each with a base of its own. */
static const char *bases(void (*set)(uint64_t))
{
	uint64_t base = 1;
	const char *said;
	pid_t pid;
	int status;

	WANT(move_to(0));
	pid = fork();
	set((uint64_t)&words[pid == 0]);
	said = keeps_word(words[pid == 0]);
	if (pid == 0)
		_exit(said != NULL);
	WANT(waitpid(pid, &status, 0) == pid && status == 0);
	WANT(!syscall(SYS_arch_prctl, ARCH_GET_GS, &base) && base == (uint64_t)&words[0]);
	return said;
}

static const char *bases_by_prctl(void)
{
	return bases(set_gs_prctl);
}

/* Where the CPU and the kernel have it; a kernel that says so must mean it. */
static const char *bases_by_instruction(void)
{
	return getauxval(AT_HWCAP2) & HAS_FSGSBASE ? bases(set_gs_instruction) : NULL;
}

static const char *selectors(void)
{
	load_gs(SEL_DATA);
	for (unsigned i = 0; i < YIELDS; i++) {
		WANT(gs() == SEL_DATA);
		syscall(SYS_sched_yield);
	}
	load_gs(0);
	set_gs_prctl((uint64_t)words);
	WANT(at_gs() == words[0] && gs() == 0);
	return NULL;
}

/* ---- LDT ---- */

static bool set_ldt(void *base, bool present)
{
	struct user_desc desc = { .entry_number = 0,
				  .base_addr = (unsigned)(uint64_t)base,
				  .limit = 0xfff,
				  .seg_32bit = 1,
				  .useable = 1,
				  .seg_not_present = !present,
				  .read_exec_only = !present };

	return syscall(SYS_modify_ldt, 0x11, &desc, sizeof(desc)) == 0;
}

static uint64_t *low_page(void)
{
	uint64_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	return page == MAP_FAILED ? NULL : page;
}

static const char *ldt(void)
{
	uint64_t *page = low_page();
	pid_t pid;
	int status;

	WANT(page && move_to(0));
	page[0] = 0xabcdef;
	WANT(set_ldt(page, true));
	load_gs(LDT_SELECTOR);
	WANT(!keeps_word(0xabcdef));
	pid = fork(); /* the child has a copy of its own */
	if (pid == 0) {
		page[0] = 0x123456;
		_exit(keeps_word(0x123456) != NULL);
	}
	WANT(!keeps_word(0xabcdef));
	WANT(waitpid(pid, &status, 0) == pid && status == 0);
	return NULL;
}

static void do_load_gs(void)
{
	load_gs(LDT_SELECTOR);
}

/* An entry that goes while it is loaded: switches must not stumble over it, and it loads no more. */
static const char *ldt_entry_gone(void)
{
	uint64_t *page = low_page();

	WANT(page && set_ldt(page, true));
	load_gs(LDT_SELECTOR);
	WANT(set_ldt(page, false));
	for (unsigned i = 0; i < 10; i++)
		usleep(1000);
	WANT(gs() == LDT_SELECTOR || gs() == 0);
	WANT(catch_signal(do_load_gs).signo); /* SIGBUS where it is kept as not present, SIGSEGV where it is empty */
	return NULL;
}

/* ---- 32-bit code in a 64-bit process ---- */

/* By far jumps: QEMU's TCG gets a far return wrong natively, where the CPU has SMAP. */
static const char *far_to_32_bits(void)
{
	static const uint8_t code[] = { 0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xea }; /* mov $20, %eax; int $0x80; ljmp */
	uint8_t *page =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct {
		uint32_t at;
		uint16_t selector;
	} __attribute__((packed)) there, *back = (void *)(page + sizeof(code));
	static uint64_t sp;
	int rax;

	WANT(page != MAP_FAILED);
	memcpy(page, code, sizeof(code));
	there.at = (uint32_t)(uint64_t)page;
	there.selector = SEL_CODE32;
	back->selector = SEL_CODE64;
	__asm__ volatile("leaq 1f(%%rip), %%rax; movl %%eax, (%2); movq %%rsp, %0; ljmpl *%3; 1: movq %0, %%rsp"
			 : "+m"(sp), "=&a"(rax)
			 : "r"(back), "m"(there)
			 : "rcx", "rdx", "r8", "r9", "r10", "r11", "memory");
	WANT(rax == getpid());
	return NULL;
}

/* ---- Frames that cannot be returned to ---- */

static int spoil_at;
static uint64_t spoil_with, spoil_mask;

static void on_usr1(int signo, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	uint64_t *reg = (uint64_t *)&u->uc_mcontext.gregs[spoil_at];

	(void)signo, (void)info;
	*reg = (*reg & ~spoil_mask) | spoil_with;
}

static void do_usr1(void)
{
	raise(SIGUSR1);
}

static const char *spoiled_frames(void)
{
	static const struct {
		const char *name;
		int at;
		uint64_t mask, with;
	} rows[] = {
		{ "cs 3", REG_CSGSFS, 0xffff, 3 },
		{ "cs of data", REG_CSGSFS, 0xffff, SEL_DATA },
		{ "cs in no LDT", REG_CSGSFS, 0xffff, 0x47 },
		{ "cs past the GDT", REG_CSGSFS, 0xffff, 0xfffb },
		{ "ss of code", REG_CSGSFS, 0xffffull << 48, (uint64_t)SEL_CODE64 << 48 },
		{ "ss in no LDT", REG_CSGSFS, 0xffffull << 48, 0x47ull << 48 },
		{ "rip not canonical", REG_RIP, ~0ull, 0x8000000000000000 },
		{ "rip just past the end", REG_RIP, ~0ull, 0x800000000000 },
		{ "rip of the kernel", REG_RIP, ~0ull, 0xffffffff81000000 },
		{ "rip of a hypervisor", REG_RIP, ~0ull, 0xffff830000000000 },
	};
	struct sigaction action = { .sa_sigaction = on_usr1, .sa_flags = SA_SIGINFO };

	sigaction(SIGUSR1, &action, NULL);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct caught c;

		spoil_at = rows[i].at;
		spoil_mask = rows[i].mask;
		spoil_with = rows[i].with;
		c = catch_signal(do_usr1);
		if (c.signo != SIGSEGV && c.signo != SIGBUS)
			return complain("%s: signal %d", rows[i].name, c.signo);
	}
	return NULL;
}

const struct test segment_tests[] = {
	{ "%gs bases by arch_prctl, over switches", bases_by_prctl },
	{ "%gs bases by wrgsbase, over switches", bases_by_instruction },
	{ "a selector in %gs, over switches", selectors },
	{ "an LDT, over switches and fork", ldt },
	{ "an LDT entry taken away", ldt_entry_gone },
	{ "32-bit code in a 64-bit process", far_to_32_bits },
	{ "frames that cannot be returned to", spoiled_frames },
	{ 0 },
};
