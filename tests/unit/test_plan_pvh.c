/* SPDX-License-Identifier: MIT */
/*
 * pvh: the state that Xen's PVH document asks for, hvm_start_info byte by
 * byte, and PHYS32_RELOC. Offsets and numbers are spelled out here so that a
 * wrong constant in the library shows.
 */
#include <string.h>

#include "plan_rig.h"
#include "unit.h"

/* hvm_start_info */
#define MAGIC          0u
#define VERSION        4u
#define FLAGS          8u
#define NR_MODULES     12u
#define MODLIST_PADDR  16u
#define CMDLINE_PADDR  24u
#define RSDP_PADDR     32u
#define MEMMAP_PADDR   40u
#define MEMMAP_ENTRIES 48u

#define RELOCATABLE    0x234u

static uint64_t info(const struct rig *rig, unsigned off, unsigned len)
{
	return rig_le(rig, rig->info.params_gpa + off, len);
}

static void open_pvh(struct rig *rig, const char *name, void (*spoil)(struct blob *))
{
	rig_open(rig, name, spoil);
	rig_start(rig, PB_PVH, PB_UNPACK_HOST);
}

static void test_the_state_is_xens(void **state)
{
	static const char *const names[] = { "bz-none", "bz-32-none", "elf64", "elf32" };

	(void)state;
	for (size_t i = 0; i < LEN_OF(names); i++) {
		struct rig rig;

		open_pvh(&rig, names[i], NULL);
		rig_place(&rig);
		assert_int_equal(rig.cpu.mode, PB_PROT32);
		assert_int_equal(rig.cpu.rip, KERNEL_GPA + 0x20); /* PHYS32_ENTRY */
		assert_int_equal(rig.cpu.rbx, rig.info.params_gpa);
		assert_int_equal(rig.cpu.cr0, 0x11);
		assert_int_equal(rig.cpu.cr4 | rig.cpu.efer, 0);
		assert_int_equal(rig.cpu.rflags, 2);
		assert_int_equal(rig.cpu.cs.attr, 0xc09b);
		assert_int_equal(rig.cpu.cs.limit, 0xffffffff);
		assert_int_equal(rig.cpu.ss.attr, 0xc093);
		assert_int_equal(rig.cpu.tr.attr, 0x8b); /* a busy 32-bit task segment */
		assert_int_equal(rig.cpu.tr.limit, 0x67);
		assert_int_equal(rig_find(&rig, PB_KIND_BOOT_PARAMS).len, 0);
		rig_close(&rig);
	}
}

/* An image that unpacks itself can carry an ELF header and a note of its own. */
static void test_an_image_with_an_elf_header(void **state)
{
	struct rig rig;
	struct pb_placement kernel;

	(void)state;
	rig_open(&rig, "bz-elf", NULL);
	rig_start(&rig, PB_PVH, PB_UNPACK_GUEST);
	rig_place(&rig);
	kernel = rig_find(&rig, PB_KIND_KERNEL);
	assert_int_equal(kernel.gpa, 0x100000); /* its p_paddr */
	assert_int_equal(kernel.source, PB_FROM_IMAGE);
	assert_memory_equal(rig.mem + kernel.gpa, rig.file.data + BZ_SETUP_LEN, kernel.source_len);
	assert_int_equal(rig.cpu.rip, 0x100040);
	assert_int_equal(rig.info.kernel_gpa, KERNEL_GPA); /* where it will run, by its setup header */
	assert_int_equal(rig.info.kernel_len, 0x10000);
	assert_true(rig.info.params_gpa >= KERNEL_GPA + 0x10000);
	rig.request.kaslr = true;
	rig_refuse(&rig, PB_E_KASLR, "unpack", NULL);
	rig.request.kaslr = false;
	rig_keep(&rig, KERNEL_GPA + 0xffff, 1);
	rig_refuse(&rig, PB_E_NO_ROOM, "init_size", NULL);
	rig_close(&rig);
}

static void test_start_info(void **state)
{
	struct rig rig;
	pb_gpa memmap;

	(void)state;
	open_pvh(&rig, "bz-none", NULL);
	rig.request.rsdp_gpa = 0xe0000;
	rig_place(&rig);
	assert_int_equal(info(&rig, MAGIC, 4), 0x336ec578);
	assert_int_equal(info(&rig, VERSION, 4), 1);
	assert_int_equal(info(&rig, FLAGS, 4), 0);
	assert_int_equal(info(&rig, NR_MODULES, 4), 0);
	assert_int_equal(info(&rig, MODLIST_PADDR, 8), 0);
	assert_int_equal(info(&rig, CMDLINE_PADDR, 8), rig.info.cmdline_gpa);
	assert_string_equal((char *)rig.mem + rig.info.cmdline_gpa, "console=ttyS0");
	assert_int_equal(info(&rig, RSDP_PADDR, 8), 0xe0000);
	assert_int_equal(info(&rig, MEMMAP_ENTRIES, 8), 3); /* and a reserved word */
	memmap = info(&rig, MEMMAP_PADDR, 8);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(rig_le(&rig, memmap + 24 * i, 8), rig.ram[i].gpa);
		assert_int_equal(rig_le(&rig, memmap + 24 * i + 8, 8), rig.ram[i].len);
		assert_int_equal(rig_le(&rig, memmap + 24 * i + 16, 8), rig.ram[i].type);
	}
	rig_close(&rig);
}

