/* SPDX-License-Identifier: MIT */
/*
 * Between a stream cut anywhere and whole blocks: see block.h.
 */
#include "block.h"

#include <string.h>

static void eat(struct codec_io *io, size_t len)
{
	io->in += len;
	io->in_len -= len;
}

static bool grow(struct blocks *b, uint8_t **buf, size_t *cap_len, size_t len, enum codec_step *why)
{
	if (*cap_len >= len)
		return true;
	budget_free(&b->budget, *buf);
	*cap_len = 0;
	*buf = budget_alloc(&b->budget, len);
	if (!*buf) {
		*why = budget_verdict(&b->budget);
		return false;
	}
	*cap_len = len;
	return true;
}

const uint8_t *blocks_take(struct blocks *b, struct codec_io *io, size_t len, enum codec_step *why)
{
	if (b->in_len == 0 && io->in_len >= len) {
		const uint8_t *block = io->in;

		b->fresh_len = len;
		eat(io, len);
		return block;
	}
	/* Nothing was collected yet when the buffer grows: a caller asks for the same len until it gets it. */
	if (!grow(b, &b->in_buf, &b->in_cap_len, len, why))
		return NULL;

	size_t n = len - b->in_len < io->in_len ? len - b->in_len : io->in_len;

	memcpy(b->in_buf + b->in_len, io->in, n);
	b->in_len += n;
	b->fresh_len = n;
	eat(io, n);
	if (b->in_len < len) {
		*why = io->in_last ? CODEC_BAD : CODEC_MORE;
		return NULL;
	}
	b->in_len = 0;
	return b->in_buf;
}

void blocks_untake(const struct blocks *b, struct codec_io *io)
{
	io->in -= b->fresh_len;
	io->in_len += b->fresh_len;
}

bool blocks_at_end(const struct blocks *b, const struct codec_io *io)
{
	return io->in_last && io->in_len == 0 && b->in_len == 0;
}

uint8_t *blocks_room(struct blocks *b, const struct codec_io *io, size_t len, enum codec_step *why)
{
	if (io->out_len >= len)
		return io->out;
	if (io->out_len == 0) {
		*why = CODEC_MORE;
		return NULL;
	}
	return grow(b, &b->out_buf, &b->out_cap_len, len, why) ? b->out_buf : NULL;
}

void blocks_made(struct blocks *b, struct codec_io *io, const uint8_t *room, size_t len)
{
	if (room == io->out) {
		io->out += len;
		io->out_len -= len;
	} else {
		b->out_pos = 0;
		b->out_len = len;
	}
}

bool blocks_flush(struct blocks *b, struct codec_io *io)
{
	size_t left = b->out_len - b->out_pos;
	size_t n = left < io->out_len ? left : io->out_len;

	if (n == 0)
		return left == 0;
	memcpy(io->out, b->out_buf + b->out_pos, n);
	b->out_pos += n;
	io->out += n;
	io->out_len -= n;
	return n == left;
}

void blocks_free(struct blocks *b)
{
	budget_free(&b->budget, b->in_buf);
	budget_free(&b->budget, b->out_buf);
}
