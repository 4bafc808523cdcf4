/* SPDX-License-Identifier: MIT */
/*
 * The sum over a payload and over the page (abi.h), for the guest and for the
 * packer: little-endian words of 8 bytes, the last one filled up with zeros.
 */
#include "abi.h"

uint64_t pack_sum(const void *bytes, size_t len)
{
	const uint8_t *at = bytes;
	uint64_t sum = 0, word;

	for (; len >= 4 * sizeof(word); len -= 4 * sizeof(word), at += 4 * sizeof(word)) {
		uint64_t four[4];

		__builtin_memcpy(four, at, sizeof(four));
		sum = pack_sum_word(sum, four[0]);
		sum = pack_sum_word(sum, four[1]);
		sum = pack_sum_word(sum, four[2]);
		sum = pack_sum_word(sum, four[3]);
	}
	while (len) {
		size_t part = len < sizeof(word) ? len : sizeof(word);

		word = 0;
		for (size_t i = 0; i < part; i++)
			word |= (uint64_t)at[i] << (8 * i);
		sum = pack_sum_word(sum, word);
		at += part;
		len -= part;
	}
	return sum;
}
