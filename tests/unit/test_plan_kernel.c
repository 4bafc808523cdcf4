/* SPDX-License-Identifier: MIT */
/*
 * Where the kernel goes: its window, what makes it move and what forbids it,
 * for kernels that the host unpacks and for images that unpack themselves.
 */
#include <string.h>

#include "plan_rig.h"
#include "unit.h"

/* The setup header */
#define CODE32_START  0x214u
#define ALIGNMENT     0x230u
#define RELOCATABLE   0x234u
#define XLOADFLAGS    0x236u
#define PREF_ADDRESS  0x258u
#define INIT_SIZE     0x260u

#define SPAN_LEN      0x5000u  /* of the built kernels' segments */
#define INIT_SIZE_LEN 0x10000u /* what the built bzImages' headers say */

static void open_start(struct rig *rig, const char *name, enum pb_entry entry, enum pb_unpack unpack)
{
	rig_open(rig, name, NULL);
	rig_start(rig, entry, unpack);
}

/* ---- Unpacked by the host ---------------------------------------------- */

static void test_segments_go_where_they_were_linked(void **state)
{
	struct rig rig;

	(void)state;
	open_start(&rig, "bz-none", PB_LINUX64, PB_UNPACK_HOST);
	rig_place(&rig);
	assert_int_equal(rig.info.kernel_gpa, KERNEL_GPA);
	assert_int_equal(rig.info.kernel_len, INIT_SIZE_LEN);
	assert_int_equal(rig.info.phys_delta | rig.info.virt_delta, 0);
	for (unsigned i = 0; i < KERNEL_SEGMENTS; i++) {
		struct pb_segment segment = PB_INIT(segment);
		uint32_t pattern = 0x90000000u;

		assert_int_equal(pb_image_segment(rig.image, i, &segment, NULL), 0);
		assert_memory_equal(rig.mem + segment.gpa, &pattern, sizeof(pattern));
		assert_int_equal(rig_le(&rig, segment.gpa + segment.file_len, 8), 0);
	}
	rig_close(&rig);
}

static void test_the_window_is_init_size_or_the_segments(void **state)
{
	struct rig rig;

	(void)state;
	open_start(&rig, "bz-none", PB_LINUX64, PB_UNPACK_HOST);
	rig_patch(&rig, INIT_SIZE, 0x1000, 4);
	rig_plan(&rig);
	assert_int_equal(rig.info.kernel_len, SPAN_LEN);
	rig_patch(&rig, INIT_SIZE, 32 * MIB, 4);
	rig_plan(&rig);
	assert_int_equal(rig.info.kernel_len, 32 * MIB);
	rig_close(&rig);
}

static void test_a_64_bit_kernel_moves_as_it_is(void **state)
{
	struct rig rig;

	(void)state;
	open_start(&rig, "bz-none", PB_LINUX64, PB_UNPACK_HOST);
	rig_keep(&rig, KERNEL_GPA + INIT_SIZE_LEN - 1, 1);
	rig_place(&rig);
	assert_int_equal(rig.info.kernel_gpa, KERNEL_GPA + 2 * MIB);
	assert_int_equal(rig.info.phys_delta, 2 * MIB);
	assert_int_equal(rig.info.virt_delta, 0);
	assert_int_equal(rig.cpu.rip, KERNEL_GPA + 2 * MIB);
	assert_int_equal(rig_le(&rig, KERNEL_GPA + 2 * MIB, 4), 0x90000000);
	rig_keep(&rig, KERNEL_GPA + INIT_SIZE_LEN, 1); /* the window's neighbour is nobody's concern */
	rig_keep(&rig, KERNEL_GPA + 2 * MIB + INIT_SIZE_LEN, 1);
	rig_plan(&rig);
	assert_int_equal(rig.info.kernel_gpa, KERNEL_GPA + 2 * MIB);
	rig_close(&rig);
}

