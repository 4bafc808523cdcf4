/* SPDX-License-Identifier: MIT */
/*
 * A 32-bit program without a C library: the test that its argument names. Its
 * exit status is 0, or the line of what did not hold.
 */
#include <asm/ldt.h>
#include <asm/unistd_32.h>
#include <stdint.h>

enum { AT_SYSINFO = 32, YIELDS = 300, SIGSEGV = 11, SIGUSR1 = 10, SA_SIGINFO = 4, SA_RESTORER = 0x04000000 };

static uint32_t vsyscall; /* the vDSO's entry */

static long call(long nr, long a, long b, long c)
{
	long eax;

	__asm__ volatile("int $0x80" : "=a"(eax) : "0"(nr), "b"(a), "c"(b), "d"(c) : "memory");
	return eax;
}

static long vdso_call(long nr, long a, long b, long c)
{
	long eax;

	__asm__ volatile("call *%5" : "=a"(eax) : "0"(nr), "b"(a), "c"(b), "d"(c), "m"(vsyscall) : "memory");
	return eax;
}

#define WANT(condition)                                                                                                \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			return __LINE__;                                                                               \
	} while (0)

static int calls(void)
{
	long pid = call(__NR_getpid, 0, 0, 0);

	WANT(pid > 0);
	for (unsigned i = 0; i < YIELDS; i++)
		WANT(call(__NR_getpid, 0, 0, 0) == pid);
	WANT(call(10000, 0, 0, 0) == -38);
	return 0;
}

static int vdso(void)
{
	long pid = call(__NR_getpid, 0, 0, 0);

	WANT(vsyscall);
	for (unsigned i = 0; i < YIELDS; i++)
		WANT(vdso_call(__NR_getpid, 0, 0, 0) == pid);
	return 0;
}

/* ---- A segment of one's own ---- */

static uint32_t words[2] = { 0x11223344, 0x55667788 };

static int set_area(uint32_t *base)
{
	struct user_desc desc = { .entry_number = (unsigned)-1,
				  .base_addr = (uint32_t)base,
				  .limit = 0xfffff,
				  .seg_32bit = 1,
				  .limit_in_pages = 1,
				  .useable = 1 };

	if (call(__NR_set_thread_area, (long)&desc, 0, 0))
		return -1;
	__asm__ volatile("movw %w0, %%gs" ::"r"(desc.entry_number * 8 + 3));
	return 0;
}

static int keeps(uint32_t word)
{
	for (unsigned i = 0; i < YIELDS; i++) {
		uint32_t got;

		__asm__ volatile("movl %%gs:0, %0" : "=r"(got));
		WANT(got == word);
		call(__NR_sched_yield, 0, 0, 0);
	}
	return 0;
}

static int tls(void)
{
	long pid = call(__NR_fork, 0, 0, 0);
	int status = 1;

	WANT(pid >= 0);
	WANT(!set_area(&words[pid == 0]));
	WANT(!keeps(words[pid == 0]));
	if (pid == 0)
		call(__NR_exit, 0, 0, 0);
	WANT(call(__NR_waitpid, pid, (long)&status, 0) == pid && status == 0);
	return 0;
}

/* ---- Signals ---- */

struct action {
	void (*handler)(int);
	uint32_t flags;
	void (*restorer)(void);
	uint32_t mask[2];
};

__asm__(".text; restore: movl $173, %eax; int $0x80"); /* rt_sigreturn */
void restore(void);

static volatile unsigned handled;

static void on_signal(int signo)
{
	handled += (unsigned)signo;
}

static int handle(int signo, void (*handler)(int))
{
	struct action action = { handler, SA_SIGINFO | SA_RESTORER, restore, { 0, 0 } };
	long eax;

	__asm__ volatile("int $0x80"
			 : "=a"(eax)
			 : "0"(__NR_rt_sigaction), "b"(signo), "c"(&action), "d"(0), "S"(8)
			 : "memory");
	return (int)eax;
}

static int signals(void)
{
	long pid = call(__NR_getpid, 0, 0, 0);

	WANT(!handle(SIGUSR1, on_signal));
	for (unsigned i = 0; i < 20; i++)
		call(__NR_kill, pid, SIGUSR1, 0);
	WANT(handled == 20 * SIGUSR1);
	return 0;
}

/* The handler leaves: a fault that is returned to would come again. */
static void on_fault(int signo)
{
	call(__NR_exit, signo == SIGSEGV ? 0 : __LINE__, 0, 0);
}

static int faults(void)
{
	WANT(!handle(SIGSEGV, on_fault));
	*(volatile uint32_t *)16 = 1;
	return __LINE__;
}

/* ---- Which ---- */

static const struct {
	const char *name;
	int (*run)(void);
} tests[] = { { "calls", calls }, { "vdso", vdso }, { "tls", tls }, { "signals", signals }, { "faults", faults } };

static int same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static int run(const char *name)
{
	for (unsigned i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		if (same(tests[i].name, name))
			return tests[i].run();
	return __LINE__;
}

/* argc, argv, NULL, the environment, NULL, then pairs of what the kernel tells. */
void start(long *sp);
void start(long *sp)
{
	long argc = sp[0], *at = sp + argc + 2;

	while (*at)
		at++;
	for (at++; at[0]; at += 2)
		if (at[0] == AT_SYSINFO)
			vsyscall = (uint32_t)at[1];
	call(__NR_exit, argc == 2 ? run((const char *)sp[2]) : __LINE__, 0, 0);
}

__asm__(".globl _start; _start: movl %esp, %eax; andl $-16, %esp; subl $12, %esp; pushl %eax; call start");
