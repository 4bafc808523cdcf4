/* SPDX-License-Identifier: MIT */
/*
 * The codecs that an image can be packed with: the encoder, the decoder, and
 * the programs that hold it.
 */
#include <string.h>

#include "../codec/config.h"
#include "encode.h"

#define PROGRAMS(row)  row(none)
#define DECLARE(codec) extern const uint8_t guest_decompressor64_##codec[], guest_decompressor64_##codec##_end[];
PROGRAMS(DECLARE)

#define PROGRAM64(codec) .program64 = { guest_decompressor64_##codec, guest_decompressor64_##codec##_end }

const struct pack_codec pack_codecs[] = {
	{ "none", false, true, decode_none, pack_encode_none, PROGRAM64(none) },
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
