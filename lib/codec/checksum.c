/* SPDX-License-Identifier: MIT */
/*
 * Adler-32 and CRC-32. Every block of an lzop stream carries an Adler-32, so
 * that one is made for speed; the CRC is rare and made small.
 */
#include "checksum.h"

#define ADLER_MOD 65521u
#define ADLER_RUN 16u /* bytes summed as one; 5552 of them still fit the sums' 32 bits, and 16 divides it */
#define ADLER_MAX 5552u

/* len <= ADLER_MAX */
static void adler_add(uint32_t *a, uint32_t *b, const uint8_t *bytes, size_t len)
{
	for (; len >= ADLER_RUN; len -= ADLER_RUN, bytes += ADLER_RUN) {
		uint32_t sum = 0, weighted = 0;

		/* What sixteen single steps add up to; written so that the compiler can use vectors. */
		for (uint32_t i = 0; i < ADLER_RUN; i++) {
			sum += bytes[i];
			weighted += (ADLER_RUN - i) * bytes[i];
		}
		*b += ADLER_RUN * *a + weighted;
		*a += sum;
	}
	for (; len; len--) {
		*a += *bytes++;
		*b += *a;
	}
}

uint32_t adler32_of(uint32_t sum, const uint8_t *bytes, size_t len)
{
	uint32_t a = sum & 0xffff, b = sum >> 16;

	while (len) {
		size_t n = len < ADLER_MAX ? len : ADLER_MAX;

		adler_add(&a, &b, bytes, n);
		a %= ADLER_MOD;
		b %= ADLER_MOD;
		bytes += n;
		len -= n;
	}
	return b << 16 | a;
}

uint32_t crc32_of(uint32_t crc, const uint8_t *bytes, size_t len)
{
	/* Of the 16 values of half a byte, by the reflected polynomial 0xedb88320. */
	static const uint32_t half[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
		0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};

	crc = ~crc;
	for (size_t i = 0; i < len; i++) {
		crc ^= bytes[i];
		crc = crc >> 4 ^ half[crc & 15];
		crc = crc >> 4 ^ half[crc & 15];
	}
	return ~crc;
}
