/* SPDX-License-Identifier: MIT */
/* Threads, signals and processors; and time. */
#define _GNU_SOURCE
#include "abi.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 8, TIMES = 3000, FORKS = 100, MS = 1000000 };

/* ---- Threads ---- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned counter;
static __thread unsigned own;

static void *count(void *wrong)
{
	for (unsigned i = 0; i < TIMES; i++) {
		pthread_mutex_lock(&mutex);
		counter++;
		pthread_mutex_unlock(&mutex);
		own++;
		if (i % 64 == 0)
			sched_yield();
	}
	return own == TIMES ? NULL : wrong;
}

static const char *threads(void)
{
	pthread_t thread[THREADS];
	void *wrong = NULL;

	for (unsigned i = 0; i < THREADS; i++)
		WANT(!pthread_create(&thread[i], NULL, count, &counter));
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(thread[i], &wrong);
		WANT(!wrong);
	}
	WANT(counter == THREADS * TIMES);
	return NULL;
}

static const char *forks(void)
{
	for (unsigned i = 0; i < FORKS; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit((int)(i & 127));
		WANT(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == (int)(i & 127));
	}
	return NULL;
}

/* ---- Processors: the vDSO reads the number from a segment or MSR of the processor's own ---- */

static const char *each_processor(void)
{
	int n = processors();

	for (int round = 0; round < 20; round++)
		for (int cpu = 0; cpu < n; cpu++) {
			unsigned got = 1000;

			WANT(move_to(cpu));
			WANT(!syscall(SYS_getcpu, &got, NULL, NULL) && got == (unsigned)cpu);
		}
	return NULL;
}

/* ---- Signals ---- */

static volatile unsigned alarms;

static void on_alarm(int signo)
{
	(void)signo;
	alarms++;
}

/* Interrupts come at any instruction, and leave every register alone. */
static const char *interrupted(void)
{
	struct itimerval every = { { 0, 2000 }, { 0, 2000 } };

	signal(SIGALRM, on_alarm);
	WANT(!setitimer(ITIMER_REAL, &every, NULL));
	while (alarms < 50) {
		uint64_t sum = 0;

		__asm__ volatile(
			"movq $1, %%rbx; movq $2, %%rcx; movq $3, %%rdx; movq $4, %%rsi; movq $5, %%rdi;"
			"movq $6, %%r8; movq $7, %%r9; movq $8, %%r10; movq $9, %%r11; movq $10, %%r12;"
			"movq $11, %%r13; movq $12, %%r14; movq $13, %%r15; movl $100000, %%eax; 1: decl %%eax; jnz 1b;"
			"addq %%rbx, %0; addq %%rcx, %0; addq %%rdx, %0; addq %%rsi, %0; addq %%rdi, %0;"
			"addq %%r8, %0; addq %%r9, %0; addq %%r10, %0; addq %%r11, %0; addq %%r12, %0;"
			"addq %%r13, %0; addq %%r14, %0; addq %%r15, %0"
			: "+m"(sum)
			:
			: "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
			  "r15", "cc");
		WANT(sum == 91);
	}
	return NULL;
}

static volatile bool on_other_stack;
static char other_stack[65536];

static void look_at_stack(int signo)
{
	char here;

	(void)signo;
	on_other_stack = &here >= other_stack && &here < other_stack + sizeof(other_stack);
}

static const char *other_stack_used(void)
{
	stack_t stack = { .ss_sp = other_stack, .ss_size = sizeof(other_stack) };
	struct sigaction action = { .sa_handler = look_at_stack, .sa_flags = SA_ONSTACK };

	WANT(!sigaltstack(&stack, NULL) && !sigaction(SIGUSR1, &action, NULL) && !raise(SIGUSR1));
	WANT(on_other_stack);
	return NULL;
}

const struct test task_tests[] = {
	{ "threads, a lock, storage of their own", threads }, { "many forks", forks },
	{ "each processor by its number", each_processor },   { "registers over interrupts", interrupted },
	{ "a signal's own stack", other_stack_used },         { 0 },
};

/* ---- Time ---- */

static uint64_t ns_of(const struct timespec *t)
{
	return (uint64_t)t->tv_sec * 1000000000u + (uint64_t)t->tv_nsec;
}

static uint64_t by_vdso(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ns_of(&t);
}

static uint64_t by_kernel(void)
{
	struct timespec t;

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
	return ns_of(&t);
}

/* By the vDSO and by the kernel in turn, and from processor to processor. */
static const char *never_back(void)
{
	uint64_t last = 0;
	int n = processors();

	for (unsigned i = 0; i < 4000; i++) {
		uint64_t now = i & 1 ? by_vdso() : by_kernel();

		if (now < last)
			return complain("back by %lu ns", last - now);
		last = now;
		if (i % 100 == 0)
			WANT(move_to((int)(i / 100) % n));
	}
	return NULL;
}

static const char *tsc_never_back(void)
{
	uint64_t last = 0;
	int n = processors();

	for (int i = 0; i < 50 * n; i++) {
		uint64_t now;

		WANT(move_to(i % n));
		now = __builtin_ia32_rdtsc();
		WANT(now > last);
		last = now;
	}
	return NULL;
}

static const char *sleeps(void)
{
	for (unsigned i = 1; i <= 5; i++) {
		struct timespec wanted = { 0, (long)(i * 20 * MS) };
		uint64_t from = by_vdso(), took;

		WANT(!nanosleep(&wanted, NULL));
		took = by_vdso() - from;
		WANT(took >= i * 20 * MS && took < 5000ull * MS);
	}
	return NULL;
}

/* Time on the processor is no more than time on the wall, and some. */
static const char *processor_time(void)
{
	struct timespec t;
	uint64_t from = by_vdso(), used;

	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	while (by_vdso() - from < 100 * MS);
	used = ns_of(&t);
	WANT(used > 1 * MS);
	WANT(used <= by_vdso() - from + 50 * MS);
	return NULL;
}

const struct test time_tests[] = {
	{ "the clock never goes back", never_back },
	{ "the TSC never goes back", tsc_never_back },
	{ "sleeps take as long as they should", sleeps },
	{ "processor time", processor_time },
	{ 0 },
};
