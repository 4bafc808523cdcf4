/* SPDX-License-Identifier: MIT */
/* The kvm engine's clock chip, at a time that the test chooses. */
#include "kvm/cmos.h"
#include "unit.h"

#define GIB (1ull << 30)

static struct timespec now;

static void test_time(struct timespec *ret)
{
	*ret = now;
}

static int setup(void **state)
{
	static struct cmos cmos;

	cmos_init(&cmos, 3 * GIB, 13 * GIB);
	cmos.now = test_time;
	now = (struct timespec){ .tv_sec = 1709211599, .tv_nsec = 0 }; /* Thursday, 2024-02-29 12:59:59 UTC */
	*state = &cmos;
	return 0;
}

static unsigned get(void **state, unsigned index)
{
	cmos_write(*state, 0, (uint8_t)index);
	return cmos_read(*state, 1);
}

static void time_is_the_hosts_in_bcd(void **state)
{
	static const struct {
		unsigned index, value;
	} expected[] = { { 0, 0x59 }, { 2, 0x59 }, { 4, 0x12 }, { 6, 5 },
			 { 7, 0x29 }, { 8, 2 },    { 9, 0x24 }, { 0x32, 0x20 } };

	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		assert_int_equal(get(state, expected[i].index), expected[i].value);
	assert_int_equal(get(state, 11) & 0x06, 0x02); /* 24 hours, BCD */
	assert_int_equal(get(state, 13), 0x80);        /* the battery is good */
}

static void update_is_announced(void **state)
{
	assert_int_equal(get(state, 10), 0x26);
	now.tv_nsec = 999755999;
	assert_int_equal(get(state, 10), 0x26);
	now.tv_nsec = 999756000;
	assert_int_equal(get(state, 10), 0xa6);
}

static void nmi_bit_is_no_part_of_the_index(void **state)
{
	assert_int_equal(get(state, 0x80 | 4), 0x12);
}

static void other_bytes_are_memory(void **state)
{
	cmos_write(*state, 0, 0x0f);
	cmos_write(*state, 1, 0x0a);
	assert_int_equal(get(state, 0x0f), 0x0a);
}

static void memory_sizes_stand_where_firmware_puts_them(void **state)
{
	assert_int_equal(get(state, 0x15) | get(state, 0x16) << 8, 640);
	assert_int_equal(get(state, 0x17) | get(state, 0x18) << 8, 63 << 10);
	assert_int_equal(get(state, 0x34) | get(state, 0x35) << 8, (3 * GIB - (16 << 20)) >> 16);
	assert_int_equal(get(state, 0x5b) | get(state, 0x5c) << 8 | get(state, 0x5d) << 16, 13 * GIB >> 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(time_is_the_hosts_in_bcd, setup),
		cmocka_unit_test_setup(update_is_announced, setup),
		cmocka_unit_test_setup(nmi_bit_is_no_part_of_the_index, setup),
		cmocka_unit_test_setup(other_bytes_are_memory, setup),
		cmocka_unit_test_setup(memory_sizes_stand_where_firmware_puts_them, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
