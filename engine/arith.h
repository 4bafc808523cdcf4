/* SPDX-License-Identifier: MIT */
/*
 * Units, rounding and comparing of addresses and lengths, as the engines use them.
 */
#ifndef PB_ENGINE_ARITH_H
#define PB_ENGINE_ARITH_H

#include <stdint.h>

#define PAGE_LEN 4096ull
#define MIB      (1ull << 20)
#define GIB      (1ull << 30)

static inline uint64_t align_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
