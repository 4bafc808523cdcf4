/* SPDX-License-Identifier: MIT */
/*
 * An image of hostile bytes, and every question that one can ask of it. What
 * comes out must keep the promises that readers rely on: segments inside the
 * file, disjoint and in order; notes that end in a NUL; a refusal that says
 * why, and says it again; relocations inside their segment.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image.h"
#include "reloc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define UNPACKED_MAX (1u << 20)

static const struct pb_limits limits = {
	.size = sizeof(limits), .unpacked_len = UNPACKED_MAX, .codec_mem_len = 16u << 20, .segments = 32, .notes = 64
};

static void require(bool what)
{
	if (!what)
		abort();
}

/* A failure is filled in, a success is 0. */
static bool worked(int rc, const struct pb_error *err)
{
	require(rc == 0 || (rc == -err->code && err->code > 0 && err->field && *pb_code_text(err->code)));
	return rc == 0;
}

static void check_facts(pb_image *image, size_t size)
{
	struct pb_facts facts = PB_INIT(facts);
	struct pb_header_field field = PB_INIT(field);

	require(pb_image_facts(image, &facts) == 0);
	require(facts.image_off <= size && facts.image_len <= size - facts.image_off);
	require(facts.payload_off <= size && facts.payload_len <= size - facts.payload_off);
	require(!facts.version || strlen(facts.version) < facts.setup_len);
	for (unsigned i = 0; pb_image_header_field(image, i, &field) == 0; i++)
		require(field.since <= facts.protocol && i < 100);
}

static void check_segments(pb_image *image, const struct pb_kernel *kernel)
{
	struct pb_segment segment = PB_INIT(segment);
	pb_gpa end = 0;

	for (unsigned i = 0; i < kernel->segments; i++) {
		require(pb_image_segment(image, i, &segment, NULL) == 0);
		require(segment.gpa >= end && segment.file_len <= segment.mem_len && segment.mem_len > 0);
		require(!__builtin_add_overflow(segment.gpa, segment.mem_len, &end));
		require(segment.file_off + segment.file_len <= UNPACKED_MAX);
	}
	require(kernel->high_gpa == end);
	require(pb_image_segment(image, kernel->segments, &segment, NULL) == -PB_E_ARG);
}

static void check_notes(pb_image *image, const struct pb_kernel *kernel)
{
	struct pb_note note = PB_INIT(note);

	require(kernel->notes <= limits.notes);
	for (unsigned i = 0; i < kernel->notes; i++) {
		require(pb_image_note(image, i, &note, NULL) == 0);
		require(note.owner && note.desc);
		require(note.kind != PB_NOTE_STRING || strlen(note.desc) == note.desc_len);
	}
}

static int check_reloc(void *ctx, enum reloc_group group, const struct segment *segment, uint64_t seg_off,
		       struct pb_error *err)
{
	uint64_t width = group == RELOC_ABS64 ? 8 : 4;

	(void)err;
	require(seg_off <= segment->file_len && width <= segment->file_len - seg_off);
	++*(uint64_t *)ctx;
	return 0;
}

static void check_relocs(pb_image *image)
{
	struct pb_error err = PB_INIT(err);
	struct reloc_table table;
	uint64_t seen = 0;

	if (!worked(reloc_find(image, &table, &err), &err))
		return;
	require(reloc_each(image, &table, check_reloc, &seen, &err) == 0);
	require(seen == (uint64_t)table.group[RELOC_ABS32].count + table.group[RELOC_INVERSE32].count +
				table.group[RELOC_ABS64].count);
}

static void check_can(pb_image *image)
{
	for (unsigned entry = PB_LINUX16; entry < PB_ENTRIES; entry++)
		for (unsigned unpack = PB_UNPACK_HOST; unpack <= PB_UNPACK_GUEST; unpack++) {
			struct pb_error why = PB_INIT(why), again = PB_INIT(again);
			int rc = pb_image_can(image, (enum pb_entry)entry, (enum pb_unpack)unpack, &why);

			worked(rc, &why);
			require(pb_image_can(image, (enum pb_entry)entry, (enum pb_unpack)unpack, &again) == rc);
			require(again.value == why.value && again.off == why.off);
		}
}

static void check_unpack(pb_image *image)
{
	struct pb_error err = PB_INIT(err);
	int fd = memfd_create("out", MFD_CLOEXEC);

	if (worked(pb_image_unpack(image, fd, &err), &err))
		require(lseek(fd, 0, SEEK_END) <= (off_t)UNPACKED_MAX);
	close(fd);
}

static void check_kernel(pb_image *image)
{
	struct pb_error err = PB_INIT(err);
	struct pb_kernel kernel = PB_INIT(kernel);

	if (!worked(pb_image_kernel(image, &kernel, &err), &err))
		return;
	check_segments(image, &kernel);
	check_notes(image, &kernel);
	check_relocs(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pb_error err = PB_INIT(err);
	pb_image *image = NULL;

	if (size > UNPACKED_MAX || !worked(pb_image_open_mem(&image, data, size, &limits, &err), &err))
		return 0;
	if (size % 4 > 1)
		pb_image_in_memory(image);
	check_facts(image, size);
	if (size % 2) /* before anything was decoded, or after */
		check_unpack(image);
	check_kernel(image);
	check_can(image);
	if (size % 2 == 0)
		check_unpack(image);
	pb_image_close(image);
	return 0;
}
