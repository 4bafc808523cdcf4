/* SPDX-License-Identifier: MIT */
/*
 * An image's life: opened over memory or a file, parsed by whichever format
 * knows it, shared by counting, closed. What is inside its payload is
 * kernel.c's.
 */
#include "image.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "format/format.h"
#include "kernel.h"
#include "reloc.h"

static const struct pb_limits default_limits = {
	.size = sizeof(default_limits),
	.unpacked_len = 1ull << 30,
	.codec_mem_len = 256ull << 20,
	.segments = 256,
	.notes = 1024,
};

/* The caller's limits, as much of them as the caller has, with the defaults for what is 0. */
static struct pb_limits fill_limits(const struct pb_limits *limits)
{
	struct pb_limits ret = { 0 };

	if (limits)
		memcpy(&ret, limits, limits->size < sizeof(ret) ? limits->size : sizeof(ret));
	ret.size = sizeof(ret);
	if (!ret.unpacked_len)
		ret.unpacked_len = default_limits.unpacked_len;
	if (!ret.codec_mem_len)
		ret.codec_mem_len = default_limits.codec_mem_len;
	if (!ret.segments)
		ret.segments = default_limits.segments;
	if (!ret.notes)
		ret.notes = default_limits.notes;
	return ret;
}

/* What the public facts say of the payload, once the format has found it. */
static void fill_payload_facts(struct pb_image *image)
{
	struct pb_facts *facts = &image->facts;

	facts->format = image->format;
	if (!image->payload.len)
		return;
	facts->codec = image->codec ? image->codec->name : NULL;
	facts->payload_off = image->payload.base - image->file.base;
	if (!facts->payload_len)
		facts->payload_len = image->payload.len;
	facts->unpacked_len = image->claimed_len;
}

/* The ELF file that begins where a bzImage begins; the format was seen to be one of ours. */
static int parse_elf_header(struct pb_image *image)
{
	image->own_elf = true;
	image->format = PB_ELF;
	image->codec = codec_probe((const uint8_t *)ELFMAG, SELFMAG);
	image->payload = image->image;
	image->claimed_len = image->image.len;
	return 0;
}

/* Takes the source over: its descriptor is closed on failure too. */
static int open_source(pb_image **ret, const struct source *file, bool own_elf, const struct pb_limits *limits,
		       struct pb_error *err)
{
	struct pb_image *image = calloc(1, sizeof(*image));

	if (!image) {
		if (file->fd >= 0)
			close(file->fd);
		return fail_nomem(err, sizeof(*image));
	}
	image->refs = 1;
	image->limits = fill_limits(limits);
	image->file = image->image = *file;
	image->facts = (struct pb_facts){ .size = sizeof(image->facts), .file_len = file->len, .image_len = file->len };

	int rc = own_elf ? parse_elf_header(image) : format_parse(image, false, err);

	if (rc < 0) {
		pb_image_close(image);
		return rc;
	}
	fill_payload_facts(image);
	*ret = image;
	return 0;
}

int pb_image_open_mem(pb_image **ret, const void *mem, size_t mem_len, const struct pb_limits *limits,
		      struct pb_error *err)
{
	/* Nothing may be no address at all, and a source without one would be taken for a file. */
	struct source file = { .mem = mem ? mem : (const void *)"", .fd = -1, .len = mem_len };

	if (!mem && mem_len)
		return fail(err, PB_E_ARG, "mem", 0, 0, 0);
	return open_source(ret, &file, false, limits, err);
}

static int check_file_type(const struct stat *st, struct pb_error *err)
{
	if (S_ISREG(st->st_mode))
		return 0;
	return fail(err, PB_E_FORMAT, S_ISDIR(st->st_mode) ? "a directory" : "a device, pipe or socket", st->st_mode,
		    S_IFREG, 0);
}

int pb_image_open_fd(pb_image **ret, int fd, const struct pb_limits *limits, struct pb_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail_io(err, "fd");

	int rc = check_file_type(&st, err);

	if (rc < 0)
		return rc;

	struct source file = { .fd = fcntl(fd, F_DUPFD_CLOEXEC, 0), .len = (uint64_t)st.st_size };

	if (file.fd < 0)
		return fail_io(err, "fd");
	return open_source(ret, &file, false, limits, err);
}

int pb_image_open_elf_header(pb_image **ret, pb_image *image, struct pb_error *err)
{
	struct source file = image->image;
	int rc;

	if (!image->facts.protocol || memcmp(image->setup, ELFMAG, SELFMAG) != 0)
		return fail(err, PB_E_NO_ENTRY, "ELF header of the image", 0, 0, 0);
	if (file.fd >= 0)
		file.fd = fcntl(file.fd, F_DUPFD_CLOEXEC, 0);
	if (!file.mem && file.fd < 0)
		return fail_io(err, "fd");
	rc = open_source(&image, &file, true, &image->limits, err);
	if (rc == 0)
		*ret = image;
	return rc;
}

void pb_image_in_memory(pb_image *image)
{
	if (image)
		image->in_memory = true;
}

struct pb_image *image_ref(struct pb_image *image)
{
	image->refs++;
	return image;
}

void pb_image_close(pb_image *image)
{
	if (!image || --image->refs > 0)
		return;
	kernel_free(image);
	reloc_made_free(image);
	free(image->version);
	if (image->file.fd >= 0)
		close(image->file.fd);
	free(image);
}
