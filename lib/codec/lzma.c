/* SPDX-License-Identifier: MIT */
/*
 * .lzma (LZMA_Alone) through liblzma, and what .xz shares with it. The format
 * has no checksum: damage shows as an impossible match or a missing end.
 */
#include <stdlib.h>

#include "liblzma.h"
#include "rows.h"

struct liblzma {
	enum codec_step opened;
	lzma_stream stream;
};

static enum codec_step verdict(lzma_ret rc, enum codec_step going_on)
{
	switch (rc) {
	case LZMA_OK:
	case LZMA_BUF_ERROR: /* no progress, twice: going_on knows why */
		return going_on;
	case LZMA_STREAM_END:
		return CODEC_END;
	case LZMA_MEM_ERROR:
		return CODEC_NOMEM;
	case LZMA_MEMLIMIT_ERROR:
		return CODEC_LIMIT;
	default:
		return CODEC_BAD;
	}
}

void *liblzma_open(uint64_t mem_max, lzma_ret (*start)(lzma_stream *stream, uint64_t mem_max))
{
	struct liblzma *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->stream = (lzma_stream)LZMA_STREAM_INIT;
	d->opened = verdict(start(&d->stream, mem_max), CODEC_MORE);
	return d;
}

enum codec_step liblzma_step(void *decoder, struct codec_io *io)
{
	struct liblzma *d = decoder;

	if (d->opened != CODEC_MORE)
		return d->opened;
	d->stream.next_in = io->in;
	d->stream.avail_in = io->in_len;
	d->stream.next_out = io->out;
	d->stream.avail_out = io->out_len;

	lzma_ret rc = lzma_code(&d->stream, LZMA_RUN);

	return verdict(rc, codec_used(io, io->in_len - d->stream.avail_in, io->out_len - d->stream.avail_out));
}

void liblzma_close(void *decoder)
{
	struct liblzma *d = decoder;

	if (!d)
		return;
	lzma_end(&d->stream);
	free(d);
}

void *lzma_open(uint64_t mem_max)
{
	return liblzma_open(mem_max, lzma_alone_decoder);
}

enum codec_step lzma_step(void *decoder, struct codec_io *io)
{
	return liblzma_step(decoder, io);
}

void lzma_close(void *decoder)
{
	liblzma_close(decoder);
}
