/* SPDX-License-Identifier: MIT */
/*
 * Free guest memory: what counts as free, where things go, and that it comes
 * back as it was.
 */
#include "plan/space.h"
#include "unit.h"

#define MIB        0x100000ull
#define GIB        0x40000000ull
#define PAGE       0x1000ull
#define LEN(array) (sizeof(array) / sizeof((array)[0]))

static struct space space_over(const struct pb_range *ram, size_t n)
{
	struct space space;

	assert_int_equal(space_init(&space, ram, n, NULL), 0);
	return space;
}

/* Its free extents are these, start and end in turn. */
static void assert_free(const struct space *space, const pb_gpa *bounds, size_t n)
{
	assert_int_equal(space->nr, n / 2);
	for (size_t i = 0; i < n; i += 2) {
		assert_int_equal(space->free[i / 2].start, bounds[i]);
		assert_int_equal(space->free[i / 2].end, bounds[i + 1]);
	}
}

static void test_free_is_whole_pages_of_ram(void **state)
{
	const struct pb_range ram[] = { { 0, 0x9fc00, PB_E820_RAM },
					{ 0x9fc00, 0x400, PB_E820_RESERVED },
					{ 0x100800, MIB, PB_E820_RAM } };
	const pb_gpa wanted[] = { PAGE, 0x9f000, 0x101000, 0x200000 };
	struct space space = space_over(ram, LEN(ram));

	(void)state;
	assert_free(&space, wanted, LEN(wanted));
	space_done(&space);
}

static void test_ranges_that_touch_are_one(void **state)
{
	const struct pb_range ram[] = { { MIB, 0x800, PB_E820_RAM },
					{ MIB + 0x800, 0x800, PB_E820_RAM },
					{ MIB + PAGE, MIB, PB_E820_RAM } };
	const pb_gpa wanted[] = { MIB, 2 * MIB + PAGE };
	struct space space = space_over(ram, LEN(ram));

	(void)state;
	assert_free(&space, wanted, LEN(wanted));
	assert_true(space_is_free(&space, MIB + 0x7ff, PAGE));
	space_done(&space);
}

static const struct pb_range two_holes[] = { { MIB, 3 * MIB, PB_E820_RAM }, { 8 * MIB, 8 * MIB, PB_E820_RAM } };

static void test_where_things_go(void **state)
{
	static const struct {
		struct space_want want;
		pb_gpa gpa; /* 0: nowhere */
	} cases[] = {
		{ { .len = 1, .max = GIB }, MIB },
		{ { .len = 1, .max = GIB, .order = SPACE_HIGHEST }, 16 * MIB - PAGE },
		{ { .len = 4 * MIB, .max = GIB }, 8 * MIB },
		{ { .len = 2 * MIB, .align = 2 * MIB, .max = GIB }, 2 * MIB },
		{ { .len = 3 * MIB, .align = 2 * MIB, .max = GIB }, 8 * MIB },
		{ { .len = 1, .align = 4 * MIB, .max = GIB, .order = SPACE_HIGHEST }, 12 * MIB },
		{ { .len = PAGE, .min = MIB + 1, .max = GIB }, MIB + PAGE },
		{ { .len = PAGE, .min = 5 * MIB, .max = GIB }, 8 * MIB },
		{ { .len = MIB, .max = 10 * MIB - 1, .order = SPACE_HIGHEST }, 9 * MIB },
		{ { .len = MIB, .max = 10 * MIB - 2, .order = SPACE_HIGHEST }, 9 * MIB - PAGE },
		{ { .len = MIB, .max = 8 * MIB, .order = SPACE_HIGHEST }, 3 * MIB },
		{ { .len = 8 * MIB, .max = 16 * MIB - 1 }, 8 * MIB },
		{ { .len = 8 * MIB, .max = UINT64_MAX }, 8 * MIB },
		{ { .len = 8 * MIB, .max = 16 * MIB - 2 }, 0 },
		{ { .len = 8 * MIB + 1, .max = GIB }, 0 },
		{ { .len = UINT64_MAX, .max = UINT64_MAX }, 0 },
		{ { .len = 1, .min = UINT64_MAX, .max = UINT64_MAX }, 0 },
		{ { .len = 1, .align = 1ull << 63, .max = UINT64_MAX }, 0 },
		{ { .len = 1, .align = 32 * MIB, .max = GIB }, 0 },
	};
	struct space space = space_over(two_holes, LEN(two_holes));

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		pb_gpa gpa = 0;

		assert_int_equal(space_find(&space, &cases[i].want, &gpa), cases[i].gpa != 0);
		assert_int_equal(gpa, cases[i].gpa);
	}
	space_done(&space);
}

