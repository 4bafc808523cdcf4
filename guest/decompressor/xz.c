/* SPDX-License-Identifier: MIT */
/*
 * xz (the .xz file format, 1.1.0) with LZMA2, alone or behind the x86 filter:
 * one stream of any number of blocks. Check values are skipped: whoever calls
 * has a sum of the output (abi.h). The output is the dictionary, so the x86
 * filter, whose output LZMA must not see, runs over each block when all of it is there.
 */
#include "decoder.h"

/* ---- LZMA: the range coder ---------------------------------------------- */

#define PROB_BITS    11u
#define PROB_HALF    (1u << (PROB_BITS - 1))
#define MOVE_BITS    5u
#define RANGE_TOP    (1u << 24)
#define RC_INIT      5u

#define STATES       12u
#define STATE_LIT    7u /* states below: a literal came last */
#define POS_STATES   16u
#define DIST_STATES  4u
#define DIST_MODEL   4u  /* slots from here on have more bits than the slot says, */
#define DIST_DIRECT  14u /* and from here on some of them without a model */
#define DIST_SPECIAL 115u
#define ALIGN_BITS   4u
#define MATCH_MIN    2u
#define LC_LP_MAX    4u
#define LITERAL_LEN  0x300u

struct length_probs {
	uint16_t choice, choice2;
	uint16_t low[POS_STATES][8], mid[POS_STATES][8], high[256];
};

struct probs {
	uint16_t is_match[STATES][POS_STATES];
	uint16_t is_rep[STATES], is_rep0[STATES], is_rep1[STATES], is_rep2[STATES];
	uint16_t is_rep0_long[STATES][POS_STATES];
	uint16_t dist_slot[DIST_STATES][64], dist_special[DIST_SPECIAL], dist_align[1u << ALIGN_BITS];
	struct length_probs match_len, rep_len;
	uint16_t literal[LITERAL_LEN << LC_LP_MAX];
};

struct lzma {
	uint32_t range, code;
	const uint8_t *in, *in_end; /* of the chunk */
	bool starved;               /* it asked for more than the chunk has */
	uint8_t *out, *out_end;     /* of the chunk */
	uint8_t *dict;              /* where the dictionary begins */
	size_t dict_max;            /* the longest distance that the header allows */
	uint32_t rep[4];
	unsigned state;
	unsigned lc, literal_mask, pos_mask;
	struct probs probs;
};
_Static_assert(sizeof(struct lzma) <= DECODE_WORK_LEN, "the work area");

static inline void normalize(struct lzma *lzma)
{
	if (lzma->range >= RANGE_TOP)
		return;
	lzma->range <<= 8;
	lzma->code <<= 8;
	if (lzma->in < lzma->in_end)
		lzma->code |= *lzma->in++;
	else
		lzma->starved = true;
}

static inline unsigned take_bit(struct lzma *lzma, uint16_t *prob)
{
	uint32_t bound;

	normalize(lzma);
	bound = (lzma->range >> PROB_BITS) * *prob;
	if (lzma->code < bound) {
		lzma->range = bound;
		*prob = (uint16_t)(*prob + (((1u << PROB_BITS) - *prob) >> MOVE_BITS));
		return 0;
	}
	lzma->range -= bound;
	lzma->code -= bound;
	*prob = (uint16_t)(*prob - (*prob >> MOVE_BITS));
	return 1;
}

/* A tree of `bits` levels, highest bit first. */
static inline uint32_t take_tree(struct lzma *lzma, uint16_t *probs, unsigned bits)
{
	uint32_t node = 1;

	for (unsigned i = 0; i < bits; i++)
		node = node << 1 | take_bit(lzma, &probs[node]);
	return node - (1u << bits);
}

/* The same, lowest bit first; the tree's root is probs[1]. */
static uint32_t take_reverse_tree(struct lzma *lzma, uint16_t *probs, unsigned bits)
{
	uint32_t node = 1, ret = 0;

	for (unsigned i = 0; i < bits; i++) {
		unsigned bit = take_bit(lzma, &probs[node]);

		node = node << 1 | bit;
		ret |= bit << i;
	}
	return ret;
}

/* Bits that are 0 or 1 with the same chance. */
static uint32_t take_direct(struct lzma *lzma, unsigned bits)
{
	uint32_t ret = 0;

	while (bits--) {
		normalize(lzma);
		lzma->range >>= 1;
		ret <<= 1;
		if (lzma->code >= lzma->range) {
			lzma->code -= lzma->range;
			ret |= 1;
		}
	}
	return ret;
}

