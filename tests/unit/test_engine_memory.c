/* SPDX-License-Identifier: MIT */
/*
 * The memory maps of QEMU's machines: every byte of -m is somewhere, low RAM
 * ends where the machine's does, and what is no machine's size is refused.
 */
#include "unit.h"

#include <engine.h>
#include <string.h>

#define MIB (1ull << 20)
#define GIB (1ull << 30)

static struct engine_memory map_of(enum engine_machine machine, uint64_t mem_len)
{
	struct engine_memory memory;
	struct engine_error err;

	assert_int_equal(engine_memory_map(machine, mem_len, &memory, &err), 0);
	return memory;
}

/* The end of what lies below 4 GiB, and the length of what lies above. */
static void assert_split(enum engine_machine machine, uint64_t mem_len, uint64_t low_end, uint64_t high_len)
{
	struct engine_memory memory = map_of(machine, mem_len);
	uint64_t low = 0, high = 0;

	for (size_t i = 0; i < memory.nr_ram; i++) {
		const struct pb_range *ram = &memory.ram[i];

		if (ram->gpa >= 4 * GIB)
			high += ram->len;
		else if (ram->gpa + ram->len > low)
			low = ram->gpa + ram->len;
		if (i)
			assert_true(memory.ram[i - 1].gpa + memory.ram[i - 1].len <= ram->gpa);
	}
	assert_int_equal(low, low_end);
	assert_int_equal(high, high_len);
}

static void test_split(void **state)
{
	(void)state;
	assert_split(ENGINE_PC, 512 * MIB, 512 * MIB, 0);
	assert_split(ENGINE_PC, 3583 * MIB, 3583 * MIB, 0);
	assert_split(ENGINE_PC, 3584 * MIB, 3 * GIB, 512 * MIB);
	assert_split(ENGINE_PC, 8 * GIB, 3 * GIB, 5 * GIB);
	assert_split(ENGINE_MICROVM, 3 * GIB, 3 * GIB, 0);
	assert_split(ENGINE_MICROVM, 3 * GIB + MIB, 3 * GIB, MIB);
	assert_split(ENGINE_MICROVM, 8 * GIB, 3 * GIB, 5 * GIB);
}

static bool is_ram(const struct engine_memory *memory, pb_gpa gpa)
{
	for (size_t i = 0; i < memory->nr_ram; i++) {
		const struct pb_range *ram = &memory->ram[i];

		if (ram->type == PB_E820_RAM && gpa >= ram->gpa && gpa - ram->gpa < ram->len)
			return true;
	}
	return false;
}

static void test_holes(void **state)
{
	struct engine_memory pc = map_of(ENGINE_PC, 512 * MIB), microvm = map_of(ENGINE_MICROVM, 512 * MIB);

	(void)state;
	assert_true(is_ram(&pc, 0x9efff));
	assert_false(is_ram(&pc, 0x9f000));
	assert_false(is_ram(&pc, 0xfffff));
	assert_true(is_ram(&pc, MIB));
	assert_true(is_ram(&pc, 512 * MIB - 256 * 1024 - 1));
	assert_false(is_ram(&pc, 512 * MIB - 256 * 1024));
	assert_true(is_ram(&microvm, 512 * MIB - 1));
	assert_false(is_ram(&microvm, 512 * MIB));
}

static void assert_kept(enum engine_machine machine, uint64_t mem_len, pb_gpa gpa, uint64_t len)
{
	struct engine_memory memory = map_of(machine, mem_len);

	assert_int_equal(memory.nr_keep, len ? 2 : 1);
	assert_int_equal(memory.keep[0].gpa, 0);
	assert_int_equal(memory.keep[0].len, 0x1000);
	if (len) {
		assert_int_equal(memory.keep[1].gpa, gpa);
		assert_int_equal(memory.keep[1].len, len);
	}
}

/* Where SeaBIOS was seen to write: 0x3efe2000 to 0x3f000000 of 1 GiB, 0x1fa2000 to 0x1fc0000 of 32 MiB. */
static void test_firmware_works_there(void **state)
{
	(void)state;
	assert_kept(ENGINE_PC, 32 * MIB, 0x1f80000, 256 << 10);
	assert_kept(ENGINE_PC, 33 * MIB, 16 * MIB, MIB);
	assert_kept(ENGINE_PC, GIB, 0x3ef00000, MIB);
	assert_kept(ENGINE_PC, 4 * GIB, 0xbef00000, MIB);
	assert_kept(ENGINE_MICROVM, GIB, 0, 0);
}

static void test_refused_sizes(void **state)
{
	const uint64_t bad[] = { 0, 3 * MIB, 512 * MIB + 4096, 512 * GIB + MIB, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct engine_memory memory = { .nr_ram = 77 };
		struct engine_error err = { 0 };

		assert_int_equal(engine_memory_map(ENGINE_PC, bad[i], &memory, &err), -1);
		assert_int_equal(err.status, ENGINE_BAD_INPUT);
		assert_non_null(strstr(err.text, "not a whole number of MiB"));
		assert_int_equal(memory.nr_ram, 77);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_firmware_works_there),
		cmocka_unit_test(test_refused_sizes),
	};

	return cmocka_run_group_tests_name("engine memory", tests, NULL, NULL);
}
