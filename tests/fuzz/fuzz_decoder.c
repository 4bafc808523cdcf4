/* SPDX-License-Identifier: MIT */
/*
 * The guest's decoders on hostile streams. The first byte chooses one, the
 * next two say how many bytes are to come out, the rest is the stream. Input and
 * output are allocations of their own, for ASan. Where a codec's library and ours
 * both take a stream for whole, the bytes are the same; and what zlib takes ours
 * takes too. Where ours takes more, a check value is wrong, which it does not look at.
 *
 * PARABOOT_FUZZ_DECODER=name fuzzes one of them alone.
 */
#include <stdlib.h>
#include <string.h>

#include "../../guest/decompressor/decoder.h"
#include "codec/codec.h"

#define OUT_MAX (9u << 20) /* more than a block of lz4, which the library then needs no memory of its own for */
#define MEM_MAX (UINT64_C(40) << 20)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
	const char *name;
	decoder_fn *decode;
} decoders[] = { { "gzip", decode_gzip }, { "lz4", decode_lz4 }, { "zstd", decode_zstd }, { "xz", decode_xz } };
#define NR_DECODERS (sizeof(decoders) / sizeof(decoders[0]))

static const char *alone; /* PARABOOT_FUZZ_DECODER */

static void require(bool what)
{
	if (!what)
		abort();
}

static void *alloc(size_t len)
{
	void *p = malloc(len + !len);

	require(p);
	return p;
}

/* Tables are filled with the same each time: what a run finds hangs on no other. */
static bool ours(size_t which, const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len)
{
	static _Alignas(16)
		uint8_t work[DECODE_WORK_LEN]; /* an allocation of that size is a mapping: most of a run's time */
	uint8_t *exact = alloc(in_len);
	bool good;

	memcpy(exact, in, in_len);
	memset(work, 0xbe, sizeof(work));
	good = decoders[which].decode(&(struct decode){ exact, in_len, out, out_len, work });
	free(exact);
	return good;
}

static const struct codec *codec_of(size_t which)
{
	for (const struct codec *codec = codecs; codec->name; codec++)
		if (strcmp(codec->name, decoders[which].name) == 0)
			return codec->open ? codec : NULL;
	return NULL;
}

/* A whole stream and nothing behind it, of at most OUT_MAX bytes. */
static bool theirs(const struct codec *codec, const uint8_t *in, size_t in_len, uint8_t *out, size_t *out_len)
{
	struct codec_io io = { .in = in, .in_len = in_len, .in_last = true, .out = out, .out_len = OUT_MAX };
	void *decoder = codec->open(MEM_MAX);
	enum codec_step step = CODEC_MORE;

	require(decoder);
	while (step == CODEC_MORE && io.out_len)
		step = codec->step(decoder, &io);
	codec->close(decoder);
	*out_len = OUT_MAX - io.out_len;
	return step == CODEC_END && io.in_len == 0;
}

/*
 * What the library takes and ours need not: a zstd frame that is skipped, or
 * whose Huffman streams do not end with their last bit (RFC 8878, 4.2.2, calls
 * that damaged; libzstd does not always look); other filters of xz; a legacy
 * LZ4 frame whose blocks are not full. gzip has nothing of the kind.
 */
static bool may_be_beyond_ours(const char *name)
{
	return strcmp(name, "gzip") != 0;
}

static void compare(size_t which, const uint8_t *in, size_t in_len)
{
	const struct codec *codec = codec_of(which);
	static uint8_t expected[OUT_MAX];
	size_t len;
	uint8_t *out;

	if (!codec || !theirs(codec, in, in_len, expected, &len))
		return;
	out = alloc(len);
	if (ours(which, in, in_len, out, len))
		require(memcmp(out, expected, len) == 0);
	else
		require(may_be_beyond_ours(decoders[which].name));
	free(out);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	alone = getenv("PARABOOT_FUZZ_DECODER");
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t which, out_len;
	uint8_t *out;

	if (size < 3)
		return 0;
	which = data[0] % NR_DECODERS;
	for (size_t i = 0; alone && i < NR_DECODERS; i++)
		if (strcmp(alone, decoders[i].name) == 0)
			which = i;
	out_len = data[1] | (size_t)data[2] << 8;
	out = alloc(out_len);
	ours(which, data + 3, size - 3, out, out_len);
	free(out);
	compare(which, data + 3, size - 3);
	return 0;
}
