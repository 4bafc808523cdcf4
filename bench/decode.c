/* SPDX-License-Identifier: MIT */
/*
 * decode IMAGE: every byte of an image's payload through the library's own
 * codec, into a buffer that is thrown away: the least that decoding can cost,
 * for `info`, which stops early, to be held against.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "image.h"

#define IN_LEN  (256u << 10)
#define OUT_LEN (1u << 20)

static uint8_t in[IN_LEN], out[OUT_LEN];

static enum codec_step decode(const struct codec *codec, const struct source *payload, uint64_t *ret_len)
{
	void *decoder = codec->open(256u << 20);
	struct codec_io io = { .in = in };
	enum codec_step step = decoder ? CODEC_MORE : CODEC_NOMEM;
	uint64_t off = 0;

	while (step == CODEC_MORE) {
		if (io.in_len == 0) {
			if (source_read_some(payload, off, in, IN_LEN, &io.in_len, NULL) < 0)
				break;
			off += io.in_len;
			io.in = in;
			io.in_last = off == payload->len;
		}
		io.out = out;
		io.out_len = OUT_LEN;
		step = codec->step(decoder, &io);
		*ret_len += OUT_LEN - io.out_len;
	}
	if (decoder)
		codec->close(decoder);
	return step;
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
	struct pb_error err = PB_INIT(err);
	pb_image *image;
	uint64_t len = 0;

	if (fd < 0 || pb_image_open_fd(&image, fd, NULL, &err) < 0 || !image->codec) {
		fprintf(stderr, "usage: decode IMAGE\n");
		return 2;
	}

	bool whole = decode(image->codec, &image->payload, &len) == CODEC_END && len == image->claimed_len;

	pb_image_close(image);
	close(fd);
	return whole ? 0 : 1;
}
