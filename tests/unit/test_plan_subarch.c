/* SPDX-License-Identifier: MIT */
/*
 * hardware_subarch: what boot_params says, who may be told so, and what an
 * image says of itself. And our own other note, the fixmap's.
 */
#include <string.h>

#include "plan_rig.h"
#include "pv_look.h"
#include "unit.h"

/* struct boot_params (boot.rst) */
enum { TYPE_OF_LOADER = 0x210, LOADFLAGS = 0x211, SUBARCH = 0x23c, SUBARCH_DATA = 0x240 };

#define FIXMAP 0xf5600000ull

/* A note of ours in the place of L1_MFN_VALID and SUSPEND_CANCEL, which nobody reads here. */
static void put_note(struct blob *kernel, uint32_t type, const uint64_t *desc, uint32_t desc_len)
{
	size_t off = kernel_note_off(kernel, "Xen", 13) - 16, end = kernel_note_off(kernel, "Xen", 16) - 16;
	const uint32_t head[3] = { 9, desc_len, type };
	uint32_t filler[3] = { 0, 0, 77 };

	blob_set(kernel, off, head, sizeof(head));
	blob_set(kernel, off + 12, "paraboot\0\0\0", 12);
	blob_set(kernel, off + 24, desc, desc_len);
	off += 24 + desc_len;
	filler[1] = (uint32_t)(end - off - sizeof(filler));
	blob_set(kernel, off, filler, sizeof(filler));
}

static void serves_xen(struct blob *kernel)
{
	const uint64_t bits = 1 << 0 | 1 << 2;

	put_note(kernel, 1, &bits, 8);
}

static void serves_long(struct blob *kernel)
{
	const uint64_t bits[2] = { 7, 0 };

	put_note(kernel, 1, bits, 16);
}

static uint64_t fixmap[2];

static void has_fixmap(struct blob *kernel)
{
	put_note(kernel, 2, fixmap, 16);
}

static void has_short_fixmap(struct blob *kernel)
{
	put_note(kernel, 2, fixmap, 8);
}

/* ---- What an image says ------------------------------------------------ */

static void test_who_serves_what(void **state)
{
	static const struct {
		const char *image;
		void (*spoil)(struct blob *kernel);
		uint32_t number;
		enum pb_serves serves;
	} cases[] = {
		{ "bz-2.15", NULL, 0, PB_SERVES_PROTOCOL },
		{ "bz-2.15", NULL, 1, PB_SERVES_NO }, /* of the other class */
		{ "bz-2.15", NULL, 2, PB_SERVES_NO }, /* no Linux does */
		{ "bz-2.15", NULL, 3, PB_SERVES_UNKNOWN },
		{ "bz-2.00", NULL, 0, PB_SERVES_PROTOCOL }, /* nobody can look inside */
		{ "bz-2.06", NULL, 3, PB_SERVES_NO },
		{ "bz-2.07", NULL, 2, PB_SERVES_UNKNOWN },
		{ "bz-lguest", NULL, 1, PB_SERVES_FINGERPRINT },
		{ "elf32-no-notes", NULL, 0, PB_SERVES_NO },
		{ "elf32", serves_xen, 2, PB_SERVES_NOTE },
		{ "elf32", serves_xen, 3, PB_SERVES_NO }, /* the note is the whole word */
		{ "elf32", serves_xen, 77, PB_SERVES_NO },
		{ "elf64", serves_xen, 2, PB_SERVES_NOTE },
	};

	(void)state;
	for (size_t i = 0; i < LEN_OF(cases); i++) {
		enum pb_serves serves = PB_SERVES_NO;
		struct rig rig;

		rig_open(&rig, cases[i].image, cases[i].spoil);
		assert_int_equal(pb_image_serves(rig.image, cases[i].number, &serves, NULL), 0);
		assert_int_equal(serves, cases[i].serves);
		rig_close(&rig);
	}
}

