/* SPDX-License-Identifier: MIT */
/*
 * What a file can be: one file and one row in formats[] each. A format fills
 * the container part of struct pb_image and checks all that it fills in; it
 * knows nothing of entries.
 */
#ifndef PB_LIB_FORMAT_H
#define PB_LIB_FORMAT_H

#include "../image.h"

#define HEAD_LEN 0x290u /* boot sector and the longest setup header that boot_params has room for */

/* The first bytes of an image, fetched once for all who look at them. */
struct head {
	uint8_t bytes[HEAD_LEN]; /* zero behind len */
	size_t len;
};

struct format {
	bool (*probe)(const struct head *head);
	/* image->image and facts.image_off, image_len are set. */
	int (*parse)(struct pb_image *image, const struct head *head, struct pb_error *err);
};

/* Probed in this order; ends with a NULL probe. The last one wraps any of the others. */
extern const struct format formats[];

/* Find out what image->image is and parse it; wrapped: it was found inside a PE file, so it must not be one. */
int format_parse(struct pb_image *image, bool wrapped, struct pb_error *err);

bool bzimage_probe(const struct head *head);
int bzimage_parse(struct pb_image *image, const struct head *head, struct pb_error *err);
bool elf_probe(const struct head *head);
int elf_parse(struct pb_image *image, const struct head *head, struct pb_error *err);
bool compressed_probe(const struct head *head);
int compressed_parse(struct pb_image *image, const struct head *head, struct pb_error *err);
bool pe_probe(const struct head *head);
int pe_parse(struct pb_image *image, const struct head *head, struct pb_error *err);

/* AddressOfEntryPoint of the PE header behind an "MZ", or 0 where there is none. Never fails: a bzImage needs no PE. */
uint32_t pe_entry_off(const struct source *image, const struct head *head);

/* The first 4 bytes as a big-endian number, for the error's value. */
static inline uint64_t head_first(const struct head *head)
{
	return (uint64_t)head->bytes[0] << 24 | head->bytes[1] << 16 | head->bytes[2] << 8 | head->bytes[3];
}

/* What a file that is none of ours looked like, for the error's field. */
const char *looks_like(const struct head *head);

#endif
