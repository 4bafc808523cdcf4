/* SPDX-License-Identifier: MIT */
/*
 * What a file, or what came out of a compressed one, looked like if it is no kernel. Nothing depends on it but
 * the words of one error.
 */
#include "format.h"

#include <ctype.h>
#include <string.h>

static const struct {
	uint16_t off, len;
	const char magic[9];
	const char *what;
} looks[] = {
	{ 0x202, 4, "HdrS", "a bzImage, compressed as a whole" },
	{ 0, 2, "#!", "a script" },
	{ 0, 2, "MZ", "a PE file inside another file" },
	{ 0, 6, "070701", "a cpio archive" },
	{ 0, 6, "070702", "a cpio archive" },
	{ 0, 6, "070707", "a cpio archive" },
	{ 257, 5, "ustar", "a tar archive" },
	{ 0, 7, "!<arch>", "an ar archive or Debian package" },
	{ 0, 4, "\xed\xab\xee\xdb", "an RPM package" },
	{ 0, 4, "PK\3\4", "a zip archive" },
	{ 0, 4, "hsqs", "a squashfs file system" },
	{ 0, 4, "QFI\xfb", "a qcow2 disk" },
	{ 0, 4, "KDMV", "a VMDK disk" },
	{ 0, 4, "\xd0\x0d\xfe\xed", "a device tree" },
	{ 0, 4, "\x27\x05\x19\x56", "a U-Boot image" },
	{ 56, 4, "ARM\x64", "an arm64 Linux image" },
	{ 36, 4, "\x18\x28\x6f\x01", "an ARM zImage" },
	{ 0, 8, "\x89PNG\r\n\x1a\n", "a PNG picture" },
	{ 0, 4, "%PDF", "a PDF document" },
	{ 510, 2, "\x55\xaa", "a boot sector without HdrS (older than protocol 2.00)" },
};

static bool is_text(const struct head *head)
{
	for (size_t i = 0; i < head->len; i++)
		if (!isprint(head->bytes[i]) && !isspace(head->bytes[i]))
			return false;
	return true;
}

static bool is_zeros(const struct head *head)
{
	for (size_t i = 0; i < head->len; i++)
		if (head->bytes[i])
			return false;
	return true;
}

const char *looks_like(const struct head *head)
{
	if (head->len == 0)
		return "an empty file";
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++)
		if (looks[i].off + looks[i].len <= head->len &&
		    memcmp(head->bytes + looks[i].off, looks[i].magic, looks[i].len) == 0)
			return looks[i].what;
	if (is_zeros(head))
		return "a file of zeros";
	if (is_text(head))
		return "a text file";
	return "an unknown file";
}