static void test_a_note_too_long(void **state)
{
	struct pb_error err = PB_INIT(err);
	enum pb_serves serves;
	struct rig rig;

	(void)state;
	rig_open(&rig, "elf32", serves_long);
	assert_int_equal(pb_image_serves(rig.image, 2, &serves, &err), -PB_E_NOTE);
	assert_string_equal(err.field, "SUBARCH");
	rig_close(&rig);
}

static void test_names(void **state)
{
	static const char *const without[] = { "voyager", "visws", "numaq", "efi", "" };
	uint32_t number = 9;

	(void)state;
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(pb_subarch_by_name(pb_subarch_name(i), &number), 0);
		assert_int_equal(number, i);
	}
	assert_int_equal(pb_subarch_by_name("moorestown", &number), 0);
	assert_int_equal(number, 3);
	assert_null(pb_subarch_name(5));
	for (size_t i = 0; i < LEN_OF(without); i++)
		assert_int_equal(pb_subarch_by_name(without[i], &number), -PB_E_ARG);
	assert_int_equal(number, 3);
}

/* ---- Native entries ---------------------------------------------------- */

static void check_told(struct rig *rig, uint8_t loader)
{
	pb_gpa params;

	rig_place(rig);
	params = rig->info.params_gpa;
	assert_int_equal(rig_le(rig, params + SUBARCH, 4), rig->request.subarch);
	assert_int_equal(rig_le(rig, params + SUBARCH_DATA, 8), rig->request.subarch_data);
	assert_int_equal(rig_le(rig, params + TYPE_OF_LOADER, 1), loader);
	assert_int_equal(rig->info.subarch, rig->request.subarch);
	assert_int_equal(rig->info.subarch_data, rig->request.subarch_data);
	assert_int_equal(rig->info.loader_type, loader);
}

static void test_boot_params_tell_of_it(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-32-none", serves_xen);
	rig_start(&rig, PB_LINUX32, PB_UNPACK_HOST);
	check_told(&rig, 0xff);
	rig.request.subarch = 2;
	rig.request.subarch_data = 0x123456789a;
	check_told(&rig, 0x90);
	rig.request.loader_type = 0xb0;
	check_told(&rig, 0xb0);
	rig_close(&rig);
}

static void test_the_caller_insists(void **state)
{
	struct pb_error err = PB_INIT(err);
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-2.15", NULL);
	rig_start(&rig, PB_LINUX64, PB_UNPACK_GUEST);
	rig.request.subarch = 77;
	rig_refuse(&rig, PB_E_SUBARCH, "hardware_subarch", &err);
	assert_int_equal(err.value, 77);
	rig.request.flags = PB_SUBARCH_INSIST;
	check_told(&rig, 0xff);
	rig_close(&rig);
}

static void test_what_nobody_can_be_told(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-2.06", NULL);
	rig_start(&rig, PB_LINUX32, PB_UNPACK_GUEST);
	rig.request.subarch = 2;
	rig.request.flags = PB_SUBARCH_INSIST;
	rig_refuse(&rig, PB_E_PROTOCOL, "hardware_subarch", NULL);
	rig.request.subarch = 0;
	rig.request.subarch_data = 1;
	rig_refuse(&rig, PB_E_ARG, "subarch_data", NULL);
	rig_close(&rig);
	rig_open(&rig, "bz-2.15", NULL);
	rig_start(&rig, PB_PVH, PB_UNPACK_HOST);
	rig.request.subarch = 2;
	rig_refuse(&rig, PB_E_ARG, "subarch", NULL);
	rig_close(&rig);
}

/* ---- The fixmap -------------------------------------------------------- */

static void open_pae(struct rig *rig, void (*spoil)(struct blob *kernel))
{
	rig_open(rig, "elf32", spoil);
	rig_start(rig, PB_XEN_PV32, PB_UNPACK_HOST);
	rig->ram[0] = (struct pb_range){ 0, RIG_MEM_LEN, PB_E820_RAM };
	rig->request.rams = 1;
	rig->request.ring0 = PB_RING0_XEN;
}

