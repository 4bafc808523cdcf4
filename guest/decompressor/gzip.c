/* SPDX-License-Identifier: MIT */
/*
 * gzip (RFC 1952) around deflate (RFC 1951): one member. Its CRC is not
 * looked at: whoever calls has a sum of the output (abi.h).
 *
 * Codes are read through a table of their first TABLE_BITS bits; the few that
 * are longer are then followed bit by bit through the counts that make
 * a Huffman code canonical (RFC 1951, 3.2.2).
 */
#include "decoder.h"

#define TABLE_BITS               10u
#define MAX_BITS                 15u
#define MAX_LITLENS              286u /* 287 and 288 take part in the fixed code, and are never used */
#define MAX_DISTS                30u
#define ALL_LITLENS              288u
#define CLEN_CODES               19u
#define END_OF_BLOCK             256u
#define SHORT_CODE(symbol, bits) ((uint16_t)((symbol) << 4 | (bits)))

struct code {
	uint16_t table[1u << TABLE_BITS]; /* SHORT_CODE, or 0: longer, or no code at all */
	uint16_t count[MAX_BITS + 1];     /* of codes of each length */
	uint16_t symbols[ALL_LITLENS];    /* in order of their codes */
};

struct inflate {
	const uint8_t *in, *in_end;
	uint8_t *out, *out_start, *out_end;
	uint64_t bits; /* next bit lowest */
	unsigned nr_bits;
	struct code litlens, dists;
	uint8_t lengths[ALL_LITLENS + 32];
};
_Static_assert(sizeof(struct inflate) <= DECODE_WORK_LEN, "the work area");

/* ---- Bits --------------------------------------------------------------- */

/* At least 48 bits, if the input has them; zeros behind its end, which are never used (eat() sees to it). */
static inline void refill(struct inflate *inflate)
{
	if (inflate->in_end - inflate->in >= 8) {
		uint64_t word;

		__builtin_memcpy(&word, inflate->in, 8);
		inflate->bits |= word << inflate->nr_bits;
		inflate->in += (63 - inflate->nr_bits) >> 3;
		inflate->nr_bits |= 56;
		return;
	}
	while (inflate->nr_bits <= 56 && inflate->in < inflate->in_end) {
		inflate->bits |= (uint64_t)*inflate->in++ << inflate->nr_bits;
		inflate->nr_bits += 8;
	}
}

static inline bool eat(struct inflate *inflate, unsigned n)
{
	if (n > inflate->nr_bits)
		return false;
	inflate->bits >>= n;
	inflate->nr_bits -= n;
	return true;
}

static inline bool take_bits(struct inflate *inflate, unsigned n, uint32_t *ret)
{
	refill(inflate);
	*ret = (uint32_t)(inflate->bits & ((1u << n) - 1));
	return eat(inflate, n);
}

/* Back to whole bytes: what is left of the current one is skipped, whole ones go back to the input. */
static void to_bytes(struct inflate *inflate)
{
	inflate->nr_bits &= ~7u;
	inflate->in -= inflate->nr_bits / 8;
	inflate->bits = 0;
	inflate->nr_bits = 0;
}

/* ---- Codes -------------------------------------------------------------- */

static uint32_t reversed(uint32_t code, unsigned bits)
{
	uint32_t ret = 0;

	for (; bits; bits--, code >>= 1)
		ret = ret << 1 | (code & 1);
	return ret;
}

/* A code with unused room is right only if it has at most one symbol (RFC 1951, 3.2.7), as zlib has it, of one bit. */
static bool is_complete(const struct code *code, unsigned used, bool may_be_single)
{
	int left = 1;

	for (unsigned bits = 1; bits <= MAX_BITS; bits++) {
		left = 2 * left - code->count[bits];
		if (left < 0)
			return false;
	}
	return left == 0 || used == 0 || (may_be_single && used == 1 && code->count[1] == 1);
}

static void fill_table(struct code *code, const uint8_t *lengths, unsigned n, const uint16_t *first_code)
{
	uint16_t next[MAX_BITS + 1];

	__builtin_memcpy(next, first_code, sizeof(next));
	for (unsigned i = 0; i < (1u << TABLE_BITS); i++)
		code->table[i] = 0;
	for (unsigned symbol = 0; symbol < n; symbol++) {
		unsigned bits = lengths[symbol];

		if (bits == 0 || bits > TABLE_BITS)
			continue;
		for (uint32_t at = reversed(next[bits]++, bits); at < (1u << TABLE_BITS); at += 1u << bits)
			code->table[at] = SHORT_CODE(symbol, bits);
	}
}

