/* SPDX-License-Identifier: MIT */
/*
 * The costs of what a kernel is asked all day: a null system call, a page
 * fault, a fork, a pipe, a signal. It runs as a machine's only process,
 * prints `NAME TICKS` lines, ticks of the time stamp counter for one of each,
 * and powers off. Under QEMU's -icount a tick is an instruction, so the lines
 * of two kernels, or of one kernel on two hypervisors, can be held side by
 * side (bench/run pv).
 *
 * Each is done in batches, and the cheapest batch counts: the others had a
 * timer interrupt in them, or the first use of something.
 */
#include "sys.h"

#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/mman.h>
#include <linux/reboot.h>
#include <stdbool.h>
#include <stdint.h>

#define BATCHES 12

static uint64_t now(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

/* Whatever fails ends the measurement: pid 1 gone is a panic, which nobody takes for a figure. */
static long must(long result)
{
	if (result < 0)
		sys_exit(1);
	return result;
}

/* ---- What is measured: each returns the ticks of one, over a batch ------- */

#define CALLS 1000

static uint64_t null_call(void)
{
	uint64_t begin = now();

	for (unsigned i = 0; i < CALLS; i++)
		syscall5(__NR_getppid, 0, 0, 0, 0, 0);
	return (now() - begin) / CALLS;
}

#define PAGES 256
#define PAGE  4096ul

/* With mmap's sixth argument, which is more than syscall5() has. */
static char *fresh_pages(void)
{
	register long flags __asm__("r10") = MAP_PRIVATE | MAP_ANONYMOUS;
	register long fd __asm__("r8") = -1;
	register long offset __asm__("r9") = 0;
	long at;

	__asm__ volatile("syscall"
			 : "=a"(at)
			 : "a"(__NR_mmap), "D"(0), "S"(PAGES * PAGE), "d"(PROT_READ | PROT_WRITE), "r"(flags), "r"(fd),
			   "r"(offset)
			 : "rcx", "r11", "memory");
	must(at);
	must(syscall5(__NR_madvise, at, PAGES * PAGE, MADV_NOHUGEPAGE, 0, 0)); /* PV has no others */
	return (char *)at;
}

static uint64_t touch(bool with_unmap)
{
	char *at = fresh_pages();
	uint64_t begin = now(), ticks;

	for (unsigned i = 0; i < PAGES; i++)
		*(volatile char *)(at + i * PAGE) = 1;
	ticks = now() - begin;
	must(syscall5(__NR_munmap, (long)at, PAGES * PAGE, 0, 0, 0));
	return (with_unmap ? now() - begin : ticks) / PAGES;
}

static uint64_t fault(void)
{
	return touch(false);
}

static uint64_t fault_unmap(void)
{
	return touch(true);
}

static void wait_for(long pid)
{
	must(syscall5(__NR_wait4, pid, 0, 0, 0, 0));
}

#define FORKS 10

static uint64_t fork_exit_wait(void)
{
	uint64_t begin = now();

	for (unsigned i = 0; i < FORKS; i++) {
		long pid = must(syscall5(__NR_fork, 0, 0, 0, 0, 0));

		if (!pid)
			sys_exit(0);
		wait_for(pid);
	}
	return (now() - begin) / FORKS;
}

static uint64_t fork_exec_wait(void)
{
	static const char *const args[] = { "/init", NULL };
	uint64_t begin = now();

	for (unsigned i = 0; i < FORKS; i++) {
		long pid = must(syscall5(__NR_fork, 0, 0, 0, 0, 0));

		if (!pid) {
			syscall5(__NR_execve, (long)args[0], (long)args, (long)(args + 1), 0, 0);
			sys_exit(1);
		}
		wait_for(pid);
	}
	return (now() - begin) / FORKS;
}

#define ROUNDS 200

static void echo_bytes(int from, int to)
{
	char byte;

	while (sys_read(from, &byte, 1) == 1)
		sys_write(to, &byte, 1);
	sys_exit(0);
}

/* A byte to another process and back. */
static uint64_t pipe_ping_pong(void)
{
	int there[2], back[2];
	uint64_t ticks;
	char byte = 0;
	long pid;

	must(syscall5(__NR_pipe, (long)there, 0, 0, 0, 0));
	must(syscall5(__NR_pipe, (long)back, 0, 0, 0, 0));
	pid = must(syscall5(__NR_fork, 0, 0, 0, 0, 0));
	if (!pid) {
		sys_close(there[1]);
		echo_bytes(there[0], back[1]);
	}
	ticks = now();
	for (unsigned i = 0; i < ROUNDS; i++) {
		must(sys_write(there[1], &byte, 1));
		must(sys_read(back[0], &byte, 1));
	}
	ticks = now() - ticks;
	for (unsigned i = 0; i < 2; i++) {
		sys_close(there[i]);
		sys_close(back[i]);
	}
	wait_for(pid);
	return ticks / ROUNDS;
}

/* The kernel's, not a C library's: with the function that a handler returns to. */
struct action {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	unsigned long mask;
};

static volatile unsigned signals;

static void count_signal(int number)
{
	signals += (unsigned)number / SIGUSR1;
}

void signal_return(void);
__asm__("signal_return:\n"
	"	mov $15, %eax\n" /* rt_sigreturn */
	"	syscall\n");

static uint64_t signal_self(void)
{
	struct action action = { count_signal, SA_RESTORER, signal_return, 0 };
	long pid = syscall5(__NR_getpid, 0, 0, 0, 0, 0);
	uint64_t begin;

	must(syscall5(__NR_rt_sigaction, SIGUSR1, (long)&action, 0, sizeof(action.mask), 0));
	signals = 0;
	begin = now();
	for (unsigned i = 0; i < ROUNDS; i++)
		must(syscall5(__NR_kill, pid, SIGUSR1, 0, 0, 0));
	begin = now() - begin;
	must(signals == ROUNDS ? 0 : -1);
	return begin / ROUNDS;
}

static const struct {
	const char *name;
	uint64_t (*batch)(void);
} operations[] = {
	{ "syscall", null_call },   { "fault", fault },         { "fault-unmap", fault_unmap },
	{ "fork", fork_exit_wait }, { "exec", fork_exec_wait }, { "pipe", pipe_ping_pong },
	{ "signal", signal_self },
};

#define COUNT (sizeof(operations) / sizeof(operations[0]))

/* ---- Saying it ----------------------------------------------------------- */

static void say(const char *name, uint64_t ticks)
{
	char line[64], digits[20];
	size_t len = 0, n = 0;

	for (const char *s = "pv-bench: "; *s; s++)
		line[len++] = *s;
	while (*name)
		line[len++] = *name++;
	line[len++] = ' ';
	do
		digits[n++] = (char)('0' + ticks % 10);
	while (ticks /= 10);
	while (n)
		line[len++] = digits[--n];
	line[len++] = '\n';
	sys_write(1, line, len);
}

static uint64_t cheapest(uint64_t (*batch)(void))
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < BATCHES; i++) {
		uint64_t ticks = batch();

		least = ticks < least ? ticks : least;
	}
	return least;
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* Words of the kernel's command line that it does not know are init's: of those that name an operation, only it. */
static bool wanted(const char *name, char *const *words)
{
	bool all = true;

	for (; *words; words++) {
		if (same(*words, name))
			return true;
		for (size_t i = 0; i < COUNT; i++)
			all = all && !same(*words, operations[i].name);
	}
	return all;
}

_Noreturn void ops_main(char **words);
_Noreturn void ops_main(char **words)
{
	if (syscall5(__NR_getpid, 0, 0, 0, 0, 0) != 1) /* run again, by fork_exec_wait() */
		sys_exit(0);
	for (size_t i = 0; i < COUNT; i++)
		if (wanted(operations[i].name, words + 1))
			say(operations[i].name, cheapest(operations[i].batch));
	sys_ioctl(1, TCSBRK, 1); /* until the console has it all */
	sys_reboot((int)LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF);
	for (;;)
		sys_pause();
}

__asm__(".globl _start\n"
	"_start:\n"
	"	lea 8(%rsp), %rdi\n" /* above the count */
	"	call ops_main\n");
