/* SPDX-License-Identifier: MIT */
/*
 * A stream whose blocks stand alone: any stretch of what it unpacks to is had
 * without the rest, what nobody wants takes no memory and harms nothing, and
 * what is not just such a stream is not opened, or fails.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "blockwise.h"
#include "encode.h"
#include "unit.h"

#define LEN_OF(array) (sizeof(array) / sizeof((array)[0]))
#define BLOCK_LEN     0x800000u
#define PLAIN_LEN     (2 * BLOCK_LEN + 0x123456u)
#define MUCH          (64u << 20)
#define PAGE          0x1000u
#define ALL_READS     8u /* of whole blocks, that a stream is good for */

static const struct codec *lz4(void)
{
	return codec_probe((const uint8_t *)"\x02\x21\x4c\x18", 4);
}

/* A stream and where it comes from: memory, or a file with something in front and behind. */
struct stream {
	struct bytes plain, packed;
	struct source source;
	struct blockwise bw;
};

static void stream_make(struct stream *stream, size_t plain_len)
{
	*stream = (struct stream){ .plain = sample_plain(plain_len, 7) };
	stream->packed = encode_lz4(stream->plain);
	stream->source = (struct source){ .mem = stream->packed.p, .fd = -1, .len = stream->packed.len };
}

static void stream_to_file(struct stream *stream)
{
	int fd = memfd_create("stream", MFD_CLOEXEC);

	assert_int_equal(pwrite(fd, stream->packed.p, stream->packed.len, 99), (ssize_t)stream->packed.len);
	assert_int_equal(ftruncate(fd, (off_t)(99 + stream->packed.len + 7)), 0);
	stream->source = (struct source){ .fd = fd, .base = 99, .len = stream->packed.len };
}

static bool stream_opens(struct stream *stream, uint64_t claimed_len, uint64_t mem_max)
{
	blockwise_open(&stream->bw, lz4(), &stream->source, claimed_len, mem_max);
	return stream->bw.codec != NULL;
}

static void stream_free(struct stream *stream)
{
	blockwise_close(&stream->bw);
	if (!stream->source.mem)
		close(stream->source.fd);
	bytes_free(&stream->plain);
	bytes_free(&stream->packed);
}

static void assert_reads(struct stream *stream, uint64_t off, size_t len)
{
	struct bytes got = bytes_new(len);

	assert_true(blockwise_read(&stream->bw, off, got.p, len));
	assert_memory_equal(got.p, stream->plain.p + off, len);
	bytes_free(&got);
}

static void test_any_stretch(void **state)
{
	static const struct {
		uint64_t off;
		size_t len;
	} stretches[] = {
		{ 0, 64 },
		{ 64, 4032 }, /* the last that needs no more than the beginning of a block */
		{ PLAIN_LEN - 1, 1 },
		{ 2 * BLOCK_LEN, 500 }, /* a beginning that is not the first */
		{ 4000, 200 },
		{ BLOCK_LEN + 0x654321, 0x200 },    /* as notes lie */
		{ BLOCK_LEN - 3 * PAGE, 7 * PAGE }, /* of two blocks */
		{ 17, 0 },
		{ PLAIN_LEN, 0 },
	};

	(void)state;
	for (unsigned file = 0; file < 2; file++) {
		struct stream stream;

		stream_make(&stream, PLAIN_LEN);
		if (file)
			stream_to_file(&stream);
		assert_true(stream_opens(&stream, PLAIN_LEN, MUCH));
		for (size_t i = 0; i < LEN_OF(stretches); i++)
			assert_reads(&stream, stretches[i].off, stretches[i].len);
		stream_free(&stream);
	}
}

static void test_all_of_it_across_two_blocks(void **state)
{
	struct stream stream;

	(void)state;
	stream_make(&stream, BLOCK_LEN + 1);
	assert_true(stream_opens(&stream, BLOCK_LEN + 1, MUCH));
	assert_reads(&stream, 0, BLOCK_LEN + 1);
	stream_free(&stream);
	stream_make(&stream, BLOCK_LEN);
	assert_true(stream_opens(&stream, BLOCK_LEN, MUCH));
	assert_reads(&stream, BLOCK_LEN - 1, 1);
	stream_free(&stream);
}

