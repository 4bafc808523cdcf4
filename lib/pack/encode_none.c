/* SPDX-License-Identifier: MIT */
/*
 * A bImage's payload: the kernel as it is.
 */
#include "encode.h"

int pack_encode_none(const uint8_t *in, size_t in_len, struct pack_bytes *out, const struct pack_progress *progress,
		     struct pb_error *err)
{
	pack_progress_tell(progress, in_len, in_len);
	return pack_bytes_add(out, in, in_len, err);
}
