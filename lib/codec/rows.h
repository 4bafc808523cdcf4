/* SPDX-License-Identifier: MIT */
/*
 * The functions that the rows of codecs[] point at, one set a codec file.
 */
#ifndef PB_LIB_CODEC_ROWS_H
#define PB_LIB_CODEC_ROWS_H

#include "codec.h"

#define CODEC_FUNCTIONS(name)                                                                                          \
	void *name##_open(uint64_t mem_max);                                                                           \
	enum codec_step name##_step(void *decoder, struct codec_io *io);                                               \
	void name##_close(void *decoder)

CODEC_FUNCTIONS(gzip);
CODEC_FUNCTIONS(bzip2);
CODEC_FUNCTIONS(lzma);
CODEC_FUNCTIONS(xz);
CODEC_FUNCTIONS(lzo);
CODEC_FUNCTIONS(lz4);
CODEC_FUNCTIONS(zstd);
CODEC_FUNCTIONS(none);

#undef CODEC_FUNCTIONS

extern const struct codec_blocks lz4_blocks;

/* Of the codecs whose files may hold filler; built whether or not the codec is. */
uint64_t xz_filler(const uint8_t *bytes, size_t len);
uint64_t zstd_filler(const uint8_t *bytes, size_t len);

#endif
