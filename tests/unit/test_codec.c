/* SPDX-License-Identifier: MIT */
/*
 * The codecs as the image layer sees them: a stream handed over in any pieces
 * gives the plain bytes, whatever is wrong with it gives the one right
 * verdict, and no input makes a caller's loop endless.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec/codec.h"
#include "codec/config.h"
#include "encode.h"
#include "unit.h"

#define MEM_MAX  (UINT64_C(256) << 20)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What is true of each codec; rows only for those in this build. */
static const struct sample {
	const char *name;
	struct bytes (*encode)(struct bytes plain);
	bool ends_itself; /* has an end mark: cut short is BAD everywhere, bytes behind it are left alone */
	bool checksummed;
	bool allocates; /* whatever room it gets */
} samples[] = {
#if PB_CODEC_ZLIB
	{ "gzip", encode_gzip, true, true, true },
#endif
#if PB_CODEC_BZIP2
	{ "bzip2", encode_bzip2, true, true, true },
#endif
#if PB_CODEC_LZMA
	{ "lzma", encode_lzma, true, false, true },   { "xz", encode_xz, true, true, true },
#endif
#if PB_CODEC_LZO
	{ "lzo", encode_lzo, true, true, false },
#endif
#if PB_CODEC_LZ4
	{ "lz4", encode_lz4, false, false, false },
#endif
#if PB_CODEC_ZSTD
	{ "zstd", encode_zstd, true, true, true },
#endif
	{ "none", encode_none, false, false, false },
};

static const struct codec *find(const char *name)
{
	const struct codec *codec = codecs;

	while (codec->name && strcmp(codec->name, name) != 0)
		codec++;
	assert_non_null(codec->name);
	return codec;
}

/* ---- Decoding in pieces ---- */

struct way {
	size_t in_len, out_len; /* of the pieces */
	uint64_t mem_max;
};
static const struct way whole = { SIZE_MAX, 64 << 20, MEM_MAX };

struct result {
	enum codec_step step;
	struct bytes plain;
	size_t in_used;
};

/* One step with pieces in memory of their own, exactly as long as they are, so that ASan sees any byte too far. */
static enum codec_step step_alone(const struct codec *codec, void *decoder, struct codec_io *io)
{
	struct bytes in = bytes_copy(io->in, io->in_len), out = bytes_new(io->out_len);
	struct codec_io alone = { in.p, in.len, io->in_last, out.p, out.len, false };
	enum codec_step step = codec->step(decoder, &alone);
	size_t made = io->out_len - alone.out_len, used = io->in_len - alone.in_len;

	assert_true(alone.in == in.p + used && alone.out == out.p + made);
	memcpy(io->out, out.p, made);
	bytes_free(&in);
	bytes_free(&out);
	io->in += used;
	io->in_len -= used;
	io->out += made;
	io->out_len -= made;
	return step;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static struct result decode(const char *name, struct bytes stream, struct way way)
{
	const struct codec *codec = find(name);
	void *decoder = codec->open(way.mem_max);
	struct result result = { CODEC_MORE, bytes_new(0), 0 };
	uint8_t *room = malloc(way.out_len);

	assert_non_null(decoder);
	while (result.step == CODEC_MORE) {
		size_t in_len = least(stream.len - result.in_used, way.in_len);
		bool last = in_len == stream.len - result.in_used;
		struct codec_io io = { stream.p + result.in_used, in_len, last, room, way.out_len, false };

		result.step = way.out_len > 65536 ? codec->step(decoder, &io) : step_alone(codec, decoder, &io);
		/* The rule of codec.h: there was room, and input or its end. */
		assert_true(result.step != CODEC_MORE || io.in_len < in_len || io.out > room);
		bytes_append(&result.plain, room, (size_t)(io.out - room));
		result.in_used += in_len - io.in_len;
	}
	codec->close(decoder);
	free(room);
	return result;
}

static enum codec_step verdict(const char *name, struct bytes stream, struct way way)
{
	struct result result = decode(name, stream, way);

