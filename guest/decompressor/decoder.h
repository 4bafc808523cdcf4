/* SPDX-License-Identifier: MIT */
/*
 * The decoders: one file each, freestanding, the same source in a packed image
 * and on the host, where the packer reads its own payload back with them and
 * the tests compare them with the codecs' libraries.
 *
 * A decoder gets the whole stream and the whole room, so the output itself is
 * its window. The input may lie at the end of the room: the packer leaves as
 * much behind the output as that takes (lib/pack/layout.c), and has seen it work.
 * Nothing of the input is trusted: a decoder reads and writes inside of what
 * it was given, whatever the stream says.
 */
#ifndef GUEST_DECOMPRESSOR_DECODER_H
#define GUEST_DECOMPRESSOR_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for a decoder's tables, aligned to 8; the largest is zstd's. */
#define DECODE_WORK_LEN 0x10000

struct decode {
	const uint8_t *in;
	size_t in_len;
	uint8_t *out;
	size_t out_len; /* exactly what must come out */
	void *work;
};

/* True: the stream is whole, nothing follows it, and out_len bytes came out. */
typedef bool decoder_fn(const struct decode *decode);

decoder_fn decode_none; /* in place: nothing to do */
decoder_fn decode_lz4;  /* legacy frame */
decoder_fn decode_gzip;
decoder_fn decode_zstd;
decoder_fn decode_xz;

/*
 * Copying for decoders: a match may begin inside what it makes, so byte order
 * matters. len may be 0.
 */
static inline void decode_copy(uint8_t *to, const uint8_t *from, size_t len)
{
#if defined(PB_GUEST)
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(len) : : "memory");
#else
	while (len--)
		*to++ = *from++;
#endif
}

#endif
