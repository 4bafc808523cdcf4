/* SPDX-License-Identifier: MIT */
/*
 * The one range check that all reading of untrusted bytes leans on, over
 * memory and over files alike.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source.h"
#include "unit.h"

static const uint8_t bytes[] = "0123456789";
#define BYTES_LEN 10u

/* Both kinds of source, over the same ten bytes. */
struct both {
	struct source mem, file;
};

static int setup(void **state)
{
	static struct both both;
	int fd = memfd_create("source", MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, bytes, BYTES_LEN) != (ssize_t)BYTES_LEN)
		return -1;
	both.mem = (struct source){ .mem = bytes, .fd = -1, .len = BYTES_LEN };
	both.file = (struct source){ .fd = fd, .len = BYTES_LEN };
	*state = &both;
	return 0;
}

static int teardown(void **state)
{
	struct both *both = *state;

	return close(both->file.fd);
}

static void read_whole(const struct source *src)
{
	char buf[BYTES_LEN];

	assert_int_equal(source_read(src, 0, buf, BYTES_LEN, "all", NULL), 0);
	assert_memory_equal(buf, bytes, BYTES_LEN);
	assert_int_equal(source_read(src, BYTES_LEN, buf, 0, "nothing at the end", NULL), 0);
}

static void test_reads_up_to_the_end(void **state)
{
	struct both *both = *state;

	read_whole(&both->mem);
	read_whole(&both->file);
}

static void refuse(const struct source *src, uint64_t off, size_t len)
{
	struct pb_error err = PB_INIT(err);
	char buf[2 * BYTES_LEN] = "untouched";

	assert_int_equal(source_read(src, off, buf, len, "field", &err), -PB_E_TRUNCATED);
	assert_string_equal(err.field, "field");
	assert_int_equal(err.value, len);
	assert_int_equal(err.limit, src->len);
	assert_int_equal(err.off, off);
	assert_string_equal(buf, "untouched");
}

static void test_refuses_what_lies_past_the_end(void **state)
{
	struct both *both = *state;
	const struct source *sources[] = { &both->mem, &both->file };

	for (size_t i = 0; i < 2; i++) {
		refuse(sources[i], 0, BYTES_LEN + 1);
		refuse(sources[i], 1, BYTES_LEN);
		refuse(sources[i], BYTES_LEN + 1, 0);
		refuse(sources[i], UINT64_MAX, 2);
		refuse(sources[i], 2, SIZE_MAX);
	}
}

static void test_read_some_gives_what_there_is(void **state)
{
	struct both *both = *state;
	char buf[BYTES_LEN];
	size_t got = 99;

	assert_int_equal(source_read_some(&both->file, 7, buf, sizeof(buf), &got, NULL), 0);
	assert_int_equal(got, 3);
	assert_memory_equal(buf, "789", 3);
	assert_int_equal(source_read_some(&both->mem, BYTES_LEN, buf, sizeof(buf), &got, NULL), 0);
	assert_int_equal(got, 0);
	assert_int_equal(source_read_some(&both->mem, BYTES_LEN + 1, buf, 1, &got, NULL), -PB_E_TRUNCATED);
}

static void test_a_slice_is_a_window(void **state)
{
	struct both *both = *state;
	struct source slice, inner;
	char buf[2];

	assert_int_equal(source_slice(&both->file, 2, 6, "slice", &slice, NULL), 0);
	assert_int_equal(source_slice(&slice, 4, 2, "inner", &inner, NULL), 0);
	assert_int_equal(source_read(&inner, 0, buf, 2, "bytes", NULL), 0);
	assert_memory_equal(buf, "67", 2);
	refuse(&inner, 1, 2);
}

static void test_a_slice_stays_in_its_parent(void **state)
{
	struct both *both = *state;
	struct source slice, kept = both->mem, bad = both->mem;

	assert_int_equal(source_slice(&both->mem, 2, 6, "slice", &slice, NULL), 0);
	assert_int_equal(source_slice(&slice, 4, 3, "past", &bad, NULL), -PB_E_TRUNCATED);
	assert_int_equal(source_slice(&slice, 7, 0, "past", &bad, NULL), -PB_E_TRUNCATED);
	assert_int_equal(source_slice(&slice, 1, UINT64_MAX, "wrap", &bad, NULL), -PB_E_TRUNCATED);
	assert_memory_equal(&bad, &kept, sizeof(bad)); /* outputs are untouched on failure */
}

static void test_a_file_that_shrinks_is_an_error(void **state)
{
	struct both *both = *state;
	struct pb_error err = PB_INIT(err);
	char buf[BYTES_LEN];

	assert_int_equal(ftruncate(both->file.fd, 4), 0);
	assert_int_equal(source_read(&both->file, 0, buf, BYTES_LEN, "field", &err), -PB_E_CHANGED);
	assert_string_equal(err.field, "field");
}

static void test_sealed_means_neither_shrink_nor_write(void **state)
{
	struct both *both = *state;

	assert_true(source_is_sealed(&both->mem));
	assert_false(source_is_sealed(&both->file));
	assert_int_equal(fcntl(both->file.fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	assert_false(source_is_sealed(&both->file));
	assert_int_equal(fcntl(both->file.fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	assert_true(source_is_sealed(&both->file));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reads_up_to_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refuses_what_lies_past_the_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_read_some_gives_what_there_is, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_slice_is_a_window, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_slice_stays_in_its_parent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_file_that_shrinks_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sealed_means_neither_shrink_nor_write, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
