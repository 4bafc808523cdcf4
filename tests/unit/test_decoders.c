/* SPDX-License-Identifier: MIT */
/*
 * The guest's decoders beside the codecs' libraries: streams that those made,
 * by every level and strategy that changes what a stream is made of, of bytes
 * of many kinds and lengths. Each has to come out whole, also where it is
 * decoded in place; and no other length, no cut and no byte more may be taken.
 */
#include <lz4.h>
#include <lz4hc.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "../../guest/decompressor/decoder.h"
#include "encode.h"
#include "unit.h"

/* ---- Bytes to encode ---------------------------------------------------- */

static void fill_zeros(uint8_t *p, size_t len, uint32_t *seed)
{
	(void)seed;
	memset(p, 0, len);
}

static void fill_noise(uint8_t *p, size_t len, uint32_t *seed)
{
	while (len--)
		*p++ = (uint8_t)(next_random(seed) >> 11);
}

/* Few symbols, of very different chance: long and short codes. */
static void fill_skewed(uint8_t *p, size_t len, uint32_t *seed)
{
	while (len--)
		*p++ = (uint8_t)__builtin_ctz(next_random(seed) | 0x80000000u);
}

/* Patterns of every short distance, which a match repeats into itself. */
static void fill_patterns(uint8_t *p, size_t len, uint32_t *seed)
{
	for (size_t at = 0; at < len;) {
		size_t period = 1 + next_random(seed) % 20, run = 1 + next_random(seed) % 400;

		for (size_t i = 0; i < run && at < len; i++, at++)
			p[at] = at >= period && i >= period ? p[at - period] : (uint8_t)next_random(seed);
	}
}

/* What the x86 filter is for, and what it has to leave alone: opcodes on top of each other. */
static void fill_calls(uint8_t *p, size_t len, uint32_t *seed)
{
	static const uint8_t likely[] = { 0xe8, 0xe9, 0x00, 0xff, 0xe8, 0x01, 0xfe, 0x90 };

	while (len--) {
		uint32_t random = next_random(seed) >> 7;

		*p++ = random % 5 ? likely[random / 5 % 8] : (uint8_t)(random >> 8);
	}
}

static void fill_mixed(uint8_t *p, size_t len, uint32_t *seed)
{
	struct bytes plain = sample_plain(len, next_random(seed));

	memcpy(p, plain.p, len);
	bytes_free(&plain);
}

static void (*const fills[])(uint8_t *, size_t, uint32_t *) = { fill_zeros,    fill_noise, fill_skewed,
								fill_patterns, fill_calls, fill_mixed };
#define NR_FILLS (sizeof(fills) / sizeof(fills[0]))

static const size_t lens[] = { 1, 2, 7, 8, 9, 100, 4095, 33000, 131072, 131073, 400001 };

/* ---- Encoders ----------------------------------------------------------- */

static struct bytes by_zlib(struct bytes plain, int level, int strategy)
{
	z_stream z = { 0 };
	struct bytes out;

	assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, 31, 8, strategy), Z_OK);
	out = bytes_new(deflateBound(&z, plain.len) + 64);
	z.next_in = plain.p;
	z.avail_in = (uInt)plain.len;
	z.next_out = out.p;
	z.avail_out = (uInt)out.len;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out.len = z.total_out;
	deflateEnd(&z);
	return out;
}

static struct bytes gzip_way(struct bytes plain, int way)
{
	static const struct {
		int level, strategy;
	} ways[] = { { 0, 0 }, { 1, 0 }, { 6, 0 }, { 9, 0 }, { 6, Z_FIXED }, { 6, Z_HUFFMAN_ONLY }, { 6, Z_RLE } };

	return by_zlib(plain, ways[way].level, ways[way].strategy);
}

static struct bytes lz4_way(struct bytes plain, int way)
{
	static const int levels[] = { -20, 1, 3, 12 };
	struct bytes out = bytes_new(0), block = bytes_new((size_t)LZ4_compressBound((int)plain.len));
	int len;

	if (levels[way] < 3)
		len = LZ4_compress_fast((const char *)plain.p, (char *)block.p, (int)plain.len, (int)block.len,
					-levels[way]);
	else
		len = LZ4_compress_HC((const char *)plain.p, (char *)block.p, (int)plain.len, (int)block.len,
				      levels[way]);
	assert_true(len > 0);
	bytes_append_le32(&out, 0x184c2102);
	bytes_append_le32(&out, (uint32_t)len);
	bytes_append(&out, block.p, (size_t)len);
	bytes_free(&block);
	return out;
}