static void test_outside(void **state)
{
	struct stream stream;
	uint8_t bytes[2];

	(void)state;
	stream_make(&stream, PLAIN_LEN);
	assert_true(stream_opens(&stream, PLAIN_LEN, MUCH));
	assert_false(blockwise_read(&stream.bw, PLAIN_LEN, bytes, 1));
	assert_false(blockwise_read(&stream.bw, PLAIN_LEN - 1, bytes, 2));
	assert_false(blockwise_read(&stream.bw, UINT64_MAX, bytes, 2));
	stream_free(&stream);
	assert_false(blockwise_read(&stream.bw, 0, bytes, 1)); /* closed */
}

/* Who reads all of a kernel so would decode each block over and over. */
static void test_reads_end(void **state)
{
	struct stream stream;
	uint8_t byte;

	(void)state;
	stream_make(&stream, PLAIN_LEN);
	assert_true(stream_opens(&stream, PLAIN_LEN, MUCH));
	for (unsigned i = 0; i < ALL_READS; i++)
		assert_reads(&stream, 2 * BLOCK_LEN + 0x10000, 1);
	assert_false(blockwise_read(&stream.bw, 2 * BLOCK_LEN + 0x10000, &byte, 1));
	assert_reads(&stream, 0, 64); /* these are cheap */
	stream_free(&stream);
}

static void test_what_is_forgotten_harms_nothing(void **state)
{
	static const struct {
		uint64_t from, to;
	} kept[] = { { 0x1234, 0x5678 },
		     { 0x400000, 0x400001 },
		     { BLOCK_LEN - 0x80000, BLOCK_LEN + 0x80000 },
		     { 0x1080000, PLAIN_LEN } };
	struct stream stream;
	struct arena arena;

	(void)state;
	stream_make(&stream, PLAIN_LEN);
	stream_to_file(&stream);
	assert_true(stream_opens(&stream, PLAIN_LEN, MUCH));
	assert_true(arena_open(&arena, PLAIN_LEN));
	for (size_t i = 0; i < LEN_OF(kept); i++) {
		uint64_t off = i ? kept[i - 1].to : 0;

		assert_true(arena_map_ring(&arena, off, kept[i].from - off, &stream.bw.ring));
	}
	assert_int_equal(blockwise_unpack(&stream.bw, arena.host, NULL), 0);
	for (size_t i = 0; i < LEN_OF(kept); i++)
		assert_memory_equal(arena.host + kept[i].from, stream.plain.p + kept[i].from,
				    kept[i].to - kept[i].from);
	assert_memory_not_equal(arena.host + 0x10000, stream.plain.p + 0x10000, 0x100000); /* it was one, indeed */
	arena_close(&arena);
	stream_free(&stream);
}

/* The pages that are mapped again and again are few: what is written to one place is seen at others. */
static void test_a_ring(void **state)
{
	struct arena arena;
	struct ring ring;

	(void)state;
	assert_true(ring_open(&ring, 0x10000));
	assert_true(arena_open(&arena, 0x400000));
	assert_true(arena_map_ring(&arena, PAGE + 1, 0x200000, &ring));
	memset(arena.host, 1, 0x400000);
	memset(arena.host + 0x80000, 2, ring.len);
	assert_int_equal(arena.host[PAGE], 1); /* a part of a page is no page */
	assert_int_equal(arena.host[2 * PAGE], 2);
	assert_int_equal(arena.host[0x200000], 2);
	assert_int_equal(arena.host[0x201000], 1);
	arena_close(&arena);
	ring_close(&ring);
	ring_close(&ring);
}

