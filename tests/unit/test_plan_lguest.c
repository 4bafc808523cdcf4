/* SPDX-License-Identifier: MIT */
/*
 * lguest: what its guest finds in its own memory, which begins at 0 wherever
 * the machine has it, and what is no start for one.
 */
#include <string.h>

#include "plan_rig.h"
#include "unit.h"

#define PAGE 0x1000ull

/* struct boot_params (boot.rst) */
enum {
	E820_ENTRIES = 0x1e8,
	TYPE_OF_LOADER = 0x210,
	LOADFLAGS = 0x211,
	RAMDISK_IMAGE = 0x218,
	RAMDISK_SIZE = 0x21c,
	CMD_LINE_PTR = 0x228,
	SUBARCH = 0x23c,
	SUBARCH_DATA = 0x240,
	E820_TABLE = 0x2d0
};
#define KEEP_SEGMENTS 0x40

/* guest/paravisor/facts.h: pages that are no RAM; and struct pv_facts' members */
#define DEVICE_PAGES 32
enum { FACTS_NR_PAGES = 440, FACTS_RIP = 448, FACTS_RAM_PAGES = 520, FACTS_CODE_GPA = 528, FACTS_CODE_LEN = 536 };

static void open_lguest(struct rig *rig, enum pb_unpack unpack)
{
	rig_open(rig, "bz-lguest", NULL);
	rig_start(rig, PB_LGUEST, unpack);
	rig_ram(rig, 64 * MIB);
}

/* A number in the guest's memory. */
static uint64_t guest_le(const struct rig *rig, pb_gpa gpa, unsigned len)
{
	uint64_t piece = len;
	pb_gpa machine = pb_plan_locate(rig->plan, PB_DOMAIN, gpa, &piece);

	assert_int_equal(piece, len);
	return rig_le(rig, machine, len);
}

static uint64_t nr_pages(const struct rig *rig)
{
	struct pb_extent extent = { 0 };
	uint64_t count = 0;

	for (unsigned i = 0; pb_plan_extent(rig->plan, i, &extent) == 0; i++)
		count += extent.count;
	return count;
}

static void test_boot_params_at_0(void **state)
{
	static const uint8_t bytes[5000] = { 'i', 'n' };
	static const struct pb_blob initrd = { .mem = bytes, .fd = -1, .len = sizeof(bytes) };
	struct rig rig;
	uint64_t ram_len;

	(void)state;
	open_lguest(&rig, PB_UNPACK_HOST);
	rig.request.initrds = &initrd;
	rig.request.nr_initrds = 1;
	rig.request.cmdline = "a line";
	rig_place(&rig);
	ram_len = (nr_pages(&rig) - DEVICE_PAGES) * PAGE;
	assert_int_equal(rig.info.space, PB_DOMAIN);
	assert_int_equal(rig.info.params_gpa, 0);
	assert_int_equal(rig.info.subarch, 1);
	assert_int_equal(guest_le(&rig, SUBARCH, 4), 1);
	assert_int_equal(guest_le(&rig, SUBARCH_DATA, 8), 0);
	assert_true(guest_le(&rig, LOADFLAGS, 1) & KEEP_SEGMENTS);
	assert_int_equal(guest_le(&rig, TYPE_OF_LOADER, 1), 0xff);
	assert_int_equal(guest_le(&rig, E820_ENTRIES, 1), 1);
	assert_int_equal(guest_le(&rig, E820_TABLE, 8), 0);
	assert_int_equal(guest_le(&rig, E820_TABLE + 8, 8), ram_len);
	assert_int_equal(guest_le(&rig, CMD_LINE_PTR, 4), PAGE);
	assert_int_equal(guest_le(&rig, PAGE, 8), 0x656e696c2061ull);
	assert_int_equal(guest_le(&rig, RAMDISK_SIZE, 4), sizeof(bytes));
	assert_int_equal(guest_le(&rig, guest_le(&rig, RAMDISK_IMAGE, 4), 2), 'i' | 'n' << 8);
	assert_int_equal(guest_le(&rig, RAMDISK_IMAGE, 4), ram_len - 2 * PAGE);
	rig_close(&rig);
}

/* The CPU enters the paravisor, whose facts have the kernel's entry. */
static void check_entry(enum pb_unpack unpack, pb_gpa entry)
{
	struct rig rig;

	open_lguest(&rig, unpack);
	rig_place(&rig);
	assert_int_equal(rig.cpu.mode, PB_LONG64);
	assert_int_equal(rig_le(&rig, rig.cpu.rdi + FACTS_RIP, 8), entry);
	assert_int_equal(rig_le(&rig, rig.cpu.rdi + FACTS_NR_PAGES, 8), nr_pages(&rig));
	assert_int_equal(rig_le(&rig, rig.cpu.rdi + FACTS_RAM_PAGES, 8), nr_pages(&rig) - DEVICE_PAGES);
	assert_int_equal(rig_find(&rig, PB_KIND_PARAVISOR).space, PB_MACHINE);
	rig_close(&rig);
}