static void test_all_initrds_are_one_module(void **state)
{
	const struct pb_blob initrds[] = { { "first", -1, 0, 5 }, { "second", -1, 0, 6 } };
	struct rig rig;
	pb_gpa module;

	(void)state;
	open_pvh(&rig, "bz-none", NULL);
	rig.request.initrds = initrds;
	rig.request.nr_initrds = LEN_OF(initrds);
	rig_place(&rig);
	assert_int_equal(info(&rig, NR_MODULES, 4), 1);
	module = info(&rig, MODLIST_PADDR, 8);
	assert_int_equal(rig_le(&rig, module, 8), rig.info.initrd_gpa);
	assert_int_equal(rig_le(&rig, module + 8, 8), 16);
	assert_int_equal(rig_le(&rig, module + 16, 8) | rig_le(&rig, module + 24, 8), 0);
	assert_memory_equal(rig.mem + rig.info.initrd_gpa, "first\0\0\0second\0\0", 16);
	rig_close(&rig);
}

/* Its first page tables may reach no further than the kernel: nothing is put above what it is told of if it can be
 * below. */
static void test_what_it_is_told_lies_low(void **state)
{
	struct rig rig;

	(void)state;
	open_pvh(&rig, "bz-none", NULL);
	rig_ram(&rig, 3 * GIB);
	rig_plan(&rig);
	assert_true(rig.info.params_gpa < KERNEL_GPA);
	rig_keep(&rig, MIB, KERNEL_GPA - MIB);
	rig_plan(&rig);
	assert_true(rig.info.params_gpa > KERNEL_GPA && rig.info.params_gpa < KERNEL_GPA + 2 * MIB);
	assert_true(rig.info.cmdline_gpa < KERNEL_GPA + 2 * MIB);
	rig_close(&rig);
}

static void test_nothing_is_above_4_gib(void **state)
{
	static const uint8_t bytes[MIB];
	const struct pb_blob initrd = { bytes, -1, 0, sizeof(bytes) };
	struct rig rig;

	(void)state;
	open_pvh(&rig, "bz-none", NULL);
	rig.request.initrds = &initrd;
	rig.request.nr_initrds = 1;
	rig_ram(&rig, KERNEL_GPA + MIB / 2);
	rig.ram[3] = (struct pb_range){ 4 * GIB, GIB, PB_E820_RAM };
	rig.request.rams = 4;
	rig_plan(&rig);
	assert_true(rig.info.initrd_gpa < 4 * GIB);
	rig_keep(&rig, MIB + 0x8000, KERNEL_GPA - MIB - 0x8000);
	rig_refuse(&rig, PB_E_INITRD, "initrd", NULL);
	rig_close(&rig);
}

static void test_setup_data_is_linuxs_own(void **state)
{
	const struct pb_setup_data node = { 9, "seed", 4 };
	struct rig rig;

	(void)state;
	open_pvh(&rig, "bz-none", NULL);
	rig.request.setup_data = &node;
	rig.request.nr_setup_data = 1;
	rig_refuse(&rig, PB_E_ARG, "setup_data", NULL);
	rig_close(&rig);
}

/* ---- PHYS32_RELOC ------------------------------------------------------ */

#define RELOC_ALIGN 0u
#define RELOC_MIN   4u
#define RELOC_MAX   8u

static uint32_t patched_off, patched_number;

static void patch_reloc_note(struct blob *kernel)
{
	blob_set_le(kernel, kernel_note_off(kernel, "Xen", 19) + patched_off, patched_number, 4);
}

static void no_reloc_note(struct blob *kernel)
{
	blob_set_le(kernel, kernel_note_off(kernel, "Xen", 19) - 8, 99, 4);
}

/* Alignment alone: the other two words become the head of a note that swallows the build id's behind it. */
static void short_reloc_note(struct blob *kernel)
{
	size_t desc_off = kernel_note_off(kernel, "Xen", 19);

	blob_set_le(kernel, desc_off - 12, 4, 4);
	blob_set_le(kernel, desc_off + 4, 4, 4);  /* namesz */
	blob_set_le(kernel, desc_off + 8, 28, 4); /* descsz */
}

