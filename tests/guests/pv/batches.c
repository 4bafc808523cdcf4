/* SPDX-License-Identifier: MIT */
/*
 * Things done very often, each until it is known how often the answer was right;
 * and what one of them costs, in ticks of the time stamp counter. Under QEMU's
 * -icount a tick is an instruction.
 */
#include "batches.h"

void *hole;

/* ---- The batches ---- */

long nothing(long n)
{
	return n;
}

static void ask_often(unsigned long n, unsigned long b)
{
	(void)b;
	while (n--)
		system_call(21);
}

long system_calls(long n)
{
	syscalls_seen = 0;
	return in_user(ask_often, (unsigned long)n, 0) == BACK ? (long)syscalls_seen : 0;
}

static void read_hole(unsigned long a, unsigned long b)
{
	(void)a, (void)b;
	*(volatile uint8_t *)hole;
}

long process_faults(long n)
{
	long right = 0;

	while (n--)
		right += in_user(read_hole, 0, 0) == TRAP_PF;
	return right;
}

long kernel_faults(long n)
{
	long right = 0;

	while (n--)
		right += try(read_hole, 0, 0) == TRAP_PF;
	return right;
}

static void stay(unsigned long a, unsigned long b)
{
	(void)a, (void)b;
}

/* To a process, which comes back by an int. */
long process_irets(long n)
{
	long right = 0;

	while (n--)
		right += in_user(stay, 0, 0) == BACK;
	return right;
}

/* ---- Their costs ---- */

#define TIMES   1000
#define BATCHES 8

static uint64_t now(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

/* The cheapest batch counts: the others had an interrupt in them, or the first use of something. */
void tell_cost(const char *name, long (*batch)(long n))
{
	uint32_t least = UINT32_MAX;
	long right = TIMES;

	for (unsigned i = 0; i < BATCHES && right == TIMES; i++) {
		uint64_t begin = now();
		uint32_t ticks;

		right = batch(TIMES);
		ticks = (uint32_t)(now() - begin);
		least = ticks < least ? ticks : least;
	}
	check(name, right, TIMES);
	print("pv-bench: ");
	print(name);
	print(" ");
	print_number((long)(least / TIMES));
	print("\n");
}
