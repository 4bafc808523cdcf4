/* SPDX-License-Identifier: MIT */
/*
 * A vmlinux that somebody compressed: a stream of one of the codecs from the
 * first byte to the last, or several where the codec's own command takes them
 * for one, with what the format lets stand beside them (zstd's skippable frames,
 * zeros behind xz). Nothing in it claims the size of its output.
 */
#include "../unpack.h"
#include "format.h"

bool compressed_probe(const struct head *head)
{
	const struct codec *codec = codec_probe_file(head->bytes, head->len);

	return codec && !codec_is_none(codec);
}

int compressed_parse(struct pb_image *image, const struct head *head, struct pb_error *err)
{
	(void)err;
	image->format = PB_COMPRESSED_ELF;
	image->compressed = true;
	image->codec = codec_probe_file(head->bytes, head->len);
	image->payload = image->image;
	return 0;
}