	bytes_free(&result.plain);
	return result.step;
}

static void assert_decodes(const char *name, struct bytes stream, struct bytes plain, struct way way)
{
	struct result result = decode(name, stream, way);

	assert_int_equal(result.step, CODEC_END);
	assert_int_equal(result.plain.len, plain.len);
	assert_memory_equal(result.plain.p, plain.p, plain.len);
	assert_int_equal(result.in_used, stream.len);
	bytes_free(&result.plain);
}

/* ---- The table ---- */

static void test_probe_knows_each_magic(void **state)
{
	(void)state;
	for (const struct codec *codec = codecs; codec->name; codec++) {
		assert_ptr_equal(codec_probe(codec->magic, codec->magic_len), codec);
		assert_ptr_not_equal(codec_probe(codec->magic, codec->magic_len - 1u), codec);
	}
	assert_null(codec_probe((const uint8_t *)"MZ\0\0\0\0", 6));
	assert_null(codec_probe((const uint8_t *)"", 0));
}

static void test_a_row_has_all_its_functions_or_none(void **state)
{
	(void)state;
	for (const struct codec *codec = codecs; codec->name; codec++) {
		assert_int_equal(!codec->open, !codec->step);
		assert_int_equal(!codec->open, !codec->close);
	}
	for (size_t i = 0; i < COUNT(samples); i++)
		assert_non_null(find(samples[i].name)->open);
}

static void test_an_encoder_is_probed_as_its_codec(void **state)
{
	struct bytes plain = bytes_copy("\177ELF and more", 13);

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		struct bytes stream = samples[i].encode(plain);

		assert_ptr_equal(codec_probe(stream.p, 6), find(samples[i].name));
		bytes_free(&stream);
	}
	bytes_free(&plain);
}

static void test_size_trailer_is_all_but_gzips_and_nones(void **state)
{
	(void)state;
	for (const struct codec *codec = codecs; codec->name; codec++)
		assert_int_equal(codec->size_trailer,
				 strcmp(codec->name, "gzip") != 0 && strcmp(codec->name, "none") != 0);
}

/* ---- Good streams ---- */

static void each_round_trip(size_t len, struct way way)
{
	struct bytes plain = sample_plain(len, 1 + (uint32_t)len);

	for (size_t i = 0; i < COUNT(samples); i++) {
		struct bytes stream = samples[i].encode(plain);

		assert_decodes(samples[i].name, stream, plain, way);
		bytes_free(&stream);
	}
	bytes_free(&plain);
}

static void test_in_one_piece(void **state)
{
	(void)state;
	each_round_trip(1, whole);
	each_round_trip(1000000, whole);
}

static void test_in_any_pieces(void **state)
{
	(void)state;
	each_round_trip(20011, (struct way){ 1, 1, MEM_MAX });
	each_round_trip(60013, (struct way){ 1, 7, MEM_MAX });
	each_round_trip(60013, (struct way){ 3, 65521, MEM_MAX });
	each_round_trip(300007, (struct way){ 4093, 331, MEM_MAX });
	each_round_trip(300007, (struct way){ SIZE_MAX, 4099, MEM_MAX });
	each_round_trip(2 << 20, (struct way){ 1 << 17, (1 << 20) + 1, MEM_MAX });
}

/* Asked for its first bytes only, a decoder reads no further than it must, and goes on from there. */
/* All of the output into one room, which each step is given from where the last one left it. */
static size_t decode_into(const char *name, struct bytes stream, size_t piece_len, uint8_t *room, size_t room_len)
{
	const struct codec *codec = find(name);
	void *decoder = codec->open(MEM_MAX);
	struct codec_io io = { .in = stream.p, .out = room, .out_len = room_len, .out_stays = true };
	enum codec_step step = CODEC_MORE;

	while (step == CODEC_MORE) {
		size_t off = (size_t)(io.in + io.in_len - stream.p), len = least(stream.len - off, piece_len);

		io.in_len += len;
		io.in_last = off + len == stream.len;
		step = codec->step(decoder, &io);
	}
	codec->close(decoder);
	assert_int_equal(step, CODEC_END);
	return (size_t)(io.out - room);
}

static void test_into_memory_that_stays(void **state)
{
	static const size_t piece_lens[] = { 777, 65536, SIZE_MAX };
	struct bytes plain = sample_plain(1000000, 1), room = bytes_new(plain.len + (8u << 20));

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		struct bytes stream = samples[i].encode(plain);

		for (size_t k = 0; k < COUNT(piece_lens); k++) {
			memset(room.p, 0xee, room.len);
			assert_int_equal(decode_into(samples[i].name, stream, piece_lens[k], room.p, room.len),
					 plain.len);
			assert_memory_equal(room.p, plain.p, plain.len);
		}
		bytes_free(&stream);
	}
	bytes_free(&room);
	bytes_free(&plain);
}

