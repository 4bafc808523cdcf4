/* SPDX-License-Identifier: MIT */
/*
 * Each bad image is turned away by the call that its row names, with exactly
 * that code and field, whether it comes as memory or as a file. What is unpacked in
 * memory may be read before all of it was seen; it is turned away once it is to be placed.
 */
#include <string.h>

#include "image.h"
#include "image_util.h"

static int unpack_to_nowhere(pb_image *image, struct pb_error *err)
{
	int fd = memfd_create("out", MFD_CLOEXEC);
	int rc = pb_image_unpack(image, fd, err);

	close(fd);
	return rc;
}

/* One call for each stage behind AT_OPEN. */
static int call(pb_image *image, enum stage stage, struct pb_error *err)
{
	struct pb_kernel kernel = PB_INIT(kernel);
	struct pb_relocs relocs = PB_INIT(relocs);

	switch (stage) {
	case AT_OPEN:
		return 0;
	case AT_KERNEL:
		return pb_image_kernel(image, &kernel, err);
	case AT_UNPACK:
		return unpack_to_nowhere(image, err);
	case AT_RELOCS:
		return pb_image_relocs(image, &relocs, err);
	}
	return -1;
}

static void check_refusal(const struct bad_image *bad, int rc, const struct pb_error *err)
{
	if (rc == 0)
		fail_msg("%s was taken", bad->name);
	assert_string_equal(pb_code_name(err->code), pb_code_name(bad->code));
	assert_string_equal(err->field, bad->field);
	assert_int_equal(rc, -bad->code);
}

/* Unpacking alone needs no ELF inside: only what decodes wrongly fails there. */
static bool skipped(const struct bad_image *bad, enum stage stage)
{
	return stage == AT_UNPACK && bad->stage != AT_UNPACK;
}

static void check_image(const struct bad_image *bad, pb_image *image)
{
	struct pb_error err = PB_INIT(err);

	for (enum stage stage = AT_KERNEL; stage < bad->stage; stage++)
		if (!skipped(bad, stage) && call(image, stage, &err) < 0)
			fail_msg("%s: %s too early", bad->name, err.field);
	check_refusal(bad, call(image, bad->stage, &err), &err);
	/* The same answer again: nothing of the first try is left over. */
	err.code = 0;
	check_refusal(bad, call(image, bad->stage, &err), &err);
	pb_image_close(image);
}

static void check_bad(const struct bad_image *bad, bool as_file)
{
	struct blob blob = { 0 };
	struct pb_error err = PB_INIT(err);
	struct pb_limits limits = bad->limits;
	pb_image *const untouched = (pb_image *)(uintptr_t)&blob;
	pb_image *image = untouched;
	int fd, rc;

	limits.size = sizeof(limits);
	bad_image_build(&blob, bad);
	fd = fd_of(&blob);
	rc = as_file ? pb_image_open_fd(&image, fd, &limits, &err)
		     : pb_image_open_mem(&image, blob.data, blob.len, &limits, &err);
	close(fd);
	if (bad->stage == AT_OPEN) {
		check_refusal(bad, rc, &err);
		assert_ptr_equal(image, untouched);
	} else {
		if (rc < 0)
			fail_msg("%s: %s at open", bad->name, err.field);
		check_image(bad, image);
	}
	blob_free(&blob);
}

/* Relocations are read when a kernel is moved; and a codec that is given room for all of it needs none of its own. */
static bool harmless_in_memory(const struct bad_image *bad)
{
	return bad->stage == AT_OPEN || bad->stage == AT_RELOCS || strcmp(bad->field, "codec memory") == 0;
}

static void check_in_memory(const struct bad_image *bad)
{
	struct blob blob = { 0 };
	struct pb_error err = PB_INIT(err);
	struct pb_limits limits = bad->limits;
	uint64_t len;
	pb_image *image;
	int fd;

	if (harmless_in_memory(bad))
		return;
	limits.size = sizeof(limits);
	bad_image_build(&blob, bad);
	fd = fd_of(&blob);
	assert_int_equal(pb_image_open_fd(&image, fd, &limits, NULL), 0);
	pb_image_in_memory(image);
	check_refusal(bad, kernel_load_all(image, &len, &err), &err);
	pb_image_close(image);
	close(fd);
	blob_free(&blob);
}

static void bad_image(void **state)
{
	check_bad(*state, false);
	check_bad(*state, true);
	check_in_memory(*state);
}

int main(void)
{
	static struct CMUnitTest tests[256];
	size_t count = 0;

	for (const struct bad_image *bad = bad_images; bad->name; bad++)
		if (bad->stage == AT_OPEN || can_unpack(bad->base))
			tests[count++] = TEST_ROW(bad_image, bad, bad->name);
	return _cmocka_run_group_tests("image_bad", tests, count, NULL, NULL);
}
