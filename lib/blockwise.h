/* SPDX-License-Identifier: MIT */
/*
 * Decoding a kernel of which each block stands alone (struct codec_blocks), block
 * by block: any stretch of it, in any order. A plan is made of headers and notes,
 * which are few bytes, and may lie behind much that nobody asks for before there
 * is a place to put it. What a block unpacks to follows from the length that the
 * image claims; what is not just so is the decoder's in order (unpack.h) to tell.
 */
#ifndef PB_LIB_BLOCKWISE_H
#define PB_LIB_BLOCKWISE_H

#include "arena.h"
#include "codec/codec.h"
#include "source.h"

struct blockwise {
	const struct codec *codec; /* NULL: it is not open */
	struct source in;
	uint64_t out_len;
	uint32_t nr_blocks;
	uint64_t *off;      /* of what follows each block's word, and where a next one's would begin */
	struct arena input; /* as large as the largest, if in is a file */
	struct ring ring;   /* for what is decoded only to be looked back at */
	struct arena aside; /* the block that was read from last: unmapping it before the process ends costs more */
	unsigned reads;     /* of such blocks that may still follow */
};

/*
 * claimed_len is of all that `in`, a stream of that codec, unpacks to; mem_max caps what decoding takes. Not opened:
 * it cannot be decoded so, for whatever reason.
 */
void blockwise_open(struct blockwise *ret, const struct codec *codec, const struct source *in, uint64_t claimed_len,
		    uint64_t mem_max);
void blockwise_close(struct blockwise *bw);

/* Copy [off, off+len) of what comes out. False: not to be had so; where this is asked for much, in order is faster. */
bool blockwise_read(struct blockwise *bw, uint64_t off, void *buf, size_t len);

/* Decode all of it to out. */
int blockwise_unpack(const struct blockwise *bw, uint8_t *out, struct pb_error *err);

#endif
