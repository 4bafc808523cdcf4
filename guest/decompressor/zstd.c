/* SPDX-License-Identifier: MIT */
/*
 * Zstandard (RFC 8878): one frame, without a dictionary. Its checksum is
 * skipped: whoever calls has a sum of the output (abi.h).
 *
 * Everything that is entropy-coded is read backwards, from the last bit of a
 * piece to its first, by words: see struct back.
 *
 * A kernel is some millions of sequences of ten bytes each, so what counts is
 * what one of them costs: its three table entries hold all that there is to
 * know of a code, one fetch has the bits of nearly every sequence, and short
 * literals and matches are copied as two words, whatever their lengths.
 */
#include "decoder.h"

#define MAGIC          0xfd2fb528u
#define BLOCK_MAX      0x20000u
#define HUFFMAN_BITS   11u
#define MAX_WEIGHTS    255u
#define WEIGHT_LOG     6u
#define MAX_LOG        9u
#define MAX_SYMBOLS    53u

#define FIRST_DISTANCE 2u  /* codes of offsets: those below say which of the last ones */
#define SHORT_LEN      16u /* of literals, and of a match, that are copied as two words */
#define SHORT_ROOM     48u /* what both write at most; decode_repeat() goes a word behind its end */

struct huffman_entry {
	uint8_t symbol, bits;
};

/* Of a state: the value that its symbol begins at and the bits to be added; the next state likewise. */
struct fse_entry {
	uint32_t value;
	uint16_t next;
	uint8_t extra, bits;
};

struct fse_table {
	struct fse_entry entries[1u << MAX_LOG];
	unsigned log;
	bool valid; /* "repeat" needs one that was there before */
};

enum { LITERAL_LENGTHS, OFFSETS, MATCH_LENGTHS, SEQUENCE_PARTS };

struct zstd {
	const uint8_t *in, *in_end; /* of the frame, then of the block */
	uint8_t *out, *out_start, *out_end;
	uint8_t *short_end; /* from here on a block has no room for what short sequences write */
	const uint8_t *literals;
	const uint8_t *literals_end; /* what may be read of them, by words; they may have ended before */
	size_t nr_literals;
	uint32_t rep[3];
	struct huffman_entry huffman[1u << HUFFMAN_BITS];
	unsigned huffman_bits; /* 0: there is none to repeat */
	struct fse_table tables[SEQUENCE_PARTS];
	struct fse_table weights;
	uint8_t literal_buf[BLOCK_MAX + DECODE_WORD];
};
_Static_assert(sizeof(struct zstd) <= DECODE_WORK_LEN, "the work area");

static unsigned highest_bit(uint32_t value)
{
	return 31 - (unsigned)__builtin_clz(value);
}

/* ---- Reading backwards -------------------------------------------------- */

/*
 * The stream's unread bits are the lowest `left` ones of a word, and all that
 * lies before that. Before the stream's start there are zeros: whoever reads too much
 * of them has less than nothing left in the end, and nothing else needs to ask.
 */
struct back {
	const uint8_t *start;
	ptrdiff_t at; /* of the word, from start; below 0 in the end */
	uint64_t word;
	unsigned left;
};

#define BACK_BITS 56u /* that are there after each back_fill() */

static uint64_t back_first_word(const struct back *back)
{
	uint64_t word = 0;

	for (ptrdiff_t i = 0; i < 8; i++)
		if (back->at + i >= 0)
			word |= (uint64_t)back->start[back->at + i] << (8 * i);
	return word;
}

static inline void back_fill(struct back *back)
{
	back->at += (ptrdiff_t)(back->left / 8) - 7;
	back->left = back->left % 8 + BACK_BITS;
	if (back->at >= 0)
		__builtin_memcpy(&back->word, back->start + back->at, 8);
	else
		back->word = back_first_word(back);
}

