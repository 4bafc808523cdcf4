/* SPDX-License-Identifier: MIT */
/* Exceptions, each as the signal that Linux makes of it; and port instructions. */
#define _GNU_SOURCE
#include "abi.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TRAP_DE, TRAP_DB, TRAP_BP = 3, TRAP_UD = 6, TRAP_GP = 13, TRAP_PF = 14, TRAP_MF = 16 };
enum { PF_PRESENT = 1, PF_WRITE = 2, PF_USER = 4, PF_FETCH = 16 };

static char *page; /* what the page-fault tests fault on */

static char *new_page(int prot)
{
	return mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* ---- Page faults ---- */

static void do_read(void)
{
	*(volatile char *)page;
}

static void do_write(void)
{
	*(volatile char *)page = 1;
}

static void do_call(void)
{
	((void (*)(void))page)();
}

static const char *not_mapped(void)
{
	struct caught c;

	page = new_page(PROT_READ);
	munmap(page, 4096);
	c = catch_signal(do_read);
	WANT(c.signo == SIGSEGV && c.code == SEGV_MAPERR);
	WANT(c.address == (uint64_t)page && c.trap == TRAP_PF && c.error == PF_USER);
	c = catch_signal(do_write);
	WANT(c.signo == SIGSEGV && c.error == (PF_USER | PF_WRITE));
	return NULL;
}

static const char *not_writable(void)
{
	struct caught c;

	page = new_page(PROT_READ);
	do_read();
	c = catch_signal(do_write);
	WANT(c.signo == SIGSEGV && c.code == SEGV_ACCERR);
	WANT(c.address == (uint64_t)page && c.error == (PF_USER | PF_WRITE | PF_PRESENT));
	return NULL;
}

static const char *not_executable(void)
{
	struct caught c;

	page = new_page(PROT_READ | PROT_WRITE);
	*page = (char)0xc3;
	c = catch_signal(do_call);
	WANT(c.signo == SIGSEGV && c.code == SEGV_ACCERR && c.rip == (uint64_t)page);
	WANT(c.error == (PF_USER | PF_FETCH | PF_PRESENT));
	mprotect(page, 4096, PROT_READ | PROT_EXEC);
	do_call();
	return NULL;
}

/* The kernel's half, and what a PV hypervisor must keep a process out of. */
static const char *kernel_addresses(void)
{
	static const uint64_t where[] = { 0xffffffff81000000, 0xffff888000000000, 0xffff810000000000,
					  0xffff820000000000, 0xffff87fffffff000 };

	for (unsigned i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
		struct caught c;

		page = (char *)where[i];
		c = catch_signal(do_read);
		if (c.signo != SIGSEGV || c.address != where[i])
			return complain("%lx: signal %d at %lx", where[i], c.signo, c.address);
		c = catch_signal(do_write);
		if (c.signo != SIGSEGV)
			return complain("%lx was written", where[i]);
	}
	return NULL;
}

static const char *not_canonical(void)
{
	struct caught c;

	page = (char *)0x8000000000000000;
	c = catch_signal(do_read);
	WANT(c.signo == SIGSEGV && c.trap == TRAP_GP && c.address == 0);
	return NULL;
}

/* ---- Other exceptions ---- */

#define INSTRUCTION(name, text)                                                                                        \
	static void name(void)                                                                                         \
	{                                                                                                              \
		__asm__ volatile(text ::: "rax", "rcx", "rdx", "memory");                                              \
	}

INSTRUCTION(do_divide, "xorl %%ecx, %%ecx; movl $1, %%eax; cltd; idivl %%ecx")
INSTRUCTION(do_ud2, "ud2")
INSTRUCTION(do_int3, "int3")
INSTRUCTION(do_int_3, ".byte 0xcd, 3")
INSTRUCTION(do_int_81, "int $0x81")
INSTRUCTION(do_int_e, "int $14")
INSTRUCTION(do_hlt, "hlt")
INSTRUCTION(do_cli, "cli")
INSTRUCTION(do_rdmsr, "movl $0xc0000080, %%ecx; rdmsr")
INSTRUCTION(do_mov_cr, "movq %%cr3, %%rax")
INSTRUCTION(do_mov_dr, "movq %%dr7, %%rax")
INSTRUCTION(do_lgdt, "subq $16, %%rsp; lgdt (%%rsp)")
INSTRUCTION(do_rdpmc, "xorl %%ecx, %%ecx; rdpmc")
INSTRUCTION(do_out, "movb $0, %%al; outb %%al, $0x80")
INSTRUCTION(do_x87, "fninit; pushq $0x37b; fldcw (%%rsp); addq $8, %%rsp; fldz; fld1; fdivp; fwait")

/* No SSE exception: QEMU's TCG, under which this has to pass natively too, raises none. */
static const char *exceptions(void)
{
	static const struct {
		const char *name;
		void (*fn)(void);
		int signo, code; /* code 0: not compared */
		uint64_t trap;
	} rows[] = {
		{ "division by zero", do_divide, SIGFPE, FPE_INTDIV, TRAP_DE },
		{ "ud2", do_ud2, SIGILL, ILL_ILLOPN, TRAP_UD },
		{ "int3", do_int3, SIGTRAP, SI_KERNEL, TRAP_BP },
		{ "int $3 of two bytes", do_int_3, SIGTRAP, SI_KERNEL, TRAP_BP },
		{ "int $0x81", do_int_81, SIGSEGV, SI_KERNEL, TRAP_GP },
		{ "int $14", do_int_e, SIGSEGV, SI_KERNEL, TRAP_GP },
		{ "hlt", do_hlt, SIGSEGV, SI_KERNEL, TRAP_GP },
		{ "cli", do_cli, SIGSEGV, SI_KERNEL, TRAP_GP },
		{ "rdmsr", do_rdmsr, SIGSEGV, SI_KERNEL, TRAP_GP },
		{ "mov from cr3", do_mov_cr, SIGSEGV, SI_KERNEL, TRAP_GP },
		{ "mov from dr7", do_mov_dr, SIGSEGV, SI_KERNEL, TRAP_GP },
		{ "lgdt", do_lgdt, SIGSEGV, SI_KERNEL, TRAP_GP },
		{ "rdpmc", do_rdpmc, SIGSEGV, SI_KERNEL, TRAP_GP },
		{ "out", do_out, SIGSEGV, SI_KERNEL, TRAP_GP },
		{ "x87 division by zero", do_x87, SIGFPE, FPE_FLTDIV, TRAP_MF },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct caught c = catch_signal(rows[i].fn);

		if (c.signo != rows[i].signo || (rows[i].code && c.code != rows[i].code) || c.trap != rows[i].trap)
			return complain("%s: signal %d, code %d, trap %lu", rows[i].name, c.signo, c.code, c.trap);
	}
	return NULL;
}

static const char *after_int3(void)
{
	static uint64_t next;
	struct caught c;

	__asm__ volatile("leaq 1f(%%rip), %0; jmp 2f; 1: .byte 0; 2:" : "=r"(next));
	c = catch_signal(do_int3);
	WANT(((const uint8_t *)c.rip)[-1] == 0xcc);
	return NULL;
}

/* ---- What survives a system call ---- */

static const char *registers_kept(void)
{
	uint64_t in[6] = { 0x1111, 0x2222, 0x3333, 0x4444, 0x5555, 0x6666 }, out[6], rax = SYS_getppid;

	__asm__ volatile("movq (%1), %%rbx; movq 8(%1), %%r12; movq 16(%1), %%r13; movq 24(%1), %%r14;"
			 "movq 32(%1), %%r8; movq 40(%1), %%r9; movq %2, %%r15; syscall;"
			 "movq %%rbx, (%%r15); movq %%r12, 8(%%r15); movq %%r13, 16(%%r15); movq %%r14, 24(%%r15);"
			 "movq %%r8, 32(%%r15); movq %%r9, 40(%%r15)"
			 : "+a"(rax)
			 : "r"(in), "r"(out)
			 : "rbx", "rcx", "r8", "r9", "r11", "r12", "r13", "r14", "r15", "memory");
	WANT(rax == (uint64_t)getppid());
	for (unsigned i = 0; i < 6; i++)
		WANT(in[i] == out[i]);
	return NULL;
}

/* rcx is the return address and r11 the flags; the direction flag lives on, and the interrupt flag reads as set. */
static const char *flags_kept(void)
{
	uint64_t rcx, r11, here, flags, rax = SYS_getppid;

	__asm__ volatile("std; syscall; 1: pushfq; popq %3; cld; leaq 1b(%%rip), %2; movq %%r11, %1"
			 : "+a"(rax), "=r"(r11), "=r"(here), "=r"(flags), "=c"(rcx)
			 :
			 : "r11", "memory");
	WANT(rcx == here);
	WANT((r11 & 0x400) && (flags & 0x400));
	WANT((flags & 0x200) && !(flags & 0x3000));
	return NULL;
}

static const char *flags_not_mine(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq; orq $0x43000, (%%rsp); andq $~0x200, (%%rsp); popfq; pushfq; popq %0;"
			 "pushfq; andq $~0x40000, (%%rsp); popfq"
			 : "=r"(flags)
			 :
			 : "memory", "cc");
	WANT((flags & 0x43200) == 0x40200);
	return NULL;
}