/* Its virtual addresses are physical ones plus a constant: moving it is relocating it. */
static void test_a_32_bit_kernel_moves_by_its_relocations(void **state)
{
	struct rig rig;
	uint32_t linked;

	(void)state;
	open_start(&rig, "bz-32-none", PB_LINUX32, PB_UNPACK_HOST);
	rig_place(&rig);
	linked = (uint32_t)rig_le(&rig, KERNEL_GPA + 0x100, 4); /* its first relocation */
	rig_keep(&rig, KERNEL_GPA, 1);
	rig_place(&rig);
	assert_int_equal(rig.info.phys_delta, 2 * MIB);
	assert_int_equal(rig.info.virt_delta, 2 * MIB);
	assert_int_equal(rig_le(&rig, KERNEL_GPA + 2 * MIB + 0x100, 4), linked + 2 * MIB);
	rig_close(&rig);
}

static void test_an_elf_file_moves_if_it_has_relocations(void **state)
{
	struct pb_error err = PB_INIT(err);
	struct rig rig;

	(void)state;
	open_start(&rig, "elf64", PB_LINUX64, PB_UNPACK_HOST);
	rig_keep(&rig, KERNEL_GPA, 1);
	rig_plan(&rig);
	assert_int_equal(rig.info.phys_delta, 2 * MIB);
	assert_int_equal(rig.info.virt_delta, 0);
	rig_close(&rig);
	open_start(&rig, "elf64-no-relocs", PB_LINUX64, PB_UNPACK_HOST);
	rig_plan(&rig);
	rig_keep(&rig, KERNEL_GPA, 1);
	rig_refuse(&rig, PB_E_NO_ROOM, "kernel", &err);
	assert_int_equal(err.value, SPAN_LEN);
	assert_int_equal(err.limit, KERNEL_GPA);
	rig_close(&rig);
}

static void test_what_keeps_a_kernel_from_moving(void **state)
{
	static const struct {
		unsigned off, len;
		uint64_t number;
	} patches[] = {
		{ RELOCATABLE, 1, 0 },        /* its header says so */
		{ ALIGNMENT, 4, 32 * MIB },   /* it is not linked at a multiple of its alignment */
		{ INIT_SIZE, 4, 48 * MIB },   /* there is no room anywhere else */
		{ INIT_SIZE, 4, UINT32_MAX }, /* nor ever */
	};

	(void)state;
	for (size_t i = 0; i < LEN_OF(patches); i++) {
		struct rig rig;

		open_start(&rig, "bz-none", PB_LINUX64, PB_UNPACK_HOST);
		rig_keep(&rig, KERNEL_GPA, 1);
		rig_plan(&rig);
		rig_patch(&rig, patches[i].off, patches[i].number, patches[i].len);
		rig_refuse(&rig, PB_E_NO_ROOM, "kernel", NULL);
		rig_close(&rig);
	}
}

/* RAM above 4 GiB alone will do for the kernel if its header says so, and then only for 64-bit code. */
static void test_above_4_gib_is_a_last_resort(void **state)
{
	static const enum pb_unpack unpacks[] = { PB_UNPACK_HOST, PB_UNPACK_GUEST };

	(void)state;
	for (size_t i = 0; i < LEN_OF(unpacks); i++) {
		const char *field = unpacks[i] == PB_UNPACK_HOST ? "kernel" : "init_size";
		struct rig rig;

		open_start(&rig, "bz-none", PB_LINUX64, unpacks[i]);
		rig_ram(&rig, 8 * MIB);
		rig.ram[3] = (struct pb_range){ 4 * GIB, 8 * MIB, PB_E820_RAM };
		rig.request.rams = 4;
		rig_plan(&rig);
		assert_int_equal(rig.info.kernel_gpa, 4 * GIB);
		rig_patch(&rig, XLOADFLAGS, 1, 2);
		rig_refuse(&rig, PB_E_NO_ROOM, field, NULL);
		rig_patch(&rig, XLOADFLAGS, 3, 2);
		rig_start(&rig, PB_LINUX32, PB_UNPACK_GUEST);
		rig_refuse(&rig, PB_E_NO_ROOM, "init_size", NULL);
		rig_close(&rig);
	}
}

/* ---- Unpacked by the guest --------------------------------------------- */