/* Of at most BACK_BITS since it was filled, and at most 31 at once. */
static inline uint32_t back_take(struct back *back, unsigned n)
{
	static const uint32_t masks[] = { 0,         1,          3,          7,         0xf,       0x1f,      0x3f,
					  0x7f,      0xff,       0x1ff,      0x3ff,     0x7ff,     0xfff,     0x1fff,
					  0x3fff,    0x7fff,     0xffff,     0x1ffff,   0x3ffff,   0x7ffff,   0xfffff,
					  0x1fffff,  0x3fffff,   0x7fffff,   0xffffff,  0x1ffffff, 0x3ffffff, 0x7ffffff,
					  0xfffffff, 0x1fffffff, 0x3fffffff, 0x7fffffff };

	back->left -= n;
	return (uint32_t)(back->word >> back->left) & masks[n];
}

static inline ptrdiff_t back_rest(const struct back *back)
{
	return back->at * 8 + (ptrdiff_t)back->left;
}

/* The last byte's highest bit that is set ends the stream. */
static bool back_open(struct back *back, const uint8_t *start, size_t len)
{
	if (len == 0 || start[len - 1] == 0)
		return false;
	*back = (struct back){ .start = start, .at = (ptrdiff_t)len - 1, .left = highest_bit(start[len - 1]) };
	back_fill(back);
	return true;
}

/* ---- FSE ---------------------------------------------------------------- */

/* Reading forwards, as only the descriptions of tables are. */
struct bits {
	const uint8_t *in;
	size_t len, pos; /* pos in bits */
};

static uint32_t bits_peek(const struct bits *bits, unsigned n)
{
	uint32_t value = 0;

	for (unsigned i = 0; i < 4; i++)
		if (bits->pos / 8 + i < bits->len)
			value |= (uint32_t)bits->in[bits->pos / 8 + i] << (8 * i);
	return (value >> (bits->pos % 8)) & ((1u << n) - 1);
}

/* Counts of an FSE table (RFC 8878, 4.1.1); -1: less than one. */
static bool read_counts(const uint8_t **in, const uint8_t *end, unsigned max_log, unsigned max_symbols, int16_t *counts,
			unsigned *ret_log)
{
	struct bits bits = { *in, (size_t)(end - *in), 0 };
	unsigned log = bits_peek(&bits, 4) + 5, symbol = 0;
	int32_t left = 1 << log;

	bits.pos = 4;
	if (log > max_log)
		return false;
	while (left > 0 && symbol < max_symbols) {
		unsigned n = highest_bit((uint32_t)left + 1) + 1;
		uint32_t low_mask = (1u << (n - 1)) - 1, spare = (1u << n) - 2 - (uint32_t)left;
		uint32_t value = bits_peek(&bits, n), flag;

		if ((value & low_mask) < spare) {
			value &= low_mask;
			n--;
		} else if (value > low_mask) {
			value -= spare;
		}
		bits.pos += n;
		counts[symbol] = (int16_t)((int32_t)value - 1);
		left -= counts[symbol] < 0 ? 1 : counts[symbol];
		if (counts[symbol++] != 0)
			continue;
		do {
			flag = bits_peek(&bits, 2);
			bits.pos += 2;
			for (uint32_t i = 0; i < flag && symbol < max_symbols; i++)
				counts[symbol++] = 0;
		} while (flag == 3 && symbol < max_symbols);
	}
	while (symbol < max_symbols)
		counts[symbol++] = 0;
	*in += (bits.pos + 7) / 8;
	*ret_log = log;
	return left == 0 && (bits.pos + 7) / 8 <= bits.len;
}

/* Which symbol each state stands for: rare ones at the end, the others spread evenly (RFC 8878, 4.1.1). */
static void spread_symbols(struct fse_table *table, const int16_t *counts, unsigned nr_symbols)
{
	unsigned size = 1u << table->log, high = size, at = 0, step = (size >> 1) + (size >> 3) + 3;

	for (unsigned symbol = 0; symbol < nr_symbols; symbol++)
		if (counts[symbol] < 0)
			table->entries[--high].value = symbol;
	for (unsigned symbol = 0; symbol < nr_symbols; symbol++)
		for (int i = 0; i < counts[symbol]; i++) {
			table->entries[at].value = symbol;
			do
				at = (at + step) & (size - 1);
			while (at >= high);
		}
}

