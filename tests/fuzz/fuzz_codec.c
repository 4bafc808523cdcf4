/* SPDX-License-Identifier: MIT */
/*
 * Each codec on hostile streams. The first byte chooses the codec, the second
 * how the rest is cut into pieces. Besides not crashing, a decoder must:
 * keep the rule of codec.h by which a caller's loop ends; stay inside its
 * pieces (they are allocations of their own, for ASan); and, where the
 * decoding is ours, give the same verdict and bytes however the stream is cut.
 * The row behind the codecs is a bare LZO1X block, whose result must be
 * liblzo2's where that is at hand.
 *
 * PARABOOT_FUZZ_CODEC=name (or lzo1x) fuzzes one of them alone.
 */
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "codec/config.h"
#if PB_CODEC_LZO
#include "codec/lzo1x.h"
#if HAVE_LZO2
#include <lzo/lzo1x.h>
#endif
#endif

#define OUT_MAX        (16u << 20)
#define OUT_PIECES_MAX 16384u /* a bomb in pieces of one byte would take seconds */
#define MEM_MAX        (UINT64_C(40) << 20)

/* Room for any block at once. Not allocated each time, which would cost more than all else. */
static uint8_t ample[9u << 20];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *alone; /* PARABOOT_FUZZ_CODEC */

/* How a stream is handed over: pieces of these lengths. */
struct way {
	size_t in_len, out_len;
	bool hashed; /* take the output's hash, which costs as much as a decoder */
};

struct result {
	enum codec_step step; /* CODEC_MORE: there is more than out_max() */
	uint64_t out_len;
	uint64_t hash; /* of the output */
};

static void require(bool what)
{
	if (!what)
		abort();
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t out_max(struct way way)
{
	return way.out_len > OUT_MAX / OUT_PIECES_MAX ? OUT_MAX : way.out_len * OUT_PIECES_MAX;
}

static void *alloc(size_t len)
{
	void *p = malloc(len ? len : 1);

	require(p != NULL);
	return p;
}

static uint64_t hash(uint64_t seed, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		seed = (seed ^ p[i]) * UINT64_C(0x100000001b3);
	return seed;
}

/* One piece of input until it is used up, one piece of room after the other. Returns what was used. */
static size_t feed(const struct codec *codec, void *decoder, const uint8_t *piece, size_t len, bool last,
		   struct way way, struct result *result)
{
	uint8_t *in = alloc(len), *out = way.out_len == sizeof(ample) ? ample : alloc(way.out_len);
	struct codec_io io = { in, len, last, out, way.out_len, false };

	memcpy(in, piece, len);
	do {
		size_t in_before = io.in_len;

		io.out = out;
		io.out_len = way.out_len;
		result->step = codec->step(decoder, &io);

		size_t made = way.out_len - io.out_len;

		require(io.in == in + (len - io.in_len) && io.out == out + made);
		require(result->step != CODEC_MORE || made || io.in_len < in_before || (in_before == 0 && !last));
		if (way.hashed)
			result->hash = hash(result->hash, out, made);
		result->out_len += made;
	} while (result->step == CODEC_MORE && (io.in_len || last) && result->out_len < out_max(way));
	len -= io.in_len;
	free(in);
	if (out != ample)
		free(out);
	return len;
}

static struct result decode(const struct codec *codec, const uint8_t *data, size_t size, struct way way)
{
	struct result result = { CODEC_MORE, 0, 0 };
	void *decoder = codec->open(MEM_MAX);
	size_t used = 0;

	require(decoder != NULL);
	while (result.step == CODEC_MORE && result.out_len < out_max(way)) {
		size_t len = least(size - used, way.in_len);
		bool last = used + len == size;

		used += feed(codec, decoder, data + used, len, last, way, &result);
	}
	require(used <= size);
	codec->close(decoder);
	return result;
}

/* A library may find damage, or its limit, sooner or later by how much it is shown; our own may not. */
static bool is_ours(const struct codec *codec)
{
	return strcmp(codec->name, "lzo") == 0 || strcmp(codec->name, "lz4") == 0 || strcmp(codec->name, "none") == 0;
}

static void fuzz_codec(const struct codec *codec, uint8_t cut, const uint8_t *data, size_t size)
{
	const struct way odd = { 1u + cut % 16 * 7, 1u + cut / 16 * 331u, is_ours(codec) };
	struct result pieces = decode(codec, data, size, odd);

	if (!is_ours(codec) || pieces.step == CODEC_MORE || pieces.step == CODEC_LIMIT)
		return;

	/* With this much room a block is decoded in place, not through a buffer; and so needs less memory. */
	struct result whole = decode(codec, data, size, (struct way){ SIZE_MAX, sizeof(ample), true });

	require(whole.step == pieces.step);
	require(whole.out_len == pieces.out_len && whole.hash == pieces.hash);
}

#if PB_CODEC_LZO
static void fuzz_lzo1x(uint8_t room, const uint8_t *data, size_t size)
{
	size_t out_len = (size_t)room * 257, len = 0;
	uint8_t *in = alloc(size), *out = alloc(out_len);

	memcpy(in, data, size);

	bool good = lzo1x_decode(in, size, out, out_len, &len);

	require(!good || len <= out_len);
#if HAVE_LZO2
	uint8_t *theirs = alloc(out_len);
	lzo_uint their_len = out_len;

	require(good == (lzo1x_decompress_safe(in, size, theirs, &their_len, NULL) == LZO_E_OK));
	require(!good || (len == their_len && memcmp(out, theirs, len) == 0));
	free(theirs);
#endif
	free(in);
	free(out);
}
#endif

/* The row that the first byte, or PARABOOT_FUZZ_CODEC, names; the last, nameless one is LZO1X. */
static const struct codec *choose(uint8_t byte)
{
	size_t count = 1;

	for (const struct codec *codec = codecs; codec->name; codec++) {
		if (alone && strcmp(alone, codec->name) == 0)
			return codec;
		count++;
	}
	return &codecs[alone ? count - 1 : byte % count];
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	alone = getenv("PARABOOT_FUZZ_CODEC");
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;

	const struct codec *codec = choose(data[0]);

	if (codec->open)
		fuzz_codec(codec, data[1], data + 2, size - 2);
#if PB_CODEC_LZO
	else if (!codec->name)
		fuzz_lzo1x(data[1], data + 2, size - 2);
#endif
	return 0;
}