static struct pb_pv place_pae(struct rig *rig, struct pv_look *look, uint8_t *mem)
{
	static const struct pb_extent extent = { 0, 0, RIG_MEM_LEN / PV_PAGE };
	const struct pb_frames frames = { .size = sizeof(frames), .extents = &extent, .nr_extents = 1 };
	const struct pb_ram ram = { .len = RIG_MEM_LEN, .host = mem };
	struct pb_pv pv = PB_INIT(pv);

	rig_plan(rig);
	assert_int_equal(pb_plan_pv(rig->plan, &pv), 0);
	assert_int_equal(pb_place_frames(rig->plan, &frames, &ram, 1, NULL), 0);
	*look = (struct pv_look){ mem, RIG_MEM_LEN, pv.vcpu.cr3, true };
	return pv;
}

/* The entry of level 2 that leads to the page table of va. */
static uint64_t link_of(const struct pv_look *look, uint64_t va)
{
	uint64_t top = pv_at(look, look->root + (va >> 30) * 8, 8) & ~0xfffull;

	return pv_at(look, top + (va >> 21 & 511) * 8, 8);
}

static uint8_t mem[RIG_MEM_LEN];

static void check_fixmap(struct rig *rig, uint64_t from, uint64_t len)
{
	struct pv_look look;
	struct pb_pv pv = place_pae(rig, &look, mem);

	assert_int_equal(pv.fixmap_vaddr, from);
	assert_int_equal(pv.fixmap_len, len);
	for (uint64_t va = from; va < from + len; va += PV_PAGE) {
		assert_int_equal(link_of(&look, va) & 0xfff, 0x67);
		assert_int_equal(pv_entry(&look, va), 0);
	}
	assert_int_equal(link_of(&look, from - 0x200000), 0);
	/* Their frames are page tables like the others: read-only, and counted. */
	assert_int_equal(pv_entry(&look, pv.pt_base + (pv.nr_pt_frames - 1) * PV_PAGE) & 0xfff, 0x21);
}

static void test_a_fixmap_by_the_caller(void **state)
{
	struct rig rig;

	(void)state;
	open_pae(&rig, NULL);
	rig.request.fixmap_vaddr = FIXMAP - 0x1ff;
	rig.request.fixmap_len = 0x200;
	check_fixmap(&rig, FIXMAP - PV_PAGE, 2 * PV_PAGE); /* two page tables for two bytes' worth of pages */
	rig_close(&rig);
}

static void test_a_fixmap_by_note(void **state)
{
	struct rig rig;

	(void)state;
	fixmap[0] = FIXMAP;
	fixmap[1] = 0x200000;
	open_pae(&rig, has_fixmap);
	check_fixmap(&rig, FIXMAP, 0x200000);
	rig.request.fixmap_vaddr = 0xf0000000;
	rig.request.fixmap_len = PV_PAGE;
	check_fixmap(&rig, 0xf0000000, PV_PAGE);
	rig_close(&rig);
}

