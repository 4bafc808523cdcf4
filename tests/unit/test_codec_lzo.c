/* SPDX-License-Identifier: MIT */
/*
 * Our LZO1X decoder beside liblzo2's: on what its encoders make, on streams
 * put together instruction by instruction (an encoder never uses them all),
 * and on damaged ones, where the two must agree on whether there is a result.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lzo/lzo1x.h>

#include "codec/lzo1x.h"
#include "encode.h"
#include "unit.h"

/* Both decoders on the same bytes into room of out_len; true if they took them. */
static bool both(struct bytes stream, size_t out_len)
{
	struct bytes in = bytes_copy(stream.p, stream.len), ours = bytes_new(out_len), theirs = bytes_new(out_len);
	size_t our_len = 0;
	lzo_uint their_len = out_len;
	bool good = lzo1x_decode(in.p, in.len, ours.p, ours.len, &our_len);
	bool their_good = lzo1x_decompress_safe(in.p, in.len, theirs.p, &their_len, NULL) == LZO_E_OK;

	assert_int_equal(good, their_good);
	if (good) {
		assert_int_equal(our_len, their_len);
		assert_memory_equal(ours.p, theirs.p, our_len);
	}
	bytes_free(&in);
	bytes_free(&ours);
	bytes_free(&theirs);
	return good;
}

static void assert_round_trip(struct bytes plain, int level)
{
	struct bytes stream = encode_lzo1x(plain, level), out = bytes_new(plain.len);
	size_t len = SIZE_MAX;

	assert_true(lzo1x_decode(stream.p, stream.len, out.p, out.len, &len));
	assert_int_equal(len, plain.len);
	assert_memory_equal(out.p, plain.p, len);
	assert_true(both(stream, plain.len + 100));
	if (plain.len)
		assert_false(both(stream, plain.len - 1)); /* no room for the last byte */
	bytes_free(&stream);
	bytes_free(&out);
}

static void test_what_encoders_make(void **state)
{
	static const size_t lens[] = { 0,  1,  2,  3,   4,   5,   7,   8,    13,    15,    16,
				       17, 18, 20, 237, 238, 239, 255, 2048, 16384, 49152, 300000 };

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		for (uint32_t seed = 0; seed < 6; seed++) {
			struct bytes plain = sample_plain(lens[i], seed + (uint32_t)lens[i] * 31);

			for (int level = 1; level <= (lens[i] < 10000 ? 11 : 4); level++)
				assert_round_trip(plain, level);
			bytes_free(&plain);
		}
}

static void test_one_byte_over_and_over(void **state)
{
	struct bytes plain = bytes_new(100000);

	(void)state;
	memset(plain.p, 'x', plain.len);
	for (int level = 1; level <= 11; level++)
		assert_round_trip(plain, level);
	bytes_free(&plain);
}

/* ---- Streams of single instructions ---- */

struct writer {
	struct bytes stream;
	uint32_t random;
	size_t out_len; /* that it decodes to */
	unsigned state; /* literals at the end of the last instruction, 4 after a run */
};

static unsigned pick(struct writer *w, unsigned count)
{
	return next_random(&w->random) % count;
}

static void put(struct writer *w, unsigned byte)
{
	bytes_append(&w->stream, &(uint8_t){ (uint8_t)byte }, 1);
}

static void put_random(struct writer *w, size_t count)
{
	w->out_len += count;
	while (count--)
		put(w, pick(w, 256));
}

/* The instruction's byte with a length field of mask; what does not fit goes behind it. */
static void put_length(struct writer *w, unsigned op, unsigned mask, size_t field)
{
	if (field >= 1 && field <= mask) {
		put(w, op | (unsigned)field);
		return;
	}
	put(w, op);
	for (field -= mask; field > 255; field -= 255)
		put(w, 0);
	put(w, (unsigned)field);
}

