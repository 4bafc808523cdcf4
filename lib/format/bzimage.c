/* SPDX-License-Identifier: MIT */
/*
 * bzImage and zImage: boot sector, setup code with the setup header, and the
 * protected-mode part, which holds the payload (boot.rst, "The Real-Mode
 * Kernel Header"). The file is longer than the header tells where it carries
 * signatures, and never shorter.
 */
#include "format.h"

#include <stdlib.h>
#include <string.h>

#include "../error.h"
#include "../notes.h"

#define SECT_LEN               512u
#define HDR_OFF                0x1f1u
#define HDRS_OFF               0x202u
#define JUMP_LEN_OFF           0x201u /* the header ends at HDRS_OFF + this byte: the jump at 0x200 goes there */
#define BOOT_FLAG              0xaa55u
#define HDRS_MAGIC             0x53726448u /* "HdrS" */
#define KERNEL_INFO_MAGIC      0x506f544cu /* "LToP" */
#define KERNEL_INFO_ITEMS      16u         /* more are not looked at */
#define VERSION_BASE           0x200u
#define CMDLINE_MAX_BEFORE_206 255u
#define SIZE_TRAILER_LEN       4u

_Static_assert(sizeof(((struct pb_image *)0)->setup) == HEAD_LEN, "the head is what an image keeps of the setup part");

bool bzimage_probe(const struct head *head)
{
	return head->len >= HDRS_OFF + 4 && memcmp(head->bytes + HDRS_OFF, "HdrS", 4) == 0;
}

/* Keep the header, and nothing of the code behind it. */
static void keep_header(struct pb_image *image, const struct head *head)
{
	size_t end = HDRS_OFF + head->bytes[JUMP_LEN_OFF];

	if (end > HEAD_LEN)
		end = HEAD_LEN;
	memcpy(image->setup, head->bytes, end);
	memcpy(&image->hdr, image->setup + HDR_OFF, sizeof(image->hdr));
}

static int check_header(const struct pb_image *image, struct pb_error *err)
{
	const struct setup_header *hdr = &image->hdr;

	if (hdr->boot_flag != BOOT_FLAG)
		return fail(err, PB_E_MAGIC, "boot_flag", hdr->boot_flag, BOOT_FLAG, 0x1fe);
	if (hdr->version < 0x200)
		return fail(err, PB_E_PROTOCOL, "version", hdr->version, 0x200, 0x206);
	if (hdr->version > 0x2ff)
		return fail(err, PB_E_RANGE, "version", hdr->version, 0x2ff, 0x206);
	return 0;
}

/* 2.14 was never released properly: it says nothing more than 2.13. */
static uint16_t effective_protocol(uint16_t version)
{
	return version == 0x20e ? 0x20d : version;
}

/* The setup part and, behind it, the protected-mode part. */
static int cut_parts(struct pb_image *image, struct pb_error *err)
{
	const struct setup_header *hdr = &image->hdr;
	uint32_t sects = hdr->setup_sects ? hdr->setup_sects : 4;
	uint64_t off = (uint64_t)(sects + 1) * SECT_LEN;

	if (off > image->image.len)
		return fail(err, PB_E_TRUNCATED, "setup_sects", off, image->image.len, 0);

	uint64_t rest = image->image.len - off, len = rest;

	/* Before 2.04 the field had 16 bits and could not be trusted. It counts paragraphs, the last may be cut short.
	 */
	if (hdr->version >= 0x204 && hdr->syssize) {
		len = (uint64_t)hdr->syssize * 16;
		if (len > rest + 15)
			return fail(err, PB_E_TRUNCATED, "syssize", len, rest, off);
		if (len > rest)
			len = rest;
	}
	image->facts.setup_len = (uint32_t)off;
	image->prot_off = off;
	image->prot_len = len;
	return 0;
}

/*
 * The kernel's version string lies in the setup part and must end there. An
 * image that points elsewhere is turned away: no loader needs the string, but
 * one broken pointer says that the header is not what it seems.
 */
