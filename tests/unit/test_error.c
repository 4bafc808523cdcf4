/* SPDX-License-Identifier: MIT */
/*
 * The error domain as a caller sees it: numbers that are pinned, a name and
 * a sentence for each code, and a pb_error that never gets more bytes than
 * its size says.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "unit.h"

/* Another number for a code breaks every caller that was compiled before. */
static void test_numbers_are_pinned(void **state)
{
	(void)state;
	assert_int_equal(PB_E_ARG, 1);
	assert_int_equal(PB_E_NOMEM, 20);
	assert_int_equal(PB_E_FORMAT, 40);
	assert_int_equal(PB_E_TRUNCATED, 60);
	assert_int_equal(PB_E_PROTOCOL, 100);
	assert_int_equal(PB_E_MEMORY_MAP, 140);
	assert_int_equal(PB_E_NO_GUEST_MEMORY, 160);
}

static void test_every_code_has_words(void **state)
{
	static const int codes[] = {
		PB_OK,
		PB_E_ARG,
		PB_E_NOMEM,
		PB_E_IO,
		PB_E_CHANGED,
		PB_E_CODEC_OFF,
		PB_E_FORMAT,
		PB_E_MACHINE,
		PB_E_ELF_TYPE,
		PB_E_TRUNCATED,
		PB_E_RANGE,
		PB_E_WRAP,
		PB_E_OVERLAP,
		PB_E_CODEC,
		PB_E_SIZE_CLAIM,
		PB_E_TRAILING,
		PB_E_CODEC_UNKNOWN,
		PB_E_NOTE,
		PB_E_RELOC,
		PB_E_LIMIT,
		PB_E_EMPTY,
		PB_E_MAGIC,
		PB_E_PROTOCOL,
		PB_E_CLASS,
		PB_E_NO_NOTE,
		PB_E_NO_ENTRY,
		PB_E_NOTE_VALUE,
		PB_E_FEATURE,
		PB_E_NO_PAYLOAD,
		PB_E_ENTRY_OUTSIDE,
		PB_E_NO_ROOM,
		PB_E_CMDLINE,
		PB_E_INITRD,
		PB_E_KASLR,
		PB_E_MEMORY_MAP,
		PB_E_SUBARCH,
		PB_E_NOT_BUILT,
		PB_E_NO_GUEST_MEMORY,
		PB_E_FRAMES,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		assert_string_not_equal(pb_code_text(codes[i]), pb_code_text(-1));
		assert_string_not_equal(pb_code_name(codes[i]), pb_code_name(-1));
	}
	assert_string_equal(pb_code_name(PB_E_RANGE), "PB_E_RANGE");
}

static void test_fail_fills_everything(void **state)
{
	struct pb_error err = PB_INIT(err);

	(void)state;
	assert_int_equal(fail(&err, PB_E_RANGE, "setup_sects", 70, 64, 0x1f1), -PB_E_RANGE);
	assert_int_equal(err.size, sizeof(err));
	assert_int_equal(err.code, PB_E_RANGE);
	assert_string_equal(err.field, "setup_sects");
	assert_int_equal(err.value, 70);
	assert_int_equal(err.limit, 64);
	assert_int_equal(err.off, 0x1f1);
}

static void test_fail_without_an_error_struct(void **state)
{
	(void)state;
	assert_int_equal(fail(NULL, PB_E_EMPTY, "segments", 0, 1, 0), -PB_E_EMPTY);
}

/* A caller compiled against an older header has a shorter struct. */
static void test_fail_keeps_to_the_callers_size(void **state)
{
	struct pb_error err;

	(void)state;
	memset(&err, 0x5a, sizeof(err));
	err.size = offsetof(struct pb_error, limit);
	fail(&err, PB_E_RANGE, "setup_sects", 70, 64, 0x1f1);
	assert_int_equal(err.size, offsetof(struct pb_error, limit));
	assert_int_equal(err.value, 70);
	assert_int_equal(err.limit, 0x5a5a5a5a5a5a5a5aull);
	assert_int_equal(err.off, 0x5a5a5a5a5a5a5a5aull);
}

static void test_fail_io_keeps_errno(void **state)
{
	struct pb_error err = PB_INIT(err);

	(void)state;
	errno = ENOSPC;
	assert_int_equal(fail_io(&err, "output"), -PB_E_IO);
	assert_int_equal(err.value, ENOSPC);
}

static void test_line_names_field_value_and_limit(void **state)
{
	struct pb_error err = PB_INIT(err);
	char line[160];
	int len;

	(void)state;
	fail(&err, PB_E_RANGE, "setup_sects", 0x46, 0x40, 0x1f1);
	len = pb_error_line(&err, line, sizeof(line));
	assert_int_equal(len, strlen(line));
	assert_non_null(strstr(line, "setup_sects"));
	assert_non_null(strstr(line, "0x46"));
	assert_non_null(strstr(line, "0x40"));
	assert_null(strchr(line, '\n'));
}

static void test_line_of_an_io_error_gives_the_systems_words(void **state)
{
	struct pb_error err = PB_INIT(err);
	char line[160];

	(void)state;
	errno = ENOSPC;
	fail_io(&err, "output");
	pb_error_line(&err, line, sizeof(line));
	assert_non_null(strstr(line, strerror(ENOSPC)));
}

static void test_line_shows_numbers_in_their_own_terms(void **state)
{
	static const struct {
		enum pb_code code;
		uint64_t value, limit, off;
		const char *line;
	} rows[] = {
		{ PB_E_CLASS, 32, 64, 0, "field: the kernel is of the other class (32-bit, wanted 64-bit)" },
		{ PB_E_PROTOCOL, 0x204, 0x20c, 0, "field: the boot protocol is too old (2.04, since 2.12)" },
		{ PB_E_NO_NOTE, 1, 0, 0, "field: the kernel has no such ELF note" },
		{ PB_E_NOTE_VALUE, 0, 0, 0, "field: this ELF note's value does not allow it" },
		{ PB_E_NOTE_VALUE, 2, 1, 0, "field: this ELF note's value does not allow it (value 0x2, limit 0x1)" },
		{ PB_E_NO_ROOM, 0x2000, 0xffff, 0, "field: no free RAM of that size (value 0x2000, limit 0xffff)" },
		{ PB_E_NO_ROOM, 0x2000, 0xffff, 0x1000,
		  "field: no free RAM of that size (value 0x2000, limit 0xffff, largest free piece 0x1000)" },
	};
	struct pb_error err = PB_INIT(err);
	char line[160];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fail(&err, rows[i].code, "field", rows[i].value, rows[i].limit, rows[i].off);
		pb_error_line(&err, line, sizeof(line));
		assert_string_equal(line, rows[i].line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_are_pinned),
		cmocka_unit_test(test_every_code_has_words),
		cmocka_unit_test(test_fail_fills_everything),
		cmocka_unit_test(test_fail_without_an_error_struct),
		cmocka_unit_test(test_fail_keeps_to_the_callers_size),
		cmocka_unit_test(test_fail_io_keeps_errno),
		cmocka_unit_test(test_line_names_field_value_and_limit),
		cmocka_unit_test(test_line_shows_numbers_in_their_own_terms),
		cmocka_unit_test(test_line_of_an_io_error_gives_the_systems_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
