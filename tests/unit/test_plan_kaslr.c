/* SPDX-License-Identifier: MIT */
/*
 * KASLR by the builder: where a kernel may be moved to, that the fields of
 * each relocation group follow, and why a kernel cannot be moved at all.
 */
#include <string.h>

#include "plan_rig.h"
#include "plan_rules.h"
#include "unit.h"

#define LOADFLAGS   0x211u
#define ALIGNMENT   0x230u
#define RELOCATABLE 0x234u
#define KASLR_FLAG  2u
#define SEEDS       200u

/* Where the built kernels' relocations point: KERNEL_RELOCS fields of each group, 16 bytes apart. */
#define ABS32_OFF     0x100u
#define ABS64_OFF     0x1000u
#define INVERSE32_OFF 0x4000u

static void open_start(struct rig *rig, const char *name, void (*spoil)(struct blob *), enum pb_entry entry)
{
	rig_open(rig, name, spoil);
	rig_start(rig, entry, PB_UNPACK_HOST);
	rig->request.kaslr = true;
}

/* A kernel without PHYS32_RELOC: the note becomes one of a type that nobody knows. */
static void no_phys32_reloc(struct blob *kernel)
{
	blob_set_le(kernel, kernel_note_off(kernel, "Xen", 19) - 8, 99, 4);
}

static void test_the_same_seed_gives_the_same_plan(void **state)
{
	struct rig rig;
	pb_plan *again = NULL;
	bool moved = false;

	(void)state;
	open_start(&rig, "bz-none", NULL, PB_LINUX64);
	for (rig.request.kaslr_seed = 0; rig.request.kaslr_seed < 20; rig.request.kaslr_seed++) {
		int64_t before = rig.info.virt_delta;

		rig_plan(&rig);
		assert_int_equal(pb_plan_make(&again, rig.image, &rig.request, NULL), 0);
		assert_true(plans_equal(rig.plan, again));
		pb_plan_close(again);
		moved |= rig.info.virt_delta != before;
	}
	assert_true(moved);
	rig_close(&rig);
}

static void test_the_bases_stay_in_bounds(void **state)
{
	static const struct {
		const char *name;
		void (*spoil)(struct blob *);
		enum pb_entry entry;
		bool tied;
		pb_gpa phys_max;
		uint64_t virt_max; /* of the virtual base's distance from __START_KERNEL_map */
	} cases[] = {
		{ "bz-none", NULL, PB_LINUX64, false, 4 * GIB, GIB },
		{ "elf64", NULL, PB_LINUX64, false, 4 * GIB, GIB },
		{ "bz-none", NULL, PB_PVH, false, GIB, GIB }, /* PHYS32_RELOC's maximum */
		{ "bz-none", no_phys32_reloc, PB_PVH, true, GIB, GIB },
		{ "bz-32-none", NULL, PB_LINUX32, true, GIB / 2, GIB / 2 },
		{ "bz-32-none", no_phys32_reloc, PB_PVH, true, GIB / 2, GIB / 2 },
	};

	(void)state;
	for (size_t i = 0; i < LEN_OF(cases); i++) {
		pb_gpa highest = 0;
		struct rig rig;

		open_start(&rig, cases[i].name, cases[i].spoil, cases[i].entry);
		rig_ram(&rig, 3 * GIB);
		for (rig.request.kaslr_seed = 0; rig.request.kaslr_seed < SEEDS; rig.request.kaslr_seed++) {
			rig_plan(&rig);
			assert_int_equal(rig.info.kernel_gpa % (2 * MIB), 0);
			assert_int_equal(rig.info.virt_delta % (int64_t)(2 * MIB), 0);
			assert_int_equal(rig.info.phys_delta, rig.info.kernel_gpa - KERNEL_GPA);
			assert_true(rig.info.kernel_gpa >= KERNEL_GPA);
			assert_true(rig.info.kernel_gpa + rig.info.kernel_len <= cases[i].phys_max);
			assert_true(rig.info.virt_delta >= 0);
			assert_true(KERNEL_GPA + (uint64_t)rig.info.virt_delta + rig.info.kernel_len <=
				    cases[i].virt_max);
			if (cases[i].entry == PB_PVH) /* 32-bit code takes the difference for a positive number */
				assert_true(rig.info.virt_delta <= rig.info.phys_delta);
			if (cases[i].tied)
				assert_int_equal(rig.info.phys_delta, rig.info.virt_delta);
			highest = rig.info.kernel_gpa > highest ? rig.info.kernel_gpa : highest;
		}
		assert_true(highest > cases[i].phys_max / 2 || highest > GIB); /* all of the room is used */
		rig_close(&rig);
	}
}