/* ---- LZMA: symbols ------------------------------------------------------ */

static size_t dict_len(const struct lzma *lzma)
{
	return (size_t)(lzma->out - lzma->dict);
}

static void take_literal(struct lzma *lzma)
{
	size_t pos = dict_len(lzma);
	unsigned before = pos ? lzma->out[-1] : 0;
	unsigned context = ((unsigned)(pos & lzma->literal_mask) << lzma->lc) + (before >> (8 - lzma->lc));
	uint16_t *probs = &lzma->probs.literal[LITERAL_LEN * context];
	uint32_t symbol = 1;

	if (lzma->state >= STATE_LIT) {
		uint32_t match = lzma->out[-(ptrdiff_t)lzma->rep[0] - 1], offset = 0x100;

		while (symbol < 0x100) {
			uint32_t match_bit;

			match <<= 1;
			match_bit = match & offset;
			if (take_bit(lzma, &probs[offset + match_bit + symbol])) {
				symbol = symbol << 1 | 1;
				offset &= match_bit;
			} else {
				symbol <<= 1;
				offset &= ~match_bit;
			}
		}
	}
	while (symbol < 0x100)
		symbol = symbol << 1 | take_bit(lzma, &probs[symbol]);
	*lzma->out++ = (uint8_t)symbol;
	lzma->state = lzma->state < 4 ? 0 : lzma->state < 10 ? lzma->state - 3 : lzma->state - 6;
}

static uint32_t take_len(struct lzma *lzma, struct length_probs *probs, unsigned pos_state)
{
	if (!take_bit(lzma, &probs->choice))
		return MATCH_MIN + take_tree(lzma, probs->low[pos_state], 3);
	if (!take_bit(lzma, &probs->choice2))
		return MATCH_MIN + 8 + take_tree(lzma, probs->mid[pos_state], 3);
	return MATCH_MIN + 16 + take_tree(lzma, probs->high, 8);
}

static uint32_t take_distance(struct lzma *lzma, uint32_t len)
{
	uint32_t dist_state = len - MATCH_MIN < DIST_STATES ? len - MATCH_MIN : DIST_STATES - 1;
	uint32_t slot = take_tree(lzma, lzma->probs.dist_slot[dist_state], 6), distance;
	unsigned bits = (slot >> 1) - 1;

	if (slot < DIST_MODEL)
		return slot;
	distance = (2 | (slot & 1)) << bits;
	if (slot < DIST_DIRECT)
		return distance + take_reverse_tree(lzma, lzma->probs.dist_special + distance - slot, bits);
	distance += take_direct(lzma, bits - ALIGN_BITS) << ALIGN_BITS;
	return distance + take_reverse_tree(lzma, lzma->probs.dist_align, ALIGN_BITS);
}

/* One of the four last distances, which comes to the front; returns the length. */
static uint32_t take_rep(struct lzma *lzma, unsigned pos_state)
{
	struct probs *probs = &lzma->probs;
	unsigned state = lzma->state, which;
	uint32_t distance;

	if (!take_bit(lzma, &probs->is_rep0[state])) {
		if (!take_bit(lzma, &probs->is_rep0_long[state][pos_state])) {
			lzma->state = state < STATE_LIT ? 9 : 11;
			return 1;
		}
		which = 0;
	} else if (!take_bit(lzma, &probs->is_rep1[state])) {
		which = 1;
	} else {
		which = 2 + take_bit(lzma, &probs->is_rep2[state]);
	}
	distance = lzma->rep[which];
	for (; which; which--)
		lzma->rep[which] = lzma->rep[which - 1];
	lzma->rep[0] = distance;
	lzma->state = state < STATE_LIT ? 8 : 11;
	return take_len(lzma, &probs->rep_len, pos_state);
}

static uint32_t take_new(struct lzma *lzma, unsigned pos_state)
{
	uint32_t len = take_len(lzma, &lzma->probs.match_len, pos_state);

	lzma->rep[3] = lzma->rep[2];
	lzma->rep[2] = lzma->rep[1];
	lzma->rep[1] = lzma->rep[0];
	lzma->rep[0] = take_distance(lzma, len);
	lzma->state = lzma->state < STATE_LIT ? 7 : 10;
	return len;
}