static void test_not_opened(void **state)
{
	struct stream stream;

	(void)state;
	stream_make(&stream, PLAIN_LEN);
	assert_true(stream_opens(&stream, PLAIN_LEN, 0)); /* memory is read where it is */
	blockwise_close(&stream.bw);
	assert_false(stream_opens(&stream, 2 * BLOCK_LEN, MUCH)); /* as many blocks as that takes, and one more */
	assert_false(stream_opens(&stream, 3 * BLOCK_LEN + 1, MUCH));
	assert_false(stream_opens(&stream, 1ull << 60, MUCH));
	assert_false(stream_opens(&stream, 0, MUCH));
	stream.source.len--;
	assert_false(stream_opens(&stream, PLAIN_LEN, MUCH));
	stream.source.len = 6;
	assert_false(stream_opens(&stream, PLAIN_LEN, MUCH));
	stream.source.len = stream.packed.len;
	stream.packed.p[7] = 0x7f; /* of the first block's length */
	assert_false(stream_opens(&stream, PLAIN_LEN, MUCH));
	stream_to_file(&stream);
	bytes_free(&stream.packed);
	stream.packed = encode_lz4(stream.plain);
	assert_int_equal(pwrite(stream.source.fd, stream.packed.p, stream.packed.len, 99), (ssize_t)stream.packed.len);
	assert_false(stream_opens(&stream, PLAIN_LEN, 1000));
	assert_true(stream_opens(&stream, PLAIN_LEN, MUCH));
	stream_free(&stream);
}

static void test_other_codecs(void **state)
{
	(void)state;
	for (const struct codec *codec = codecs; codec->name; codec++)
		assert_true((codec->blocks != NULL) == (codec == lz4()));
}

/* The byte at off is not to be had, and unpacking all of it ends with that code. */
static void assert_fails(struct stream *stream, uint64_t off, enum pb_code code, struct pb_error *err)
{
	struct arena arena;
	uint8_t byte;

	assert_false(blockwise_read(&stream->bw, off, &byte, 1));
	assert_true(arena_open(&arena, stream->bw.out_len));
	assert_int_equal(blockwise_unpack(&stream->bw, arena.host, err), -(int)code);
	arena_close(&arena);
}

/* Blocks of other lengths than a kernel's are told where they are decoded, before anything of them is taken for good.
 */
static void test_short_blocks(void **state)
{
	struct stream stream, behind;
	struct pb_error err = PB_INIT(err);

	(void)state;
	stream_make(&stream, 0x500000);
	stream_make(&behind, 0x500000);
	bytes_append(&stream.packed, behind.packed.p + 4, behind.packed.len - 4);
	stream.source = (struct source){ .mem = stream.packed.p, .fd = -1, .len = stream.packed.len };
	assert_true(stream_opens(&stream, 2 * 0x500000, MUCH));
	assert_fails(&stream, 0x480000, PB_E_CODEC, &err);
	assert_string_equal(err.field, "lz4");
	stream_free(&behind);
	stream_free(&stream);
}

static void test_damage(void **state)
{
	struct stream stream;
	struct pb_error err = PB_INIT(err);

	(void)state;
	stream_make(&stream, PLAIN_LEN);
	assert_true(stream_opens(&stream, PLAIN_LEN, MUCH));
	memset(stream.packed.p + stream.bw.off[1], 0xff, 3000);
	assert_fails(&stream, BLOCK_LEN + 0x20000, PB_E_CODEC, &err);
	assert_int_equal(err.value, BLOCK_LEN);
	assert_int_equal(err.off, stream.bw.off[1]);
	assert_reads(&stream, 2 * BLOCK_LEN + 0x20000, 9); /* of another block */
	stream_free(&stream);
}

/* A file that got shorter meanwhile. */
static void test_a_file_that_shrinks(void **state)
{
	struct stream stream;
	struct pb_error err = PB_INIT(err);

	(void)state;
	stream_make(&stream, PLAIN_LEN);
	stream_to_file(&stream);
	assert_true(stream_opens(&stream, PLAIN_LEN, MUCH));
	assert_int_equal(ftruncate(stream.source.fd, 99 + (off_t)stream.bw.off[2] + 10), 0);
	assert_fails(&stream, PLAIN_LEN - 1, PB_E_CHANGED, &err);
	stream_free(&stream);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_stretch),
		cmocka_unit_test(test_all_of_it_across_two_blocks),
		cmocka_unit_test(test_outside),
		cmocka_unit_test(test_reads_end),
		cmocka_unit_test(test_what_is_forgotten_harms_nothing),
		cmocka_unit_test(test_a_ring),
		cmocka_unit_test(test_not_opened),
		cmocka_unit_test(test_other_codecs),
		cmocka_unit_test(test_short_blocks),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_a_file_that_shrinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