static void test_an_image_is_loaded_where_it_prefers(void **state)
{
	struct rig rig;
	struct pb_placement kernel;

	(void)state;
	open_start(&rig, "bz-none", PB_LINUX64, PB_UNPACK_GUEST);
	rig_place(&rig);
	kernel = rig_find(&rig, PB_KIND_KERNEL);
	assert_int_equal(kernel.gpa, KERNEL_GPA);
	assert_int_equal(kernel.source, PB_FROM_IMAGE);
	assert_int_equal(kernel.source_off, BZ_SETUP_LEN);
	assert_memory_equal(rig.mem + KERNEL_GPA, rig.file.data + BZ_SETUP_LEN, kernel.len);
	assert_int_equal(rig.info.kernel_gpa, KERNEL_GPA);
	assert_int_equal(rig.info.kernel_len, INIT_SIZE_LEN);
	rig_close(&rig);
}

/* It would round a lower address up, and clamp one below pref_address: so it is loaded where it stays. */
static void test_a_relocatable_image_moves_up(void **state)
{
	struct rig rig;

	(void)state;
	open_start(&rig, "bz-none", PB_LINUX32, PB_UNPACK_GUEST);
	rig_keep(&rig, KERNEL_GPA + INIT_SIZE_LEN - 1, 1);
	rig_plan(&rig);
	assert_int_equal(rig.cpu.rip, KERNEL_GPA + 2 * MIB);
	assert_int_equal(rig.info.kernel_gpa, KERNEL_GPA + 2 * MIB);
	rig_patch(&rig, RELOCATABLE, 0, 1);
	rig_refuse(&rig, PB_E_NO_ROOM, "init_size", NULL);
	rig_close(&rig);
}

/* An address that is no multiple of the alignment: it is loaded there, runs above, and uses both. */
static void test_load_address_and_run_time_start_can_differ(void **state)
{
	struct rig rig;

	(void)state;
	open_start(&rig, "bz-none", PB_LINUX64, PB_UNPACK_GUEST);
	rig_patch(&rig, PREF_ADDRESS, KERNEL_GPA + 0x1000, 8);
	rig_plan(&rig);
	assert_int_equal(rig_find(&rig, PB_KIND_KERNEL).gpa, KERNEL_GPA + 0x1000);
	assert_int_equal(rig.info.kernel_gpa, KERNEL_GPA + 2 * MIB);
	rig_keep(&rig, KERNEL_GPA + 2 * MIB + INIT_SIZE_LEN - 1, 1);
	rig_plan(&rig);
	assert_int_equal(rig_find(&rig, PB_KIND_KERNEL).gpa, KERNEL_GPA + 4 * MIB);
	rig_close(&rig);
}

static void test_hostile_addresses_find_no_room(void **state)
{
	static const struct {
		unsigned off, len;
		uint64_t number;
		const char *field;
	} cases[] = {
		{ PREF_ADDRESS, 8, UINT64_MAX - INIT_SIZE_LEN, "pref_address" },
		{ PREF_ADDRESS, 8, 1ull << 52, "init_size" },
		{ PREF_ADDRESS, 8, 0x10, "init_size" }, /* page 0 */
		{ INIT_SIZE, 4, UINT32_MAX, "init_size" },
	};

	(void)state;
	for (size_t i = 0; i < LEN_OF(cases); i++) {
		struct rig rig;

		open_start(&rig, "bz-none", PB_LINUX64, PB_UNPACK_GUEST);
		rig_patch(&rig, RELOCATABLE, 0, 1);
		rig_plan(&rig);
		rig_patch(&rig, cases[i].off, cases[i].number, cases[i].len);
		rig_refuse(&rig, PB_E_NO_ROOM, cases[i].field, NULL);
		rig_close(&rig);
	}
}

/* A header that claims less than what is loaded does not make the rest of it fair game. */
static void test_what_is_loaded_is_never_overwritten(void **state)
{
	struct rig rig;
	struct pb_placement kernel;

	(void)state;
	open_start(&rig, "bz-none", PB_LINUX64, PB_UNPACK_GUEST);
	rig_patch(&rig, INIT_SIZE, 1, 4);
	rig_plan(&rig);
	kernel = rig_find(&rig, PB_KIND_KERNEL);
	rig_ram(&rig, kernel.gpa + 0x1000 * (kernel.len / 0x1000 + 1));
	rig_plan(&rig);
	rig_ram(&rig, kernel.gpa + kernel.len - 1);
	rig_refuse(&rig, PB_E_NO_ROOM, "init_size", NULL);
	rig_close(&rig);
}