/* A field value: mostly short, sometimes right where the form changes, sometimes long. */
static size_t pick_field(struct writer *w, unsigned mask)
{
	static const unsigned edges[] = { 0, 1, 254, 255, 256, 510, 511 };

	switch (pick(w, 4)) {
	case 0:
		return mask + 1 + edges[pick(w, 7)];
	case 1:
		return 1 + pick(w, 2000);
	default:
		return 1 + pick(w, mask);
	}
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* A distance of low to high that reaches back no further than there is output. */
static size_t pick_distance(struct writer *w, size_t low, size_t high)
{
	high = least(high, w->out_len);
	if (pick(w, 3) == 0)
		high = least(high, low + 20); /* overlaps */
	return low + pick(w, (unsigned)(high - low + 1));
}

static void put_run(struct writer *w)
{
	size_t field = pick_field(w, 15);

	put_length(w, 0, 15, field);
	put_random(w, field + 3);
	w->state = 4;
}

static void put_literals(struct writer *w, unsigned count)
{
	put_random(w, count);
	w->state = count;
}

static void put_word(struct writer *w, size_t distance, unsigned literals)
{
	put(w, (unsigned)(distance << 2 | literals) & 255);
	put(w, (unsigned)(distance >> 6));
	put_literals(w, literals);
}

static void put_near_match(struct writer *w) /* 01 and 1 forms */
{
	unsigned len = 3 + pick(w, 6), literals = pick(w, 4);
	size_t distance = pick_distance(w, 1, 2048) - 1;

	put(w, (len - 1) << 5 | (unsigned)(distance & 7) << 2 | literals);
	put(w, (unsigned)(distance >> 3));
	w->out_len += len;
	put_literals(w, literals);
}

static void put_mid_match(struct writer *w) /* 001 form */
{
	size_t field = pick_field(w, 31), distance = pick_distance(w, 1, 16384);

	put_length(w, 32, 31, field);
	w->out_len += field + 2;
	put_word(w, distance - 1, pick(w, 4));
}

static void put_far_match(struct writer *w) /* 0001 form */
{
	size_t field = pick_field(w, 7), distance = pick_distance(w, 16385, 49151) - 16384;

	put_length(w, 16 | (distance & 0x4000 ? 8 : 0), 7, field);
	w->out_len += field + 2;
	put_word(w, distance & 0x3fff, pick(w, 4));
}

static void put_short_match(struct writer *w) /* 0000 form after literals */
{
	size_t low = w->state == 4 ? 2049 : 1, distance = pick_distance(w, low, low + 1023) - low;
	unsigned literals = pick(w, 4);

	put(w, (unsigned)(distance & 3) << 2 | literals);
	put(w, (unsigned)(distance >> 2));
	w->out_len += w->state == 4 ? 3 : 2;
	put_literals(w, literals);
}

static bool may_run(const struct writer *w)
{
	return w->state == 0;
}
static bool may_match(const struct writer *w)
{
	return w->out_len >= 1;
}
static bool may_match_far(const struct writer *w)
{
	return w->out_len >= 16385;
}
static bool may_match_short(const struct writer *w)
{
	return w->state != 0 && w->out_len >= (w->state == 4 ? 2049 : 1);
}

static const struct instruction {
	bool (*may)(const struct writer *w);
	void (*put)(struct writer *w);
} instructions[] = {
	{ may_run, put_run },
	{ may_match, put_near_match },
	{ may_match, put_mid_match },
	{ may_match_far, put_far_match },
	{ may_match_short, put_short_match },
};
#define INSTRUCTIONS (sizeof(instructions) / sizeof(instructions[0]))

/* Every way to begin: with a run of 1 to 238 by the first byte alone, or with an instruction. */
static void put_first(struct writer *w)
{
	if (pick(w, 2)) {
		unsigned len = pick(w, 2) ? 1 + pick(w, 4) : 1 + pick(w, 238);

		put(w, 17 + len);
		put_random(w, len);
		w->state = least(len, 4);
	} else {
		put_run(w);
	}
}

/* A valid stream of count instructions; used counts them by kind. */
static struct writer make_stream(uint32_t seed, unsigned count, unsigned used[INSTRUCTIONS])
{
	struct writer w = { bytes_new(0), seed, 0, 0 };

	put_first(&w);
	for (unsigned done = 0; done < count;) {
		unsigned kind = pick(&w, INSTRUCTIONS);

		if (!instructions[kind].may(&w))
			continue;
		instructions[kind].put(&w);
		used[kind]++;
		done++;
	}
	put(&w, 17);
	put(&w, 0);
	put(&w, 0);
	return w;
}

static void test_every_instruction(void **state)
{
	unsigned used[INSTRUCTIONS] = { 0 };

	(void)state;
	for (uint32_t seed = 1; seed <= 1500; seed++) {
		struct writer w = make_stream(seed, seed % 200, used);

		assert_true(both(w.stream, w.out_len + seed % 40));
		assert_true(both(w.stream, w.out_len));
		assert_false(both(w.stream, w.out_len - 1));
		bytes_free(&w.stream);
	}
	for (size_t kind = 0; kind < INSTRUCTIONS; kind++)
		assert_true(used[kind] > 1000);
}

static void test_cut_and_changed_streams(void **state)
{
	unsigned used[INSTRUCTIONS] = { 0 }, good = 0, bad = 0;

	(void)state;
	for (uint32_t seed = 1; seed <= 300; seed++) {
		struct writer w = make_stream(seed, seed % 60, used);

		for (unsigned round = 0; round < 60; round++) {
			size_t at = pick(&w, (unsigned)w.stream.len);
			uint8_t kept = w.stream.p[at];
			struct bytes cut = { w.stream.p, at };

			assert_false(both(cut, w.out_len));
			w.stream.p[at] ^= (uint8_t)(1 + pick(&w, 255));
			*(both(w.stream, w.out_len + 1000) ? &good : &bad) += 1;
			w.stream.p[at] = kept;
		}
		bytes_free(&w.stream);
	}
	assert_true(good > 1000 && bad > 1000);
}

static void test_bytes_behind_the_end_mark(void **state)
{
	static const uint8_t stream[] = { 18, 'a', 17, 0, 0, 0 };

	(void)state;
	assert_true(both((struct bytes){ (uint8_t *)(uintptr_t)stream, 5 }, 10));
	assert_false(both((struct bytes){ (uint8_t *)(uintptr_t)stream, 6 }, 10));
}

/* Zero bytes to the end of the input would be an endless length. */
static void test_a_length_that_never_ends(void **state)
{
	struct bytes zeros = bytes_new(1000);

	(void)state;
	memset(zeros.p, 0, zeros.len);
	assert_false(both(zeros, 1 << 20));
	bytes_free(&zeros);
}

static void test_a_match_before_the_start(void **state)
{
	static const uint8_t streams[][8] = {
		{ 18, 'a', 0x40 | 1 << 2, 0, 17, 0, 0 },  /* distance 2, one byte written */
		{ 17 + 4, 'a', 'b', 'c', 'd', 0, 0, 17 }, /* distance 2049 after four */
	};

	(void)state;
	for (size_t i = 0; i < 2; i++)
		assert_false(both((struct bytes){ (uint8_t *)(uintptr_t)streams[i], 8 }, 100));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_encoders_make),        cmocka_unit_test(test_one_byte_over_and_over),
		cmocka_unit_test(test_every_instruction),         cmocka_unit_test(test_cut_and_changed_streams),
		cmocka_unit_test(test_bytes_behind_the_end_mark), cmocka_unit_test(test_a_length_that_never_ends),
		cmocka_unit_test(test_a_match_before_the_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