static int read_version(struct pb_image *image, struct pb_error *err)
{
	uint32_t off = image->hdr.kernel_version;
	uint32_t setup_len = image->facts.setup_len;

	if (off == 0)
		return 0;
	off += VERSION_BASE;
	if (off >= setup_len)
		return fail(err, PB_E_RANGE, "kernel_version", off, setup_len, 0x20e);

	uint32_t room = setup_len - off;
	char *text = malloc(room);

	if (!text)
		return fail_nomem(err, room);

	int rc = source_read(&image->image, off, text, room, "kernel_version", err);

	if (rc == 0 && !memchr(text, 0, room))
		rc = fail(err, PB_E_RANGE, "kernel_version string", room, setup_len, off);
	if (rc < 0) {
		free(text);
		return rc;
	}
	image->version = text;
	image->facts.version = text;
	return 0;
}

/* The facts that are plain fields, each from the protocol on that has it. */
static void fill_facts(struct pb_image *image)
{
	const struct setup_header *hdr = &image->hdr;
	struct pb_facts *facts = &image->facts;
	uint16_t protocol = effective_protocol(hdr->version);

	facts->protocol = protocol;
	facts->cmdline_max = protocol >= 0x206 ? hdr->cmdline_size : CMDLINE_MAX_BEFORE_206;
	if (protocol >= 0x205) {
		facts->relocatable = hdr->relocatable_kernel;
		facts->alignment = hdr->kernel_alignment;
	}
	if (protocol >= 0x20a) {
		facts->pref_gpa = hdr->pref_address;
		facts->init_size = hdr->init_size;
	}
	if (protocol >= 0x20b)
		facts->efi_handover_off = hdr->handover_offset;
	if (protocol >= 0x20c)
		facts->xloadflags = hdr->xloadflags;
}

static int check_facts(const struct pb_facts *facts, struct pb_error *err)
{
	uint64_t end;

	/* Loaders round up to it. */
	if (facts->relocatable && (facts->alignment == 0 || (facts->alignment & (facts->alignment - 1)) != 0))
		return fail(err, PB_E_RANGE, "kernel_alignment", facts->alignment, 0x1000000, 0x230);
	if (__builtin_add_overflow(facts->pref_gpa, facts->init_size, &end))
		return fail(err, PB_E_WRAP, "pref_address", facts->pref_gpa, facts->init_size, 0x258);
	return 0;
}

static int prot_read(const struct pb_image *image, uint32_t off, void *buf, size_t len, const char *field,
		     struct pb_error *err)
{
	if (off > image->prot_len || len > image->prot_len - off)
		return fail(err, PB_E_TRUNCATED, field, len, image->prot_len, off);
	return source_read(&image->image, image->prot_off + off, buf, len, field, err);
}

/*
 * The items behind the fixed part, each with a magic and its length. Whose
 * they are nobody registers; so what does not look like one ends them.
 */
static int read_items(struct pb_image *image, uint32_t off, uint32_t len, struct pb_error *err)
{
	struct {
		uint32_t magic, len;
		uint64_t value;
	} item;

	for (unsigned i = 0; i < KERNEL_INFO_ITEMS && len >= sizeof(item); i++) {
		int rc = prot_read(image, off, &item, sizeof(item), "kernel_info.size_total", err);

		if (rc < 0 || item.len < 8 || item.len > len)
			return rc;
		if (item.magic == KERNEL_INFO_SUBARCH && item.len == KERNEL_INFO_SUBARCH_LEN) {
			image->lists_subarchs = true;
			image->subarchs = item.value;
		}
		off += item.len;
		len -= item.len;
	}
	return 0;
}