/* What each group's fields hold after placing, against what they held in the file. */
static void assert_relocated(const struct rig *rig, const struct rig *linked)
{
	pb_gpa old = linked->info.kernel_gpa, new = rig->info.kernel_gpa;
	uint64_t delta = (uint64_t)rig->info.virt_delta;

	for (unsigned i = 0; i < KERNEL_RELOCS; i++) {
		assert_int_equal(rig_le(rig, new + ABS32_OFF + 16 * i, 4),
				 (uint32_t)(rig_le(linked, old + ABS32_OFF + 16 * i, 4) + delta));
		assert_int_equal(rig_le(rig, new + INVERSE32_OFF + 16 * i, 4),
				 (uint32_t)(rig_le(linked, old + INVERSE32_OFF + 16 * i, 4) - delta));
		assert_int_equal(rig_le(rig, new + ABS64_OFF + 16 * i, 8),
				 rig_le(linked, old + ABS64_OFF + 16 * i, 8) + delta);
	}
}

/* And nothing but them: the bytes between the fields are the file's. */
static void assert_rest_equal(const struct rig *rig, const struct rig *linked)
{
	for (unsigned off = 0; off < 0x5000; off++) {
		bool abs32 = off >= ABS32_OFF && off < ABS32_OFF + 16 * KERNEL_RELOCS && off % 16 < 4;
		bool abs64 = off >= ABS64_OFF && off < ABS64_OFF + 16 * KERNEL_RELOCS && off % 16 < 8;
		bool inverse = off >= INVERSE32_OFF && off < INVERSE32_OFF + 16 * KERNEL_RELOCS && off % 16 < 4;

		if (!abs32 && !abs64 && !inverse)
			assert_int_equal(rig->mem[rig->info.kernel_gpa + off],
					 linked->mem[linked->info.kernel_gpa + off]);
	}
}

static void test_every_group_follows(void **state)
{
	struct rig rig, linked;

	(void)state;
	open_start(&linked, "bz-none", NULL, PB_LINUX64);
	linked.request.kaslr = false;
	rig_place(&linked);
	open_start(&rig, "bz-none", NULL, PB_LINUX64);
	for (rig.request.kaslr_seed = 0; rig.request.kaslr_seed < 10; rig.request.kaslr_seed++) {
		rig_place(&rig);
		assert_relocated(&rig, &linked);
		assert_rest_equal(&rig, &linked);
		assert_int_equal(rig.cpu.rip, rig.info.kernel_gpa);
	}
	rig_close(&rig);
	rig_close(&linked);
}

/* The first PT_LOAD is the file's first page, notes and all: program headers follow the 64 bytes of an ELF header. */
static void notes_in_memory(struct blob *kernel)
{
	blob_set_le(kernel, 64 + 8, 0, 8);       /* p_offset */
	blob_set_le(kernel, 64 + 32, 0x1000, 8); /* p_filesz */
}

static void notes_in_memory_no_reloc(struct blob *kernel)
{
	notes_in_memory(kernel);
	no_phys32_reloc(kernel);
}

/* A relocation of our own for the note: the last entry of the last group, which is the 32-bit one. */
static void note_is_relocated(struct blob *kernel)
{
	notes_in_memory(kernel);
	blob_set_le(kernel, kernel->len - 4, KERNEL_VIRT64 + KERNEL_GPA + kernel_note_off(kernel, "Xen", 18), 4);
}

/* Linux from 6.13 on reads PHYS32_ENTRY in memory to learn how far it was moved from where it was linked. */
static void test_a_kernel_that_reads_its_own_note(void **state)
{
	static const struct {
		void (*spoil)(struct blob *);
		enum pb_entry entry;
		bool follows;
	} cases[] = { { notes_in_memory, PB_PVH, true },
		      { note_is_relocated, PB_PVH, true }, /* once, not twice */
		      { notes_in_memory_no_reloc, PB_PVH, false },
		      { notes_in_memory, PB_LINUX64, false } };

	(void)state;
	for (size_t i = 0; i < LEN_OF(cases); i++) {
		struct rig rig;
		size_t off;

		open_start(&rig, "elf64-big", cases[i].spoil, cases[i].entry);
		off = kernel_note_off(&rig.file, "Xen", 18);
		assert_in_range(off, 0x160, 0xff8);
		for (rig.request.kaslr_seed = 0; rig.request.kaslr_seed < 4; rig.request.kaslr_seed++) {
			rig_place(&rig);
			assert_int_equal(rig_le(&rig, rig.info.kernel_gpa + off, 8),
					 KERNEL_GPA + 0x20 + (cases[i].follows ? (uint64_t)rig.info.virt_delta : 0));
		}
		rig_close(&rig);
	}
}

