/* SPDX-License-Identifier: MIT */
/*
 * The other side of the codecs, for tests: streams made by the libraries'
 * encoders (lzo: liblzo2's) and plain bytes worth packing. Everything here
 * either works or fails the test that asked.
 */
#ifndef PB_TESTS_UNIT_ENCODE_H
#define PB_TESTS_UNIT_ENCODE_H

#include <stddef.h>
#include <stdint.h>

/* Owned; free with bytes_free(). */
struct bytes {
	uint8_t *p;
	size_t len;
};

struct bytes bytes_new(size_t len);
struct bytes bytes_copy(const void *p, size_t len);
void bytes_append(struct bytes *b, const void *p, size_t len);
void bytes_append_be32(struct bytes *b, uint32_t value);
void bytes_append_le32(struct bytes *b, uint32_t value);
void bytes_free(struct bytes *b);

/* A small random generator: the same seed, the same numbers, on every machine. */
uint32_t next_random(uint32_t *state);

/* Zeros, repeats near and far, text-like and random stretches, in turn. */
struct bytes sample_plain(size_t len, uint32_t seed);

struct bytes encode_gzip(struct bytes plain);
struct bytes encode_bzip2(struct bytes plain);
struct bytes encode_lzma(struct bytes plain); /* of unknown size, with an end mark, as kernels have it */
struct bytes encode_xz(struct bytes plain);   /* x86 BCJ and CRC32, as kernels have it */
struct bytes encode_xz_dict(struct bytes plain, uint32_t dict_len);
struct bytes encode_lz4(struct bytes plain);  /* the legacy frame */
struct bytes encode_zstd(struct bytes plain); /* with a checksum, of unknown size */
struct bytes encode_zstd_window(struct bytes plain, int window_log);
struct bytes encode_none(struct bytes plain);

/* lzop's container, made to order. */
struct lzop_style {
	uint32_t flags; /* 0x1 adler of plain, 0x2 of packed bytes, 0x100 and 0x200 the same as crc, 0x1000 crc of the
			   header */
	uint32_t block_len;
	unsigned version, method;
	const char *name;
};
extern const struct lzop_style lzop_default;
struct bytes encode_lzop(struct bytes plain, const struct lzop_style *style);
struct bytes encode_lzo(struct bytes plain); /* lzop_default */

/* One LZO1X block; level 1 (LZO1X-1), 2 (LZO1X-1(15)), or 3 to 11 (LZO1X-999 at level minus 2). */
struct bytes encode_lzo1x(struct bytes plain, int level);

#endif
