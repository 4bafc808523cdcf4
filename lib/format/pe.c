/* SPDX-License-Identifier: MIT */
/*
 * A PE file that wraps a kernel: a unified kernel image keeps it in a section
 * named .linux. ("PE format" of Microsoft names the fields.) The wrapped image
 * may be of any other format, one level deep.
 */
#include "format.h"

#include <string.h>

#include "../error.h"

#define LFANEW_OFF    0x3cu
#define MACHINE_I386  0x014cu
#define MACHINE_AMD64 0x8664u
#define SECTIONS_MAX  96u /* the format's own limit */

struct coff_header {
	uint8_t signature[4];
	uint16_t machine, sections;
	uint32_t timestamp, symbols_off, symbols;
	uint16_t optional_len, characteristics;
};

/* Of the optional header only what both its forms begin with. */
struct optional_header {
	uint16_t magic;
	uint8_t linker[2];
	uint32_t code_len, data_len, bss_len;
	uint32_t entry_off;
};

struct section_header {
	char name[8];
	uint32_t mem_len, vaddr, file_len, file_off;
	uint32_t unused[4];
};

bool pe_probe(const struct head *head)
{
	return head->len >= 2 && memcmp(head->bytes, "MZ", 2) == 0;
}

static int read_coff(const struct source *image, const struct head *head, uint32_t *ret_off, struct coff_header *ret,
		     struct pb_error *err)
{
	if (head->len < LFANEW_OFF + 4)
		return fail(err, PB_E_TRUNCATED, "e_lfanew", 4, head->len, LFANEW_OFF);
	memcpy(ret_off, head->bytes + LFANEW_OFF, 4);

	int rc = source_read(image, *ret_off, ret, sizeof(*ret), "PE header", err);

	if (rc < 0)
		return rc;
	if (memcmp(ret->signature, "PE\0\0", 4) != 0)
		return fail(err, PB_E_MAGIC, "PE signature", ret->signature[0], 'P', *ret_off);
	return 0;
}

uint32_t pe_entry_off(const struct source *image, const struct head *head)
{
	struct coff_header coff;
	struct optional_header optional;
	uint32_t off;

	if (!pe_probe(head) || read_coff(image, head, &off, &coff, NULL) < 0 || coff.optional_len < sizeof(optional))
		return 0;
	if (source_read(image, (uint64_t)off + sizeof(coff), &optional, sizeof(optional), "optional header", NULL) < 0)
		return 0;
	return optional.entry_off;
}

static int find_linux(const struct source *file, uint32_t coff_off, const struct coff_header *coff,
		      struct section_header *ret, struct pb_error *err)
{
	uint64_t off = (uint64_t)coff_off + sizeof(*coff) + coff->optional_len;

	if (coff->sections > SECTIONS_MAX)
		return fail(err, PB_E_LIMIT, "NumberOfSections", coff->sections, SECTIONS_MAX, coff_off);
	for (unsigned i = 0; i < coff->sections; i++, off += sizeof(*ret)) {
		int rc = source_read(file, off, ret, sizeof(*ret), "section table", err);

		if (rc < 0)
			return rc;
		if (memcmp(ret->name, ".linux\0", sizeof(ret->name)) == 0)
			return 0;
	}
	return fail(err, PB_E_FORMAT, "a PE file without a .linux section", coff->sections, 0, coff_off);
}

int pe_parse(struct pb_image *image, const struct head *head, struct pb_error *err)
{
	struct coff_header coff;
	struct section_header section;
	uint32_t coff_off;
	int rc = read_coff(&image->image, head, &coff_off, &coff, err);

	if (rc < 0)
		return rc;
	if (coff.machine != MACHINE_I386 && coff.machine != MACHINE_AMD64)
		return fail(err, PB_E_MACHINE, "PE machine", coff.machine, MACHINE_AMD64, coff_off);
	rc = find_linux(&image->image, coff_off, &coff, &section, err);
	if (rc < 0)
		return rc;

	/* On disk a section is padded; its true length is the one in memory, unless that is longer. */
	uint32_t len = section.mem_len && section.mem_len < section.file_len ? section.mem_len : section.file_len;

	rc = source_slice(&image->image, section.file_off, len, ".linux", &image->image, err);
	if (rc < 0)
		return rc;
	image->facts.image_off = section.file_off;
	image->facts.image_len = len;
	rc = format_parse(image, true, err);
	if (rc == 0)
		image->format = PB_PE;
	return rc;
}