static bool make_code(struct code *code, const uint8_t *lengths, unsigned n, bool may_be_single)
{
	uint16_t first_code[MAX_BITS + 1] = { 0 }, at[MAX_BITS + 2] = { 0 };

	for (unsigned bits = 0; bits <= MAX_BITS; bits++)
		code->count[bits] = 0;
	for (unsigned symbol = 0; symbol < n; symbol++)
		code->count[lengths[symbol]]++;
	if (!is_complete(code, n - code->count[0], may_be_single))
		return false;
	code->count[0] = 0;
	for (unsigned bits = 1; bits <= MAX_BITS; bits++) {
		first_code[bits] = (uint16_t)((first_code[bits - 1] + code->count[bits - 1]) << 1);
		at[bits + 1] = (uint16_t)(at[bits] + code->count[bits]);
	}
	for (unsigned symbol = 0; symbol < n; symbol++)
		if (lengths[symbol])
			code->symbols[at[lengths[symbol]]++] = (uint16_t)symbol;
	fill_table(code, lengths, n, first_code);
	return true;
}

/* Bit by bit: how far is the code so far behind the first one of its length? */
static bool take_long_symbol(struct inflate *inflate, const struct code *code, uint32_t *ret)
{
	uint32_t so_far = 0, first = 0, index = 0;

	for (unsigned bits = 1; bits <= MAX_BITS; bits++) {
		uint32_t count = code->count[bits];

		so_far |= (uint32_t)(inflate->bits >> (bits - 1)) & 1;
		if (so_far - first < count) {
			*ret = code->symbols[index + (so_far - first)];
			return eat(inflate, bits);
		}
		index += count;
		first = (first + count) << 1;
		so_far <<= 1;
	}
	return false;
}

/* Refills: 48 bits hold a symbol and its extra bits twice over. */
static inline bool take_symbol(struct inflate *inflate, const struct code *code, uint32_t *ret)
{
	uint16_t entry;

	refill(inflate);
	entry = code->table[inflate->bits & ((1u << TABLE_BITS) - 1)];
	if (!entry)
		return take_long_symbol(inflate, code, ret);
	*ret = entry >> 4;
	return eat(inflate, entry & 15);
}

/* ---- Blocks ------------------------------------------------------------- */

static bool take_stored(struct inflate *inflate)
{
	size_t len, in_room, out_room = (size_t)(inflate->out_end - inflate->out);

	to_bytes(inflate);
	if (inflate->in_end - inflate->in < 4)
		return false;
	len = decode_le16(inflate->in);
	if (len != (decode_le16(inflate->in + 2) ^ 0xffffu))
		return false;
	inflate->in += 4;
	in_room = (size_t)(inflate->in_end - inflate->in);
	if (len > in_room || len > out_room)
		return false;
	decode_literals(inflate->out, inflate->in, len, out_room, in_room);
	inflate->in += len;
	inflate->out += len;
	return true;
}

/* RFC 1951, 3.2.5: the least length or distance of each symbol, and how many extra bits follow it. */
static const uint16_t length_base[] = { 3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
					31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258 };
static const uint8_t length_extra[] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
					2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0 };
static const uint16_t dist_base[] = { 1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
				      33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
				      1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577 };

static bool take_match(struct inflate *inflate, uint32_t symbol)
{
	size_t room = (size_t)(inflate->out_end - inflate->out);
	uint32_t len, distance, extra;

	if (symbol >= MAX_LITLENS || !take_bits(inflate, length_extra[symbol - 257], &extra))
		return false;
	len = length_base[symbol - 257] + extra;
	if (!take_symbol(inflate, &inflate->dists, &symbol) || symbol >= MAX_DISTS)
		return false;
	if (!take_bits(inflate, symbol < 4 ? 0 : symbol / 2 - 1, &extra))
		return false;
	distance = dist_base[symbol] + extra;
	if (distance > (size_t)(inflate->out - inflate->out_start) || len > room)
		return false;
	decode_match(inflate->out, distance, len, room);
	inflate->out += len;
	return true;
}

static bool take_symbols(struct inflate *inflate)
{
	uint32_t symbol;

	while (take_symbol(inflate, &inflate->litlens, &symbol)) {
		if (symbol == END_OF_BLOCK)
			return true;
		if (symbol > END_OF_BLOCK) {
			if (!take_match(inflate, symbol))
				return false;
			continue;
		}
		if (inflate->out == inflate->out_end)
			return false;
		*inflate->out++ = (uint8_t)symbol;
	}
	return false;
}

static bool take_fixed(struct inflate *inflate)
{
	static const struct {
		uint16_t end;
		uint8_t bits;
	} runs[] = { { 144, 8 }, { 256, 9 }, { 280, 7 }, { 288, 8 } };
	unsigned symbol = 0;

	for (unsigned i = 0; i < sizeof(runs) / sizeof(runs[0]); i++)
		while (symbol < runs[i].end)
			inflate->lengths[symbol++] = runs[i].bits;
	if (!make_code(&inflate->litlens, inflate->lengths, ALL_LITLENS, true))
		return false;
	for (symbol = 0; symbol < 32; symbol++)
		inflate->lengths[symbol] = 5;
	return make_code(&inflate->dists, inflate->lengths, 32, true) && take_symbols(inflate);
}