static void test_stops_where_the_room_ends(void **state)
{
	struct bytes plain = sample_plain(4 << 20, 5);
	uint8_t *out = malloc(plain.len + 1);

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		const struct codec *codec = find(samples[i].name);
		struct bytes stream = samples[i].encode(plain);
		struct codec_io io = { stream.p, stream.len, true, out, 1000, false };
		void *decoder = codec->open(MEM_MAX);

		while (io.out_len)
			assert_int_equal(codec->step(decoder, &io), CODEC_MORE);
		assert_memory_equal(out, plain.p, 1000);
		assert_int_equal(codec->step(decoder, &io), CODEC_MORE); /* wants room */
		assert_ptr_equal(io.out, out + 1000);
		/* lz4 has one block here, bzip2 blocks of 900 kB. */
		if (strcmp(samples[i].name, "lz4") != 0)
			assert_true(io.in_len > stream.len / 2);

		enum codec_step step = CODEC_MORE;

		for (io.out_len = plain.len + 1 - 1000; step == CODEC_MORE;)
			step = codec->step(decoder, &io);
		assert_int_equal(step, CODEC_END);
		assert_int_equal(io.out_len, 1);
		assert_memory_equal(out, plain.p, plain.len);
		codec->close(decoder);
		bytes_free(&stream);
	}
	free(out);
	bytes_free(&plain);
}

static void test_bytes_behind_the_end_are_left_unread(void **state)
{
	struct bytes plain = sample_plain(50000, 6);
	static const struct way ways[] = { { SIZE_MAX, 1 << 20, MEM_MAX }, { 1, 4096, MEM_MAX }, { 5, 7, MEM_MAX } };

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		struct bytes stream = samples[i].encode(plain);
		size_t len = stream.len;

		bytes_append(&stream, "garbage", 7);
		for (size_t w = 0; samples[i].ends_itself && w < COUNT(ways); w++) {
			struct result result = decode(samples[i].name, stream, ways[w]);

			assert_int_equal(result.step, CODEC_END);
			assert_int_equal(result.plain.len, plain.len);
			assert_int_equal(result.in_used, len);
			bytes_free(&result.plain);
		}
		bytes_free(&stream);
	}
	bytes_free(&plain);
}

/* ---- Bad streams ---- */

static void test_cut_short_is_bad(void **state)
{
	struct bytes plain = sample_plain(3000, 7);

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		struct bytes stream = samples[i].encode(plain);

		for (size_t len = 0; samples[i].ends_itself && len < stream.len; len++) {
			struct bytes cut = { stream.p, len };

			assert_int_equal(verdict(samples[i].name, cut, (struct way){ SIZE_MAX, 4096, MEM_MAX }),
					 CODEC_BAD);
			if (len % 64 == 0)
				assert_int_equal(verdict(samples[i].name, cut, (struct way){ 1, 13, MEM_MAX }),
						 CODEC_BAD);
		}
		bytes_free(&stream);
	}
	bytes_free(&plain);
}

