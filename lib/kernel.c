/* SPDX-License-Identifier: MIT */
/*
 * The kernel inside an image, unpacked as far as somebody asks (store.c): its
 * ELF header, segments (segments.c) and notes (notes.c) are read and checked once,
 * the rest of it is looked through, handed to place or written out.
 */
#include "kernel.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "notes.h"
#include "payload.h"
#include "segments.h"
#include "store.h"

#define SCAN_LEN (256u * 1024)

struct kernel_state {
	struct store store;
	bool loaded;
	struct kernel kernel;
};

/* ---- Out of an ELF file ---- */

int kernel_parse(struct kernel *ret, const struct elf_file *elf, const struct pb_limits *limits, struct pb_error *err)
{
	struct kernel kernel = { .elf_class = elf->elf_class, .entry = elf->ehdr.e_entry };
	struct note_list notes = { .max = limits->notes };
	int rc = segments_load(&kernel, elf, limits, err);

	if (rc == 0)
		rc = notes_load(&notes, elf, err);
	kernel.notes = notes.notes;
	kernel.nr_notes = notes.count;
	kernel.notes_in_sections = notes.in_sections;
	if (rc < 0) {
		kernel_clear(&kernel);
		return rc;
	}
	kernel.build_id = note_find(kernel.notes, kernel.nr_notes, "GNU", NT_GNU_BUILD_ID);
	*ret = kernel;
	return 0;
}

void kernel_clear(struct kernel *kernel)
{
	struct note_list notes = { .notes = kernel->notes, .count = kernel->nr_notes };

	notes_free(&notes);
	free(kernel->segments);
	*kernel = (struct kernel){ 0 };
}

/* ---- Loading ---- */

/* Make the state, at the first call. */
static int make_state(struct pb_image *image, struct pb_error *err)
{
	struct kernel_state *ks;
	int rc = image->ks ? 0 : payload_check(image, err);

	if (rc < 0 || image->ks)
		return rc;
	ks = calloc(1, sizeof(*ks));
	if (!ks)
		return fail_nomem(err, sizeof(*ks));
	rc = store_open(&ks->store, image, err);
	if (rc < 0) {
		free(ks);
		return rc;
	}
	image->ks = ks;
	return 0;
}

static int load(struct pb_image *image, struct pb_error *err)
{
	struct kernel_state *ks = image->ks;
	struct bytes bytes;
	struct elf_file elf;
	int rc = store_bytes(&ks->store, &bytes, err);

	if (rc == 0)
		rc = (image->own_elf ? elf_open_image : elf_open)(&elf, &bytes, err);
	return rc < 0 ? rc : kernel_parse(&ks->kernel, &elf, &image->limits, err);
}

/* What cannot be read block by block may be a kernel that was packed in an unusual way: in order, then. */
int kernel_load(struct pb_image *image, struct pb_error *err)
{
	int rc = make_state(image, err);
	struct kernel_state *ks = image->ks;

	if (rc < 0 || ks->loaded)
		return rc;
	rc = load(image, err);
	if (rc < 0 && ks->store.blockwise.codec) {
		blockwise_close(&ks->store.blockwise);
		rc = load(image, err);
	}
	ks->loaded = ks->store.in_order = rc == 0;
	return rc;
}

void kernel_free(struct pb_image *image)
{
	struct kernel_state *ks = image->ks;

	if (!ks)
		return;
	kernel_clear(&ks->kernel);
	store_close(&ks->store);
	free(ks);
	image->ks = NULL;
}

const struct kernel *image_kernel(const struct pb_image *image)
{
	return image->ks && image->ks->loaded ? &image->ks->kernel : NULL;
}

const struct note *kernel_note(const struct pb_image *image, const char *owner, uint32_t type)
{
	const struct kernel *kernel = image_kernel(image);

	return note_find(kernel->notes, kernel->nr_notes, owner, type);
}

int kernel_entry_gpa(const struct pb_image *image, pb_gpa *ret, struct pb_error *err)
{
	return kernel_entry_of(image_kernel(image), ret, err);
}

/* ---- All of it ---- */

/* After kernel_load() the length is known, so asking for it cannot fail. */
struct bytes kernel_bytes(struct pb_image *image)
{
	struct bytes bytes;

