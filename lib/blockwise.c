/* SPDX-License-Identifier: MIT */
/*
 * A kernel, block by block: see blockwise.h.
 */
#include "blockwise.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"

#define READS    8u    /* of a whole block for a few bytes of it */
#define NEAR_LEN 4096u /* headers: for less than this of a block, the rest of it is left alone */

static const struct codec_blocks *blocks_of(const struct blockwise *bw)
{
	return bw->codec->blocks;
}

static uint64_t in_len(const struct blockwise *bw, uint32_t block)
{
	return bw->off[block + 1] - CODEC_WORD_LEN - bw->off[block];
}

static int find_block(struct blockwise *bw, uint32_t block)
{
	uint64_t off = bw->off[block];
	uint8_t word[CODEC_WORD_LEN];
	uint32_t len = 0;
	int rc = source_read(&bw->in, off - CODEC_WORD_LEN, word, sizeof(word), "block", NULL);

	if (rc < 0 || !blocks_of(bw)->follow(word, &len))
		return -1;
	bw->off[block + 1] = off + len + CODEC_WORD_LEN;
	return 0;
}

/* As many as the claim needs, with nothing between them and nothing behind. */
static bool find_blocks(struct blockwise *bw)
{
	bw->off[0] = bw->codec->magic_len + CODEC_WORD_LEN;
	for (uint32_t i = 0; i < bw->nr_blocks; i++)
		if (find_block(bw, i) < 0)
			return false;
	return bw->off[bw->nr_blocks] == bw->in.len + CODEC_WORD_LEN;
}

/* Memory has its blocks where they are. */
static bool open_input(struct blockwise *bw, uint64_t mem_max)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < bw->nr_blocks; i++)
		if (in_len(bw, i) > most)
			most = in_len(bw, i);
	if (bw->in.mem)
		return true;
	if (most > mem_max || !arena_open(&bw->input, most))
		return false;
	arena_populate(&bw->input);
	return true;
}

void blockwise_close(struct blockwise *bw)
{
	arena_close(&bw->aside);
	arena_close(&bw->input);
	ring_close(&bw->ring);
	free(bw->off);
	*bw = (struct blockwise){ 0 };
}

void blockwise_open(struct blockwise *ret, const struct codec *codec, const struct source *in, uint64_t claimed_len,
		    uint64_t mem_max)
{
	struct blockwise bw = { .codec = codec, .in = *in, .out_len = claimed_len, .reads = READS };

	*ret = (struct blockwise){ 0 };
	if (!codec->blocks || claimed_len / codec->blocks->made_len >= in->len / CODEC_WORD_LEN)
		return;
	bw.nr_blocks = (uint32_t)((claimed_len + codec->blocks->made_len - 1) / codec->blocks->made_len);
	bw.off = calloc(bw.nr_blocks + 1u, sizeof(*bw.off));
	if (bw.off && find_blocks(&bw) && ring_open(&bw.ring, codec->blocks->back_len) && open_input(&bw, mem_max))
		*ret = bw;
	else
		blockwise_close(&bw);
}

/* How many bytes a block makes. */
static uint32_t block_len(const struct blockwise *bw, uint32_t block)
{
	uint64_t left_len = bw->out_len - (uint64_t)block * blocks_of(bw)->made_len;

	return left_len < blocks_of(bw)->made_len ? (uint32_t)left_len : blocks_of(bw)->made_len;
}

/* Where the first len bytes of a block's input are. */
static int fetch(const struct blockwise *bw, uint32_t block, uint64_t len, const uint8_t **ret, struct pb_error *err)
{
	*ret = bw->input.host;
	if (!bw->in.mem)
		return source_read(&bw->in, bw->off[block], bw->input.host, (size_t)len, "payload", err);
	*ret = bw->in.mem + bw->in.base + bw->off[block];
	return 0;
}

static int bad_block(const struct blockwise *bw, uint32_t block, struct pb_error *err)
{
	return fail(err, PB_E_CODEC, bw->codec->name, (uint64_t)block * blocks_of(bw)->made_len, bw->in.len,
		    bw->off[block]);
}

static int unpack_whole(const struct blockwise *bw, uint32_t block, uint8_t *out, struct pb_error *err)
{
	const uint8_t *in;
	int rc = fetch(bw, block, in_len(bw, block), &in, err);

	if (rc < 0)
		return rc;
	return blocks_of(bw)->whole(in, (uint32_t)in_len(bw, block), out, block_len(bw, block))
		       ? 0
		       : bad_block(bw, block, err);
}

/* No more than the first len bytes that a block makes. */
static int unpack_begin(const struct blockwise *bw, uint32_t block, uint8_t *out, uint32_t len, struct pb_error *err)
{
	uint64_t take_len = blocks_of(bw)->bound(len);
	const uint8_t *in;
	int rc;

	if (take_len > in_len(bw, block))
		take_len = in_len(bw, block);
	rc = fetch(bw, block, take_len, &in, err);
	if (rc < 0)
		return rc;
	return blocks_of(bw)->begin(in, (uint32_t)take_len, out, len) ? 0 : bad_block(bw, block, err);
}

int blockwise_unpack(const struct blockwise *bw, uint8_t *out, struct pb_error *err)
{
	int rc = 0;

	for (uint32_t block = 0; block < bw->nr_blocks && rc == 0; block++)
		rc = unpack_whole(bw, block, out + (uint64_t)block * blocks_of(bw)->made_len, err);
	return rc;
}

/* Decode the rest of the block as well, and forget it. */
static bool read_far(struct blockwise *bw, uint32_t block, uint32_t first, uint8_t *buf, uint32_t len)
{
	uint32_t behind = first + len;
	struct arena arena;
	bool done;

	if (bw->reads == 0 || !arena_open(&arena, block_len(bw, block)))
		return false;
	bw->reads--;
	done = arena_map_ring(&arena, 0, first, &bw->ring) &&
	       arena_map_ring(&arena, behind, arena.len - behind, &bw->ring) &&
	       unpack_whole(bw, block, arena.host, NULL) == 0;
	if (done)
		memcpy(buf, arena.host + first, len);
	arena_close(&bw->aside);
	bw->aside = arena;
	return done;
}

static bool read_near(struct blockwise *bw, uint32_t block, uint32_t first, uint8_t *buf, uint32_t len)
{
	uint8_t made[NEAR_LEN];

	if (unpack_begin(bw, block, made, first + len, NULL) < 0)
		return false;
	memcpy(buf, made + first, len);
	return true;
}

bool blockwise_read(struct blockwise *bw, uint64_t off, void *buf, size_t len)
{
	if (!bw->codec || off > bw->out_len || len > bw->out_len - off)
		return false;
	for (size_t done = 0, n; done < len; done += n) {
		uint32_t made_len = blocks_of(bw)->made_len, first = (uint32_t)((off + done) % made_len);
		uint32_t block = (uint32_t)((off + done) / made_len);

		n = len - done < made_len - first ? len - done : made_len - first;
		if (!(first + n <= NEAR_LEN ? read_near : read_far)(bw, block, first, (uint8_t *)buf + done,
								    (uint32_t)n))
			return false;
	}
	return true;
}
