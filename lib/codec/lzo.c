/* SPDX-License-Identifier: MIT */
/*
 * lzo, in the container of the lzop tool that kernels are packed in: a magic
 * number, a header with a checksum, then blocks until one of length 0. A block
 * has two lengths, up to four checksums that the header's flags ask for, and
 * LZO1X data, or the plain bytes where packing did not make it shorter.
 * All numbers are big-endian. LZO1X itself is in lzo1x.c.
 */
#include <stdlib.h>
#include <string.h>

#include "block.h"
#include "checksum.h"
#include "lzo1x.h"
#include "rows.h"

#define LZOP_BLOCK_MAX   (64u << 20) /* the format's own limit; kernels use 256 KiB */
#define LZOP_VERSION_MIN 0x0940u     /* older headers lack fields; no kernel was ever packed so */
#define LZOP_METHODS     3u          /* 1 to 3: ways to pack LZO1X, all unpacked alike */

enum {
	LZOP_ADLER32_D = 0x1, /* of a block's unpacked bytes */
	LZOP_ADLER32_C = 0x2, /* of its packed bytes */
	LZOP_CRC32_D = 0x100,
	LZOP_CRC32_C = 0x200,
	LZOP_H_CRC32 = 0x1000, /* the header's own checksum is a CRC, not an Adler */
	/* What would change the bytes' meaning: an extra field, several files, a filter; and the reserved bits. */
	LZOP_REFUSED = 0x40 | 0x400 | 0x800 | 0xfc000,
};

static const uint8_t lzop_magic[9] = { 0x89, 'L', 'Z', 'O', 0, '\r', '\n', 0x1a, '\n' };

/* The fixed parts of the header, before and after what flags could put between them. */
struct lzop_head {
	uint8_t magic[9];
	uint8_t version[2], library[2], needed[2], method, level, flags[4];
};
struct lzop_file {
	uint8_t mode[4], mtime[8], name_len;
};

/* A block's checksums in the order in which they stand. */
static const struct {
	uint32_t flag;
	bool packed; /* of the packed bytes; absent if the block is stored */
	uint32_t (*sum)(uint32_t sum, const uint8_t *bytes, size_t len);
	uint32_t start;
} sums[] = {
	{ LZOP_ADLER32_D, false, adler32_of, ADLER32_START },
	{ LZOP_CRC32_D, false, crc32_of, CRC32_START },
	{ LZOP_ADLER32_C, true, adler32_of, ADLER32_START },
	{ LZOP_CRC32_C, true, crc32_of, CRC32_START },
};
#define SUMS (sizeof(sums) / sizeof(sums[0]))

struct lzo {
	struct blocks blocks;
	/* The next thing to do; false: not now, and *why. */
	bool (*next)(struct lzo *d, struct codec_io *io, enum codec_step *why);
	uint32_t flags;
	uint32_t head_sum; /* so far */
	uint8_t name_len;
	uint32_t out_len, in_len; /* of the block */
	uint32_t sum[SUMS];
};

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool stop(enum codec_step step, enum codec_step *why)
{
	*why = step;
	return false;
}

static bool take_out_len(struct lzo *d, struct codec_io *io, enum codec_step *why);

static bool is_stored(const struct lzo *d)
{
	return d->in_len == d->out_len;
}

static bool sums_fit(const struct lzo *d, bool packed, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < SUMS; i++)
		if (d->flags & sums[i].flag && sums[i].packed == packed &&
		    sums[i].sum(sums[i].start, bytes, len) != d->sum[i])
			return false;
	return true;
}

static bool unpack(const struct lzo *d, const uint8_t *block, uint8_t *room)
{
	size_t len;

	if (is_stored(d))
		memcpy(room, block, d->out_len);
	else if (!sums_fit(d, true, block, d->in_len) || !lzo1x_decode(block, d->in_len, room, d->out_len, &len) ||
		 len != d->out_len)
		return false;
	return sums_fit(d, false, room, d->out_len);
}

static bool unpack_block(struct lzo *d, struct codec_io *io, enum codec_step *why)
{
	uint8_t *room = blocks_room(&d->blocks, io, d->out_len, why);
	const uint8_t *block = room ? blocks_take(&d->blocks, io, d->in_len, why) : NULL;

	if (!block)
		return false;
	if (!unpack(d, block, room))
		return stop(CODEC_BAD, why);
	blocks_made(&d->blocks, io, room, d->out_len);
	d->next = take_out_len;
	return true;
}

