/* SPDX-License-Identifier: MIT */
/*
 * An ELF file as it is: a vmlinux or any other kernel. Its payload is itself.
 */
#include "../elffile.h"
#include "format.h"

#include <string.h>

bool elf_probe(const struct head *head)
{
	return head->len >= SELFMAG && memcmp(head->bytes, ELFMAG, SELFMAG) == 0;
}

int elf_parse(struct pb_image *image, const struct head *head, struct pb_error *err)
{
	struct bytes bytes = bytes_of_source(&image->image);
	struct elf_file elf;
	int rc = elf_open(&elf, &bytes, err); /* only to turn away what is not for x86, as early as possible */

	if (rc < 0)
		return rc;
	image->format = PB_ELF;
	image->codec = codec_probe(head->bytes, head->len);
	image->payload = image->image;
	image->claimed_len = image->image.len;
	return 0;
}
