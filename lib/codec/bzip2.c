/* SPDX-License-Identifier: MIT */
/*
 * bzip2 through libbz2: one stream, each block's CRC and the stream's checked.
 */
#include <bzlib.h>
#include <stdlib.h>

#include "common.h"
#include "rows.h"

struct bzip2 {
	struct budget budget;
	enum codec_step opened;
	bz_stream bz;
};

static void *bzip2_alloc(void *opaque, int items, int size)
{
	return budget_alloc(opaque, (uint64_t)items * (uint64_t)size);
}

static void bzip2_free(void *opaque, void *mem)
{
	budget_free(opaque, mem);
}

void *bzip2_open(uint64_t mem_max)
{
	struct bzip2 *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->budget.left_len = mem_max;
	d->bz.bzalloc = bzip2_alloc;
	d->bz.bzfree = bzip2_free;
	d->bz.opaque = &d->budget;
	d->opened = BZ2_bzDecompressInit(&d->bz, 0, 0) == BZ_OK ? CODEC_MORE : budget_verdict(&d->budget);
	return d;
}

enum codec_step bzip2_step(void *decoder, struct codec_io *io)
{
	struct bzip2 *d = decoder;
	unsigned in_len = codec_chunk(io->in_len), out_len = codec_chunk(io->out_len);

	if (d->opened != CODEC_MORE)
		return d->opened;
	d->bz.next_in = (char *)(uintptr_t)io->in; /* libbz2 lacks the const; it only reads */
	d->bz.avail_in = in_len;
	d->bz.next_out = (char *)io->out;
	d->bz.avail_out = out_len;

	int rc = BZ2_bzDecompress(&d->bz);
	enum codec_step step = codec_used(io, in_len - d->bz.avail_in, out_len - d->bz.avail_out);

	switch (rc) {
	case BZ_OK:
		return step;
	case BZ_STREAM_END:
		return CODEC_END;
	case BZ_MEM_ERROR: /* the tables are allocated when the header has told the block size */
		return budget_verdict(&d->budget);
	default:
		return CODEC_BAD;
	}
}

void bzip2_close(void *decoder)
{
	struct bzip2 *d = decoder;

	if (!d)
		return;
	BZ2_bzDecompressEnd(&d->bz); /* does nothing if its init failed */
	free(d);
}
