/* SPDX-License-Identifier: MIT */
/*
 * What kernels until 2.6.36 do before they have tables of their own: they run
 * on those that pgdir of lguest_data names, hang a table for early mappings
 * into them, and tell of a page there by forgetting what was in its place.
 */
#include "guest.h"

#ifdef HAS_PGDIR

#define EARLY_VA 0xff700000u /* below reserve_mem, as their fixed mappings are */
#define TABLE    (PTE_P | PTE_W | PTE_U | PTE_A | PTE_D)

static pte_t early_table[TABLE_ENTRIES] __attribute__((aligned(4096)));
static uint32_t early_pages[2][PAGE / 4] __attribute__((aligned(4096)));

static void read_early(uint32_t va, uint32_t b)
{
	(void)b;
	(void)*(volatile uint32_t *)va;
}

#ifdef PAE

static void hang_table(void)
{
	const volatile uint64_t *top = (void *)(VIRT_BASE + lguest_data.pgdir);
	uint32_t middle = (uint32_t)top[EARLY_VA >> 30] & -PAGE, index = EARLY_VA >> 21 & (TABLE_ENTRIES - 1);

	check("pgdir: its last entry has a table", (top[EARLY_VA >> 30] & 0xfff) == PTE_P && middle);
	((volatile uint64_t *)(VIRT_BASE + middle))[index] = physical(early_table) | TABLE;
	call(LHCALL_SET_PMD, middle, index, 0, 0);
}

#else

static void hang_table(void)
{
	volatile uint32_t *top = (void *)(VIRT_BASE + lguest_data.pgdir);

	top[EARLY_VA >> 22] = physical(early_table) | TABLE;
	call(LHCALL_SET_PGD, lguest_data.pgdir, EARLY_VA >> 22, 0, 0);
	check("pgdir: nothing of PAE's in it", !top[6] && !top[7]);
}

#endif

/* The entry is written without a word, and the address then forgotten. */
static uint32_t early_word(unsigned page)
{
	early_table[EARLY_VA / PAGE % TABLE_ENTRIES] = physical(early_pages[page]) | PTE_P | PTE_W;
	call(LHCALL_SET_PTE, lguest_data.pgdir, EARLY_VA, 0, 0);
	return *(volatile uint32_t *)EARLY_VA;
}

void check_given(void)
{
	early_pages[0][0] = 7;
	early_pages[1][0] = 8;
	check("pgdir is a page", lguest_data.pgdir && lguest_data.pgdir % PAGE == 0);
	check("no early mapping without a table for it", try(read_early, EARLY_VA, 0) == 14);
	hang_table();
	check("nor without an entry in that", try(read_early, EARLY_VA, 0) == 14);
	check("an early mapping", early_word(0) == 7);
	check("another in its place", early_word(1) == 8);
	early_table[EARLY_VA / PAGE % TABLE_ENTRIES] = 0;
	call(LHCALL_SET_PTE, lguest_data.pgdir, EARLY_VA, 0, 0);
	check("none in its place", try(read_early, EARLY_VA, 0) == 14);
	call(LHCALL_FLUSH_TLB, 1, 0, 0, 0);
	check("memory is where it was", early_pages[1][0] == 8 && *(volatile uint32_t *)physical(early_pages[0]) == 7);
}

#endif
