/* SPDX-License-Identifier: MIT */
/*
 * gzip (RFC 1952) through zlib: one member, its CRC and length checked.
 */
#define ZLIB_CONST
#include <stdlib.h>
#include <zlib.h>

#include "common.h"
#include "rows.h"

struct gzip {
	struct budget budget;
	enum codec_step opened;
	z_stream z;
};

static void *gzip_alloc(void *opaque, unsigned items, unsigned size)
{
	return budget_alloc(opaque, (uint64_t)items * size);
}

static void gzip_free(void *opaque, void *mem)
{
	budget_free(opaque, mem);
}

void *gzip_open(uint64_t mem_max)
{
	struct gzip *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->budget.left_len = mem_max;
	d->z.zalloc = gzip_alloc;
	d->z.zfree = gzip_free;
	d->z.opaque = &d->budget;
	/* The full window, plus 16: a gzip header, not zlib's. */
	d->opened = inflateInit2(&d->z, 15 + 16) == Z_OK ? CODEC_MORE : budget_verdict(&d->budget);
	return d;
}

enum codec_step gzip_step(void *decoder, struct codec_io *io)
{
	struct gzip *d = decoder;

	if (d->opened != CODEC_MORE)
		return d->opened;
	d->z.next_in = io->in;
	d->z.avail_in = codec_chunk(io->in_len);
	d->z.next_out = io->out;
	d->z.avail_out = codec_chunk(io->out_len);

	int rc = inflate(&d->z, Z_NO_FLUSH);
	enum codec_step step = codec_used(io, (size_t)(d->z.next_in - io->in), (size_t)(d->z.next_out - io->out));

	switch (rc) {
	case Z_OK:
	case Z_BUF_ERROR:
		return step;
	case Z_STREAM_END:
		return CODEC_END;
	case Z_MEM_ERROR: /* the window is allocated when it is first needed */
		return budget_verdict(&d->budget);
	default:
		return CODEC_BAD;
	}
}

void gzip_close(void *decoder)
{
	struct gzip *d = decoder;

	if (!d)
		return;
	inflateEnd(&d->z); /* does nothing if inflateInit2() failed */
	free(d);
}
