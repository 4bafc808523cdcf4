/* SPDX-License-Identifier: MIT */
/*
 * zstd through libzstd: one frame. Kernels are packed with -22 --ultra, whose
 * window is 128 MiB; the window is what mem_max bounds.
 */
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "common.h"
#include "rows.h"

/* What libzstd 1.5 allocates besides the window: its context, one block in and one out, rounded up. */
#define ZSTD_TABLES_LEN (512u << 10)

/* libzstd also knows skippable frames and its own older formats; a kernel's payload is neither. */
static const uint8_t zstd_magic[4] = { 0x28, 0xb5, 0x2f, 0xfd };

struct zstd {
	enum codec_step opened;
	unsigned magic_seen;
	bool started, out_stays;
	ZSTD_DStream *stream;
	ZSTD_outBuffer out;
};

/* The largest window log that mem_max has room for; below libzstd's least, none has. */
static int window_log(uint64_t mem_max)
{
	ZSTD_bounds bounds = ZSTD_dParam_getBounds(ZSTD_d_windowLogMax);
	int log = bounds.upperBound;

	if (mem_max < ZSTD_TABLES_LEN)
		return -1;
	while (log >= bounds.lowerBound && (UINT64_C(1) << log) > mem_max - ZSTD_TABLES_LEN)
		log--;
	return log >= bounds.lowerBound ? log : -1;
}

void *zstd_open(uint64_t mem_max)
{
	struct zstd *d = calloc(1, sizeof(*d));
	int log = window_log(mem_max);

	if (!d)
		return NULL;
	if (log < 0) {
		d->opened = CODEC_LIMIT;
		return d;
	}
	d->stream = ZSTD_createDStream();
	if (!d->stream) {
		free(d);
		return NULL;
	}
	ZSTD_DCtx_setParameter(d->stream, ZSTD_d_windowLogMax, log); /* cannot fail: log is within bounds */
	d->opened = CODEC_MORE;
	return d;
}

static bool magic_fits(struct zstd *d, const struct codec_io *io)
{
	for (size_t i = 0; i < io->in_len && d->magic_seen < sizeof(zstd_magic); i++)
		if (io->in[i] != zstd_magic[d->magic_seen++])
			return false;
	return true;
}

static enum codec_step verdict(size_t rc, enum codec_step going_on)
{
	if (rc == 0)
		return CODEC_END;
	switch (ZSTD_getErrorCode(rc)) {
	case ZSTD_error_no_error:
		return going_on;
	case ZSTD_error_frameParameter_windowTooLarge:
		return CODEC_LIMIT;
	case ZSTD_error_memory_allocation:
		return CODEC_NOMEM;
	default:
		return CODEC_BAD;
	}
}

/*
 * Where the output stays, libzstd looks back at it there, and needs no window.
 * Its name for that (stableOutBuffer) is not of the stable part of its header; the number is.
 */
static void start(struct zstd *d, const struct codec_io *io)
{
	d->started = true;
	d->out_stays = io->out_stays && !ZSTD_isError(ZSTD_DCtx_setParameter(d->stream, ZSTD_d_experimentalParam2, 1));
	d->out = (ZSTD_outBuffer){ io->out, io->out_len, 0 };
}

enum codec_step zstd_step(void *decoder, struct codec_io *io)
{
	struct zstd *d = decoder;

	if (d->opened != CODEC_MORE)
		return d->opened;
	if (!magic_fits(d, io))
		return CODEC_BAD;

	if (!d->started)
		start(d, io);
	if (!d->out_stays)
		d->out = (ZSTD_outBuffer){ io->out, io->out_len, 0 };

	ZSTD_inBuffer in = { io->in, io->in_len, 0 };
	size_t before = d->out.pos, rc = ZSTD_decompressStream(d->stream, &d->out, &in);

	return verdict(rc, codec_used(io, in.pos, d->out.pos - before));
}

void zstd_close(void *decoder)
{
	struct zstd *d = decoder;

	if (!d)
		return;
	ZSTD_freeDStream(d->stream);
	free(d);
}
