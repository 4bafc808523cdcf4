/* SPDX-License-Identifier: MIT */
/* Rounding and comparing of guest addresses. align is a power of two; values stay at or below 2^52, so nothing wraps.
 */
#ifndef PB_LIB_PLAN_ARITH_H
#define PB_LIB_PLAN_ARITH_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t align_down(uint64_t value, uint64_t align)
{
	return value & ~(align - 1);
}

static inline uint64_t align_up(uint64_t value, uint64_t align)
{
	return align_down(value + align - 1, align);
}

static inline bool is_power_of_two(uint64_t value)
{
	return value && !(value & (value - 1));
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