/* The entries' values are their symbols. */
static void make_table(struct fse_table *table, const int16_t *counts, unsigned nr_symbols, unsigned log)
{
	uint16_t next[MAX_SYMBOLS];

	table->log = log;
	table->valid = true;
	spread_symbols(table, counts, nr_symbols);
	for (unsigned symbol = 0; symbol < nr_symbols; symbol++)
		next[symbol] = (uint16_t)(counts[symbol] < 0 ? 1 : counts[symbol]);
	for (unsigned i = 0; i < (1u << log); i++) {
		struct fse_entry *entry = &table->entries[i];
		unsigned state = next[entry->value]++;

		entry->bits = (uint8_t)(log - highest_bit(state));
		entry->next = (uint16_t)((state << entry->bits) - (1u << log));
	}
}

static void make_single(struct fse_table *table, uint8_t symbol)
{
	table->log = 0;
	table->valid = true;
	table->entries[0] = (struct fse_entry){ .value = symbol };
}

/* ---- Huffman ------------------------------------------------------------ */

/* Two states take turns, until a step asks for bits that are not there; then the other's symbol is the last. */
static bool read_fse_weights(struct zstd *zstd, const uint8_t *in, size_t len, uint8_t *weights, unsigned *count)
{
	const uint8_t *end = in + len;
	int16_t counts[16];
	struct back back;
	unsigned log, state[2], turn = 0;

	if (!read_counts(&in, end, WEIGHT_LOG, 13, counts, &log))
		return false;
	make_table(&zstd->weights, counts, 13, log);
	if (!back_open(&back, in, (size_t)(end - in)))
		return false;
	state[0] = back_take(&back, log);
	state[1] = back_take(&back, log);
	if (back_rest(&back) < 0)
		return false;
	for (*count = 0; *count < MAX_WEIGHTS - 1; turn ^= 1) {
		const struct fse_entry *entry = &zstd->weights.entries[state[turn]];

		weights[(*count)++] = (uint8_t)entry->value;
		back_fill(&back);
		state[turn] = entry->next + back_take(&back, entry->bits);
		if (back_rest(&back) >= 0)
			continue;
		weights[(*count)++] = (uint8_t)zstd->weights.entries[state[turn ^ 1]].value;
		return true;
	}
	return false;
}

static bool read_direct_weights(const uint8_t *in, size_t len, uint8_t *weights, unsigned count)
{
	if (len < (count + 1) / 2)
		return false;
	for (unsigned i = 0; i < count; i++)
		weights[i] = i % 2 ? in[i / 2] & 15 : in[i / 2] >> 4;
	return true;
}

/* The last weight is not written: it fills the table up to a power of two. */
static bool add_last_weight(uint8_t *weights, unsigned *count, unsigned *ret_bits)
{
	uint32_t sum = 0, rest;
	unsigned bits;

	for (unsigned i = 0; i < *count; i++) {
		if (weights[i] > HUFFMAN_BITS + 1)
			return false;
		sum += weights[i] ? 1u << (weights[i] - 1) : 0;
	}
	if (sum == 0)
		return false;
	bits = highest_bit(sum) + 1;
	rest = (1u << bits) - sum;
	if (bits > HUFFMAN_BITS || (rest & (rest - 1)) != 0)
		return false;
	weights[(*count)++] = (uint8_t)(highest_bit(rest) + 1);
	*ret_bits = bits;
	return true;
}

/* Lower weights, longer codes, stand first; a symbol of weight w has 2^(w-1) entries. */
static void fill_huffman(struct zstd *zstd, const uint8_t *weights, unsigned count, unsigned bits)
{
	unsigned next[HUFFMAN_BITS + 3] = { 0 }; /* the entry at which the next symbol of a weight begins */

	zstd->huffman_bits = bits;
	for (unsigned symbol = 0; symbol < count; symbol++)
		next[weights[symbol] + 1] += weights[symbol] ? 1u << (weights[symbol] - 1) : 0;
	for (unsigned weight = 1; weight <= bits; weight++)
		next[weight + 1] += next[weight];
	for (unsigned symbol = 0; symbol < count; symbol++) {
		unsigned weight = weights[symbol], len = weight ? 1u << (weight - 1) : 0;
		struct huffman_entry entry = { (uint8_t)symbol, (uint8_t)(bits + 1 - weight) };

		for (unsigned i = 0; i < len; i++)
			zstd->huffman[next[weight] + i] = entry;
		next[weight] += len;
	}
}