static void test_entries(void **state)
{
	struct rig rig;

	(void)state;
	open_lguest(&rig, PB_UNPACK_GUEST);
	rig_plan(&rig);
	check_entry(PB_UNPACK_GUEST, rig_find(&rig, PB_KIND_KERNEL).gpa);
	rig_close(&rig);
	check_entry(PB_UNPACK_HOST, KERNEL_GPA);
}

/* Where the paravisor looks for calls that the host would answer: in the one segment that is code, if that is there. */
static void test_code(void **state)
{
	uint64_t code_len;
	struct rig rig;

	(void)state;
	open_lguest(&rig, PB_UNPACK_HOST);
	rig_place(&rig);
	code_len = rig_le(&rig, rig.cpu.rdi + FACTS_CODE_LEN, 8);
	assert_int_equal(rig_le(&rig, rig.cpu.rdi + FACTS_CODE_GPA, 8), KERNEL_GPA);
	assert_true(code_len > 0 && code_len < PAGE);
	rig_close(&rig);
	open_lguest(&rig, PB_UNPACK_GUEST);
	rig_place(&rig);
	assert_int_equal(rig_le(&rig, rig.cpu.rdi + FACTS_CODE_LEN, 8), 0);
	rig_close(&rig);
}

/* What it shows its kernel is one to one. */
static void test_access(void **state)
{
	struct pb_placement placement = PB_INIT(placement);
	unsigned seen = 0;
	struct rig rig;

	(void)state;
	open_lguest(&rig, PB_UNPACK_HOST);
	rig_plan(&rig);
	for (unsigned i = 0; pb_plan_placement(rig.plan, i, &placement) == 0; i++) {
		if (placement.space != PB_DOMAIN)
			continue;
		seen++;
		assert_int_equal(placement.access, PB_ACCESS_WRITE);
		assert_int_equal(placement.vaddr, placement.gpa);
	}
	assert_true(seen > KERNEL_SEGMENTS);
	rig_close(&rig);
}

static void test_refused(void **state)
{
	static const struct pb_setup_data node = { .type = 1 };
	struct rig rig;

	(void)state;
	open_lguest(&rig, PB_UNPACK_HOST);
	rig.request.subarch = 2;
	rig_refuse(&rig, PB_E_ARG, "subarch", NULL);
	rig.request.subarch = 1;
	rig.request.subarch_data = 1;
	rig_refuse(&rig, PB_E_ARG, "subarch_data", NULL);
	rig.request.subarch_data = 0;
	rig.request.setup_data = &node;
	rig.request.nr_setup_data = 1;
	rig_refuse(&rig, PB_E_ARG, "setup_data", NULL);
	rig.request.nr_setup_data = 0;
	rig.request.kaslr = true;
	rig_refuse(&rig, PB_E_KASLR, "lguest", NULL);
	rig.request.kaslr = false;
	rig.request.vcpus = 2;
	rig_refuse(&rig, PB_E_ARG, "vcpus", NULL);
	rig.request.vcpus = 1;
	rig.request.ring0 = PB_RING0_XEN;
	rig_refuse(&rig, PB_E_ARG, "ring0", NULL);
	rig.request.ring0 = PB_RING0_PARAVISOR;
	rig.request.fixmap_len = 1;
	rig_refuse(&rig, PB_E_ARG, "fixmap", NULL);
	rig_close(&rig);
}

static void test_memory(void **state)
{
	struct rig rig;

	(void)state;
	open_lguest(&rig, PB_UNPACK_HOST);
	rig_ram(&rig, 3 * GIB + PAGE);
	rig_refuse(&rig, PB_E_MEMORY_MAP, "ram", NULL);
	rig_ram(&rig, 3 * GIB);
	rig_plan(&rig);
	rig_ram(&rig, 20 * MIB); /* the paravisor fits in, the kernel does not */
	rig_refuse(&rig, PB_E_NO_ROOM, "kernel", NULL);
	rig_start(&rig, PB_LGUEST, PB_UNPACK_GUEST);
	rig_refuse(&rig, PB_E_NO_ROOM, "init_size", NULL);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_boot_params_at_0), cmocka_unit_test(test_entries), cmocka_unit_test(test_access),
		cmocka_unit_test(test_refused),          cmocka_unit_test(test_memory),  cmocka_unit_test(test_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
