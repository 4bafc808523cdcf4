/* SPDX-License-Identifier: MIT */
/*
 * Each answer of pb_image_can() that the table in tests/images/can.c names.
 */
#include "image_util.h"

static void can_answer(void **state)
{
	const struct can_answer *can = *state;
	struct opened opened = open_spoilt(can->image, can->spoil_kernel);
	struct pb_error why = PB_INIT(why);
	int rc = pb_image_can(opened.image, can->entry, can->unpack, &why);

	assert_int_equal(rc, -can->code);
	if (can->code) {
		assert_string_equal(pb_code_name(why.code), pb_code_name(can->code));
		assert_string_equal(why.field, can->field);
	}
	assert_int_equal(pb_image_can(opened.image, can->entry, can->unpack, NULL), rc);
	close_good(&opened);
}

static void names(void **state)
{
	(void)state;
	for (enum pb_entry entry = PB_LINUX16; entry < PB_ENTRIES; entry++)
		assert_int_equal(pb_entry_by_name(pb_entry_name(entry)), entry);
	assert_null(pb_entry_name((enum pb_entry)0));
	assert_null(pb_entry_name(PB_ENTRIES));
	assert_int_equal(pb_entry_by_name("linux128"), 0);
	assert_string_equal(pb_unpack_name(PB_UNPACK_HOST), "host");
	assert_string_equal(pb_unpack_name(PB_UNPACK_GUEST), "guest");
	assert_null(pb_unpack_name((enum pb_unpack)0));
}

int main(void)
{
	static struct CMUnitTest tests[256];
	static char titles[256][64];
	size_t count = 0;

	tests[count++] = (struct CMUnitTest)cmocka_unit_test(names);
	for (const struct can_answer *can = can_answers; can->image; can++) {
		const char *entry = pb_entry_name(can->entry);
		const char *unpack = pb_unpack_name(can->unpack);

		if (!can_unpack(can->image))
			continue;
		snprintf(titles[count], sizeof(titles[count]), "%s %s %s: %s", can->image, entry ? entry : "none",
			 unpack ? unpack : "none", can->code ? can->field : "yes");
		tests[count] = TEST_ROW(can_answer, can, titles[count]);
		count++;
	}
	return _cmocka_run_group_tests("image_can", tests, count, NULL, NULL);
}