/* Two codes of the longest length at least, or the tree would have had fewer levels (RFC 8878, 4.2.1). */
static bool has_pair(const uint8_t *weights, unsigned count)
{
	unsigned ones = 0;

	for (unsigned i = 0; i < count; i++)
		ones += weights[i] == 1;
	return ones >= 2 && ones % 2 == 0;
}

static bool read_huffman(struct zstd *zstd, const uint8_t **in, const uint8_t *end)
{
	uint8_t weights[MAX_WEIGHTS + 1];
	unsigned count, bits;
	size_t len;
	bool good;

	if (*in == end)
		return false;
	count = *(*in)++;
	len = count < 128 ? count : (count - 127u + 1) / 2;
	if (len > (size_t)(end - *in))
		return false;
	if (count < 128) {
		good = read_fse_weights(zstd, *in, len, weights, &count);
	} else {
		count -= 127;
		good = read_direct_weights(*in, len, weights, count);
	}
	*in += len;
	if (!good || !add_last_weight(weights, &count, &bits) || !has_pair(weights, count))
		return false;
	fill_huffman(zstd, weights, count, bits);
	return true;
}

/* One stream into out_len bytes: four symbols of at most 11 bits for each word fetched. */
static bool read_symbols(const struct zstd *zstd, const uint8_t *in, size_t len, uint8_t *out, size_t out_len)
{
	unsigned shift = 64 - zstd->huffman_bits;
	struct back back;

	if (!back_open(&back, in, len))
		return false;
	while (out_len) {
		unsigned n = out_len < 4 ? (unsigned)out_len : 4;
		uint64_t word;

		back_fill(&back);
		word = back.word << (64 - back.left);
		out_len -= n;
		while (n--) {
			struct huffman_entry entry = zstd->huffman[word >> shift];

			*out++ = entry.symbol;
			word <<= entry.bits;
			back.left -= entry.bits;
		}
	}
	return back_rest(&back) == 0;
}

static bool read_four(const struct zstd *zstd, const uint8_t *in, size_t len, uint8_t *out, size_t out_len)
{
	size_t part = (out_len + 3) / 4, at = 6;

	if (len < 6 || 3 * part > out_len)
		return false;
	for (unsigned i = 0; i < 4; i++) {
		size_t in_part = i < 3 ? decode_le16(in + 2 * (size_t)i) : len - at;
		size_t out_part = i < 3 ? part : out_len - 3 * part;

		if (in_part > len - at || !read_symbols(zstd, in + at, in_part, out, out_part))
			return false;
		at += in_part;
		out += out_part;
	}
	return true;
}

/* ---- Literals ----------------------------------------------------------- */

enum { LITERALS_RAW, LITERALS_RLE, LITERALS_CODED, LITERALS_REPEAT };

static bool take_plain_literals(struct zstd *zstd, unsigned type, unsigned format)
{
	static const uint8_t head_lens[] = { 1, 2, 1, 3 };
	size_t head_len = head_lens[format], len;

	if ((size_t)(zstd->in_end - zstd->in) < head_len)
		return false;
	len = zstd->in[0] >> (head_len == 1 ? 3 : 4);
	for (size_t i = 1; i < head_len; i++)
		len |= (size_t)zstd->in[i] << (8 * i - 4);
	zstd->in += head_len;
	if (len > BLOCK_MAX || (type == LITERALS_RAW ? len : 1) > (size_t)(zstd->in_end - zstd->in))
		return false;
	zstd->nr_literals = len;
	if (type == LITERALS_RAW) {
		zstd->literals = zstd->in;
		zstd->literals_end = zstd->in_end;
		zstd->in += len;
		return true;
	}
	zstd->literals = zstd->literal_buf;
	zstd->literals_end = zstd->literal_buf + sizeof(zstd->literal_buf);
	for (size_t i = 0; i < len; i++)
		zstd->literal_buf[i] = *zstd->in;
	zstd->in++;
	return true;
}