	store_bytes(&image->ks->store, &bytes, NULL);
	return bytes;
}

int kernel_source(struct pb_image *image, struct source *ret, struct pb_error *err)
{
	int rc = kernel_load(image, err);

	if (rc == 0)
		rc = store_fill(&image->ks->store, ret, err);
	return rc < 0 ? rc : store_seal(&image->ks->store, err);
}

int kernel_load_all(struct pb_image *image, uint64_t *ret_len, struct pb_error *err)
{
	struct source all;
	int rc = kernel_source(image, &all, err);

	if (rc == 0)
		*ret_len = all.len;
	return rc;
}

int kernel_source_shown(struct pb_image *image, const struct kernel_shower *shower, struct source *ret, bool *ret_shown,
			struct pb_error *err)
{
	int rc = kernel_load(image, err);

	if (rc == 0)
		rc = store_show(&image->ks->store, &image->ks->kernel, shower, ret, ret_shown, err);
	return rc < 0 || *ret_shown ? rc : kernel_source(image, ret, err);
}

void kernel_placed(struct pb_image *image)
{
	store_spend(&image->ks->store);
}

/* ---- Looking for a string ---- */

struct scan {
	struct bytes bytes;
	const void *needle;
	size_t needle_len;
	uint64_t budget_len; /* segments may share bytes of the file: no more than the file has is looked at */
	uint8_t buf[SCAN_LEN];
};

/* One segment, in pieces that overlap by the needle's length less one. */
static int scan_segment(struct scan *scan, const struct segment *s, bool *ret, struct pb_error *err)
{
	size_t stride = SCAN_LEN - (scan->needle_len - 1);

	for (uint64_t done = 0; done < s->file_len && scan->budget_len && !*ret; done += stride) {
		uint64_t left = s->file_len - done;
		size_t len = left < SCAN_LEN ? (size_t)left : SCAN_LEN;
		int rc = scan->bytes.read(scan->bytes.ctx, s->file_off + done, scan->buf, len, "p_offset", err);

		if (rc < 0)
			return rc;
		*ret = memmem(scan->buf, len, scan->needle, scan->needle_len) != NULL;
		scan->budget_len -= scan->budget_len < len ? scan->budget_len : len;
	}
	return 0;
}

int kernel_holds(struct pb_image *image, const void *needle, size_t needle_len, bool *ret, struct pb_error *err)
{
	const struct kernel *kernel = image_kernel(image);
	struct scan *scan = malloc(sizeof(*scan));
	bool found = false;
	int rc = 0;

	if (!scan)
		return fail_nomem(err, sizeof(*scan));
	scan->bytes = kernel_bytes(image);
	scan->needle = needle;
	scan->needle_len = needle_len;
	scan->budget_len = scan->bytes.len;
	for (unsigned i = 0; i < kernel->nr_segments && rc == 0 && !found; i++)
		rc = scan_segment(scan, &kernel->segments[i], &found, err);
	free(scan);
	if (rc == 0)
		*ret = found;
	return rc;
}

/* ---- Writing it out ---- */

static int copy_out(struct store *store, int out_fd, struct pb_error *err)
{
	struct source all;
	struct sink sink;
	int rc = store_fill(store, &all, err);

	if (rc < 0)
		return rc;
	sink_open(&sink, out_fd);
	rc = sink_copy(&sink, &all, err);
	return rc < 0 ? rc : sink_settle(&sink, err);
}

/* Straight through, keeping nothing. */
static int decode_out(struct pb_image *image, int out_fd, struct pb_error *err)
{
	struct unpack unpack;

	payload_unpack_init(image, &unpack, out_fd);

	int rc = unpack_to(&unpack, UINT64_MAX, err);

	unpack_stop(&unpack);
	return rc;
}

int pb_image_unpack(pb_image *image, int out_fd, struct pb_error *err)
{
	int rc = payload_check(image, err);

	if (rc < 0)
		return rc;
	if (!image->ks && !codec_is_none(image->codec))
		return decode_out(image, out_fd, err);
	rc = make_state(image, err);
	return rc < 0 ? rc : copy_out(&image->ks->store, out_fd, err);
}