static bool take_match(struct lzma *lzma, unsigned pos_state)
{
	size_t room = (size_t)(lzma->out_end - lzma->out);
	uint32_t len;

	if (take_bit(lzma, &lzma->probs.is_rep[lzma->state]))
		len = take_rep(lzma, pos_state);
	else
		len = take_new(lzma, pos_state);
	if (len > room || lzma->rep[0] >= dict_len(lzma) || lzma->rep[0] >= lzma->dict_max)
		return false;
	decode_match(lzma->out, (size_t)lzma->rep[0] + 1, len, room);
	lzma->out += len;
	return true;
}

static bool take_symbols(struct lzma *lzma)
{
	while (lzma->out < lzma->out_end && !lzma->starved) {
		unsigned pos_state = (unsigned)dict_len(lzma) & lzma->pos_mask;

		if (!take_bit(lzma, &lzma->probs.is_match[lzma->state][pos_state]))
			take_literal(lzma);
		else if (!take_match(lzma, pos_state))
			return false;
	}
	normalize(lzma);
	return !lzma->starved && lzma->code == 0 && lzma->in == lzma->in_end;
}

/* ---- LZMA2: chunks ------------------------------------------------------ */

#define CHUNK_END        0x00u
#define CHUNK_STORED_NEW 0x01u /* and the dictionary begins anew */
#define CHUNK_STORED     0x02u
#define CHUNK_LZMA       0x80u
#define RESET_STATE      1u /* bits 5 and 6 of an LZMA chunk's first byte: */
#define RESET_PROPS      2u /* each includes the ones before it */
#define RESET_DICT       3u

/* What may not come yet: something that needs what was never set. */
struct needs {
	bool dict, props, state;
};

static void reset_state(struct lzma *lzma)
{
	uint16_t *prob = (uint16_t *)&lzma->probs;

	lzma->state = 0;
	for (unsigned i = 0; i < 4; i++)
		lzma->rep[i] = 0;
	for (size_t i = 0; i < sizeof(lzma->probs) / sizeof(*prob); i++)
		prob[i] = PROB_HALF;
}

static bool set_props(struct lzma *lzma, uint8_t props)
{
	unsigned lp, pb;

	if (props > (4 * 5 + 4) * 9 + 8)
		return false;
	lzma->lc = props % 9;
	lp = props / 9 % 5;
	pb = props / 45;
	lzma->literal_mask = (1u << lp) - 1;
	lzma->pos_mask = (1u << pb) - 1;
	return lzma->lc + lp <= LC_LP_MAX;
}

static bool start_range(struct lzma *lzma)
{
	if (lzma->in_end - lzma->in < (ptrdiff_t)RC_INIT || lzma->in[0] != 0)
		return false;
	lzma->range = 0xffffffff;
	lzma->code =
		(uint32_t)lzma->in[1] << 24 | (uint32_t)lzma->in[2] << 16 | (uint32_t)lzma->in[3] << 8 | lzma->in[4];
	lzma->in += RC_INIT;
	return true;
}

struct stream {
	const uint8_t *in, *in_end;
	uint8_t *out, *out_end;
};

static unsigned take_be16(struct stream *stream)
{
	unsigned value = (unsigned)stream->in[0] << 8 | stream->in[1];

	stream->in += 2;
	return value;
}

static size_t in_left(const struct stream *stream)
{
	return (size_t)(stream->in_end - stream->in);
}

static size_t out_left(const struct stream *stream)
{
	return (size_t)(stream->out_end - stream->out);
}

static bool take_stored_chunk(struct stream *stream, struct lzma *lzma, struct needs *needs, bool new_dict)
{
	size_t len;

	if (new_dict) {
		lzma->dict = stream->out;
		*needs = (struct needs){ .props = true, .state = true };
	}
	if (needs->dict)
		return false;
	if (in_left(stream) < 2)
		return false;
	len = (size_t)take_be16(stream) + 1;
	if (len > in_left(stream) || len > out_left(stream))
		return false;
	decode_literals(stream->out, stream->in, len, out_left(stream), in_left(stream));
	stream->in += len;
	stream->out += len;
	return true;
}

static bool apply_resets(struct stream *stream, struct lzma *lzma, struct needs *needs, unsigned reset)
{
	if (reset == RESET_DICT) {
		lzma->dict = stream->out;
		needs->dict = false;
	}
	if (reset >= RESET_PROPS) {
		if (!in_left(stream) || !set_props(lzma, *stream->in++))
			return false;
		needs->props = false;
	}
	if (reset >= RESET_STATE) {
		if (needs->props)
			return false;
		reset_state(lzma);
		needs->state = false;
	}
	return !needs->dict && !needs->props && !needs->state;
}