static void test_a_fixmap_that_cannot_be(void **state)
{
	static const uint64_t cases[][2] = {
		{ 0xf5800000, 0x1000 },     /* the hypervisor's */
		{ 0xf57ff000, 0x2000 },     /* reaches into it */
		{ 0xc1000000, 0x1000 },     /* the kernel's own mapping */
		{ 0xbffff000, 0x2000 },     /* reaches into that */
		{ 0xf0000000, UINT64_MAX }, /* wraps */
		{ UINT64_MAX - 100, 100 },  /* ends in the last page */
		{ 0x100000000, 0x1000 },    /* no address of 32 bits */
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < LEN_OF(cases); i++) {
		memcpy(fixmap, cases[i], sizeof(fixmap));
		open_pae(&rig, has_fixmap);
		rig_refuse(&rig, PB_E_NOTE_VALUE, "FIXMAP", NULL);
		rig_close(&rig);
		open_pae(&rig, NULL);
		rig.request.fixmap_vaddr = fixmap[0];
		rig.request.fixmap_len = fixmap[1];
		rig_refuse(&rig, PB_E_ARG, "fixmap", NULL);
		rig_close(&rig);
	}
	open_pae(&rig, has_short_fixmap);
	rig_refuse(&rig, PB_E_NOTE, "FIXMAP", NULL);
	rig_start(&rig, PB_LINUX32, PB_UNPACK_HOST);
	rig.request.ring0 = PB_RING0_PARAVISOR;
	rig.request.fixmap_len = 1;
	rig_refuse(&rig, PB_E_ARG, "fixmap", NULL);
	rig_close(&rig);
}

/* ---- A PV kernel by the boot protocol ---------------------------------- */

/* struct boot_params, and struct start_info of a 32-bit domain */
enum {
	E820_ENTRIES = 0x1e8,
	VERSION = 0x206,
	RAMDISK_IMAGE = 0x218,
	RAMDISK_SIZE = 0x21c,
	CMD_LINE_PTR = 0x228,
	E820_TABLE = 0x2d0,
	SI_MOD_START = 72,
	SI_MOD_LEN = 76,
	SI_CMD_LINE = 80
};

static void open_by_subarch(struct rig *rig, void (*spoil)(struct blob *kernel))
{
	static const uint8_t bytes[5000] = { 'i' };
	static const struct pb_blob initrd = { .mem = bytes, .fd = -1, .len = sizeof(bytes) };

	open_pae(rig, spoil);
	rig->request.subarch = 2;
	rig->request.initrds = &initrd;
	rig->request.nr_initrds = 1;
}

static void test_boot_params_of_a_domain(void **state)
{
	struct pv_look look;
	struct rig rig;
	struct pb_pv pv;
	uint64_t params, line;

	(void)state;
	open_by_subarch(&rig, serves_xen);
	pv = place_pae(&rig, &look, mem);
	params = pv.vcpu.rsi;
	assert_int_equal(params, pv.virt_base + rig_find(&rig, PB_KIND_BOOT_PARAMS).gpa);
	assert_int_equal(params, pv.virt_base + rig.info.params_gpa);
	assert_int_equal(pv.vcpu.rip, pv.virt_base + KERNEL_GPA); /* e_entry, not ENTRY */
	assert_int_equal(pv_read(&look, params + SUBARCH, 4), 2);
	assert_int_equal(pv_read(&look, params + TYPE_OF_LOADER, 1), 0x90);
	assert_int_equal(pv_read(&look, params + LOADFLAGS, 1) & 0x40, 0x40); /* KEEP_SEGMENTS */
	assert_true(pv_read(&look, params + VERSION, 2) >= 0x207);
	assert_int_equal(pv_read(&look, params + E820_ENTRIES, 1), 1);
	assert_int_equal(pv_read(&look, params + E820_TABLE, 8), 0);
	assert_int_equal(pv_read(&look, params + E820_TABLE + 8, 8), pv.nr_pages * PV_PAGE);
	assert_int_equal(pv_read(&look, params + E820_TABLE + 16, 4), PB_E820_RAM);
	line = pv.virt_base + pv_read(&look, params + CMD_LINE_PTR, 4);
	assert_int_equal(pv_read(&look, line, 8), 0x3d656c6f736e6f63); /* "console=" */
	rig_close(&rig);
}