static bool take_coded_literals(struct zstd *zstd, unsigned type, unsigned format)
{
	static const uint8_t head_lens[] = { 3, 3, 4, 5 }, widths[] = { 10, 10, 14, 18 };
	size_t head_len = head_lens[format], out_len, in_len;
	uint64_t head = 0;
	const uint8_t *in, *end;

	if ((size_t)(zstd->in_end - zstd->in) < head_len)
		return false;
	for (size_t i = 0; i < head_len; i++)
		head |= (uint64_t)zstd->in[i] << (8 * i);
	out_len = (head >> 4) & ((1u << widths[format]) - 1);
	in_len = (head >> (4 + widths[format])) & ((1u << widths[format]) - 1);
	zstd->in += head_len;
	if (out_len > BLOCK_MAX || in_len > (size_t)(zstd->in_end - zstd->in))
		return false;
	in = zstd->in;
	end = zstd->in += in_len;
	if (type == LITERALS_CODED && !read_huffman(zstd, &in, end))
		return false;
	zstd->literals = zstd->literal_buf;
	zstd->nr_literals = out_len;
	zstd->literals_end = zstd->literal_buf + sizeof(zstd->literal_buf);
	if (!zstd->huffman_bits)
		return false;
	return (format == 0 ? read_symbols : read_four)(zstd, in, (size_t)(end - in), zstd->literal_buf, out_len);
}

static bool take_literals_section(struct zstd *zstd)
{
	unsigned type, format;

	if (zstd->in == zstd->in_end)
		return false;
	type = zstd->in[0] & 3;
	format = zstd->in[0] >> 2 & 3;
	return (type >= LITERALS_CODED ? take_coded_literals : take_plain_literals)(zstd, type, format);
}

/* ---- Sequences ---------------------------------------------------------- */

static const uint32_t ll_base[] = { 0,  1,  2,   3,   4,   5,    6,    7,    8,    9,     10,    11,
				    12, 13, 14,  15,  16,  18,   20,   22,   24,   28,    32,    40,
				    48, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536 };