static struct bytes zstd_way(struct bytes plain, int way)
{
	static const struct {
		int level, checksum, content_size;
	} ways[] = { { -20, 0, 1 }, { 1, 1, 1 }, { 3, 0, 0 }, { 9, 0, 1 }, { 19, 1, 0 }, { 22, 0, 1 } };
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	struct bytes out = bytes_new(ZSTD_compressBound(plain.len) + 64);

	assert_non_null(ctx);
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, ways[way].level);
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, ways[way].checksum);
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_contentSizeFlag, ways[way].content_size);
	out.len = ZSTD_compress2(ctx, out.p, out.len, plain.p, plain.len);
	assert_false(ZSTD_isError(out.len));
	ZSTD_freeCCtx(ctx);
	return out;
}

static struct bytes by_xz(struct bytes plain, lzma_filter *filters, lzma_check check)
{
	struct bytes out = bytes_new(lzma_stream_buffer_bound(plain.len) + 1024);
	size_t pos = 0;

	assert_int_equal(lzma_stream_buffer_encode(filters, check, NULL, plain.p, plain.len, out.p, &pos, out.len),
			 LZMA_OK);
	out.len = pos;
	return out;
}

static struct bytes xz_way(struct bytes plain, int way)
{
	static const struct {
		uint32_t preset, lc, lp, pb;
		bool x86;
		lzma_check check;
	} ways[] = {
		{ 0, 3, 0, 2, true, LZMA_CHECK_CRC32 },  { 6, 3, 0, 2, true, LZMA_CHECK_NONE },
		{ 6, 0, 4, 0, false, LZMA_CHECK_CRC64 }, { 3, 4, 0, 4, false, LZMA_CHECK_SHA256 },
		{ 9, 1, 2, 3, true, LZMA_CHECK_CRC32 },
	};
	lzma_options_lzma options;
	lzma_filter both[] = { { LZMA_FILTER_X86, NULL }, { LZMA_FILTER_LZMA2, &options }, { LZMA_VLI_UNKNOWN, NULL } };

	assert_false(lzma_lzma_preset(&options, ways[way].preset));
	options.dict_size = 1 << 20;
	options.lc = ways[way].lc;
	options.lp = ways[way].lp;
	options.pb = ways[way].pb;
	return by_xz(plain, ways[way].x86 ? both : both + 1, ways[way].check);
}

static const struct row {
	const char *name;
	decoder_fn *decode;
	struct bytes (*encode)(struct bytes plain, int way);
	int ways;
} rows[] = {
	{ "gzip", decode_gzip, gzip_way, 7 },
	{ "lz4", decode_lz4, lz4_way, 4 },
	{ "zstd", decode_zstd, zstd_way, 6 },
	{ "xz", decode_xz, xz_way, 5 },
};

/* ---- What has to hold --------------------------------------------------- */

/* In and out in memory of exactly their lengths, so that ASan sees a byte too many. */
static bool decode(const struct row *row, const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len)
{
	uint8_t *exact = malloc(in_len + !in_len), *work = malloc(DECODE_WORK_LEN);
	bool good;

	memcpy(exact, in, in_len);
	good = row->decode(&(struct decode){ exact, in_len, out, out_len, work });
	free(exact);
	free(work);
	return good;
}

static void check_whole(const struct row *row, struct bytes plain, struct bytes packed)
{
	uint8_t *out = malloc(plain.len + 1);

	assert_true(decode(row, packed.p, packed.len, out, plain.len));
	assert_memory_equal(out, plain.p, plain.len);
	assert_false(decode(row, packed.p, packed.len, out, plain.len + 1));
	assert_false(decode(row, packed.p, packed.len, out, plain.len - 1));
	free(out);
}

static void check_cuts(const struct row *row, struct bytes plain, struct bytes packed)
{
	uint8_t *out = malloc(plain.len), *more = malloc(packed.len + 1);
	size_t stride = 1 + packed.len / 37;

	memcpy(more, packed.p, packed.len);
	more[packed.len] = 0;
	assert_false(decode(row, more, packed.len + 1, out, plain.len));
	for (size_t len = 0; len < packed.len; len += stride)
		assert_false(decode(row, packed.p, len, out, plain.len));
	free(out);
	free(more);
}

/* The room that lib/pack/layout.c leaves behind the output. */
static void check_in_place(const struct row *row, struct bytes plain, struct bytes packed)
{
	size_t room = plain.len + 0x40000 + (plain.len >> 8);
	uint8_t *window, *work = malloc(DECODE_WORK_LEN);

	if (room < packed.len)
		room = packed.len;
	window = malloc(room);
	memcpy(window + room - packed.len, packed.p, packed.len);
	assert_true(row->decode(&(struct decode){ window + room - packed.len, packed.len, window, plain.len, work }));
	assert_memory_equal(window, plain.p, plain.len);
	free(window);
	free(work);
}

