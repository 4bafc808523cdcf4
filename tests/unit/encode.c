/* SPDX-License-Identifier: MIT */
/*
 * Streams to decode: see encode.h.
 */
#include "encode.h"

#include <stdlib.h>
#include <string.h>

#include "codec/config.h"
#include "unit.h"

#include <lzo/lzo1x.h>
#if PB_CODEC_ZLIB
#include <zlib.h>
#endif
#if PB_CODEC_BZIP2
#include <bzlib.h>
#endif
#if PB_CODEC_LZMA
#include <lzma.h>
#endif
#if PB_CODEC_LZ4
#include <lz4.h>
#endif
#if PB_CODEC_ZSTD
#include <zstd.h>
#endif

struct bytes bytes_new(size_t len)
{
	struct bytes b = { malloc(len ? len : 1), len };

	assert_non_null(b.p);
	return b;
}

struct bytes bytes_copy(const void *p, size_t len)
{
	struct bytes b = bytes_new(len);

	memcpy(b.p, p, len);
	return b;
}

void bytes_append(struct bytes *b, const void *p, size_t len)
{
	b->p = realloc(b->p, b->len + len + 1);
	assert_non_null(b->p);
	memcpy(b->p + b->len, p, len);
	b->len += len;
}

void bytes_append_be32(struct bytes *b, uint32_t value)
{
	uint8_t word[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value };

	bytes_append(b, word, sizeof(word));
}

void bytes_append_le32(struct bytes *b, uint32_t value)
{
	uint8_t word[4] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24) };

	bytes_append(b, word, sizeof(word));
}

void bytes_free(struct bytes *b)
{
	free(b->p);
	*b = (struct bytes){ NULL, 0 };
}

uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* One stretch of the sample from off on, of the given kind. */
static void fill(struct bytes b, size_t off, size_t len, uint32_t kind, uint32_t *state)
{
	size_t back = off ? 1 + next_random(state) % (off < 60000 ? off : 60000) : 0;

	for (size_t i = off; i < off + len; i++)
		switch (kind) {
		case 0:
			b.p[i] = 0;
			break;
		case 1:
			b.p[i] = (uint8_t)next_random(state);
			break;
		case 2:
			b.p[i] = "etaoin shrdlu\n"[next_random(state) % 14];
			break;
		default:
			b.p[i] = back ? b.p[i - back] : 'a';
		}
}

struct bytes sample_plain(size_t len, uint32_t seed)
{
	struct bytes b = bytes_new(len);
	uint32_t state = seed;

	for (size_t off = 0; off < len;) {
		size_t n = 1 + next_random(&state) % 700;

		if (n > len - off)
			n = len - off;
		fill(b, off, n, next_random(&state) % 6, &state);
		off += n;
	}
	return b;
}

struct bytes encode_none(struct bytes plain)
{
	return bytes_copy(plain.p, plain.len);
}

#if PB_CODEC_ZLIB
struct bytes encode_gzip(struct bytes plain)
{
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);

	struct bytes out = bytes_new(deflateBound(&z, plain.len));

	z.next_in = plain.p;
	z.avail_in = (unsigned)plain.len;
	z.next_out = out.p;
	z.avail_out = (unsigned)out.len;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out.len = z.total_out;
	deflateEnd(&z);
	return out;
}
#endif

#if PB_CODEC_BZIP2
struct bytes encode_bzip2(struct bytes plain)
{
	struct bytes out = bytes_new(plain.len + plain.len / 100 + 600);
	unsigned len = (unsigned)out.len;

	assert_int_equal(BZ2_bzBuffToBuffCompress((char *)out.p, &len, (char *)plain.p, (unsigned)plain.len, 9, 0, 0),
			 BZ_OK);
	out.len = len;
	return out;
}
#endif

#if PB_CODEC_LZMA
static struct bytes lzma_finish(lzma_stream *stream, struct bytes plain)
{
	struct bytes out = bytes_new(plain.len + plain.len / 8 + 1024);

	stream->next_in = plain.p;
	stream->avail_in = plain.len;
	stream->next_out = out.p;
	stream->avail_out = out.len;
	assert_int_equal(lzma_code(stream, LZMA_FINISH), LZMA_STREAM_END);
	out.len = (size_t)stream->total_out;
	lzma_end(stream);
	return out;
}

static lzma_options_lzma lzma_options(uint32_t dict_len)
{
	lzma_options_lzma options;

	assert_false(lzma_lzma_preset(&options, 1));
	options.dict_size = dict_len;
	return options;
}

struct bytes encode_lzma(struct bytes plain)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_options_lzma options = lzma_options(1 << 20);

	assert_int_equal(lzma_alone_encoder(&stream, &options), LZMA_OK);
	return lzma_finish(&stream, plain);
}

struct bytes encode_xz_dict(struct bytes plain, uint32_t dict_len)
{
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_options_lzma options = lzma_options(dict_len);
	lzma_filter filters[] = {
		{ LZMA_FILTER_X86, NULL },
		{ LZMA_FILTER_LZMA2, &options },
		{ LZMA_VLI_UNKNOWN, NULL },
	};

	assert_int_equal(lzma_stream_encoder(&stream, filters, LZMA_CHECK_CRC32), LZMA_OK);
	return lzma_finish(&stream, plain);
}

struct bytes encode_xz(struct bytes plain)
{
	return encode_xz_dict(plain, 1 << 20);
}
#endif