/* A flipped bit gives the same bytes (in a header's time or name), or is found. */
static void test_flipped_bits_are_found(void **state)
{
	struct bytes plain = sample_plain(3000, 8);

	(void)state;
	for (size_t i = 0; i < COUNT(samples); i++) {
		struct bytes stream = samples[i].encode(plain);
		size_t bad = 0;

		for (size_t bit = 0; bit < stream.len * 8; bit += 5) {
			stream.p[bit / 8] ^= (uint8_t)(1 << bit % 8);

			struct result result = decode(samples[i].name, stream, (struct way){ 1000, 4096, 64 << 20 });

			if (result.step != CODEC_END)
				bad++;
			else if (samples[i].checksummed)
				assert_memory_equal(result.plain.p, plain.p, plain.len);
			bytes_free(&result.plain);
			stream.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		if (samples[i].checksummed)
			assert_true(bad > stream.len * 8 / 5 * 9 / 10);
		bytes_free(&stream);
	}
	bytes_free(&plain);
}

/* Noise may claim a dictionary above the limit before it shows. */
static void test_noise_is_never_decoded(void **state)
{
	uint32_t random = 9;

	(void)state;
	for (size_t i = 0; i + 1 < COUNT(samples); i++) /* none, the last, takes anything */
		for (int round = 0; round < 200; round++) {
			struct bytes noise = bytes_new(round % 2 ? 300u : (size_t)round);

			for (size_t at = 0; at < noise.len; at++)
				noise.p[at] = (uint8_t)next_random(&random);
			enum codec_step step = verdict(samples[i].name, noise, (struct way){ 7, 4096, 64 << 20 });

			assert_true(step == CODEC_BAD || step == CODEC_LIMIT);
			bytes_free(&noise);
		}
}

/* ---- mem_max ---- */

static void test_more_memory_than_mem_max_is_refused(void **state)
{
	struct bytes plain = sample_plain(100000, 10);

	(void)state;
	for (size_t i = 0; i + 1 < COUNT(samples); i++) {
		struct bytes stream = samples[i].encode(plain);

		/* Odd pieces, so that a codec that needs memory only then needs it too. */
		assert_int_equal(verdict(samples[i].name, stream, (struct way){ 100, 100, 0 }), CODEC_LIMIT);
		assert_int_equal(verdict(samples[i].name, stream, (struct way){ 100, 100, 4096 }), CODEC_LIMIT);
		assert_int_equal(verdict(samples[i].name, stream, (struct way){ 100, 100, UINT64_MAX }), CODEC_END);
		/* In one piece and with room, the block codecs need none. */
		if (!samples[i].allocates)
			assert_decodes(samples[i].name, stream, plain, (struct way){ SIZE_MAX, 8 << 20, 0 });
		bytes_free(&stream);
	}
	bytes_free(&plain);
}

#if PB_CODEC_LZMA
static void test_xz_dictionaries_up_to_128_mib(void **state)
{
	struct bytes plain = sample_plain(100000, 11);
	struct bytes stream = encode_xz_dict(plain, 128 << 20);

	(void)state;
	assert_decodes("xz", stream, plain, whole);
	assert_int_equal(verdict("xz", stream, (struct way){ SIZE_MAX, 4096, 128 << 20 }), CODEC_LIMIT);
	bytes_free(&stream);
	bytes_free(&plain);
}

/* The properties byte, a dictionary of 4 GiB less one, and an unknown size. */
static void test_lzma_claims_a_huge_dictionary(void **state)
{
	uint8_t head[13 + 8] = { 0x5d, 0xff, 0xff, 0xff, 0xff };

	(void)state;
	memset(head + 5, 0xff, 8);
	assert_int_equal(verdict("lzma", (struct bytes){ head, sizeof(head) }, whole), CODEC_LIMIT);
}

/* The lzma tool's own header form, with the size and no end mark. */
static void test_lzma_of_known_size(void **state)
{
	struct bytes plain = sample_plain(5000, 12), stream = encode_lzma(plain);

	(void)state;
	for (size_t i = 0; i < 8; i++)
		stream.p[5 + i] = (uint8_t)((uint64_t)plain.len >> 8 * i);
	assert_decodes("lzma", stream, plain, whole);
	stream.p[5]++; /* one more than there is */
	assert_int_equal(verdict("lzma", stream, whole), CODEC_BAD);
	bytes_free(&stream);
	bytes_free(&plain);
}
#endif

#if PB_CODEC_ZSTD
/* What -22 --ultra writes: a window of 128 MiB, of which a kernel fills half. */
static void test_zstd_windows(void **state)
{
	struct bytes plain = sample_plain(1 << 20, 13);
	struct bytes ultra = encode_zstd_window(plain, 27), more = encode_zstd_window(plain, 28);

	(void)state;
	assert_decodes("zstd", ultra, plain, whole);
	assert_int_equal(verdict("zstd", ultra, (struct way){ SIZE_MAX, 4096, 128 << 20 }), CODEC_LIMIT);
	assert_int_equal(verdict("zstd", more, whole), CODEC_LIMIT);
	bytes_free(&ultra);
	bytes_free(&more);
	bytes_free(&plain);
}

/* libzstd would skip a skippable frame and call that an end; no kernel begins so. */
static void test_zstd_takes_no_other_frame(void **state)
{
	uint8_t skippable[] = { 0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0 };

	(void)state;
	assert_int_equal(verdict("zstd", (struct bytes){ skippable, sizeof(skippable) }, whole), CODEC_BAD);
	assert_int_equal(verdict("zstd", (struct bytes){ skippable, sizeof(skippable) }, (struct way){ 1, 1, MEM_MAX }),
			 CODEC_BAD);
}
#endif

#if PB_CODEC_LZ4
static void test_lz4_may_be_cut_between_blocks_only(void **state)
{
	struct bytes plain = sample_plain(1000, 14), stream = encode_lz4(plain);

	(void)state;
	for (size_t len = 0; len < stream.len; len++)
		assert_int_equal(verdict("lz4", (struct bytes){ stream.p, len }, (struct way){ 5, 4096, MEM_MAX }),
				 len == 4 ? CODEC_END : CODEC_BAD);
	bytes_free(&stream);
	bytes_free(&plain);
}

/* Whole blocks straight into the room and through the buffer, and with a last one that is shorter. */
static void test_lz4_of_several_blocks(void **state)
{
	struct bytes plain = sample_plain(20 << 20, 21), stream = encode_lz4(plain);

	(void)state;
	assert_decodes("lz4", stream, plain, whole);
	assert_decodes("lz4", stream, plain, (struct way){ 1 << 17, 9 << 20, MEM_MAX });
	assert_decodes("lz4", stream, plain, (struct way){ 1 << 17, (1 << 20) + 1, MEM_MAX });
	bytes_free(&stream);
	bytes_free(&plain);
}

static void test_lz4_frames_follow_each_other(void **state)
{
	struct bytes plain_once = sample_plain(1000, 15), once = encode_lz4(plain_once);
	struct bytes plain = bytes_copy(plain_once.p, plain_once.len), stream = bytes_copy(once.p, once.len);

	(void)state;
	bytes_append(&stream, once.p, once.len);
	bytes_append(&plain, plain_once.p, plain_once.len);
	assert_decodes("lz4", stream, plain, whole);
	assert_decodes("lz4", stream, plain, (struct way){ 1, 17, MEM_MAX });
	bytes_free(&stream);
	bytes_free(&plain);
	bytes_free(&once);
	bytes_free(&plain_once);
}

/* A length that is none: another format's magic, or the first one past the limit. */
static void test_lz4_ends_at_other_data(void **state)
{
	static const uint32_t others[] = { 0x184d2204, 0xffffffff, (8 << 20) + (8 << 20) / 255 + 17 };
	struct bytes plain = sample_plain(1000, 16), frame = encode_lz4(plain);

	(void)state;
	for (size_t i = 0; i < COUNT(others); i++) {
		struct bytes stream = bytes_copy(frame.p, frame.len);

		bytes_append_le32(&stream, others[i]);
		for (size_t in_len = 1; in_len < 6; in_len++) {
			struct result result = decode("lz4", stream, (struct way){ in_len, 4096, MEM_MAX });

			assert_int_equal(result.step, CODEC_END);
			assert_int_equal(result.plain.len, plain.len);
			assert_in_range(result.in_used, frame.len, stream.len - 1);
			bytes_free(&result.plain);
		}

		struct result result = decode("lz4", stream, whole);

		assert_int_equal(result.step, CODEC_END);
		assert_int_equal(result.in_used, frame.len);
		bytes_free(&result.plain);
		bytes_free(&stream);
	}
	bytes_free(&frame);
	bytes_free(&plain);
}

static void test_lz4_block_of_more_than_8_mib(void **state)
{
	struct bytes plain = bytes_new((8 << 20) + 1), stream = bytes_new(0);

	(void)state;
	memset(plain.p, 0, plain.len);

	/* A literal, a match of 8 MiB more zeros by runs of 255, and the five last literals. */
	static const uint8_t head[] = { 0x1f, 0, 1, 0 }, tail[] = { 0x50, 0, 0, 0, 0, 0 };
	size_t match_len = plain.len - 1 - 5 - 4 - 15, runs = match_len / 255;
	uint8_t last = (uint8_t)(match_len % 255);

	bytes_append_le32(&stream, 0x184c2102);
	bytes_append_le32(&stream, (uint32_t)(sizeof(head) + runs + 1 + sizeof(tail)));
	bytes_append(&stream, head, sizeof(head));
	for (size_t i = 0; i < runs; i++)
		bytes_append(&stream, "\xff", 1);
	bytes_append(&stream, &last, 1);
	bytes_append(&stream, tail, sizeof(tail));
	assert_int_equal(verdict("lz4", stream, whole), CODEC_BAD);
	/* One byte less is the longest block. */
	stream.p[stream.len - sizeof(tail) - 1]--;
	plain.len--;
	assert_decodes("lz4", stream, plain, whole);
	bytes_free(&stream);
	bytes_free(&plain);
}
#endif

#if PB_CODEC_LZO
static void test_lzo_checksums_of_every_kind(void **state)
{
	static const uint32_t flags[] = { 0, 0x1, 0x2, 0x3, 0x100, 0x200, 0x300, 0x303, 0x1303, 0x1001 };
	struct bytes plain = sample_plain(100000, 17);

	(void)state;
	for (size_t i = 0; i < COUNT(flags); i++) {
		struct lzop_style style = lzop_default;

		style.flags = flags[i];
		style.block_len = 5000; /* some of it random enough to be stored */
		style.name = "vmlinux.bin.all";

		struct bytes stream = encode_lzop(plain, &style);

		assert_decodes("lzo", stream, plain, whole);
		assert_decodes("lzo", stream, plain, (struct way){ 11, 1000, MEM_MAX });
		bytes_free(&stream);
	}
	bytes_free(&plain);
}

static void test_lzo_stores_what_does_not_shrink(void **state)
{
	struct bytes plain = bytes_new(1000), stream;
	uint32_t random = 18;

	(void)state;
	for (size_t i = 0; i < plain.len; i++)
		plain.p[i] = (uint8_t)next_random(&random);
	stream = encode_lzo(plain);
	assert_true(stream.len > plain.len);
	assert_decodes("lzo", stream, plain, whole);
	assert_decodes("lzo", stream, plain, (struct way){ 1, 1, MEM_MAX });
	stream.p[stream.len - 5] ^= 1; /* its checksum counts here too */
	assert_int_equal(verdict("lzo", stream, whole), CODEC_BAD);
	bytes_free(&stream);
	bytes_free(&plain);
}

static enum codec_step lzop_verdict(struct lzop_style style)
{
	struct bytes plain = sample_plain(1000, 19), stream = encode_lzop(plain, &style);
	enum codec_step step = verdict("lzo", stream, whole);

	bytes_free(&stream);
	bytes_free(&plain);
	return step;
}

static void test_lzo_headers_it_refuses(void **state)
{
	struct lzop_style style = lzop_default;

	(void)state;
	assert_int_equal(lzop_verdict(style), CODEC_END);
	for (style.method = 0; style.method < 5; style.method++)
		assert_int_equal(lzop_verdict(style), style.method >= 1 && style.method <= 3 ? CODEC_END : CODEC_BAD);
	style = lzop_default;
	style.version = 0x093f;
	assert_int_equal(lzop_verdict(style), CODEC_BAD);
	/* An extra field, several files, a filter, a reserved bit. */
	for (uint32_t i = 0; i < 4; i++) {
		style = lzop_default;
		style.flags |= (uint32_t[]){ 0x40, 0x400, 0x800, 0x4000 }[i];
		assert_int_equal(lzop_verdict(style), CODEC_BAD);
	}
}

/* Its header of the default style is 38 bytes; the first block's two lengths follow. */
#define LZOP_HEAD_LEN 38

static enum codec_step lzop_lengths_verdict(uint32_t out_len, uint32_t in_len, uint64_t mem_max)
{
	struct bytes none = bytes_new(0), stream = encode_lzo(none);
	enum codec_step step;

	assert_int_equal(stream.len, LZOP_HEAD_LEN + 4);
	stream.len = LZOP_HEAD_LEN;
	bytes_append_be32(&stream, out_len);
	bytes_append_be32(&stream, in_len);
	bytes_append_be32(&stream, 0x12345678);
	bytes_append(&stream, "bytes", 5);
	step = verdict("lzo", stream, (struct way){ SIZE_MAX, 4096, mem_max });
	bytes_free(&stream);
	bytes_free(&none);
	return step;
}

static void test_lzo_block_lengths_are_claims(void **state)
{
	(void)state;
	assert_int_equal(lzop_lengths_verdict(0, 0, MEM_MAX), CODEC_END);
	assert_int_equal(lzop_lengths_verdict(5, 0, MEM_MAX), CODEC_BAD);
	assert_int_equal(lzop_lengths_verdict(5, 6, MEM_MAX), CODEC_BAD);
	assert_int_equal(lzop_lengths_verdict(64 << 20, 64 << 20, MEM_MAX), CODEC_BAD);
	assert_int_equal(lzop_lengths_verdict((64 << 20) + 1, 5, MEM_MAX), CODEC_BAD);
	assert_int_equal(lzop_lengths_verdict(UINT32_MAX, UINT32_MAX, MEM_MAX), CODEC_BAD);
	/* Allowed by the format, not by the caller: for the room, or for the packed bytes that never all come. */
	assert_int_equal(lzop_lengths_verdict(64 << 20, 5, 32 << 20), CODEC_LIMIT);
	assert_int_equal(lzop_lengths_verdict(64 << 20, 64 << 20, 100 << 20), CODEC_LIMIT);
}

/* The tool itself, whose headers nothing here has written. */
static void test_lzo_of_the_lzop_tool(void **state)
{
	static const char *const options[] = { "-9", "-1", "-3", "--crc32", "-CC -9", "-F", "-N" };
	struct bytes plain = sample_plain(700000, 20);
	char dir[] = "/tmp/paraboot-lzop-XXXXXX", path[64], command[256];
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/plain", dir);
	file = fopen(path, "wb");
	assert_int_equal(fwrite(plain.p, 1, plain.len, file), plain.len);
	assert_int_equal(fclose(file), 0);
	for (size_t i = 0; i < COUNT(options); i++) {
		struct bytes stream = bytes_new(2 * plain.len);

		snprintf(command, sizeof(command), "lzop -c %s %s", options[i], path);
		file = popen(command, "r"); /* NOLINT(cert-env33-c): the command is made of constants */
		assert_non_null(file);
		stream.len = fread(stream.p, 1, stream.len, file);
		assert_int_equal(pclose(file), 0);
		assert_decodes("lzo", stream, plain, whole);
		assert_decodes("lzo", stream, plain, (struct way){ 997, 4099, MEM_MAX });
		bytes_free(&stream);
	}
	unlink(path);
	rmdir(dir);
	bytes_free(&plain);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe_knows_each_magic),
		cmocka_unit_test(test_a_row_has_all_its_functions_or_none),
		cmocka_unit_test(test_an_encoder_is_probed_as_its_codec),
		cmocka_unit_test(test_size_trailer_is_all_but_gzips_and_nones),
		cmocka_unit_test(test_in_one_piece),
		cmocka_unit_test(test_in_any_pieces),
		cmocka_unit_test(test_into_memory_that_stays),
		cmocka_unit_test(test_stops_where_the_room_ends),
		cmocka_unit_test(test_bytes_behind_the_end_are_left_unread),
		cmocka_unit_test(test_cut_short_is_bad),
		cmocka_unit_test(test_flipped_bits_are_found),
		cmocka_unit_test(test_noise_is_never_decoded),
		cmocka_unit_test(test_more_memory_than_mem_max_is_refused),
#if PB_CODEC_LZMA
		cmocka_unit_test(test_xz_dictionaries_up_to_128_mib),
		cmocka_unit_test(test_lzma_claims_a_huge_dictionary),
		cmocka_unit_test(test_lzma_of_known_size),
#endif
#if PB_CODEC_ZSTD
		cmocka_unit_test(test_zstd_windows),
		cmocka_unit_test(test_zstd_takes_no_other_frame),
#endif
#if PB_CODEC_LZ4
		cmocka_unit_test(test_lz4_may_be_cut_between_blocks_only),
		cmocka_unit_test(test_lz4_of_several_blocks),
		cmocka_unit_test(test_lz4_frames_follow_each_other),
		cmocka_unit_test(test_lz4_ends_at_other_data),
		cmocka_unit_test(test_lz4_block_of_more_than_8_mib),
#endif
#if PB_CODEC_LZO
		cmocka_unit_test(test_lzo_checksums_of_every_kind),
		cmocka_unit_test(test_lzo_stores_what_does_not_shrink),
		cmocka_unit_test(test_lzo_headers_it_refuses),
		cmocka_unit_test(test_lzo_block_lengths_are_claims),
		cmocka_unit_test(test_lzo_of_the_lzop_tool),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
