/* SPDX-License-Identifier: MIT */
/*
 * A self-check of what a Linux process on x86 may rely on and what a
 * hypervisor below its kernel can get wrong: traps, segments, debugging, FPU
 * state, memory, 32-bit calls. It prints TAP, and must be all ok natively and
 * under the paravisor. Each file brings a table of tests; a test runs in a
 * process of its own and returns NULL, or what it did not like.
 */
#ifndef ABI_H
#define ABI_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct test {
	const char *name;
	const char *(*run)(void);
};

/* Each ends with a row without a name. */
extern const struct test trap_tests[], port_tests[], debug_tests[], segment_tests[], fpu_tests[], memory_tests[],
	task_tests[], time_tests[], compat_tests[];

/* Its text, in a buffer of its own: for a test to return. */
__attribute__((format(printf, 1, 2))) const char *complain(const char *fmt, ...);

#define WANT(condition)                                                                                                \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			return complain("line %d: not %s", __LINE__, #condition);                                      \
	} while (0)

/* A signal that fn brought about. */
struct caught {
	int signo, code;
	uint64_t address, trap, error, rip;
};

/* Calls fn; zeroes if no signal came. */
struct caught catch_signal(void (*fn)(void));

/* Runs fn in a child; its wait status, or -1. */
int in_child(void (*fn)(void));

/* How many processors this process may run on, and moving to one. */
int processors(void);
bool move_to(int cpu);

#endif
