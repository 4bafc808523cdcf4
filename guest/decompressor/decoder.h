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

/* Room for a decoder's tables, aligned to 16; the largest is zstd's, which holds a block's literals. */
#define DECODE_WORK_LEN 0x28000

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

/* ---- What decoders share ---- */

static inline uint16_t decode_le16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t decode_le32(const uint8_t *at)
{
	return decode_le16(at) | (uint32_t)decode_le16(at + 2) << 16;
}

#define DECODE_WORD 8u /* what decode_copy() may write behind the end it was asked for, if there is room */

/* One instruction for eight bytes, where a loop takes five; worth its start only for a longer piece. */
static inline void decode_copy_words(uint8_t *to, const uint8_t *from, size_t words)
{
#if defined(PB_GUEST) && defined(__x86_64__)
	if (words >= 4) {
		__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
		return;
	}
#endif
	for (; words; words--, to += DECODE_WORD, from += DECODE_WORD)
		__builtin_memcpy(to, from, DECODE_WORD);
}

/* Up to seven bytes become a word of them: which part of a word they are, what repeats it, and how far whole ones
 * reach. */
struct decode_pattern {
	uint64_t mask, times;
	uint8_t whole_len;
};

static const struct decode_pattern decode_patterns[DECODE_WORD] = {
	[1] = { 0xff, 0x0101010101010101, 8 },
	[2] = { 0xffff, 0x0001000100010001, 8 },
	[3] = { 0xffffff, 0x0001000001000001, 6 },
	[4] = { 0xffffffff, 0x0000000100000001, 8 },
	[5] = { 0xffffffffff, 0x10000000001, 5 },
	[6] = { 0xffffffffffff, 0x1000000000001, 6 },
	[7] = { 0xffffffffffffff, 0x100000000000001, 7 },
};

static inline void decode_words(uint8_t *to, const uint8_t *from, size_t len)
{
	decode_copy_words(to, from, (len + DECODE_WORD - 1) / DECODE_WORD);
}

/*
 * A short pattern, twice; the rest repeats both. There is room for two words
 * at least: what the first one is made of may lie in them, too.
 */
static inline void decode_repeat(uint8_t *to, size_t distance, size_t len)
{
	const struct decode_pattern *pattern = &decode_patterns[distance];
	size_t two = 2u * pattern->whole_len;
	uint64_t word;

	__builtin_memcpy(&word, to - distance, DECODE_WORD);
	word = (word & pattern->mask) * pattern->times;
	__builtin_memcpy(to, &word, DECODE_WORD);
	__builtin_memcpy(to + pattern->whole_len, &word, DECODE_WORD);
	if (len > two)
		decode_words(to + two, to, len - two);
}

/*
 * len bytes from `distance` before `to`; room is what follows `to` in the
 * output, at least len. A match may begin inside of what it makes. By words as far as there is
 * room for one more, the rest by bytes.
 */
static inline void decode_match(uint8_t *to, size_t distance, size_t len, size_t room)
{
	const uint8_t *from = to - distance;
	size_t far = room < 2 * DECODE_WORD ? 0 : room - 2 * DECODE_WORD;
	size_t by_words = len < far ? len : far;

	if (distance < DECODE_WORD && by_words)
		decode_repeat(to, distance, by_words);
	else
		decode_words(to, from, by_words);
	for (size_t i = by_words; i < len; i++)
		to[i] = from[i];
}

/* len bytes of the input, which lies behind the output or elsewhere; both rooms are at least len. */
static inline void decode_literals(uint8_t *to, const uint8_t *from, size_t len, size_t to_room, size_t from_room)
{
	size_t words = len / DECODE_WORD;

	if (to_room - len >= DECODE_WORD && from_room - len >= DECODE_WORD) {
		decode_copy_words(to, from, words + (len % DECODE_WORD != 0));
		return;
	}
	decode_copy_words(to, from, words);
	for (size_t i = words * DECODE_WORD; i < len; i++)
		to[i] = from[i];
}

#endif
