/* SPDX-License-Identifier: MIT */
/*
 * The pattern file at the end of the built-in initrd: bytes that nothing but a
 * faithful copy of the archive gives. pack.py writes the same numbers; init
 * and the tests check them.
 */
#ifndef GUEST_INIT_PATTERN_H
#define GUEST_INIT_PATTERN_H

#include <stdint.h>

#define PATTERN_PATH "/paraboot-pattern"
#define PATTERN_LEN  65536
#define PATTERN_SEED 0x70617261u

/* Marsaglia's xorshift32; a byte is the state's top 8 bits. */
static inline uint8_t pattern_next(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return (uint8_t)(*state >> 24);
}

#endif
