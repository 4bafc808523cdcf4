/* SPDX-License-Identifier: MIT */
/*
 * The two checksums of the lzop container, our own so that lzo needs no
 * library. Both can be fed in pieces: what one call returns the next continues.
 */
#ifndef PB_LIB_CODEC_CHECKSUM_H
#define PB_LIB_CODEC_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#define ADLER32_START 1u
#define CRC32_START   0u

uint32_t adler32_of(uint32_t sum, const uint8_t *bytes, size_t len); /* RFC 1950, section 8.2 */
uint32_t crc32_of(uint32_t crc, const uint8_t *bytes, size_t len);   /* RFC 1952, section 8 */

#endif
