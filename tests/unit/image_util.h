/* SPDX-License-Identifier: MIT */
/*
 * What the tests of images share: a built image, opened.
 */
#ifndef PB_TESTS_IMAGE_UTIL_H
#define PB_TESTS_IMAGE_UTIL_H

#include <images.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../lib/codec/codec.h"
#include "unit.h"

/* Can this build unpack that good image? */
static inline bool can_unpack(const char *name)
{
	const char *wanted = image_codec(name);

	for (const struct codec *codec = codecs; wanted && codec->name; codec++)
		if (strcmp(codec->name, wanted) == 0)
			return codec->open;
	return true;
}

/* A memfd that holds these bytes. */
static inline int fd_of(const struct blob *blob)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, blob->data, blob->len), blob->len);
	return fd;
}

struct opened {
	struct blob blob;
	pb_image *image;
};

static inline struct opened open_spoilt(const char *name, void (*spoil)(struct blob *kernel))
{
	struct opened ret = { 0 };
	struct pb_error err = PB_INIT(err);

	image_build(&ret.blob, name, spoil);
	if (pb_image_open_mem(&ret.image, ret.blob.data, ret.blob.len, NULL, &err) < 0)
		fail_msg("%s: %s", name, err.field);
	return ret;
}

static inline struct opened open_good(const char *name)
{
	return open_spoilt(name, NULL);
}

static inline void close_good(struct opened *opened)
{
	pb_image_close(opened->image);
	blob_free(&opened->blob);
}

/* One cmocka test a row of a table. */
#define TEST_ROW(fn, row, row_name)                                                                                    \
	(struct CMUnitTest)                                                                                            \
	{                                                                                                              \
		.name = row_name, .test_func = fn, .initial_state = (void *)(uintptr_t)(row)                           \
	}

#endif