static bool take_lzma_chunk(struct stream *stream, struct lzma *lzma, struct needs *needs, uint8_t control)
{
	size_t out_len, in_len;

	if (in_left(stream) < 4)
		return false;
	out_len = ((size_t)(control & 0x1f) << 16) + take_be16(stream) + 1;
	in_len = (size_t)take_be16(stream) + 1;
	if (!apply_resets(stream, lzma, needs, control >> 5 & 3) || in_len > in_left(stream) ||
	    out_len > out_left(stream))
		return false;
	lzma->in = stream->in;
	lzma->in_end = stream->in + in_len;
	lzma->out = stream->out;
	lzma->out_end = stream->out + out_len;
	lzma->starved = false;
	if (!start_range(lzma) || !take_symbols(lzma))
		return false;
	stream->in += in_len;
	stream->out += out_len;
	return true;
}

static bool take_chunks(struct stream *stream, struct lzma *lzma)
{
	struct needs needs = { true, true, true };

	while (in_left(stream)) {
		uint8_t control = *stream->in++;
		bool good;

		if (control == CHUNK_END)
			return true;
		if (control >= CHUNK_LZMA)
			good = take_lzma_chunk(stream, lzma, &needs, control);
		else
			good = control <= CHUNK_STORED &&
			       take_stored_chunk(stream, lzma, &needs, control == CHUNK_STORED_NEW);
		if (!good)
			return false;
	}
	return false;
}

/* ---- The x86 filter ----------------------------------------------------- */

#define OPERAND_LEN 4u

static bool is_sign(uint8_t byte)
{
	return byte == 0 || byte == 0xff;
}

/*
 * The operand of a call or jump was made absolute, so that calls of one
 * function look alike: make it relative again. Where one opcode byte stands
 * within the operand of another that was left alone, the encoder took care that its result cannot
 * be mistaken; `back` is how far before this one that other one stands, 0: there is none.
 */
static uint32_t relative(uint32_t operand, uint32_t next, unsigned back)
{
	uint32_t value = operand - next;
	unsigned shift = 8 * back;

	if (back && is_sign((uint8_t)(value >> (24 - shift))))
		value = (value ^ ((1u << (32 - shift)) - 1)) - next;
	return (value & 0x01ffffff) | (0 - (value >> 24 & 1)) << 24;
}

/* Bit n of `near`: an opcode that was left alone stands n + 1 bytes before. Only one may, and its operand must be odd.
 */
static bool is_converted(const uint8_t *at, unsigned near, unsigned *back)
{
	*back = near == 4 ? 3 : near;
	if (near == 3 || near > 4 || !is_sign(at[OPERAND_LEN]))
		return false;
	return near == 0 || !is_sign(at[OPERAND_LEN - *back]);
}

static void undo_x86(uint8_t *bytes, size_t len)
{
	unsigned near = 0, back;

	for (size_t i = 0; len > OPERAND_LEN && i < len - OPERAND_LEN;) {
		uint8_t *at = bytes + i;
		uint32_t value;

		if ((at[0] & 0xfe) != 0xe8) {
			near = near << 1 & 7;
			i++;
			continue;
		}
		if (!is_converted(at, near, &back)) {
			near = (near << 1 | 1) & 7;
			i++;
			continue;
		}
		value = relative(decode_le32(at + 1), (uint32_t)i + 5, back);
		__builtin_memcpy(at + 1, &value, sizeof(value));
		near = 0;
		i += 1 + OPERAND_LEN;
	}
}

/* ---- The container ------------------------------------------------------ */

#define STREAM_HEAD_LEN 12u
#define STREAM_FOOT_LEN 12u
#define FILTER_X86      0x04u
#define FILTER_LZMA2    0x21u
#define HAS_IN_LEN      0x40u
#define HAS_OUT_LEN     0x80u
#define DICT_PROPS_MAX  40u

/* Length of the check behind each block, by its number in the stream's flags. */
static const uint8_t check_lens[16] = { 0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64 };

/* Up to nine groups of seven bits, lowest first. */
static bool take_vli(const uint8_t **in, const uint8_t *end, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned shift = 0; shift < 63 && *in < end; shift += 7) {
		uint8_t byte = *(*in)++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = value;
			return byte != 0 || shift == 0;
		}
	}
	return false;
}

