/* SPDX-License-Identifier: MIT */
/*
 * The two rows that liblzma serves, .lzma and .xz, differ in how they open
 * only; lzma.c has the rest.
 */
#ifndef PB_LIB_CODEC_LIBLZMA_H
#define PB_LIB_CODEC_LIBLZMA_H

#include <lzma.h>

#include "common.h"

/* A decoder whose stream start() has set up; NULL for no memory. */
void *liblzma_open(uint64_t mem_max, lzma_ret (*start)(lzma_stream *stream, uint64_t mem_max));
enum codec_step liblzma_step(void *decoder, struct codec_io *io);
void liblzma_close(void *decoder);

#endif