/* Read-only facts for loaders, in the protected-mode part (boot.rst, "The kernel_info"). */
static int read_kernel_info(struct pb_image *image, struct pb_error *err)
{
	struct {
		uint32_t magic, len, total_len, setup_type_max;
	} info;
	uint32_t off = image->hdr.kernel_info_offset;

	if (image->facts.protocol < 0x20f || off == 0)
		return 0;

	int rc = prot_read(image, off, &info, sizeof(info), "kernel_info_offset", err);

	if (rc < 0)
		return rc;
	if (info.magic != KERNEL_INFO_MAGIC)
		return fail(err, PB_E_MAGIC, "kernel_info", info.magic, KERNEL_INFO_MAGIC, off);
	if (info.len < sizeof(info) || info.len > info.total_len)
		return fail(err, PB_E_RANGE, "kernel_info.size", info.len, info.total_len, off);
	if (info.total_len > image->prot_len - off)
		return fail(err, PB_E_TRUNCATED, "kernel_info.size_total", info.total_len, image->prot_len, off);
	image->facts.kernel_info_len = info.len;
	image->facts.kernel_info_total_len = info.total_len;
	image->facts.setup_type_max = info.setup_type_max;
	return read_items(image, off + info.len, info.total_len - info.len, err);
}

/*
 * The payload's last 4 bytes claim the size of its output. For gzip they are
 * its own trailer; behind the other codecs' streams the build appended them,
 * and the decoder must not see them.
 */
static int read_size_claim(struct pb_image *image, struct pb_error *err)
{
	struct source *payload = &image->payload;
	uint32_t claim;

	if (payload->len < SIZE_TRAILER_LEN)
		return fail(err, PB_E_RANGE, "payload_length", payload->len, SIZE_TRAILER_LEN, 0x24c);

	int rc = source_read(payload, payload->len - SIZE_TRAILER_LEN, &claim, sizeof(claim), "payload size", err);

	if (rc < 0)
		return rc;
	if (claim == 0)
		return fail(err, PB_E_RANGE, "payload size", claim, UINT32_MAX, payload->base + payload->len);
	image->claimed_len = claim;
	if (image->codec->size_trailer)
		payload->len -= SIZE_TRAILER_LEN;
	return 0;
}

/* Since 2.08 the header tells of the payload; before, nothing does, and nobody guesses. */
static int cut_payload(struct pb_image *image, struct pb_error *err)
{
	uint32_t off = image->hdr.payload_offset, len = image->hdr.payload_length;
	uint8_t first[6];
	size_t first_len = 0;

	if (image->facts.protocol < 0x208 || len == 0)
		return 0;
	if (off > image->prot_len)
		return fail(err, PB_E_TRUNCATED, "payload_offset", off, image->prot_len, 0x248);
	if (len > image->prot_len - off)
		return fail(err, PB_E_TRUNCATED, "payload_length", len, image->prot_len - off, 0x24c);

	int rc = source_slice(&image->image, image->prot_off + off, len, "payload_offset", &image->payload, err);

	if (rc == 0)
		rc = source_read_some(&image->payload, 0, first, sizeof(first), &first_len, err);
	if (rc < 0)
		return rc;
	image->facts.payload_len = len;
	image->codec = codec_probe(first, first_len);
	if (!image->codec)
		return 0; /* it can still unpack itself; kernel_load() says why the host cannot */
	if (strcmp(image->codec->name, "none") == 0) {
		image->claimed_len = len;
		return 0;
	}
	return read_size_claim(image, err);
}

int bzimage_parse(struct pb_image *image, const struct head *head, struct pb_error *err)
{
	keep_header(image, head);
	image->format = image->hdr.loadflags & LOADED_HIGH ? PB_BZIMAGE : PB_ZIMAGE;

	int rc = check_header(image, err);

	if (rc == 0)
		rc = cut_parts(image, err);
	if (rc == 0)
		rc = read_version(image, err);
	if (rc < 0)
		return rc;

	fill_facts(image);
	image->facts.efi_entry_off = pe_entry_off(&image->image, head);
	rc = check_facts(&image->facts, err);
	if (rc == 0)
		rc = read_kernel_info(image, err);
	if (rc == 0)
		rc = cut_payload(image, err);
	return rc;
}
