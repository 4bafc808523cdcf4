/* SPDX-License-Identifier: MIT */
/*
 * LZ4 in the legacy frame: liblz4 makes the blocks, the frame around them is
 * made here, for the library knows only its successor.
 */
#include <lz4.h>
#include <lz4hc.h>

#include "../error.h"
#include "../plan/arith.h"
#include "encode.h"

#define MAGIC     0x184c2102u
#define BLOCK_LEN 0x800000u

static int add_block(const uint8_t *in, size_t in_len, struct pack_bytes *out, struct pb_error *err)
{
	int bound = LZ4_compressBound((int)in_len), len;
	uint8_t *room;
	uint32_t word;
	int rc = pack_bytes_room(out, sizeof(word) + (size_t)bound, &room, err);

	if (rc < 0)
		return rc;
	len = LZ4_compress_HC((const char *)in, (char *)room + sizeof(word), (int)in_len, bound, LZ4HC_CLEVEL_MAX);
	if (len <= 0)
		return fail_nomem(err, in_len);
	word = (uint32_t)len;
	__builtin_memcpy(room, &word, sizeof(word));
	out->len += sizeof(word) + (size_t)len;
	return 0;
}

int pack_encode_lz4(const uint8_t *in, size_t in_len, struct pack_bytes *out, const struct pack_progress *progress,
		    struct pb_error *err)
{
	const uint32_t magic = MAGIC;
	int rc = pack_bytes_add(out, &magic, sizeof(magic), err);

	for (size_t done = 0; done < in_len && rc == 0;) {
		size_t len = min_u64(in_len - done, BLOCK_LEN);

		rc = add_block(in + done, len, out, err);
		done += len;
		pack_progress_tell(progress, done, in_len);
	}
	return rc;
}