static void test_the_kernel_is_told(void **state)
{
	struct rig rig;

	(void)state;
	open_start(&rig, "bz-none", NULL, PB_LINUX64);
	rig_place(&rig);
	assert_true(rig_le(&rig, rig.info.params_gpa + LOADFLAGS, 1) & KASLR_FLAG);
	rig.request.kaslr = false;
	rig_place(&rig);
	assert_false(rig_le(&rig, rig.info.params_gpa + LOADFLAGS, 1) & KASLR_FLAG);
	rig_close(&rig);
}

/* The place that it has without KASLR is among those to choose from, and here it is the only one. */
static void test_a_kernel_that_fits_can_always_be_randomised(void **state)
{
	static const uint8_t bytes[MIB];
	const struct pb_blob initrd = { bytes, -1, 0, sizeof(bytes) };
	struct rig rig;

	(void)state;
	open_start(&rig, "bz-none", NULL, PB_LINUX64);
	rig.request.initrds = &initrd;
	rig.request.nr_initrds = 1;
	rig_ram(&rig, KERNEL_GPA + 2 * MIB);
	rig_keep(&rig, MIB + 0x20000, KERNEL_GPA - MIB - 0x20000);
	rig_plan(&rig);
	assert_int_equal(rig.info.kernel_gpa, KERNEL_GPA);
	rig_close(&rig);
}

static void test_a_kernel_above_4_gib_stays_there(void **state)
{
	struct rig rig;
	pb_gpa lowest = UINT64_MAX;

	(void)state;
	open_start(&rig, "bz-none", NULL, PB_LINUX64);
	rig_ram(&rig, 8 * MIB);
	rig.ram[3] = (struct pb_range){ 4 * GIB, GIB, PB_E820_RAM };
	rig.request.rams = 4;
	for (rig.request.kaslr_seed = 0; rig.request.kaslr_seed < 20; rig.request.kaslr_seed++) {
		rig_plan(&rig);
		lowest = rig.info.kernel_gpa < lowest ? rig.info.kernel_gpa : lowest;
	}
	assert_true(lowest >= 4 * GIB);
	rig_close(&rig);
}

/* ---- Why not ----------------------------------------------------------- */

/* The first PT_LOAD's p_vaddr: program headers follow the 64 bytes of an ELF header. */
static void linked_elsewhere(struct blob *kernel)
{
	blob_set_le(kernel, 64 + 16, KERNEL_VIRT64 + 0x4000000, 8);
}

static void test_what_cannot_be_randomised(void **state)
{
	static const struct {
		const char *name;
		void (*spoil)(struct blob *);
		unsigned off, len;
		uint64_t number;
		const char *field;
	} cases[] = {
		{ "elf64-no-relocs", NULL, 0, 0, 0, "relocations" },
		{ "bz-none", NULL, RELOCATABLE, 1, 0, "relocatable_kernel" },
		{ "bz-none", NULL, ALIGNMENT, 4, 32 * MIB, "kernel_alignment" },
		{ "bz-none", linked_elsewhere, 0, 0, 0, "p_vaddr" },
	};

	(void)state;
	for (size_t i = 0; i < LEN_OF(cases); i++) {
		struct rig rig;

		open_start(&rig, cases[i].name, cases[i].spoil, PB_LINUX64);
		if (cases[i].len)
			rig_patch(&rig, cases[i].off, cases[i].number, cases[i].len);
		rig_refuse(&rig, PB_E_KASLR, cases[i].field, NULL);
		rig.request.kaslr = false;
		rig_plan(&rig);
		rig_close(&rig);
	}
}

static void test_an_image_that_unpacks_itself_randomises_itself(void **state)
{
	static const enum pb_entry starts[] = { PB_LINUX64, PB_LINUX32 };

	(void)state;
	for (size_t i = 0; i < LEN_OF(starts); i++) {
		struct rig rig;

		open_start(&rig, "bz-none", NULL, starts[i]);
		rig.request.unpack = PB_UNPACK_GUEST;
		rig_refuse(&rig, PB_E_KASLR, "unpack", NULL);
		rig_close(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_same_seed_gives_the_same_plan),
		cmocka_unit_test(test_the_bases_stay_in_bounds),
		cmocka_unit_test(test_every_group_follows),
		cmocka_unit_test(test_a_kernel_that_reads_its_own_note),
		cmocka_unit_test(test_the_kernel_is_told),
		cmocka_unit_test(test_a_kernel_that_fits_can_always_be_randomised),
		cmocka_unit_test(test_a_kernel_above_4_gib_stays_there),
		cmocka_unit_test(test_what_cannot_be_randomised),
		cmocka_unit_test(test_an_image_that_unpacks_itself_randomises_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
