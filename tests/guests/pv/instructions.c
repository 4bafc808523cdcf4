/* SPDX-License-Identifier: MIT */
/* Tries single instructions, in the guest's kernel and in a process, and holds what came of each against a table. */
#include "instructions.h"

#define DEFINE(name, insn)                                                                                             \
	void name(unsigned long a, unsigned long b)                                                                    \
	{                                                                                                              \
		(void)b;                                                                                               \
		__asm__ volatile(insn ::"a"(a), "d"(0x80) : R(cx), R(bx), "memory");                                   \
	}
INSTRUCTIONS(DEFINE)

/* A wrong answer is told as the vector in a word's upper half and the error code in its lower one. */
static void say_where(const char *where, const char *what, bool right, unsigned long seen)
{
	const unsigned half = sizeof(long) * 4;
	static char line[128];
	size_t n = 0;

	while (*where)
		line[n++] = *where++;
	while (*what && n < sizeof(line) - 1)
		line[n++] = *what++;
	line[n] = 0;
	check(line, right ? 0 : (long)(seen << half | (trap_error & ((1ul << half) - 1))), 0);
}

/* Division by 0 has vector 0, as "nothing came" has: its frame tells them apart. */
static bool came(unsigned long seen, long want, long error)
{
	if (want == TRAP_DE)
		return seen == 0 && trap_ip != 0;
	return (long)seen == want && (error == NONE || (long)trap_error == error);
}

static void check_one(const char *where, unsigned long how(tried fn, unsigned long a, unsigned long b),
		      const struct instruction *row, long want, long error)
{
	unsigned long seen;

	if (want == NONE)
		return;
	trap_ip = 0;
	seen = how(row->fn, row->a, 0);
	say_where(where, row->what, came(seen, want, error), seen);
}

void check_instructions(const struct instruction *rows, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		check_one("kernel: ", try, &rows[i], rows[i].kernel, rows[i].kernel_error);
		check_one("process: ", in_user, &rows[i], rows[i].user, rows[i].user_error);
	}
}