static void test_drop_takes_all_it_touches_and_give_brings_it_back(void **state)
{
	const pb_gpa dropped[] = { MIB, 2 * MIB, 9 * MIB, 16 * MIB };
	const pb_gpa middle[] = { MIB, 4 * MIB, 8 * MIB, 10 * MIB, 10 * MIB + PAGE, 16 * MIB };
	const pb_gpa whole[] = { MIB, 4 * MIB, 8 * MIB, 16 * MIB };
	struct space space = space_over(two_holes, LEN(two_holes));

	(void)state;
	assert_int_equal(space_drop(&space, 2 * MIB, 7 * MIB, NULL), 0);
	assert_free(&space, dropped, LEN(dropped));
	assert_int_equal(space_give(&space, 2 * MIB, 2 * MIB, NULL), 0);
	assert_int_equal(space_give(&space, 8 * MIB, MIB, NULL), 0);
	assert_free(&space, whole, LEN(whole));
	assert_int_equal(space_drop(&space, 10 * MIB + 0x10, 1, NULL), 0);
	assert_free(&space, middle, LEN(middle));
	assert_int_equal(space_give(&space, 10 * MIB + 0x10, 1, NULL), 0);
	assert_free(&space, whole, LEN(whole));
	space_done(&space);
}

static void test_what_is_free(void **state)
{
	struct space space = space_over(two_holes, LEN(two_holes));

	(void)state;
	assert_true(space_is_free(&space, MIB, 3 * MIB));
	assert_false(space_is_free(&space, MIB, 3 * MIB + 1));
	assert_false(space_is_free(&space, MIB - 1, 2));
	assert_false(space_is_free(&space, 4 * MIB, 1));
	assert_false(space_is_free(&space, UINT64_MAX - 10, 100));
	assert_false(space_is_free(&space, 8 * MIB, UINT64_MAX));
	space_done(&space);
}

/* Each slot is found by number, each fits, and there is no other. */
static void test_the_largest_piece(void **state)
{
	const struct space_want low = { .len = 1, .align = 16 * MIB, .min = 15 * MIB, .max = 8 * MIB - 1 };
	const struct space_want cut = { .max = 14 * MIB - 1 }, high = { .max = UINT64_MAX }, none = { .max = 0 };
	struct space space = space_over(two_holes, LEN(two_holes));

	(void)state;
	assert_int_equal(space_largest(&space, &low), 3 * MIB);
	assert_int_equal(space_largest(&space, &cut), 6 * MIB);
	assert_int_equal(space_largest(&space, &high), 8 * MIB);
	assert_int_equal(space_largest(&space, &none), 0);
	space_done(&space);
}

static void test_slots_are_all_the_places(void **state)
{
	const struct space_want want = { .len = MIB + 1, .align = 0x80000, .min = MIB + 1, .max = 15 * MIB - 1 };
	struct space space = space_over(two_holes, LEN(two_holes));
	uint64_t number = 0;

	(void)state;
	for (pb_gpa gpa = 0; gpa < 20 * MIB; gpa += want.align)
		if (gpa >= want.min && gpa + want.len - 1 <= want.max && space_is_free(&space, gpa, want.len))
			assert_int_equal(space_slot(&space, &want, number++), gpa);
	assert_int_equal(space_slots(&space, &want), number);
	assert_true(number > 10);
	space_done(&space);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_free_is_whole_pages_of_ram),
		cmocka_unit_test(test_ranges_that_touch_are_one),
		cmocka_unit_test(test_where_things_go),
		cmocka_unit_test(test_drop_takes_all_it_touches_and_give_brings_it_back),
		cmocka_unit_test(test_what_is_free),
		cmocka_unit_test(test_the_largest_piece),
		cmocka_unit_test(test_slots_are_all_the_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