/* What stands in both is the same. */
static void test_boot_params_and_start_info_agree(void **state)
{
	struct pv_look look;
	struct rig rig;
	struct pb_pv pv;
	uint64_t params, si;

	(void)state;
	open_by_subarch(&rig, serves_xen);
	pv = place_pae(&rig, &look, mem);
	params = pv.vcpu.rsi;
	si = pv_read(&look, params + SUBARCH_DATA, 8);
	assert_int_equal(pv_read(&look, si, 8), 0x2d302e332d6e6578); /* "xen-3.0-" */
	assert_int_equal(rig.info.subarch_data, si);
	assert_int_equal(pv_read(&look, params + CMD_LINE_PTR, 4) + pv.virt_base, si + SI_CMD_LINE);
	assert_int_equal(pv_read(&look, params + RAMDISK_IMAGE, 4), pv_read(&look, si + SI_MOD_START, 4) * PV_PAGE);
	assert_int_equal(pv_read(&look, params + RAMDISK_SIZE, 4), pv_read(&look, si + SI_MOD_LEN, 4));
	assert_int_equal(rig.info.initrd_gpa, pv_read(&look, params + RAMDISK_IMAGE, 4));
	assert_int_equal(mem[rig.info.initrd_gpa], 'i');
	rig_close(&rig);
}

static void no_pv_notes(struct blob *kernel)
{
	static const uint32_t types[] = { 1, 3, 4, 5, 8, 9, 16 };

	for (size_t i = 0; i < LEN_OF(types); i++)
		blob_set_le(kernel, kernel_note_off(kernel, "Xen", types[i]) - 8, 0x7777, 4);
}

/* Without a note the kernel is mapped where it was linked. */
static void test_a_kernel_without_notes(void **state)
{
	struct rig rig;

	(void)state;
	open_by_subarch(&rig, no_pv_notes);
	rig.request.flags = PB_SUBARCH_INSIST;
	rig_plan(&rig);
	assert_int_equal(rig.cpu.rip, 0xc0000000 + KERNEL_GPA);
	rig.request.subarch = 0;
	rig_refuse(&rig, PB_E_NO_NOTE, "ENTRY", NULL);
	rig_close(&rig);
}

static void no_pae(struct blob *kernel)
{
	blob_set(kernel, kernel_note_off(kernel, "Xen", 9), "no ", 3);
}

static void test_refusals_by_subarch(void **state)
{
	struct rig rig;

	(void)state;
	open_by_subarch(&rig, NULL);
	rig_refuse(&rig, PB_E_SUBARCH, "hardware_subarch", NULL);
	rig.request.flags = PB_SUBARCH_INSIST;
	rig.request.subarch_data = 1;
	rig_refuse(&rig, PB_E_ARG, "subarch_data", NULL);
	rig_close(&rig);
	open_by_subarch(&rig, no_pae);
	rig.request.flags = PB_SUBARCH_INSIST;
	rig_refuse(&rig, PB_E_NOTE_VALUE, "PAE_MODE", NULL);
	rig_close(&rig);
	rig_open(&rig, "bz-2.15", NULL);
	rig_start(&rig, PB_XEN_PV32, PB_UNPACK_HOST);
	rig.request.subarch = 2;
	rig_refuse(&rig, PB_E_CLASS, "EI_CLASS", NULL);
	rig_start(&rig, PB_XEN_PV64, PB_UNPACK_HOST);
	rig_refuse(&rig, PB_E_ARG, "subarch", NULL);
	rig_close(&rig);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_serves_what),
		cmocka_unit_test(test_a_note_too_long),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_boot_params_tell_of_it),
		cmocka_unit_test(test_the_caller_insists),
		cmocka_unit_test(test_what_nobody_can_be_told),
		cmocka_unit_test(test_boot_params_of_a_domain),
		cmocka_unit_test(test_boot_params_and_start_info_agree),
		cmocka_unit_test(test_a_kernel_without_notes),
		cmocka_unit_test(test_refusals_by_subarch),
		cmocka_unit_test(test_a_fixmap_by_the_caller),
		cmocka_unit_test(test_a_fixmap_by_note),
		cmocka_unit_test(test_a_fixmap_that_cannot_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