/* ---- Old protocols ----------------------------------------------------- */

static void test_before_2_10_an_image_goes_to_code32_start(void **state)
{
	static const struct {
		const char *name;
		pb_gpa load, run;
	} cases[] = {
		{ "bz-2.05", 0x100000, 0x200000 }, /* relocatable: rounds up */
		{ "bz-2.04", 0x100000, 0x100000 },
		{ "bz-2.00", 0x100000, 0x100000 },
		{ "zimage-2.00", 0x1000, 0x100000 },
	};

	(void)state;
	for (size_t i = 0; i < LEN_OF(cases); i++) {
		struct rig rig;

		open_start(&rig, cases[i].name, PB_LINUX32, PB_UNPACK_GUEST);
		rig_plan(&rig);
		assert_int_equal(rig_find(&rig, PB_KIND_KERNEL).gpa, cases[i].load);
		assert_int_equal(rig.cpu.rip, cases[i].load);
		assert_int_equal(rig.info.kernel_gpa, cases[i].run);
		rig_close(&rig);
	}
}

/* Nobody knows how much memory it takes: all else stays away from it, and little RAM is no reason to refuse. */
static void test_an_old_kernel_has_all_memory_to_itself(void **state)
{
	const struct pb_blob initrd = { "initrd", -1, 0, 6 };
	struct rig rig;

	(void)state;
	open_start(&rig, "bz-2.05", PB_LINUX32, PB_UNPACK_GUEST);
	rig.request.initrds = &initrd;
	rig.request.nr_initrds = 1;
	rig_ram(&rig, 4 * MIB);
	rig_plan(&rig);
	assert_true(rig.info.initrd_gpa >= 4 * MIB - 0x10000);
	assert_true(rig.info.params_gpa >= 4 * MIB - 0x10000);
	assert_true(rig.info.cmdline_gpa >= 4 * MIB - 0x10000);
	assert_true(rig.cpu.gdt_base >= 4 * MIB - 0x10000);
	rig_close(&rig);
}

/* Such kernels look at them when only their first page tables are on. */
static void test_before_2_05_parameters_are_in_conventional_memory(void **state)
{
	struct rig rig;

	(void)state;
	open_start(&rig, "bz-2.04", PB_LINUX32, PB_UNPACK_GUEST);
	rig_plan(&rig);
	assert_int_equal(rig.info.params_gpa, 0x90000);
	assert_true(rig.info.cmdline_gpa > 0x90000 && rig.info.cmdline_gpa < 0xa0000);
	assert_true(rig.cpu.gdt_base > 0x90000 && rig.cpu.gdt_base < 0xa0000);
	rig_keep(&rig, 0x90000, 0x1000);
	rig_plan(&rig); /* 2.02 and on are told where */
	assert_int_equal(rig.info.params_gpa, 0x91000);
	rig_keep(&rig, 0x90000, 0x10000);
	rig_refuse(&rig, PB_E_NO_ROOM, "boot_params", NULL);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments_go_where_they_were_linked),
		cmocka_unit_test(test_the_window_is_init_size_or_the_segments),
		cmocka_unit_test(test_a_64_bit_kernel_moves_as_it_is),
		cmocka_unit_test(test_a_32_bit_kernel_moves_by_its_relocations),
		cmocka_unit_test(test_an_elf_file_moves_if_it_has_relocations),
		cmocka_unit_test(test_what_keeps_a_kernel_from_moving),
		cmocka_unit_test(test_above_4_gib_is_a_last_resort),
		cmocka_unit_test(test_an_image_is_loaded_where_it_prefers),
		cmocka_unit_test(test_a_relocatable_image_moves_up),
		cmocka_unit_test(test_load_address_and_run_time_start_can_differ),
		cmocka_unit_test(test_hostile_addresses_find_no_room),
		cmocka_unit_test(test_what_is_loaded_is_never_overwritten),
		cmocka_unit_test(test_before_2_10_an_image_goes_to_code32_start),
		cmocka_unit_test(test_an_old_kernel_has_all_memory_to_itself),
		cmocka_unit_test(test_before_2_05_parameters_are_in_conventional_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