#if PB_CODEC_LZ4
struct bytes encode_lz4(struct bytes plain)
{
	const size_t block_len = 8 << 20;
	struct bytes out = bytes_new(0), block = bytes_new((size_t)LZ4_compressBound((int)block_len));

	bytes_append_le32(&out, 0x184c2102);
	for (size_t off = 0; off < plain.len; off += block_len) {
		size_t n = plain.len - off < block_len ? plain.len - off : block_len;
		int len = LZ4_compress_default((char *)plain.p + off, (char *)block.p, (int)n, (int)block.len);

		assert_true(len > 0);
		bytes_append_le32(&out, (uint32_t)len);
		bytes_append(&out, block.p, (size_t)len);
	}
	bytes_free(&block);
	return out;
}
#endif

#if PB_CODEC_ZSTD
struct bytes encode_zstd_window(struct bytes plain, int window_log)
{
	ZSTD_CCtx *z = ZSTD_createCCtx();
	struct bytes out = bytes_new(ZSTD_compressBound(plain.len));
	ZSTD_inBuffer in = { plain.p, plain.len, 0 };
	ZSTD_outBuffer to = { out.p, out.len, 0 };

	assert_non_null(z);
	ZSTD_CCtx_setParameter(z, ZSTD_c_windowLog, window_log);
	ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1);
	ZSTD_CCtx_setParameter(z, ZSTD_c_contentSizeFlag, 0);
	/* A flush first: what the encoder learns of the size only at the end cannot make it shrink the window. */
	assert_int_equal(ZSTD_compressStream2(z, &to, &in, ZSTD_e_flush), 0);
	assert_int_equal(ZSTD_compressStream2(z, &to, &in, ZSTD_e_end), 0);
	out.len = to.pos;
	ZSTD_freeCCtx(z);
	return out;
}

struct bytes encode_zstd(struct bytes plain)
{
	return encode_zstd_window(plain, 20);
}
#endif

struct bytes encode_lzo1x(struct bytes plain, int level)
{
	struct bytes out = bytes_new(plain.len + plain.len / 16 + 64 + 3), work = bytes_new(LZO1X_999_MEM_COMPRESS);
	lzo_uint len = out.len;
	int rc;

	assert_int_equal(lzo_init(), LZO_E_OK);
	if (level == 1)
		rc = lzo1x_1_compress(plain.p, plain.len, out.p, &len, work.p);
	else if (level == 2)
		rc = lzo1x_1_15_compress(plain.p, plain.len, out.p, &len, work.p);
	else
		rc = lzo1x_999_compress_level(plain.p, plain.len, out.p, &len, work.p, NULL, 0, NULL, level - 2);
	assert_int_equal(rc, LZO_E_OK);
	bytes_free(&work);
	out.len = len;
	return out;
}

const struct lzop_style lzop_default = {
	.flags = 0x03000001, .block_len = 256 << 10, .version = 0x1040, .method = 3, .name = ""
};

static uint32_t lzop_sum(uint32_t is_crc, const uint8_t *p, size_t len)
{
	return is_crc ? lzo_crc32(0, p, len) : lzo_adler32(1, p, len);
}

static void lzop_head(struct bytes *out, const struct lzop_style *style)
{
	static const uint8_t magic[9] = { 0x89, 'L', 'Z', 'O', 0, '\r', '\n', 0x1a, '\n' };
	uint8_t name_len = (uint8_t)strlen(style->name);
	uint8_t first[] = { (uint8_t)(style->version >> 8),
			    (uint8_t)style->version,
			    0x20,
			    0xa0,
			    0x09,
			    0x40,
			    (uint8_t)style->method,
			    9 };

	bytes_append(out, magic, sizeof(magic));
	bytes_append(out, first, sizeof(first));
	bytes_append_be32(out, style->flags);
	bytes_append_be32(out, 0100644);
	bytes_append_be32(out, 0x12345678); /* the time, low and high */
	bytes_append_be32(out, 0);
	bytes_append(out, &name_len, 1);
	bytes_append(out, style->name, name_len);
	bytes_append_be32(out, lzop_sum(style->flags & 0x1000, out->p + sizeof(magic), out->len - sizeof(magic)));
}

static void lzop_block(struct bytes *out, struct bytes plain, uint32_t flags)
{
	struct bytes packed = encode_lzo1x(plain, 11);
	int stored = packed.len >= plain.len;
	struct bytes body = stored ? plain : packed;

	bytes_append_be32(out, (uint32_t)plain.len);
	bytes_append_be32(out, (uint32_t)body.len);
	if (flags & 0x1)
		bytes_append_be32(out, lzop_sum(0, plain.p, plain.len));
	if (flags & 0x100)
		bytes_append_be32(out, lzop_sum(1, plain.p, plain.len));
	if (flags & 0x2 && !stored)
		bytes_append_be32(out, lzop_sum(0, body.p, body.len));
	if (flags & 0x200 && !stored)
		bytes_append_be32(out, lzop_sum(1, body.p, body.len));
	bytes_append(out, body.p, body.len);
	bytes_free(&packed);
}

struct bytes encode_lzop(struct bytes plain, const struct lzop_style *style)
{
	struct bytes out = bytes_new(0);

	lzop_head(&out, style);
	for (size_t off = 0; off < plain.len; off += style->block_len) {
		size_t left = plain.len - off;
		struct bytes block = { plain.p + off, left < style->block_len ? left : style->block_len };

		lzop_block(&out, block, style->flags);
	}
	bytes_append_be32(&out, 0);
	return out;
}

struct bytes encode_lzo(struct bytes plain)
{
	return encode_lzop(plain, &lzop_default);
}
