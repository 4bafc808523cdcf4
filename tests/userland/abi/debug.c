/* SPDX-License-Identifier: MIT */
/* What a debugger uses: the trap flag, single steps, breakpoints in code and in the debug registers. */
#define _GNU_SOURCE
#include "abi.h"

#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- The trap flag ---- */

static volatile unsigned steps;
static volatile int step_code;

static void on_step(int signo, siginfo_t *info, void *context)
{
	(void)signo, (void)context;
	steps++;
	step_code = info->si_code;
}

static const char *trap_flag(void)
{
	struct sigaction action = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };

	sigaction(SIGTRAP, &action, NULL);
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop; nop; nop; pushfq; andq $~0x100, (%%rsp); popfq" ::
				 : "memory", "cc");
	WANT(steps == 6 && step_code == TRAP_TRACE);
	return NULL;
}

/* The instruction after the call is stepped too, and the call itself once. */
static const char *trap_flag_syscall(void)
{
	struct sigaction action = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };
	long rax = SYS_getppid;

	sigaction(SIGTRAP, &action, NULL);
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; syscall; nop; pushfq; andq $~0x100, (%%rsp); popfq"
			 : "+a"(rax)
			 :
			 : "rcx", "r11", "memory", "cc");
	WANT(rax == getppid());
	WANT(steps >= 4 && steps <= 5);
	return NULL;
}

/* ---- A traced child ---- */

static volatile uint64_t watched;

__attribute__((noinline)) static void stop_here(void)
{
	__asm__ volatile("nop; nop; nop");
}

static void traced(void)
{
	ptrace(PTRACE_TRACEME, 0, 0, 0);
	raise(SIGSTOP);
	stop_here();
	watched = 1;
	getppid();
	stop_here();
	_exit(7);
}

/* A child that stands at its SIGSTOP; -1: it does not. */
static pid_t trace_child(void (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		fn();
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		return -1;
	return pid;
}

/* Goes on by request; the signal at which it stands, or minus its exit status. */
static int go_on(pid_t pid, int request)
{
	int status;

	if (ptrace(request, pid, 0, 0) || waitpid(pid, &status, 0) != pid)
		return -1000;
	return WIFSTOPPED(status) ? WSTOPSIG(status) : -WEXITSTATUS(status);
}

static uint64_t rip_of(pid_t pid)
{
	struct user_regs_struct regs;

	return ptrace(PTRACE_GETREGS, pid, 0, &regs) ? 0 : regs.rip;
}

static const char *single_steps(void)
{
	pid_t pid = trace_child(traced);
	uint64_t seen = 0, before = 0;

	WANT(pid > 0);
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t rip;
		int how = go_on(pid, PTRACE_SINGLESTEP);

		if (how == -7)
			return seen >= 2 ? NULL : complain("the function was passed %lu times", seen);
		WANT(how == SIGTRAP);
		rip = rip_of(pid);
		WANT(rip != before);
		before = rip;
		seen += rip == (uint64_t)stop_here;
	}
	return "it never ended";
}

static const char *system_calls(void)
{
	pid_t pid = trace_child(traced);
	unsigned calls = 0;
	int how;

	WANT(pid > 0);
	while ((how = go_on(pid, PTRACE_SYSCALL)) == SIGTRAP)
		calls++;
	WANT(how == -7 && calls >= 3);
	return NULL;
}

static const char *breakpoint_in_code(void)
{
	pid_t pid = trace_child(traced);
	uint64_t at = (uint64_t)stop_here;
	long word;

	WANT(pid > 0);
	word = ptrace(PTRACE_PEEKTEXT, pid, at, 0);
	WANT(!ptrace(PTRACE_POKETEXT, pid, at, (word & ~0xffl) | 0xcc));
	WANT(go_on(pid, PTRACE_CONT) == SIGTRAP && rip_of(pid) == at + 1);
	WANT(!ptrace(PTRACE_POKETEXT, pid, at, word));
	WANT(!ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, regs.rip), at));
	WANT(go_on(pid, PTRACE_CONT) == -7);
	return NULL;
}

static long set_dr(pid_t pid, unsigned n, uint64_t value)
{
	return ptrace(PTRACE_POKEUSER, pid, offsetof(struct user, u_debugreg) + n * 8, value);
}

static uint64_t get_dr(pid_t pid, unsigned n)
{
	return (uint64_t)ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, u_debugreg) + n * 8, 0);
}

/* By DR0 at an instruction: twice, for the function is called twice. */
static const char *hardware_breakpoint(void)
{
	pid_t pid = trace_child(traced);

	WANT(pid > 0);
	WANT(!set_dr(pid, 0, (uint64_t)stop_here) && !set_dr(pid, 7, 1));
	for (unsigned i = 0; i < 2; i++) {
		WANT(go_on(pid, PTRACE_CONT) == SIGTRAP);
		WANT(rip_of(pid) == (uint64_t)stop_here && (get_dr(pid, 6) & 15) == 1);
	}
	WANT(go_on(pid, PTRACE_CONT) == -7);
	return NULL;
}

/* By DR3, on writes of 8 bytes. */
static const char *hardware_watchpoint(void)
{
	pid_t pid = trace_child(traced);

	WANT(pid > 0);
	WANT(!set_dr(pid, 3, (uint64_t)&watched) && !set_dr(pid, 7, 1ul << 6 | 9ul << 28));
	WANT(go_on(pid, PTRACE_CONT) == SIGTRAP);
	WANT((get_dr(pid, 6) & 15) == 8);
	WANT(ptrace(PTRACE_PEEKDATA, pid, &watched, 0) == 1);
	WANT(go_on(pid, PTRACE_CONT) == -7);
	return NULL;
}

/* One process's breakpoint is none of another's. */
static const char *watchpoint_is_ones_own(void)
{
	pid_t pid = trace_child(traced);

	WANT(pid > 0);
	WANT(!set_dr(pid, 0, (uint64_t)&watched) && !set_dr(pid, 7, 1 | 1ul << 16));
	for (unsigned i = 0; i < 1000; i++) {
		watched = i;
		syscall(SYS_sched_yield);
	}
	WANT(go_on(pid, PTRACE_CONT) == SIGTRAP);
	watched = 5;
	WANT(go_on(pid, PTRACE_CONT) == -7);
	return NULL;
}

const struct test debug_tests[] = {
	{ "the trap flag", trap_flag },
	{ "the trap flag over a system call", trap_flag_syscall },
	{ "single steps of a traced child", single_steps },
	{ "a traced child's system calls", system_calls },
	{ "a breakpoint in its code", breakpoint_in_code },
	{ "a hardware breakpoint", hardware_breakpoint },
	{ "a hardware watchpoint", hardware_watchpoint },
	{ "a watchpoint is a process's own", watchpoint_is_ones_own },
	{ 0 },
};
