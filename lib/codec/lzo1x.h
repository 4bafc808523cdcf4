/* SPDX-License-Identifier: MIT */
/*
 * The decoder for LZO1X, as it stands in a block of an lzop stream.
 */
#ifndef PB_LIB_CODEC_LZO1X_H
#define PB_LIB_CODEC_LZO1X_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Decode all of in, which must end with the end mark, to at most out_len
 * bytes; their count goes to *ret_len. False: damaged, or out too small.
 * The bytes of out that are not part of the result are undefined.
 */
bool lzo1x_decode(const uint8_t *in, size_t in_len, uint8_t *out, size_t out_len, size_t *ret_len);

#endif