static void open_pvh_moved(struct rig *rig, uint32_t off, uint32_t number)
{
	patched_off = off;
	patched_number = number;
	open_pvh(rig, "bz-none", patch_reloc_note);
	rig_ram(rig, GIB);
	rig_keep(rig, KERNEL_GPA, 1);
}

static void test_phys32_reloc_moves_the_kernel_as_it_is(void **state)
{
	struct rig rig;

	(void)state;
	open_pvh_moved(&rig, RELOC_ALIGN, 0x200000);
	rig_plan(&rig);
	assert_int_equal(rig.info.kernel_gpa, KERNEL_GPA + 2 * MIB);
	assert_int_equal(rig.info.virt_delta, 0);
	assert_int_equal(rig.cpu.rip, KERNEL_GPA + 2 * MIB + 0x20);
	rig_close(&rig);
}

static void test_phys32_reloc_bounds_where(void **state)
{
	static const struct {
		uint32_t off, number;
		pb_gpa gpa; /* 0: nowhere */
	} cases[] = {
		{ RELOC_ALIGN, 0x1000000, 2 * KERNEL_GPA },
		{ RELOC_ALIGN, 0x1000, KERNEL_GPA + 0x1000 },
		{ RELOC_ALIGN, 0x20000000, 0 }, /* it is not linked at such an address */
		{ RELOC_MIN, 0x2000001, 0x2200000 },
		{ RELOC_MIN, 0, 0x200000 },
		{ RELOC_MAX, 0x120ffff, KERNEL_GPA + 2 * MIB },
		{ RELOC_MAX, 0x120fffe, 0 },
	};

	(void)state;
	for (size_t i = 0; i < LEN_OF(cases); i++) {
		struct rig rig;

		open_pvh_moved(&rig, cases[i].off, cases[i].number);
		if (cases[i].gpa) {
			rig_plan(&rig);
			assert_int_equal(rig.info.kernel_gpa, cases[i].gpa);
		} else {
			rig_refuse(&rig, PB_E_NO_ROOM, "kernel", NULL);
		}
		rig_close(&rig);
	}
}

static void test_phys32_reloc_may_be_short(void **state)
{
	struct rig rig;

	(void)state;
	open_pvh(&rig, "bz-none", short_reloc_note);
	rig_ram(&rig, 3 * GIB);
	rig_keep(&rig, MIB, 2 * GIB - MIB); /* min and max default to all of the first 4 GiB */
	rig_plan(&rig);
	assert_int_equal(rig.info.kernel_gpa, 2 * GIB);
	rig_close(&rig);
}

static void test_phys32_reloc_wants_a_power_of_two(void **state)
{
	static const uint32_t bad[] = { 0, 0x300000 };

	(void)state;
	for (size_t i = 0; i < LEN_OF(bad); i++) {
		struct rig rig;

		open_pvh_moved(&rig, RELOC_ALIGN, bad[i]);
		rig_refuse(&rig, PB_E_NOTE_VALUE, "PHYS32_RELOC", NULL);
		rig_close(&rig);
	}
}

/* Its entry code holds physical addresses, which are relocated like virtual ones. */
static void test_without_phys32_reloc_both_bases_move(void **state)
{
	struct rig rig;

	(void)state;
	open_pvh(&rig, "bz-none", no_reloc_note);
	rig_keep(&rig, KERNEL_GPA, 1);
	rig_place(&rig);
	assert_int_equal(rig.info.phys_delta, 2 * MIB);
	assert_int_equal(rig.info.virt_delta, 2 * MIB);
	rig_patch(&rig, RELOCATABLE, 0, 1);
	rig_refuse(&rig, PB_E_NO_ROOM, "kernel", NULL);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_state_is_xens),
		cmocka_unit_test(test_an_image_with_an_elf_header),
		cmocka_unit_test(test_start_info),
		cmocka_unit_test(test_all_initrds_are_one_module),
		cmocka_unit_test(test_what_it_is_told_lies_low),
		cmocka_unit_test(test_nothing_is_above_4_gib),
		cmocka_unit_test(test_setup_data_is_linuxs_own),
		cmocka_unit_test(test_phys32_reloc_moves_the_kernel_as_it_is),
		cmocka_unit_test(test_phys32_reloc_bounds_where),
		cmocka_unit_test(test_phys32_reloc_may_be_short),
		cmocka_unit_test(test_phys32_reloc_wants_a_power_of_two),
		cmocka_unit_test(test_without_phys32_reloc_both_bases_move),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
