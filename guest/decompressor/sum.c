/* SPDX-License-Identifier: MIT */
/*
 * The sum over the payload and over the page (abi.h), for the guest and for the
 * packer: little-endian words of 8 bytes, the last four filled up with zeros.
 */
#include "abi.h"

static uint64_t add_rest(uint64_t sum, const uint8_t *at, size_t len)
{
	uint8_t rest[PACK_SUM_STEP] = { 0 };

	for (size_t i = 0; i < len; i++)
		rest[i] = at[i];
	return pack_sum_step(sum, rest);
}

uint64_t pack_sum(const void *bytes, size_t len)
{
	const uint8_t *at = bytes, *end = at + len / PACK_SUM_STEP * PACK_SUM_STEP;
	uint64_t sum = 0;

#pragma GCC unroll 4
	for (; at != end; at += PACK_SUM_STEP)
		sum = pack_sum_step(sum, at);
	return len % PACK_SUM_STEP ? add_rest(sum, at, len % PACK_SUM_STEP) : sum;
}
