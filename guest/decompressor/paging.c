/* SPDX-License-Identifier: MIT */
/*
 * A map of our own, one to one in pages of 2 MiB: of the first 4 GiB, where
 * almost everything is, and of each GiB in which there is something else. What
 * a loader mapped for the 64-bit entry need not reach a place chosen at random.
 */
#include "decompressor.h"

#define PRESENT_RW 3ull
#define LARGE      0x80ull
#define ADDRESS    0xffffffffff000ull
#define CR4_LA57   (1ul << 12)
#define GIB        0x40000000ull
#define POOL_PAGES 24 /* 2 + 4, and for 6 places at most an upper table and two GiB each */

static uint64_t pool[POOL_PAGES][512] __attribute__((aligned(4096), section(".bss.tables")));
static unsigned used;

/* The table that an entry leads to, made if there is none; the pool has room for all that is asked for. */
static uint64_t *table_below(uint64_t *entry)
{
	if (!*entry && used < POOL_PAGES) {
		zero_bytes(pool[used], sizeof(pool[used]));
		*entry = (uintptr_t)pool[used++] | PRESENT_RW;
	}
	return (uint64_t *)(uintptr_t)(*entry & ADDRESS);
}

static void map_gib(uint64_t gpa)
{
	uint64_t *upper = table_below(&pool[0][gpa >> 39 & 511]);
	uint64_t *entry = &upper[gpa >> 30 & 511];
	uint64_t *large;

	if (*entry)
		return;
	large = table_below(entry);
	gpa &= ~(GIB - 1);
	for (unsigned i = 0; i < 512; i++)
		large[i] = (gpa + i * 0x200000ull) | PRESENT_RW | LARGE;
}

void map_begin(void)
{
	zero_bytes(pool[0], sizeof(pool[0]));
	used = 1;
	for (uint64_t gpa = 0; gpa < 4 * GIB; gpa += GIB)
		map_gib(gpa);
}

void map_also(uint64_t gpa)
{
	map_gib(gpa);
}

/* Entered with five levels, we stay with the loader's: changing that takes leaving long mode. */
void map_use(void)
{
	uintptr_t cr4;

	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	if (!(cr4 & CR4_LA57))
		__asm__ volatile("mov %0, %%cr3" : : "r"(pool) : "memory");
}