static const uint8_t ll_bits[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,  0,  1,  1,
				   1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
static const uint32_t ml_base[] = { 3,  4,   5,   6,   7,    8,    9,    10,   11,    12,    13,   14, 15, 16,
				    17, 18,  19,  20,  21,   22,   23,   24,   25,    26,    27,   28, 29, 30,
				    31, 32,  33,  34,  35,   37,   39,   41,   43,    47,    51,   59, 67, 83,
				    99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387, 32771, 65539 };
static const uint8_t ml_bits[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,  0,  0,  0, 0,
				   0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  0,  0,  0,  1,  1,  1, 1,
				   2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

/* RFC 8878, 3.1.1.3.2.2: the counts of the tables that need no description, of all three parts in a row. */
static const int16_t default_counts[] = {
	/* literal lengths */
	4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1,
	/* offsets */
	1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1,
	/* match lengths */
	1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1
};

static const struct part {
	uint8_t default_at, default_symbols, default_log;
	uint8_t max_log, symbols;
} parts[SEQUENCE_PARTS] = {
	[LITERAL_LENGTHS] = { 0, 36, 6, 9, 36 },
	[OFFSETS] = { 36, 29, 5, 8, 31 }, /* no output is of 2 GiB */
	[MATCH_LENGTHS] = { 65, 53, 6, 9, 53 },
};
_Static_assert(sizeof(default_counts) / sizeof(default_counts[0]) == 36 + 29 + 53, "default_at");

/*
 * From symbols to values. The lowest two codes of offsets are not distances:
 * theirs say which of the last three (RFC 8878, 3.1.1.5), and those count from 0 here.
 */
static void add_values(struct fse_table *table, unsigned which)
{
	for (unsigned i = 0; i < (1u << table->log); i++) {
		struct fse_entry *entry = &table->entries[i];
		uint32_t code = entry->value;

		if (which == OFFSETS) {
			entry->extra = (uint8_t)code;
			entry->value = code < FIRST_DISTANCE ? code : (1u << code) - 3;
		} else {
			entry->extra = (which == MATCH_LENGTHS ? ml_bits : ll_bits)[code];
			entry->value = (which == MATCH_LENGTHS ? ml_base : ll_base)[code];
		}
	}
}

static void make_default(struct fse_table *table, const struct part *part)
{
	int16_t counts[MAX_SYMBOLS];

	for (unsigned i = 0; i < part->default_symbols; i++)
		counts[i] = default_counts[part->default_at + i];
	make_table(table, counts, part->default_symbols, part->default_log);
}

enum { TABLE_DEFAULT, TABLE_SINGLE, TABLE_DESCRIBED, TABLE_REPEAT };

static bool take_table(struct zstd *zstd, unsigned which, unsigned mode)
{
	const struct part *part = &parts[which];
	struct fse_table *table = &zstd->tables[which];
	int16_t counts[MAX_SYMBOLS];
	unsigned log;

	switch (mode) {
	case TABLE_DEFAULT:
		make_default(table, part);
		break;
	case TABLE_SINGLE:
		if (zstd->in == zstd->in_end || *zstd->in >= part->symbols)
			return false;
		make_single(table, *zstd->in++);
		break;
	case TABLE_DESCRIBED:
		if (!read_counts(&zstd->in, zstd->in_end, part->max_log, part->symbols, counts, &log))
			return false;
		make_table(table, counts, part->symbols, log);
		break;
	default:
		return table->valid;
	}
	add_values(table, which);
	return true;
}

struct sequence {
	uint32_t literals, distance, match_len;
};

/* One of the last three becomes the last; without literals it is another one than the last (RFC 8878, 3.1.1.5). */
static uint32_t repeat_distance(uint32_t *rep, uint32_t which)
{
	uint32_t distance = which < 3 ? rep[which] : rep[0] - 1;

	if (which == 0)
		return distance;
	if (which > 1)
		rep[2] = rep[1];
	rep[1] = rep[0];
	rep[0] = distance;
	return distance;
}

static inline uint32_t new_distance(uint32_t *rep, uint32_t distance)
{
	rep[2] = rep[1];
	rep[1] = rep[0];
	rep[0] = distance;
	return distance;
}

static bool put_literals(struct zstd *zstd, size_t len)
{
	size_t room = (size_t)(zstd->out_end - zstd->out);

	if (len > zstd->nr_literals || len > room)
		return false;
	decode_literals(zstd->out, zstd->literals, len, room, (size_t)(zstd->literals_end - zstd->literals));
	zstd->out += len;
	zstd->literals += len;
	zstd->nr_literals -= len;
	return true;
}

static bool put_match(struct zstd *zstd, size_t distance, size_t len)
{
	size_t room = (size_t)(zstd->out_end - zstd->out);

	if (distance == 0 || distance > (size_t)(zstd->out - zstd->out_start) || len > room)
		return false;
	decode_match(zstd->out, distance, len, room);
	zstd->out += len;
	return true;
}

/* Any, also one that is refused. */
static bool put_long(struct zstd *zstd, struct sequence sequence)
{
	return put_literals(zstd, sequence.literals) && put_match(zstd, sequence.distance, sequence.match_len);
}

/* Both pieces are below SHORT_LEN, and there is room to read and write as if they were not. */
static inline bool is_short(const struct zstd *zstd, const struct sequence *sequence)
{
	size_t made = (size_t)(zstd->out - zstd->out_start) + sequence->literals;

	return (sequence->literals | sequence->match_len) < SHORT_LEN && zstd->nr_literals >= SHORT_LEN &&
	       zstd->out < zstd->short_end && (size_t)sequence->distance - 1 < made;
}

static inline void put_word(uint8_t *to, const uint8_t *from)
{
	__builtin_memcpy(to, from, DECODE_WORD);
}

static inline void put_short(struct zstd *zstd, const struct sequence *sequence)
{
	uint8_t *out = zstd->out, *to = out + sequence->literals;
	const uint8_t *literals = zstd->literals, *from = to - sequence->distance;

	zstd->literals = literals + sequence->literals;
	zstd->nr_literals -= sequence->literals;
	zstd->out = to + sequence->match_len;
	put_word(out, literals);
	put_word(out + DECODE_WORD, literals + DECODE_WORD);
	if (sequence->distance < DECODE_WORD) {
		decode_repeat(to, sequence->distance, sequence->match_len);
		return;
	}
	put_word(to, from);
	put_word(to + DECODE_WORD, from + DECODE_WORD);
}

struct states {
	struct back back;
	unsigned state[SEQUENCE_PARTS];
};

static inline struct fse_entry entry_of(const struct zstd *zstd, const struct states *states, unsigned part)
{
	return zstd->tables[part].entries[states->state[part]];
}

/* Few lengths have bits of their own. Without them, the offset and the next states take no more than one filling has.
 */
static inline struct sequence take_sequence(struct zstd *zstd, struct states *states)
{
	struct back *back = &states->back;
	struct fse_entry of = entry_of(zstd, states, OFFSETS);
	struct fse_entry ll = entry_of(zstd, states, LITERAL_LENGTHS);
	struct fse_entry ml = entry_of(zstd, states, MATCH_LENGTHS);
	struct sequence sequence = { .literals = ll.value, .match_len = ml.value };
	uint32_t value;

	back_fill(back);
	value = of.value + back_take(back, of.extra);
	if (ll.extra | ml.extra) {
		back_fill(back);
		sequence.match_len += back_take(back, ml.extra);
		sequence.literals += back_take(back, ll.extra);
		back_fill(back);
	}
	if (of.extra >= FIRST_DISTANCE)
		sequence.distance = new_distance(zstd->rep, value);
	else
		sequence.distance = repeat_distance(zstd->rep, value + (sequence.literals == 0));
	return sequence;
}

static inline void update_state(const struct zstd *zstd, struct states *states, unsigned part)
{
	struct fse_entry entry = entry_of(zstd, states, part);

	states->state[part] = entry.next + back_take(&states->back, entry.bits);
}

static bool take_sequences(struct zstd *zstd, uint32_t count)
{
	struct states states;

	if (!back_open(&states.back, zstd->in, (size_t)(zstd->in_end - zstd->in)))
		return false;
	for (unsigned part = 0; part < SEQUENCE_PARTS; part++)
		states.state[part] = back_take(&states.back, zstd->tables[part].log);
	for (;;) {
		struct sequence sequence = take_sequence(zstd, &states);

		if (is_short(zstd, &sequence))
			put_short(zstd, &sequence);
		else if (!put_long(zstd, sequence))
			return false;
		if (--count == 0)
			break;
		update_state(zstd, &states, LITERAL_LENGTHS);
		update_state(zstd, &states, MATCH_LENGTHS);
		update_state(zstd, &states, OFFSETS);
	}
	return back_rest(&states.back) == 0;
}

static bool take_count(struct zstd *zstd, uint32_t *count)
{
	size_t left = (size_t)(zstd->in_end - zstd->in);
	const uint8_t *in = zstd->in;
	unsigned used = left && in[0] >= 128 ? in[0] == 255 ? 3 : 2 : 1;

	if (left < used)
		return false;
	*count = in[0];
	if (used == 2)
		*count = ((in[0] - 128u) << 8) + in[1];
	else if (used == 3)
		*count = decode_le16(in + 1) + 0x7f00u;
	zstd->in += used;
	return true;
}

static bool take_sequences_section(struct zstd *zstd)
{
	uint32_t count;
	uint8_t modes;

	if (!take_count(zstd, &count))
		return false;
	if (count == 0)
		return zstd->in == zstd->in_end;
	if (zstd->in == zstd->in_end)
		return false;
	modes = *zstd->in++;
	if (modes & 3)
		return false;
	return take_table(zstd, LITERAL_LENGTHS, modes >> 6) && take_table(zstd, OFFSETS, modes >> 4 & 3) &&
	       take_table(zstd, MATCH_LENGTHS, modes >> 2 & 3) && take_sequences(zstd, count);
}

/* ---- Blocks and the frame ----------------------------------------------- */

enum { BLOCK_RAW, BLOCK_RLE, BLOCK_COMPRESSED };

static bool take_raw(struct zstd *zstd, size_t len)
{
	size_t in_room = (size_t)(zstd->in_end - zstd->in), out_room = (size_t)(zstd->out_end - zstd->out);

	if (len > in_room || len > out_room)
		return false;
	decode_literals(zstd->out, zstd->in, len, out_room, in_room);
	zstd->in += len;
	zstd->out += len;
	return true;
}

static bool take_rle(struct zstd *zstd, size_t len)
{
	size_t room = (size_t)(zstd->out_end - zstd->out);

	if (zstd->in == zstd->in_end || len > room)
		return false;
	if (len) {
		*zstd->out = *zstd->in;
		decode_match(zstd->out + 1, 1, len - 1, room - 1);
	}
	zstd->out += len;
	zstd->in++;
	return true;
}

static bool take_compressed(struct zstd *zstd, size_t len)
{
	const uint8_t *frame_end = zstd->in_end;
	uint8_t *out_end = zstd->out_end, *out = zstd->out;
	bool good;

	if (len > (size_t)(zstd->in_end - zstd->in))
		return false;
	zstd->in_end = zstd->in + len;
	if ((size_t)(out_end - out) > BLOCK_MAX)
		zstd->out_end = out + BLOCK_MAX;
	zstd->short_end = (size_t)(zstd->out_end - out) < SHORT_ROOM ? out : zstd->out_end - SHORT_ROOM;
	good = take_literals_section(zstd) && take_sequences_section(zstd) && put_literals(zstd, zstd->nr_literals);
	zstd->in = zstd->in_end;
	zstd->in_end = frame_end;
	zstd->out_end = out_end;
	return good;
}

static bool take_block(struct zstd *zstd, bool *last)
{
	uint32_t head, len;

	if (zstd->in_end - zstd->in < 3)
		return false;
	head = decode_le16(zstd->in) | (uint32_t)zstd->in[2] << 16;
	zstd->in += 3;
	*last = head & 1;
	len = head >> 3;
	if (len > BLOCK_MAX)
		return false;
	switch (head >> 1 & 3) {
	case BLOCK_RAW:
		return take_raw(zstd, len);
	case BLOCK_RLE:
		return take_rle(zstd, len);
	case BLOCK_COMPRESSED:
		return take_compressed(zstd, len);
	default:
		return false;
	}
}

#define SINGLE_SEGMENT 0x20u
#define RESERVED_BIT   0x08u
#define HAS_CHECKSUM   0x04u

static uint64_t le_number(const uint8_t *at, size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value |= (uint64_t)at[i] << (8 * i);
	return value;
}

static bool take_frame_head(struct zstd *zstd, uint64_t out_len, bool *has_checksum)
{
	static const uint8_t id_lens[] = { 0, 1, 2, 4 }, size_lens[] = { 0, 2, 4, 8 };
	const uint8_t *in = zstd->in;
	size_t window_len, id_len, size_len, left = (size_t)(zstd->in_end - in);
	uint8_t flags;

	if (left < 5 || decode_le32(in) != MAGIC || in[4] & RESERVED_BIT)
		return false;
	flags = in[4];
	window_len = flags & SINGLE_SEGMENT ? 0 : 1;
	id_len = id_lens[flags & 3];
	size_len = flags >> 6 == 0 && flags & SINGLE_SEGMENT ? 1 : size_lens[flags >> 6];
	if (left < 5 + window_len + id_len + size_len)
		return false;
	in += 5 + window_len;
	if (le_number(in, id_len) != 0)
		return false;
	in += id_len;
	if (size_len && le_number(in, size_len) + (size_len == 2 ? 256 : 0) != out_len)
		return false;
	zstd->in = in + size_len;
	*has_checksum = flags & HAS_CHECKSUM;
	return true;
}

bool decode_zstd(const struct decode *decode)
{
	struct zstd *zstd = decode->work;
	bool last = false, has_checksum;

	zstd->in = decode->in;
	zstd->in_end = decode->in + decode->in_len;
	zstd->out = zstd->out_start = decode->out;
	zstd->out_end = decode->out + decode->out_len;
	zstd->rep[0] = 1;
	zstd->rep[1] = 4;
	zstd->rep[2] = 8;
	zstd->huffman_bits = 0;
	for (unsigned part = 0; part < SEQUENCE_PARTS; part++)
		zstd->tables[part].valid = false;
	if (!take_frame_head(zstd, decode->out_len, &has_checksum))
		return false;
	while (!last)
		if (!take_block(zstd, &last))
			return false;
	return zstd->out == zstd->out_end && zstd->in_end - zstd->in == (has_checksum ? 4 : 0);
}
