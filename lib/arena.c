/* SPDX-License-Identifier: MIT */
/*
 * Addresses for an unpacked kernel: see arena.h. They begin where a page table
 * does, so that the kernel of this machine moves whole tables instead of pages.
 */
#include "arena.h"

#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plan/arith.h"

#define PAGE_LEN   0x1000ull
#define TABLE_LEN  0x200000ull /* what a page table of the lowest level maps */

#define ACCESS     (PROT_READ | PROT_WRITE)
#define AROUND_LEN 0x10000ull /* Linux maps the pages of a file in such pieces */
#define FRESH      (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

bool arena_open(struct arena *ret, uint64_t len)
{
	uint64_t pages_len = align_up(len, PAGE_LEN);
	struct arena arena = { .len = pages_len, .reserved_len = pages_len + TABLE_LEN };

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

void arena_populate(const struct arena *arena)
{
	madvise(arena->host, arena->len, MADV_POPULATE_WRITE);
}

bool arena_lift(struct arena *arena, uint64_t len, struct arena *ret)
{
	struct arena lifted;

	len = align_up(len, PAGE_LEN);
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

/* ---- Rings ---- */

bool ring_open(struct ring *ret, uint64_t back_len)
{
	int fd = memfd_create("paraboot-ring", MFD_CLOEXEC);

	if (fd < 0)
		return false;
	/* More than twice as much as is looked back at: fewer mappings, and those cost as much as some pages. */
	*ret = (struct ring){ .fd = fd, .len = 4 * align_up(back_len, PAGE_LEN) };
	if (ftruncate(fd, (off_t)ret->len) == 0)
		return true;
	ring_close(ret);
	return false;
}

void ring_close(struct ring *ring)
{
	if (ring->len)
		close(ring->fd);
	*ring = (struct ring){ 0 };
}

/* The same pages again and again. They are there from the first round on, for touch() to find them. */
static bool repeat(uint8_t *host, uint64_t first, uint64_t end, const struct ring *ring)
{
	for (uint64_t at = first, len; at < end; at += len) {
		uint64_t off = at % ring->len;
		int flags = MAP_SHARED | MAP_FIXED | (at == first ? MAP_POPULATE : 0);

		len = min_u64(ring->len - off, end - at);
		if (mmap(host + at, len, ACCESS, flags, ring->fd, (off_t)off) == MAP_FAILED)
			return false;
	}
	return true;
}

/* Reading a page of a file has the kernel map those around it as well, which writing has not. */
static void touch(const uint8_t *host, uint64_t first, uint64_t end)
{
	for (uint64_t at = first; at < end; at = (at / AROUND_LEN + 1) * AROUND_LEN)
		(void)*(const volatile uint8_t *)(host + at);
}

bool arena_map_ring(struct arena *arena, uint64_t off, uint64_t len, const struct ring *ring)
{
	uint64_t first = align_up(off, PAGE_LEN), end = align_down(off + len, PAGE_LEN);

	if (end < first || end - first <= ring->len)
		return true;
	if (!repeat(arena->host, first, end, ring))
		return false;
	touch(arena->host, first, end);
	return true;
}
