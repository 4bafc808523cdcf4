/* SPDX-License-Identifier: MIT */
/*
 * For the codecs whose library (or our own decoder) works on whole blocks in
 * memory, lz4 and lzo: turns a stream of bytes, cut anywhere, into blocks, and
 * blocks into a stream again. A block that lies whole in the caller's input is
 * used there, and one that fits the caller's room is decoded there; only what
 * does not is copied, through buffers that mem_max bounds.
 */
#ifndef PB_LIB_CODEC_BLOCK_H
#define PB_LIB_CODEC_BLOCK_H

#include "common.h"

struct blocks {
	struct budget budget;
	uint8_t *in_buf; /* collects a block that came in pieces */
	size_t in_cap_len, in_len;
	size_t fresh_len; /* of what take() gave last, the bytes from this very call's io */
	uint8_t *out_buf; /* holds decoded bytes [out_pos, out_len) until there is room */
	size_t out_cap_len, out_pos, out_len;
};

/*
 * The next len bytes side by side, valid until the next call; NULL: *why says
 * CODEC_MORE (all input was eaten, and kept), CODEC_BAD (the input ends
 * before), CODEC_NOMEM or CODEC_LIMIT.
 */
const uint8_t *blocks_take(struct blocks *b, struct codec_io *io, size_t len, enum codec_step *why);

/* Give back to io what the last take() took from it; not what came in earlier steps. */
void blocks_untake(const struct blocks *b, struct codec_io *io);

/* Is the input at its end, with nothing collected? */
bool blocks_at_end(const struct blocks *b, const struct codec_io *io);

/* Room for a block of up to len bytes; NULL: *why says CODEC_MORE (io has no room at all), CODEC_NOMEM or CODEC_LIMIT.
 */
uint8_t *blocks_room(struct blocks *b, const struct codec_io *io, size_t len, enum codec_step *why);

/* len bytes were decoded to where blocks_room() said. */
void blocks_made(struct blocks *b, struct codec_io *io, const uint8_t *room, size_t len);

/* Hand out decoded bytes that had no room before; true if none are left. */
bool blocks_flush(struct blocks *b, struct codec_io *io);

void blocks_free(struct blocks *b);

#endif
