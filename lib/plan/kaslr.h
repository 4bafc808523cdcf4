/* SPDX-License-Identifier: MIT */
/*
 * The only randomness in a plan, and it is not random: splitmix64 from the
 * request's seed. Where the seed comes from is the caller's business.
 */
#ifndef PB_LIB_PLAN_KASLR_H
#define PB_LIB_PLAN_KASLR_H

#include <stdint.h>

/* The next number below n, which is not 0. The bias of the remainder is below n / 2^64. */
static inline uint64_t dice_below(uint64_t *state, uint64_t n)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return (z ^ (z >> 31)) % n;
}

#endif
