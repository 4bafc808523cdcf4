/* SPDX-License-Identifier: MIT */
/*
 * The table of codecs, and choosing one by a payload's first bytes.
 */
#include <string.h>

#include "codec/config.h"
#include "rows.h"

/* BUILT(feature, name): the functions of a codec where its feature is 1, nothing where it is 0. */
#define BUILT(feature, name)       BUILT_EXPANDED(feature, name)
#define BUILT_EXPANDED(flag, name) BUILT_##flag(name)
#define BUILT_0(name)              .open = NULL, .step = NULL, .close = NULL
#define BUILT_1(name)              .open = name##_open, .step = name##_step, .close = name##_close

/* The same of what else there is of it, such as its blocks. */
#define ALSO(feature, what)       ALSO_EXPANDED(feature, what)
#define ALSO_EXPANDED(flag, what) ALSO_##flag(what)
#define ALSO_0(what)              NULL
#define ALSO_1(what)              (&what)

#define MAGIC(bytes)              .magic = bytes, .magic_len = sizeof(bytes) - 1

const struct codec codecs[] = {
	{ "gzip", MAGIC("\x1f\x8b\x08"), .joins = true, BUILT(PB_CODEC_ZLIB, gzip) },
	{ "bzip2", MAGIC("BZh"), .size_trailer = true, .joins = true, BUILT(PB_CODEC_BZIP2, bzip2) },
	{ "lzma", MAGIC("\x5d\0\0"), .size_trailer = true, BUILT(PB_CODEC_LZMA, lzma) },
	{ "xz", MAGIC("\xfd\x37zXZ\0"), .size_trailer = true, .joins = true, .filler = xz_filler,
	  BUILT(PB_CODEC_LZMA, xz) },
	{ "lzo", MAGIC("\x89LZO\0\r"), .size_trailer = true, BUILT(PB_CODEC_LZO, lzo) },
	{ "lz4", MAGIC("\x02\x21\x4c\x18"), .size_trailer = true, BUILT(PB_CODEC_LZ4, lz4),
	  .blocks = ALSO(PB_CODEC_LZ4, lz4_blocks) },
	{ "zstd", MAGIC("\x28\xb5\x2f\xfd"), .size_trailer = true, .joins = true, .filler = zstd_filler,
	  .filler_first = true, BUILT(PB_CODEC_ZSTD, zstd) },
	{ "none", MAGIC("\x7f\x45LF"), BUILT(1, none) },
	{ .name = NULL },
};

const struct codec *codec_probe(const uint8_t *bytes, size_t len)
{
	for (const struct codec *codec = codecs; codec->name; codec++)
		if (len >= codec->magic_len && memcmp(bytes, codec->magic, codec->magic_len) == 0)
			return codec;
	return NULL;
}

const struct codec *codec_probe_file(const uint8_t *bytes, size_t len)
{
	for (const struct codec *codec = codecs; codec->name; codec++)
		if (codec->filler_first && codec->filler(bytes, len) > 0)
			return codec;
	return codec_probe(bytes, len);
}