static const char *int80_of_64_bits(void)
{
	int rax = 20; /* getpid, by the 32-bit numbers */

	__asm__ volatile("int $0x80" : "+a"(rax) : : "r8", "r9", "r10", "r11", "memory");
	WANT(rax == getpid());
	return NULL;
}

/* Where the kernel has it at all: newer ones are built without. */
static bool has_vsyscall(void)
{
	static char line[256];
	FILE *maps = fopen("/proc/self/maps", "r");
	bool found = false;

	while (maps && !found && fgets(line, sizeof(line), maps))
		found = strstr(line, "[vsyscall]") != NULL;
	if (maps)
		fclose(maps);
	return found;
}

static const char *vsyscall(void)
{
	long (*vtime)(long *) = (long (*)(long *))0xffffffffff600400;
	long a = syscall(SYS_time, NULL), b;

	if (!has_vsyscall())
		return NULL;
	b = vtime(NULL);
	WANT(b - a >= 0 && b - a < 5);
	return NULL;
}

static void dump(void)
{
	struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };

	if (chdir("/tmp") || setrlimit(RLIMIT_CORE, &none))
		_exit(1);
	*(volatile int *)8 = 1;
}

static const char *core_dump(void)
{
	int status = in_child(dump), fd;
	char magic[4] = "";

	WANT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV && WCOREDUMP(status));
	fd = open("/tmp/core", O_RDONLY);
	WANT(fd >= 0 && read(fd, magic, 4) == 4 && magic[1] == 'E' && magic[3] == 'F');
	unlink("/tmp/core");
	return NULL;
}

