/* SPDX-License-Identifier: MIT */
/*
 * The encoders, one file each where a library does the work. Each appends a
 * whole stream to `out`, in the form in which Linux's own build makes it.
 */
#ifndef PB_LIB_PACK_ENCODE_H
#define PB_LIB_PACK_ENCODE_H

#include "pack.h"

typedef int pack_encode_fn(const uint8_t *in, size_t in_len, struct pack_bytes *out,
			   const struct pack_progress *progress, struct pb_error *err);

pack_encode_fn pack_encode_none, pack_encode_lz4, pack_encode_gzip, pack_encode_zstd, pack_encode_xz;

static inline void pack_progress_tell(const struct pack_progress *progress, uint64_t done, uint64_t total)
{
	if (progress->fn)
		progress->fn(progress->ctx, done, total);
}

#endif