/* Damage is either seen or gives other bytes; what counts is that nothing outside is touched. */
static void check_damage(const struct row *row, struct bytes plain, struct bytes packed, uint32_t *seed)
{
	uint8_t *out = malloc(plain.len);
	struct bytes hurt = bytes_copy(packed.p, packed.len);

	for (int i = 0; i < 20; i++) {
		size_t at = next_random(seed) % hurt.len;

		hurt.p[at] ^= (uint8_t)(1u << next_random(seed) % 8);
		decode(row, hurt.p, hurt.len, out, plain.len);
	}
	bytes_free(&hurt);
	free(out);
}

static void check_row(void **state)
{
	const struct row *row = *state;
	uint32_t seed = 1;

	for (int way = 0; way < row->ways; way++)
		for (size_t i = 0; i < NR_FILLS * (sizeof(lens) / sizeof(lens[0])); i++) {
			struct bytes plain = bytes_new(lens[i / NR_FILLS]), packed;

			fills[i % NR_FILLS](plain.p, plain.len, &seed);
			packed = row->encode(plain, way);
			check_whole(row, plain, packed);
			check_in_place(row, plain, packed);
			if (plain.len <= 33000) {
				check_cuts(row, plain, packed);
				check_damage(row, plain, packed, &seed);
			}
			bytes_free(&packed);
			bytes_free(&plain);
		}
}

/* More than one block of 8 MiB, none of which may refer to another. */
static void lz4_blocks(void **state)
{
	struct bytes plain = sample_plain((17u << 20) + 12345, 3), packed = encode_lz4(plain);

	(void)state;
	check_whole(&rows[1], plain, packed);
	bytes_free(&packed);
	bytes_free(&plain);
}

/* Several blocks, as `xz -T` makes them; the x86 filter counts from each one's start. */
static void xz_blocks(void **state)
{
	struct bytes plain = bytes_new(300000), packed = bytes_new(600000);
	uint32_t seed = 5;
	lzma_stream xz = LZMA_STREAM_INIT;
	lzma_options_lzma options;
	lzma_filter filters[] = { { LZMA_FILTER_X86, NULL },
				  { LZMA_FILTER_LZMA2, &options },
				  { LZMA_VLI_UNKNOWN, NULL } };
	lzma_mt mt = { .threads = 1, .block_size = 70001, .filters = filters, .check = LZMA_CHECK_CRC32 };

	(void)state;
	fill_calls(plain.p, plain.len, &seed);
	assert_false(lzma_lzma_preset(&options, 1));
	assert_int_equal(lzma_stream_encoder_mt(&xz, &mt), LZMA_OK);
	xz.next_in = plain.p;
	xz.avail_in = plain.len;
	xz.next_out = packed.p;
	xz.avail_out = packed.len;
	assert_int_equal(lzma_code(&xz, LZMA_FINISH), LZMA_STREAM_END);
	packed.len = xz.total_out;
	lzma_end(&xz);
	check_whole(&rows[3], plain, packed);
	bytes_free(&packed);
	bytes_free(&plain);
}

/* Names, comments and the rest, which gzip itself writes and Linux's build does not. */
static void gzip_header_fields(void **state)
{
	static const uint8_t head[] = {
		0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 0, 0, 0, 0, 0, 3, 3, 0, 'a', 'b', 'c', 'n', 0, 'c', 0, 9, 9
	};
	struct bytes plain = sample_plain(5000, 9), plainer = encode_gzip(plain),
		     packed = bytes_copy(head, sizeof(head));

	(void)state;
	bytes_append(&packed, plainer.p + 10, plainer.len - 10);
	check_whole(&rows[0], plain, packed);
	packed.p[3] |= 0x20;
	uint8_t *out = malloc(plain.len);

	assert_false(decode(&rows[0], packed.p, packed.len, out, plain.len));
	free(out);
	bytes_free(&packed);
	bytes_free(&plainer);
	bytes_free(&plain);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ .name = "gzip", .test_func = check_row, .initial_state = (void *)(uintptr_t)&rows[0] },
		{ .name = "lz4", .test_func = check_row, .initial_state = (void *)(uintptr_t)&rows[1] },
		{ .name = "zstd", .test_func = check_row, .initial_state = (void *)(uintptr_t)&rows[2] },
		{ .name = "xz", .test_func = check_row, .initial_state = (void *)(uintptr_t)&rows[3] },
		cmocka_unit_test(lz4_blocks),
		cmocka_unit_test(xz_blocks),
		cmocka_unit_test(gzip_header_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
