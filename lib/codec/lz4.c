/* SPDX-License-Identifier: MIT */
/*
 * lz4's legacy frame, the one that kernels are packed in, through liblz4's
 * block decoder: a magic number, then blocks, each a little-endian length and
 * that many bytes, which unpack to at most 8 MiB and know nothing of each
 * other. No end mark and no checksum: the frame ends where the input does, or
 * where a length is too large to be one, for then it is other data's.
 * The lz4 tool appends frames by repeating the magic, and so does a kernel.
 */
#include <lz4.h>
#include <stdlib.h>

#include "block.h"
#include "rows.h"

#define LZ4_LEGACY_MAGIC 0x184c2102u
#define LZ4_BLOCK_LEN    (8 << 20)
#define LZ4_BACK_LEN     (64 << 10) /* a match's offset has 16 bits */

struct lz4 {
	struct blocks blocks;
	/* The next thing to do; false: not now, and *why. */
	bool (*next)(struct lz4 *d, struct codec_io *io, enum codec_step *why);
	uint32_t block_len;
};

static bool take_block_len(struct lz4 *d, struct codec_io *io, enum codec_step *why);

static bool unpack_block(struct lz4 *d, struct codec_io *io, enum codec_step *why)
{
	uint8_t *room = blocks_room(&d->blocks, io, LZ4_BLOCK_LEN, why);
	const uint8_t *block = room ? blocks_take(&d->blocks, io, d->block_len, why) : NULL;

	if (!block)
		return false;

	int len = LZ4_decompress_safe((const char *)block, (char *)room, (int)d->block_len, LZ4_BLOCK_LEN);

	if (len < 0) {
		*why = CODEC_BAD;
		return false;
	}
	blocks_made(&d->blocks, io, room, (size_t)len);
	d->next = take_block_len;
	return true;
}

/* A block's length, or what is none. */
static bool follow(const uint8_t word[CODEC_WORD_LEN], uint32_t *ret)
{
	*ret = le32(word);
	return *ret <= LZ4_COMPRESSBOUND(LZ4_BLOCK_LEN);
}

static bool take_block_len(struct lz4 *d, struct codec_io *io, enum codec_step *why)
{
	if (blocks_at_end(&d->blocks, io)) {
		*why = CODEC_END;
		return false;
	}

	const uint8_t *word = blocks_take(&d->blocks, io, 4, why);

	if (!word)
		return false;
	if (le32(word) == LZ4_LEGACY_MAGIC)
		return true;
	if (!follow(word, &d->block_len)) {
		/* At least one byte of it stays unread, so that the caller sees that something follows. */
		blocks_untake(&d->blocks, io);
		*why = CODEC_END;
		return false;
	}
	d->next = unpack_block;
	return true;
}

static bool take_magic(struct lz4 *d, struct codec_io *io, enum codec_step *why)
{
	const uint8_t *word = blocks_take(&d->blocks, io, 4, why);

	if (!word)
		return false;
	if (le32(word) != LZ4_LEGACY_MAGIC) {
		*why = CODEC_BAD;
		return false;
	}
	d->next = take_block_len;
	return true;
}

void *lz4_open(uint64_t mem_max)
{
	struct lz4 *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->blocks.budget.left_len = mem_max;
	d->next = take_magic;
	return d;
}

enum codec_step lz4_step(void *decoder, struct codec_io *io)
{
	struct lz4 *d = decoder;
	enum codec_step why = CODEC_MORE;

	while (blocks_flush(&d->blocks, io) && d->next(d, io, &why))
		;
	return why;
}

void lz4_close(void *decoder)
{
	struct lz4 *d = decoder;

	if (!d)
		return;
	blocks_free(&d->blocks);
	free(d);
}

/* ---- One block alone ---- */

static bool whole(const uint8_t *in, uint32_t in_len, uint8_t *out, uint32_t len)
{
	return LZ4_decompress_safe((const char *)in, (char *)out, (int)in_len, (int)len) == (int)len;
}

static bool begin(const uint8_t *in, uint32_t in_len, uint8_t *out, uint32_t len)
{
	return LZ4_decompress_safe_partial((const char *)in, (char *)out, (int)in_len, (int)len, (int)len) == (int)len;
}

static uint32_t bound(uint32_t len)
{
	return (uint32_t)LZ4_compressBound((int)len);
}

const struct codec_blocks lz4_blocks = {
	.made_len = LZ4_BLOCK_LEN,
	.back_len = LZ4_BACK_LEN,
	.follow = follow,
	.whole = whole,
	.begin = begin,
	.bound = bound,
};