/* The lengths of both codes in one row, themselves coded; 16 to 18 repeat. */
static bool take_lengths(struct inflate *inflate, unsigned total)
{
	static const struct {
		uint8_t base, extra;
	} repeats[] = { { 3, 2 }, { 3, 3 }, { 11, 7 } };
	unsigned n = 0;

	while (n < total) {
		uint32_t symbol, extra;
		uint8_t value = 0;

		if (!take_symbol(inflate, &inflate->litlens, &symbol))
			return false;
		if (symbol < 16) {
			inflate->lengths[n++] = (uint8_t)symbol;
			continue;
		}
		if (symbol == 16 && n == 0)
			return false;
		if (symbol == 16)
			value = inflate->lengths[n - 1];
		if (!take_bits(inflate, repeats[symbol - 16].extra, &extra))
			return false;
		extra += repeats[symbol - 16].base;
		if (extra > total - n)
			return false;
		while (extra--)
			inflate->lengths[n++] = value;
	}
	return inflate->lengths[END_OF_BLOCK] != 0;
}

static bool take_dynamic(struct inflate *inflate)
{
	static const uint8_t order[CLEN_CODES] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };
	uint8_t clens[CLEN_CODES] = { 0 };
	uint32_t litlens, dists, codes, value;

	if (!take_bits(inflate, 5, &litlens) || !take_bits(inflate, 5, &dists) || !take_bits(inflate, 4, &codes))
		return false;
	litlens += 257;
	dists += 1;
	if (litlens > MAX_LITLENS || dists > MAX_DISTS)
		return false;
	for (uint32_t i = 0; i < codes + 4; i++) {
		if (!take_bits(inflate, 3, &value))
			return false;
		clens[order[i]] = (uint8_t)value;
	}
	if (!make_code(&inflate->litlens, clens, CLEN_CODES, false) || !take_lengths(inflate, litlens + dists))
		return false;
	return make_code(&inflate->litlens, inflate->lengths, litlens, true) &&
	       make_code(&inflate->dists, inflate->lengths + litlens, dists, true) && take_symbols(inflate);
}

static bool take_blocks(struct inflate *inflate)
{
	uint32_t last, type;

	do {
		bool good = false;

		if (!take_bits(inflate, 1, &last) || !take_bits(inflate, 2, &type))
			return false;
		if (type == 0)
			good = take_stored(inflate);
		else if (type == 1)
			good = take_fixed(inflate);
		else if (type == 2)
			good = take_dynamic(inflate);
		if (!good)
			return false;
	} while (!last);
	to_bytes(inflate);
	return true;
}

/* ---- gzip --------------------------------------------------------------- */

#define FHCRC    2u
#define FEXTRA   4u
#define FNAME    8u
#define FCOMMENT 16u
#define HEAD_LEN 10u
#define TAIL_LEN 8u /* CRC32 and ISIZE */

static bool skip(const uint8_t **in, const uint8_t *end, size_t len)
{
	if (len > (size_t)(end - *in))
		return false;
	*in += len;
	return true;
}

static bool skip_string(const uint8_t **in, const uint8_t *end)
{
	while (*in < end)
		if (*(*in)++ == 0)
			return true;
	return false;
}

static bool skip_head(const uint8_t **in, const uint8_t *end)
{
	const uint8_t *head = *in;
	uint8_t flags;

	if (!skip(in, end, HEAD_LEN) || head[0] != 0x1f || head[1] != 0x8b || head[2] != 8)
		return false;
	flags = head[3];
	if (flags & ~(1u | FHCRC | FEXTRA | FNAME | FCOMMENT))
		return false;
	if (flags & FEXTRA && (end - *in < 2 || !skip(in, end, 2u + decode_le16(*in))))
		return false;
	if (flags & FNAME && !skip_string(in, end))
		return false;
	if (flags & FCOMMENT && !skip_string(in, end))
		return false;
	return !(flags & FHCRC) || skip(in, end, 2);
}

bool decode_gzip(const struct decode *decode)
{
	struct inflate *inflate = decode->work;

	inflate->in = decode->in;
	inflate->in_end = decode->in + decode->in_len;
	inflate->out = inflate->out_start = decode->out;
	inflate->out_end = decode->out + decode->out_len;
	inflate->bits = 0;
	inflate->nr_bits = 0;
	if (!skip_head(&inflate->in, inflate->in_end) || !take_blocks(inflate))
		return false;
	return inflate->out == inflate->out_end && inflate->in_end - inflate->in == TAIL_LEN &&
	       decode_le32(inflate->in + 4) == (uint32_t)decode->out_len;
}
