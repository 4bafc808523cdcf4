/* SPDX-License-Identifier: MIT */
/*
 * Addresses for an unpacked kernel: see arena.h. They begin where a page table
 * does, so that the kernel of this machine moves whole tables instead of pages.
 */
#include "arena.h"

#include <stddef.h>
#include <sys/mman.h>

#define PAGE_LEN  0x1000ull
#define TABLE_LEN 0x200000ull /* what a page table of the lowest level maps */

#define ACCESS    (PROT_READ | PROT_WRITE)
#define FRESH     (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

static uint64_t whole_pages(uint64_t len)
{
	return (len + PAGE_LEN - 1) & -PAGE_LEN;
}

bool arena_open(struct arena *ret, uint64_t len)
{
	struct arena arena = { .len = whole_pages(len), .reserved_len = whole_pages(len) + TABLE_LEN };

	arena.reserved = mmap(NULL, arena.reserved_len, ACCESS, FRESH, -1, 0);
	if (arena.reserved == MAP_FAILED)
		return false;
	arena.host = (uint8_t *)arena.reserved + (-(uintptr_t)arena.reserved & (TABLE_LEN - 1));
	*ret = arena;
	return true;
}

void arena_close(struct arena *arena)
{
	if (arena->host)
		munmap(arena->reserved, arena->reserved_len);
	*arena = (struct arena){ 0 };
}

bool arena_lift(struct arena *arena, uint64_t len, struct arena *ret)
{
	struct arena lifted;

	len = whole_pages(len);
	if (!arena_open(&lifted, len))
		return false;
	if (len == 0) {
		*ret = lifted;
		return true;
	}
	if (mremap(arena->host, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, lifted.host) == MAP_FAILED ||
	    mmap(arena->host, len, ACCESS, FRESH | MAP_FIXED, -1, 0) == MAP_FAILED) {
		arena_close(&lifted);
		return false;
	}
	*ret = lifted;
	return true;
}
