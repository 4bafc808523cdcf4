/* SPDX-License-Identifier: MIT */
/*
 * zstd: one frame with the content's size in its header and no checksum.
 */
#include <zstd.h>

#include "../error.h"
#include "../plan/arith.h"
#include "encode.h"

#define LEVEL     19 /* beyond it, time doubles for 1 % */
#define PIECE_LEN 0x100000u
#define ROOM_LEN  0x40000u

static int step(ZSTD_CCtx *ctx, ZSTD_inBuffer *in, struct pack_bytes *out, ZSTD_EndDirective end, struct pb_error *err)
{
	size_t left;

	do {
		uint8_t *room;
		ZSTD_outBuffer buffer = { .size = ROOM_LEN };
		int rc = pack_bytes_room(out, ROOM_LEN, &room, err);

		if (rc < 0)
			return rc;
		buffer.dst = room;
		left = ZSTD_compressStream2(ctx, &buffer, in, end);
		if (ZSTD_isError(left))
			return fail_nomem(err, ROOM_LEN);
		out->len += buffer.pos;
	} while (end == ZSTD_e_end ? left > 0 : in->pos < in->size);
	return 0;
}

static int encode(ZSTD_CCtx *ctx, const uint8_t *in, size_t in_len, struct pack_bytes *out,
		  const struct pack_progress *progress, struct pb_error *err)
{
	int rc = 0;

	for (size_t done = 0; rc == 0 && done < in_len;) {
		size_t len = min_u64(in_len - done, PIECE_LEN);
		ZSTD_inBuffer piece = { in + done, len, 0 };

		done += len;
		rc = step(ctx, &piece, out, done == in_len ? ZSTD_e_end : ZSTD_e_continue, err);
		pack_progress_tell(progress, done, in_len);
	}
	return rc;
}

int pack_encode_zstd(const uint8_t *in, size_t in_len, struct pack_bytes *out, const struct pack_progress *progress,
		     struct pb_error *err)
{
	ZSTD_CCtx *ctx = ZSTD_createCCtx();
	int rc;

	if (!ctx)
		return fail_nomem(err, in_len);
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setPledgedSrcSize(ctx, in_len);
	rc = encode(ctx, in, in_len, out, progress, err);
	ZSTD_freeCCtx(ctx);
	return rc;
}
