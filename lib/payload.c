/* SPDX-License-Identifier: MIT */
/*
 * The way from an image to a decoder of its payload: what has to be there, what
 * the limits are, and what the first bytes that come out must look like.
 */
#include "payload.h"

#include <elf.h>
#include <string.h>

#include "error.h"
#include "format/format.h"

static int unknown_codec(const struct pb_image *image, struct pb_error *err)
{
	struct head head = { 0 };
	int rc = source_read_some(&image->payload, 0, head.bytes, 4, &head.len, err);

	return rc < 0 ? rc : fail(err, PB_E_CODEC_UNKNOWN, "payload", head_first(&head), 0, image->payload.base);
}

int payload_check(const struct pb_image *image, struct pb_error *err)
{
	uint16_t protocol = image->facts.protocol;

	if (protocol && protocol < 0x208)
		return fail(err, PB_E_NO_PAYLOAD, "payload_offset", protocol, 0x208, 0);
	if (image->payload.len == 0)
		return fail(err, PB_E_NO_PAYLOAD, "payload_length", 0, 1, 0);
	if (!image->codec)
		return unknown_codec(image, err);
	return 0;
}

/* Only its codec spoke for a compressed file so far: if it is no kernel, say what it looked like. */
static int check_compressed(const uint8_t *bytes, size_t len, struct pb_error *err)
{
	struct head head = { .len = len < HEAD_LEN ? len : HEAD_LEN };

	memcpy(head.bytes, bytes, head.len);
	return elf_probe(&head) ? 0 : fail(err, PB_E_FORMAT, looks_like(&head), head_first(&head), 0, 0);
}

static int check_bzimage_payload(const uint8_t *bytes, size_t len, struct pb_error *err)
{
	if (len >= SELFMAG && memcmp(bytes, ELFMAG, SELFMAG) == 0)
		return 0;
	return fail(err, PB_E_MAGIC, "e_ident", len ? bytes[0] : 0, ELFMAG0, 0);
}

void payload_unpack_init(const struct pb_image *image, struct unpack *ret, int fd)
{
	unpack_init(ret, image->codec, &image->payload, fd);
	ret->claimed_len = image->claimed_len;
	ret->max_len = image->limits.unpacked_len;
	ret->codec_mem_max = image->limits.codec_mem_len;
	ret->joins = image->compressed && image->codec->joins; /* a kernel reads one stream of its payload */
	ret->check_first = image->compressed ? check_compressed : check_bzimage_payload;
}
