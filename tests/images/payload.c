/* SPDX-License-Identifier: MIT */
/*
 * Payloads: streams of the codecs, made without an encoder, so that the same
 * image comes out of every build. Nothing in them is packed, only stored.
 */
#include <string.h>

#include "images.h"

static uint32_t crc32_of(const uint8_t *bytes, size_t len)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < len; i++) {
		crc ^= bytes[i];
		for (unsigned bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

/* RFC 1952 and 1951: stored blocks only. */
static void put_gzip(struct blob *out, const struct blob *in)
{
	static const uint8_t head[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };
	size_t done = 0;

	blob_put(out, head, sizeof(head));
	do {
		size_t len = in->len - done < 0xffff ? in->len - done : 0xffff;

		blob_put_le(out, done + len == in->len, 1); /* BFINAL, BTYPE 0 */
		blob_put_le(out, len, 2);
		blob_put_le(out, ~len, 2);
		blob_put(out, in->data + done, len);
		done += len;
	} while (done < in->len);
	blob_put_le(out, crc32_of(in->data, in->len), 4);
	blob_put_le(out, in->len, 4);
}

/* The legacy frame: blocks of 8 MiB, here each of one sequence of literals. */
static void put_lz4(struct blob *out, const struct blob *in)
{
	size_t done = 0;

	blob_put_le(out, 0x184c2102, 4);
	while (done < in->len) {
		size_t len = in->len - done < 8u << 20 ? in->len - done : 8u << 20;
		size_t size_off = blob_put_le(out, 0, 4), left = len;

		blob_put_le(out, (len < 15 ? len : 15) << 4, 1);
		if (len >= 15)
			for (left -= 15; left >= 255; left -= 255)
				blob_put_le(out, 255, 1);
		if (len >= 15)
			blob_put_le(out, left, 1);
		blob_put(out, in->data + done, len);
		blob_set_le(out, size_off, out->len - size_off - 4, 4);
		done += len;
	}
}

static void put_crc_of(struct blob *out, size_t from)
{
	blob_put_le(out, crc32_of(out->data + from, out->len - from), 4);
}

/* xz's numbers: seven bits a byte, the lowest first. */
static void put_vli(struct blob *out, uint64_t number)
{
	for (; number >= 0x80; number >>= 7)
		blob_put_le(out, (number & 0x7f) | 0x80, 1);
	blob_put_le(out, number, 1);
}

/* A block whose one filter is LZMA2, of chunks that are stored. */
static void put_xz_block(struct blob *out, const struct blob *in)
{
	static const uint8_t head[] = { 2, 0, 0x21, 1, 0, 0, 0, 0 }; /* 12 bytes with the CRC; the least dictionary */
	size_t from = out->len, done = 0;

	blob_put(out, head, sizeof(head));
	put_crc_of(out, from);
	while (done < in->len) {
		size_t len = in->len - done < 0x10000 ? in->len - done : 0x10000;

		blob_put_le(out, done ? 2 : 1, 1); /* the first one resets the dictionary */
		blob_put_le(out, __builtin_bswap16((uint16_t)(len - 1)), 2);
		blob_put(out, in->data + done, len);
		done += len;
	}
	blob_put_le(out, 0, 1);
}

static void put_xz(struct blob *out, const struct blob *in)
{
	static const uint8_t magic[] = { 0xfd, '7', 'z', 'X', 'Z', 0 };
	size_t block, block_len, index, footer;

	blob_put(out, magic, sizeof(magic));
	blob_put_le(out, 0, 2); /* no check of the contents */
	put_crc_of(out, out->len - 2);

	block = out->len;
	put_xz_block(out, in);
	block_len = out->len - block;
	blob_align(out, 4);

	index = out->len;
	blob_put_le(out, 0x0100, 2); /* an index, of one record */
	put_vli(out, block_len);
	put_vli(out, in->len);
	blob_align(out, 4);
	put_crc_of(out, index);

	footer = out->len;
	blob_put_le(out, 0, 4);
	blob_put_le(out, (footer - index) / 4 - 1, 4);
	blob_put_le(out, 0, 2);
	blob_set_le(out, footer, crc32_of(out->data + footer + 4, 6), 4);
	blob_put(out, "YZ", 2);
}

static void put_xz_filler(struct blob *out)
{
	blob_put_zeros(out, 8);
}

/* RFC 8878: a frame that tells its size and is one segment, of raw blocks. */
static void put_zstd(struct blob *out, const struct blob *in)
{
	enum { BLOCK_MAX = 128 << 10 };
	size_t done = 0;

	blob_put_le(out, 0xfd2fb528, 4);
	blob_put_le(out, 0xa0, 1);
	blob_put_le(out, in->len, 4);
	do {
		size_t len = in->len - done < BLOCK_MAX ? in->len - done : BLOCK_MAX;

		blob_put_le(out, len << 3 | (done + len == in->len), 3);
		blob_put(out, in->data + done, len);
		done += len;
	} while (done < in->len);
}

/* Skippable frames, the last one empty. */
static void put_zstd_filler(struct blob *out)
{
	blob_put_le(out, 0x184d2a50, 4);
	blob_put_le(out, 5, 4);
	blob_put(out, "words", 5);
	blob_put_le(out, 0x184d2a5f, 4);
	blob_put_le(out, 0, 4);
}

static void put_plain(struct blob *out, const struct blob *in)
{
	blob_put_blob(out, in);
}

static const struct {
	const char *name;
	void (*put)(struct blob *out, const struct blob *in);
	void (*put_filler)(struct blob *out);
	bool filler_first;
} encoders[] = {
	{ "gzip", put_gzip },
	{ "lz4", put_lz4 },
	{ "xz", put_xz, put_xz_filler },
	{ "zstd", put_zstd, put_zstd_filler, true },
	{ "none", put_plain },
};

void image_encode(struct blob *out, const char *codec, bool filler, const struct blob *in)
{
	size_t i = 0;

	while (strcmp(encoders[i].name, codec) != 0)
		i++;
	if (filler && encoders[i].filler_first)
		encoders[i].put_filler(out);
	encoders[i].put(out, in);
	if (filler)
		encoders[i].put_filler(out);
}
