/* SPDX-License-Identifier: MIT */
/*
 * No compression: the payload is the ELF kernel as it is. The stream ends
 * where the input does.
 */
#include <string.h>

#include "common.h"
#include "rows.h"

/* A decoder without state; open() must give something that is not NULL. */
static char stateless;

void *none_open(uint64_t mem_max)
{
	(void)mem_max;
	return &stateless;
}

enum codec_step none_step(void *decoder, struct codec_io *io)
{
	size_t len = io->in_len < io->out_len ? io->in_len : io->out_len;

	(void)decoder;
	memcpy(io->out, io->in, len);

	enum codec_step step = codec_used(io, len, len);

	return io->in_len == 0 && io->in_last ? CODEC_END : step;
}

void none_close(void *decoder)
{
	(void)decoder;
}
