/* SPDX-License-Identifier: MIT */
/*
 * The codecs that an image can be packed with: the encoder, the decoder, and
 * the programs that hold it.
 */
#include <string.h>

#include "../codec/config.h"
#include "encode.h"

#define PROGRAMS(row) row(none) row(gzip) row(lz4) row(zstd) row(xz)
#define DECLARE(codec)                                                                                                 \
	extern const uint8_t guest_decompressor64_##codec[], guest_decompressor64_##codec##_end[];                     \
	extern const uint8_t guest_decompressor32_##codec[], guest_decompressor32_##codec##_end[];
PROGRAMS(DECLARE)
#define BOTH(codec)                                                                                                    \
	.program64 = { guest_decompressor64_##codec, guest_decompressor64_##codec##_end },                             \
	.program32 = { guest_decompressor32_##codec, guest_decompressor32_##codec##_end }

/* BUILT(feature, encoder): NULL where the feature is 0. */
#define BUILT(feature, encoder)       BUILT_EXPANDED(feature, encoder)
#define BUILT_EXPANDED(flag, encoder) BUILT_##flag(encoder)
#define BUILT_0(encoder)              NULL
#define BUILT_1(encoder)              encoder

const struct pack_codec pack_codecs[] = {
	{ "none", false, true, decode_none, pack_encode_none, BOTH(none) },
	{ "gzip", false, false, decode_gzip, BUILT(PB_CODEC_ZLIB, pack_encode_gzip), BOTH(gzip) },
	{ "lz4", true, false, decode_lz4, BUILT(PB_CODEC_LZ4, pack_encode_lz4), BOTH(lz4) },
	{ "zstd", true, false, decode_zstd, BUILT(PB_CODEC_ZSTD, pack_encode_zstd), BOTH(zstd) },
	{ "xz", true, false, decode_xz, BUILT(PB_CODEC_LZMA, pack_encode_xz), BOTH(xz) },
	{ 0 },
};

const struct pack_codec *pack_codec_find(const char *name)
{
	for (const struct pack_codec *codec = pack_codecs; codec->name; codec++)
		if (strcmp(codec->name, name) == 0)
			return codec;
	return NULL;
}

bool pb_pack_has_codec(const char *name)
{
	const struct pack_codec *codec = name ? pack_codec_find(name) : NULL;

	return codec && codec->encode;
}