const struct test trap_tests[] = {
	{ "a page that is not there", not_mapped },
	{ "a page that is not writable", not_writable },
	{ "a page that is not executable", not_executable },
	{ "the kernel's addresses", kernel_addresses },
	{ "an address that is not canonical", not_canonical },
	{ "exceptions, as their signals", exceptions },
	{ "int3 leaves rip behind itself", after_int3 },
	{ "registers over a system call", registers_kept },
	{ "flags over a system call", flags_kept },
	{ "flags that are the kernel's", flags_not_mine },
	{ "int $0x80 of a 64-bit process", int80_of_64_bits },
	{ "vsyscall", vsyscall },
	{ "a core dump", core_dump },
	{ 0 },
};

/* ---- Ports ---- */

/* 0x80 is where a POST code goes: it harms nobody. */
static const char *by_ioperm(void)
{
	struct caught c;

	WANT(!ioperm(0x80, 1, 1));
	c = catch_signal(do_out);
	WANT(c.signo == 0);
	WANT(!ioperm(0x80, 1, 0));
	c = catch_signal(do_out);
	WANT(c.signo == SIGSEGV);
	return NULL;
}

static const char *by_iopl(void)
{
	struct caught c;

	WANT(!iopl(3));
	c = catch_signal(do_out);
	WANT(c.signo == 0);
	WANT(!iopl(0));
	c = catch_signal(do_out);
	WANT(c.signo == SIGSEGV);
	return NULL;
}

/* A switch to a process that may and back must not leave the right behind. */
static const char *ioperm_is_ones_own(void)
{
	pid_t pid;

	WANT(!ioperm(0x80, 1, 1));
	pid = fork();
	WANT(pid >= 0);
	if (pid == 0) {
		ioperm(0x80, 1, 0);
		for (unsigned i = 0; i < 200; i++) {
			if (catch_signal(do_out).signo != SIGSEGV)
				_exit(1);
			syscall(SYS_sched_yield);
		}
		_exit(0);
	}
	for (unsigned i = 0; i < 200; i++) {
		WANT(catch_signal(do_out).signo == 0);
		syscall(SYS_sched_yield);
	}
	int status;
	WANT(waitpid(pid, &status, 0) == pid && status == 0);
	return NULL;
}

const struct test port_tests[] = {
	{ "ioperm", by_ioperm },
	{ "iopl", by_iopl },
	{ "ioperm is a process's own", ioperm_is_ones_own },
	{ 0 },
};
