/* SPDX-License-Identifier: MIT */
/*
 * .xz through liblzma: one stream, with whatever filters it names (kernels
 * use x86 BCJ), its checks verified.
 */
#include "liblzma.h"
#include "rows.h"

static lzma_ret xz_start(lzma_stream *stream, uint64_t mem_max)
{
	/* A check that this liblzma cannot verify would otherwise be skipped in silence. */
	return lzma_stream_decoder(stream, mem_max, LZMA_TELL_UNSUPPORTED_CHECK);
}

void *xz_open(uint64_t mem_max)
{
	return liblzma_open(mem_max, xz_start);
}

enum codec_step xz_step(void *decoder, struct codec_io *io)
{
	return liblzma_step(decoder, io);
}

void xz_close(void *decoder)
{
	liblzma_close(decoder);
}