static bool has_sum(const struct lzo *d, size_t i)
{
	return d->flags & sums[i].flag && !(sums[i].packed && is_stored(d));
}

static bool take_sums(struct lzo *d, struct codec_io *io, enum codec_step *why)
{
	size_t count = 0;
	const uint8_t *words;

	for (size_t i = 0; i < SUMS; i++)
		count += has_sum(d, i);
	words = blocks_take(&d->blocks, io, count * 4, why);
	if (!words)
		return false;
	for (size_t i = 0; i < SUMS; i++)
		if (has_sum(d, i)) {
			d->sum[i] = be32(words);
			words += 4;
		}
	d->next = unpack_block;
	return true;
}

static bool take_in_len(struct lzo *d, struct codec_io *io, enum codec_step *why)
{
	const uint8_t *word = blocks_take(&d->blocks, io, 4, why);

	if (!word)
		return false;
	d->in_len = be32(word);
	if (d->in_len == 0 || d->in_len > d->out_len)
		return stop(CODEC_BAD, why);
	d->next = take_sums;
	return true;
}

static bool take_out_len(struct lzo *d, struct codec_io *io, enum codec_step *why)
{
	const uint8_t *word = blocks_take(&d->blocks, io, 4, why);

	if (!word)
		return false;
	d->out_len = be32(word);
	if (d->out_len == 0)
		return stop(CODEC_END, why);
	if (d->out_len > LZOP_BLOCK_MAX)
		return stop(CODEC_BAD, why);
	d->next = take_in_len;
	return true;
}

static void add_to_head_sum(struct lzo *d, const uint8_t *bytes, size_t len)
{
	d->head_sum = (d->flags & LZOP_H_CRC32 ? crc32_of : adler32_of)(d->head_sum, bytes, len);
}

/* The file's name, which says nothing to us, and the checksum. */
static bool take_name(struct lzo *d, struct codec_io *io, enum codec_step *why)
{
	const uint8_t *name = blocks_take(&d->blocks, io, d->name_len + 4u, why);

	if (!name)
		return false;
	add_to_head_sum(d, name, d->name_len);
	if (d->head_sum != be32(name + d->name_len))
		return stop(CODEC_BAD, why);
	d->next = take_out_len;
	return true;
}

static bool take_file(struct lzo *d, struct codec_io *io, enum codec_step *why)
{
	const uint8_t *bytes = blocks_take(&d->blocks, io, sizeof(struct lzop_file), why);
	struct lzop_file file;

	if (!bytes)
		return false;
	memcpy(&file, bytes, sizeof(file));
	add_to_head_sum(d, bytes, sizeof(file));
	d->name_len = file.name_len;
	d->next = take_name;
	return true;
}

static bool head_is_ours(const struct lzop_head *head)
{
	unsigned version = (unsigned)head->version[0] << 8 | head->version[1];

	return memcmp(head->magic, lzop_magic, sizeof(lzop_magic)) == 0 && version >= LZOP_VERSION_MIN &&
	       head->method >= 1 && head->method <= LZOP_METHODS && !(be32(head->flags) & LZOP_REFUSED);
}

static bool take_head(struct lzo *d, struct codec_io *io, enum codec_step *why)
{
	const uint8_t *bytes = blocks_take(&d->blocks, io, sizeof(struct lzop_head), why);
	struct lzop_head head;

	if (!bytes)
		return false;
	memcpy(&head, bytes, sizeof(head));
	if (!head_is_ours(&head))
		return stop(CODEC_BAD, why);
	d->flags = be32(head.flags);
	d->head_sum = d->flags & LZOP_H_CRC32 ? CRC32_START : ADLER32_START;
	add_to_head_sum(d, bytes + sizeof(lzop_magic), sizeof(head) - sizeof(lzop_magic));
	d->next = take_file;
	return true;
}

void *lzo_open(uint64_t mem_max)
{
	struct lzo *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->blocks.budget.left_len = mem_max;
	d->next = take_head;
	return d;
}

enum codec_step lzo_step(void *decoder, struct codec_io *io)
{
	struct lzo *d = decoder;
	enum codec_step why = CODEC_MORE;

	while (blocks_flush(&d->blocks, io) && d->next(d, io, &why))
		;
	return why;
}

void lzo_close(void *decoder)
{
	struct lzo *d = decoder;

	if (!d)
		return;
	blocks_free(&d->blocks);
	free(d);
}
