/* SPDX-License-Identifier: MIT */
/*
 * The formats and the order in which they are asked. HdrS is looked at before
 * anything at offset 0, because a bzImage may well begin with "MZ" or with an
 * ELF header.
 */
#include "format.h"

#include "../error.h"

const struct format formats[] = {
	{ bzimage_probe, bzimage_parse },
	{ elf_probe, elf_parse },
	{ compressed_probe, compressed_parse },
	{ pe_probe, pe_parse },
	{ 0 },
};

int format_parse(struct pb_image *image, bool wrapped, struct pb_error *err)
{
	struct head head = { 0 };
	int rc = source_read_some(&image->image, 0, head.bytes, sizeof(head.bytes), &head.len, err);

	if (rc < 0)
		return rc;
	for (const struct format *format = formats; format->probe; format++)
		if (format->probe(&head) && !(wrapped && format->probe == pe_probe))
			return format->parse(image, &head, err);

	return fail(err, PB_E_FORMAT, looks_like(&head), head_first(&head), 0, image->facts.image_off);
}
