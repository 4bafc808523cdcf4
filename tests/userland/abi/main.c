/* SPDX-License-Identifier: MIT */
/* Runs every test of every table in a process of its own, and prints TAP; see abi.h. */
#define _GNU_SOURCE
#include "abi.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ucontext.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 120, COMPLAINT = 300 }; /* seconds a test; bytes */

const char *complain(const char *fmt, ...)
{
	static char text[COMPLAINT];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return text;
}

/* ---- Signals ---- */

static const int caught_signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
static struct caught caught;
static sigjmp_buf back;

static void on_signal(int signo, siginfo_t *info, void *context)
{
	const ucontext_t *u = context;

	caught = (struct caught){ .signo = signo,
				  .code = info->si_code,
				  .address = (uint64_t)info->si_addr,
				  .trap = (uint64_t)u->uc_mcontext.gregs[REG_TRAPNO],
				  .error = (uint64_t)u->uc_mcontext.gregs[REG_ERR],
				  .rip = (uint64_t)u->uc_mcontext.gregs[REG_RIP] };
	siglongjmp(back, 1);
}

struct caught catch_signal(void (*fn)(void))
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	for (unsigned i = 0; i < sizeof(caught_signals) / sizeof(caught_signals[0]); i++)
		sigaction(caught_signals[i], &action, NULL);
	caught = (struct caught){ 0 };
	if (!sigsetjmp(back, 1))
		fn();
	for (unsigned i = 0; i < sizeof(caught_signals) / sizeof(caught_signals[0]); i++)
		signal(caught_signals[i], SIG_DFL);
	return caught;
}

int in_child(void (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		fn();
		_exit(0);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

/* ---- Processors ---- */

int processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 0 : CPU_COUNT(&set);
}

bool move_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return !sched_setaffinity(0, sizeof(set), &set) && sched_getcpu() == cpu;
}

/* ---- The run ---- */

/* What the test said goes through a pipe, for it has a process of its own. */
static void run_test(const struct test *test, int to)
{
	const char *said;

	alarm(PATIENCE);
	said = test->run();
	if (said && write(to, said, strlen(said)) < 0)
		_exit(2);
	_exit(said ? 1 : 0);
}

static bool tell(unsigned n, const struct test *test, int status, unsigned seconds, const char *said)
{
	bool ok = status == 0;

	printf("%s %u - %s\n", ok ? "ok" : "not ok", n, test->name);
	if (seconds > 1)
		printf("# %u s\n", seconds);
	if (!ok && WIFSIGNALED(status))
		printf("# ended by signal %d\n", WTERMSIG(status));
	else if (!ok)
		printf("# %s\n", said);
	fflush(stdout);
	return ok;
}

static bool one(unsigned n, const struct test *test)
{
	char said[COMPLAINT + 1] = "";
	int ends[2], status = -1;
	time_t begin = time(NULL);
	pid_t pid;

	if (pipe(ends))
		return tell(n, test, -1, 0, "no pipe");
	pid = fork();
	if (pid == 0)
		run_test(test, ends[1]);
	close(ends[1]);
	if (pid > 0 && waitpid(pid, &status, 0) == pid && read(ends[0], said, COMPLAINT) < 0)
		said[0] = 0;
	close(ends[0]);
	return tell(n, test, status, (unsigned)(time(NULL) - begin), said);
}

int main(void)
{
	static const struct test *const tables[] = { trap_tests,   port_tests, debug_tests, segment_tests, fpu_tests,
						     memory_tests, task_tests, time_tests,  compat_tests };
	unsigned n = 0, failed = 0;

	for (unsigned i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct test *test = tables[i]; test->name; test++)
			failed += !one(++n, test);
	printf("1..%u\n", n);
	return failed != 0;
}