/* Bits of the dictionary's length: 2 or 3 times a power of two. */
static bool set_dict_max(struct lzma *lzma, uint8_t props)
{
	if (props > DICT_PROPS_MAX)
		return false;
	lzma->dict_max = props == DICT_PROPS_MAX ? 0xffffffff : (size_t)(2 | (props & 1)) << (props / 2 + 11);
	return true;
}

/* One filter's id and properties: LZMA2 with its byte, or the x86 filter with none or an offset of 0. */
static bool take_filter(const uint8_t **in, const uint8_t *end, struct lzma *lzma, uint64_t *id)
{
	uint64_t props_len;
	const uint8_t *props;

	if (!take_vli(in, end, id) || !take_vli(in, end, &props_len) || props_len > (size_t)(end - *in))
		return false;
	props = *in;
	*in += props_len;
	if (*id == FILTER_LZMA2)
		return props_len == 1 && set_dict_max(lzma, props[0]);
	if (*id == FILTER_X86)
		return props_len == 0 || (props_len == 4 && decode_le32(props) == 0);
	return false;
}

/* LZMA2 alone, or the x86 filter before it. */
static bool take_filters(const uint8_t **in, const uint8_t *end, unsigned count, struct lzma *lzma, bool *x86)
{
	uint64_t id;

	*x86 = count == 2;
	if (count > 2 || !take_filter(in, end, lzma, &id))
		return false;
	if (count == 1)
		return id == FILTER_LZMA2;
	return id == FILTER_X86 && take_filter(in, end, lzma, &id) && id == FILTER_LZMA2;
}

static bool take_block_head(struct stream *stream, struct lzma *lzma, bool *x86)
{
	const uint8_t *head = stream->in, *at = head + 2, *end;
	size_t len = 4 * ((size_t)head[0] + 1);
	uint64_t ignored;

	if (len > in_left(stream))
		return false;
	end = head + len - 4; /* its CRC32 */
	if (head[1] & 0x3c)
		return false;
	if (head[1] & HAS_IN_LEN && !take_vli(&at, end, &ignored))
		return false;
	if (head[1] & HAS_OUT_LEN && !take_vli(&at, end, &ignored))
		return false;
	if (!take_filters(&at, end, (head[1] & 3u) + 1, lzma, x86))
		return false;
	while (at < end)
		if (*at++ != 0)
			return false;
	stream->in += len;
	return true;
}

static bool skip_zeros(struct stream *stream, const uint8_t *start)
{
	while ((stream->in - start) % 4 != 0)
		if (!in_left(stream) || *stream->in++ != 0)
			return false;
	return true;
}

static bool take_block(struct stream *stream, struct lzma *lzma, unsigned check_len)
{
	const uint8_t *start = stream->in;
	uint8_t *out = stream->out;
	bool x86;

	if (!take_block_head(stream, lzma, &x86) || !take_chunks(stream, lzma) || !skip_zeros(stream, start))
		return false;
	if (check_len > in_left(stream))
		return false;
	stream->in += check_len;
	if (x86)
		undo_x86(out, (size_t)(stream->out - out));
	return true;
}

/* The index repeats what the blocks said; as many records as there were blocks, and then the end. */
static bool take_index(struct stream *stream, uint64_t blocks)
{
	const uint8_t *start = stream->in++;
	uint64_t records, ignored;

	if (!take_vli(&stream->in, stream->in_end, &records) || records != blocks)
		return false;
	for (records *= 2; records; records--)
		if (!take_vli(&stream->in, stream->in_end, &ignored))
			return false;
	return skip_zeros(stream, start) && in_left(stream) == 4 + STREAM_FOOT_LEN && stream->in_end[-2] == 'Y' &&
	       stream->in_end[-1] == 'Z';
}

bool decode_xz(const struct decode *decode)
{
	static const uint8_t magic[] = { 0xfd, '7', 'z', 'X', 'Z', 0, 0 };
	struct stream stream = { decode->in, decode->in + decode->in_len, decode->out, decode->out + decode->out_len };
	uint64_t blocks = 0;
	unsigned flags;

	if (in_left(&stream) < STREAM_HEAD_LEN)
		return false;
	for (unsigned i = 0; i < sizeof(magic); i++)
		if (stream.in[i] != magic[i])
			return false;
	flags = stream.in[sizeof(magic)];
	stream.in += STREAM_HEAD_LEN;
	for (; flags < 16 && in_left(&stream) >= 2; blocks++) {
		if (stream.in[0] == 0)
			return stream.out == stream.out_end && take_index(&stream, blocks);
		if (!take_block(&stream, decode->work, check_lens[flags]))
			return false;
	}
	return false;
}
