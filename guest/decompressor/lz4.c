/* SPDX-License-Identifier: MIT */
/*
 * LZ4 in its legacy frame (lz4_Frame_format.md, "Legacy frame"), which is what
 * Linux's build makes: a magic number, then blocks, each behind its length,
 * each but the last of 8 MiB when decoded, none referring to another. A block
 * (lz4_Block_format.md) is a row of sequences: literals, then a match.
 */
#include "decoder.h"

#define MAGIC     0x184c2102u
#define BLOCK_LEN 0x800000u

#define RUN_MASK  15u
#define MIN_MATCH 4u
#define MAX_LEN   0x80000000u /* more than any block: stops a length's bytes from wrapping it */

struct lz4 {
	const uint8_t *in, *in_end;
	uint8_t *out, *out_start, *out_end; /* of this block */
};

/* Bytes of 255 go on, the first other one ends. */
static bool read_length(struct lz4 *lz4, size_t *len)
{
	uint8_t byte;

	do {
		if (lz4->in == lz4->in_end || *len >= MAX_LEN)
			return false;
		byte = *lz4->in++;
		*len += byte;
	} while (byte == 255);
	return true;
}

static bool take_literals(struct lz4 *lz4, size_t len)
{
	size_t in_room, out_room = (size_t)(lz4->out_end - lz4->out);

	if (len == RUN_MASK && !read_length(lz4, &len))
		return false;
	in_room = (size_t)(lz4->in_end - lz4->in);
	if (len > in_room || len > out_room)
		return false;
	decode_literals(lz4->out, lz4->in, len, out_room, in_room);
	lz4->in += len;
	lz4->out += len;
	return true;
}

static bool take_match(struct lz4 *lz4, size_t len)
{
	size_t distance, room = (size_t)(lz4->out_end - lz4->out);

	if (lz4->in_end - lz4->in < 2)
		return false;
	distance = decode_le16(lz4->in);
	lz4->in += 2;
	if (len == RUN_MASK && !read_length(lz4, &len))
		return false;
	len += MIN_MATCH;
	if (distance == 0 || distance > (size_t)(lz4->out - lz4->out_start) || len > room)
		return false;
	decode_match(lz4->out, distance, len, room);
	lz4->out += len;
	return true;
}

/* ---- Short sequences ----------------------------------------------------- */

/*
 * Nearly all sequences are short: both lengths in the token, so at most 14
 * literals and a match of 18 bytes. They are copied by words, which may go as far as this
 * behind their ends; how many of them there is room for is known beforehand.
 */
#define SHORT_LEN    32u /* what one reads or writes at most */
#define SHORT_MARGIN 2u

static size_t room_for_short(const struct lz4 *lz4)
{
	size_t in_room = (size_t)(lz4->in_end - lz4->in) / SHORT_LEN;
	size_t out_room = (size_t)(lz4->out_end - lz4->out) / SHORT_LEN;
	size_t room = in_room < out_room ? in_room : out_room;

	return room > SHORT_MARGIN ? room - SHORT_MARGIN : 0;
}

static void copy_word(uint8_t *to, const uint8_t *from)
{
	__builtin_memcpy(to, from, DECODE_WORD);
}

/* Up to the first one that is not, which is left as it was: what was copied of it, is copied again. */
static void take_short(struct lz4 *lz4)
{
	const uint8_t *in = lz4->in;
	uint8_t *out = lz4->out;

	for (size_t n = room_for_short(lz4); n; n--) {
		size_t token = *in, literals = token >> 4, len = token & RUN_MASK, distance;
		uint8_t *to = out + literals;
		const uint8_t *from;

		if (literals == RUN_MASK || len == RUN_MASK)
			break;
		copy_word(out, in + 1);
		copy_word(out + DECODE_WORD, in + 1 + DECODE_WORD);
		distance = decode_le16(in + literals + 1);
		from = to - distance;
		if (distance < DECODE_WORD || (uintptr_t)from < (uintptr_t)lz4->out_start)
			break;
		in += literals + 3;
		out = to + len + MIN_MATCH;
		copy_word(to, from);
		if (len <= DECODE_WORD - MIN_MATCH)
			continue;
		copy_word(to + DECODE_WORD, from + DECODE_WORD);
		copy_word(to + 2 * DECODE_WORD, from + 2 * DECODE_WORD);
	}
	lz4->in = in;
	lz4->out = out;
}

/* ---- Blocks --------------------------------------------------------------- */

/* A block ends with literals, so there is one sequence more than take_short() leaves. */
static bool decode_block(struct lz4 *lz4)
{
	while (lz4->in < lz4->in_end) {
		uint8_t token;

		take_short(lz4);
		token = *lz4->in++;
		if (!take_literals(lz4, token >> 4))
			return false;
		if (lz4->in == lz4->in_end)
			return true;
		if (!take_match(lz4, token & RUN_MASK))
			return false;
	}
	return false;
}

bool decode_lz4(const struct decode *decode)
{
	const uint8_t *in = decode->in, *in_end = in + decode->in_len;
	uint8_t *out = decode->out;
	size_t left = decode->out_len;

	if (decode->in_len < 4 || decode_le32(in) != MAGIC)
		return false;
	in += 4;
	while (left) {
		size_t out_len = left < BLOCK_LEN ? left : BLOCK_LEN, len;
		struct lz4 lz4 = { .out = out, .out_start = out, .out_end = out + out_len };

		if (in_end - in < 4)
			return false;
		len = decode_le32(in);
		in += 4;
		if (len > (size_t)(in_end - in))
			return false;
		lz4.in = in;
		lz4.in_end = in + len;
		if (!decode_block(&lz4) || lz4.out != lz4.out_end)
			return false;
		in += len;
		out += out_len;
		left -= out_len;
	}
	return in == in_end;
}
