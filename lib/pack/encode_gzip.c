/* SPDX-License-Identifier: MIT */
/*
 * gzip: one member, with neither a name nor a time in its header.
 */
#include <zlib.h>

#include "../error.h"
#include "../plan/arith.h"
#include "encode.h"

#define WINDOW_GZIP (15 + 16) /* zlib's way of asking for gzip's header and trailer */
#define PIECE_LEN   0x100000u
#define ROOM_LEN    0x40000u

static int step(z_stream *z, struct pack_bytes *out, int flush, struct pb_error *err)
{
	int z_rc = Z_OK;

	do {
		uint8_t *room;
		int rc = pack_bytes_room(out, ROOM_LEN, &room, err);

		if (rc < 0)
			return rc;
		z->next_out = room;
		z->avail_out = ROOM_LEN;
		z_rc = deflate(z, flush);
		out->len += ROOM_LEN - z->avail_out;
	} while (z->avail_out == 0);
	return z_rc == Z_STREAM_ERROR ? fail_nomem(err, ROOM_LEN) : 0;
}

int pack_encode_gzip(const uint8_t *in, size_t in_len, struct pack_bytes *out, const struct pack_progress *progress,
		     struct pb_error *err)
{
	z_stream z = { 0 };
	int rc = 0;

	if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, WINDOW_GZIP, MAX_MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK)
		return fail_nomem(err, in_len);
	for (size_t done = 0; rc == 0 && done < in_len;) {
		size_t len = min_u64(in_len - done, PIECE_LEN);

		z.next_in = (Bytef *)(uintptr_t)(in + done); /* zlib's prototypes know no const */
		z.avail_in = (uInt)len;
		done += len;
		rc = step(&z, out, done == in_len ? Z_FINISH : Z_NO_FLUSH, err);
		pack_progress_tell(progress, done, in_len);
	}
	deflateEnd(&z);
	return rc;
}
