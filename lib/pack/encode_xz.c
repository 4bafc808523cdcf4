/* SPDX-License-Identifier: MIT */
/*
 * xz as Linux's build makes it: one block, the x86 filter before LZMA2, a
 * dictionary as long as the kernel, CRC32.
 */
#include <lzma.h>

#include "../error.h"
#include "../plan/arith.h"
#include "encode.h"

#define PIECE_LEN 0x100000u
#define ROOM_LEN  0x40000u
#define DICT_MAX  (128u << 20)
#define DICT_MIN  4096u

static int step(lzma_stream *xz, struct pack_bytes *out, lzma_action action, struct pb_error *err)
{
	lzma_ret ret;

	do {
		uint8_t *room;
		int rc = pack_bytes_room(out, ROOM_LEN, &room, err);

		if (rc < 0)
			return rc;
		xz->next_out = room;
		xz->avail_out = ROOM_LEN;
		ret = lzma_code(xz, action);
		out->len += ROOM_LEN - xz->avail_out;
	} while (ret == LZMA_OK && (action == LZMA_FINISH || xz->avail_in > 0));
	return ret == LZMA_OK || ret == LZMA_STREAM_END ? 0 : fail_nomem(err, ROOM_LEN);
}

static int encode(lzma_stream *xz, const uint8_t *in, size_t in_len, struct pack_bytes *out,
		  const struct pack_progress *progress, struct pb_error *err)
{
	int rc = 0;

	for (size_t done = 0; rc == 0 && done < in_len;) {
		size_t len = min_u64(in_len - done, PIECE_LEN);

		xz->next_in = in + done;
		xz->avail_in = len;
		done += len;
		rc = step(xz, out, done == in_len ? LZMA_FINISH : LZMA_RUN, err);
		pack_progress_tell(progress, done, in_len);
	}
	return rc;
}

int pack_encode_xz(const uint8_t *in, size_t in_len, struct pack_bytes *out, const struct pack_progress *progress,
		   struct pb_error *err)
{
	lzma_stream xz = LZMA_STREAM_INIT;
	lzma_options_lzma options;
	lzma_filter filters[] = { { LZMA_FILTER_X86, NULL },
				  { LZMA_FILTER_LZMA2, &options },
				  { LZMA_VLI_UNKNOWN, NULL } };
	int rc;

	if (lzma_lzma_preset(&options, LZMA_PRESET_DEFAULT))
		return fail_nomem(err, in_len);
	options.dict_size = (uint32_t)max_u64(DICT_MIN, min_u64(align_up(in_len, DICT_MIN), DICT_MAX));
	if (lzma_stream_encoder(&xz, filters, LZMA_CHECK_CRC32) != LZMA_OK)
		return fail_nomem(err, in_len);
	rc = encode(&xz, in, in_len, out, progress, err);
	lzma_end(&xz);
	return rc;
}
