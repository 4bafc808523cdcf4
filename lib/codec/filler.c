/* SPDX-License-Identifier: MIT */
/*
 * What a format lets stand in a file besides its streams. Here and not with
 * the decoders, because a build without a codec's library knows such a file, too.
 */
#include "common.h"
#include "rows.h"

/* Stream Padding: zeros, in multiples of four, behind a stream. */
uint64_t xz_filler(const uint8_t *bytes, size_t len)
{
	size_t zeros = 0;

	while (zeros < len && bytes[zeros] == 0)
		zeros++;
	return zeros - zeros % 4;
}

/* Skippable frames (RFC 8878, 3.1.2): one of 16 magic numbers, the length of what follows, and that. */
uint64_t zstd_filler(const uint8_t *bytes, size_t len)
{
	enum { SKIPPABLE_MAGIC = 0x184d2a50, HEADER_LEN = 8 };
	uint64_t off = 0;

	while (off + HEADER_LEN <= len && (le32(bytes + off) & ~0xfu) == SKIPPABLE_MAGIC)
		off += HEADER_LEN + (uint64_t)le32(bytes + off + 4);
	return off;
}
