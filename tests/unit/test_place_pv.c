/* SPDX-License-Identifier: MIT */
/*
 * A Xen PV domain placed by somebody else's frames: the same plan through two
 * maps is the same domain to its kernel, and a map that cannot be is refused.
 */
#include <stdlib.h>
#include <string.h>

#include "plan_rig.h"
#include "pv_look.h"
#include "unit.h"

#define NR_PAGES    8192u
#define MACHINE_LEN (2 * NR_PAGES * PV_PAGE)

/* struct start_info of a 64-bit domain, and of a 32-bit one */
enum { SHARED_INFO = 40, STORE_MFN = 56, STORE_PORT = 64, CONSOLE_MFN = 72, CONSOLE_PORT = 80 };
enum {
	SHARED_INFO_32 = 36,
	FLAGS_32 = 40,
	STORE_MFN_32 = 44,
	STORE_PORT_32 = 48,
	CONSOLE_MFN_32 = 52,
	CONSOLE_PORT_32 = 56,
	PT_BASE_32 = 60,
	NR_PT_FRAMES_32 = 64,
	MFN_LIST_32 = 68,
	MOD_START_32 = 72,
	MOD_LEN_32 = 76,
	CMD_LINE_32 = 80,
	NR_P2M_FRAMES_32 = 1108
};

/* The plan for Xen, placed by a map into a machine of its own. */
struct placed {
	struct pb_extent *extents;
	struct pb_frames frames;
	struct pv_look look;
	uint8_t *mem;
};

static void open_class(struct rig *rig, const char *image, enum pb_entry entry, void (*spoil)(struct blob *kernel))
{
	static const uint8_t bytes[9000] = { 'i', 'n' };
	static const struct pb_blob initrd = { .mem = bytes, .fd = -1, .len = sizeof(bytes) };

	rig_open(rig, image, spoil);
	rig_start(rig, entry, PB_UNPACK_HOST);
	rig->ram[0] = (struct pb_range){ 0, NR_PAGES * PV_PAGE, PB_E820_RAM };
	rig->request.rams = 1;
	rig->request.ring0 = PB_RING0_XEN;
	rig->request.initrds = &initrd;
	rig->request.nr_initrds = 1;
	rig_plan(rig);
}

static void open_plan(struct rig *rig)
{
	open_class(rig, "bz-none", PB_XEN_PV64, NULL);
}

static void open_pae(struct rig *rig)
{
	open_class(rig, "bz-32-none", PB_XEN_PV32, NULL);
}

static struct pb_pv pv_of(const struct rig *rig)
{
	struct pb_pv pv = PB_INIT(pv);

	assert_int_equal(pb_plan_pv(rig->plan, &pv), 0);
	return pv;
}

/* ---- Maps -------------------------------------------------------------- */

static uint64_t same_mfn(uint64_t pfn)
{
	return pfn;
}

/* Downwards, with a foreign frame between any two. */
static uint64_t scattered_mfn(uint64_t pfn)
{
	return 2 * NR_PAGES - 1 - 2 * pfn;
}

static void make_map(struct placed *placed, uint64_t (*mfn_of)(uint64_t pfn))
{
	size_t n = 0;

	*placed = (struct placed){ .extents = calloc(NR_PAGES, sizeof(*placed->extents)) };
	for (uint64_t pfn = 0; pfn < NR_PAGES; pfn++) {
		if (n && mfn_of(pfn) == mfn_of(pfn - 1) + 1)
			placed->extents[n - 1].count++;
		else
			placed->extents[n++] = (struct pb_extent){ pfn, mfn_of(pfn), 1 };
	}
	placed->frames = (struct pb_frames){ .size = sizeof(placed->frames),
					     .extents = placed->extents,
					     .nr_extents = n,
					     .shared_info_maddr = 0x123000,
					     .store_port = 7,
					     .console_port = 8 };
	placed->mem = malloc(MACHINE_LEN);
	assert_non_null(placed->mem);
	memset(placed->mem, 0xee, MACHINE_LEN); /* what the machine had there before must not show */
}

static void place(struct placed *placed, const struct rig *rig, uint64_t (*mfn_of)(uint64_t pfn))
{
	const struct pb_ram ram = { .len = MACHINE_LEN };
	struct pb_ram with_host = ram;
	struct pb_error err = PB_INIT(err);

	make_map(placed, mfn_of);
	with_host.host = placed->mem;
	assert_int_equal(pb_place_frames(rig->plan, &placed->frames, &with_host, 1, &err), 0);
	placed->look = (struct pv_look){ placed->mem, MACHINE_LEN, mfn_of(pv_of(rig).vcpu.cr3 / PV_PAGE) * PV_PAGE,
					 pv_of(rig).elf_class == 32 };
}

static void drop(struct placed *placed)
{
	free(placed->extents);
	free(placed->mem);
}

/* ---- The same domain through both -------------------------------------- */

static bool holds_mfns(const struct rig *rig, uint64_t va)
{
	struct pb_placement placement = PB_INIT(placement);

	for (unsigned i = 0; pb_plan_placement(rig->plan, i, &placement) == 0; i++)
		if (placement.source == PB_FROM_FRAMES && placement.access && va - placement.vaddr < placement.len)
			return true;
	return false;
}

/* Is the page's content the plan's affair? The rest of the mapping is whatever the machine had there. */
static bool is_placed(const struct rig *rig, uint64_t va)
{
	struct pb_placement placement = PB_INIT(placement);

	for (unsigned i = 0; pb_plan_placement(rig->plan, i, &placement) == 0; i++)
		if (placement.access && va - placement.vaddr < placement.len)
			return true;
	return false;
}

static void check_page(const struct rig *rig, const struct placed *a, const struct placed *b, uint64_t va)
{
	pb_gpa in_a = pv_machine(&a->look, va), in_b = pv_machine(&b->look, va);

	assert_int_equal(scattered_mfn(in_a / PV_PAGE), in_b / PV_PAGE); /* the same pfn */
	assert_int_equal(pv_entry(&a->look, va) & 0xfff, pv_entry(&b->look, va) & 0xfff);
	if (is_placed(rig, va) && !holds_mfns(rig, va))
		assert_memory_equal(a->mem + in_a, b->mem + in_b, PV_PAGE);
}

static void check_both_maps(struct rig *rig)
{
	struct placed same, scattered;
	struct pb_pv pv = pv_of(rig);

	place(&same, rig, same_mfn);
	place(&scattered, rig, scattered_mfn);
	assert_true(pv.virt_end - pv.virt_base > KERNEL_GPA);
	for (uint64_t va = pv.virt_base; va < pv.virt_end; va += PV_PAGE)
		check_page(rig, &same, &scattered, va);
	assert_int_equal(pv_entry(&scattered.look, pv.virt_end), 0);
	drop(&same);
	drop(&scattered);
	rig_close(rig);
}

static void test_two_maps_give_the_same_domain(void **state)
{
	struct rig rig;

	(void)state;
	open_plan(&rig);
	check_both_maps(&rig);
	open_pae(&rig);
	check_both_maps(&rig);
}

static void test_the_p2m_list_is_the_map(void **state)
{
	struct placed placed;
	struct rig rig;
	struct pb_pv pv;

	(void)state;
	open_plan(&rig);
	place(&placed, &rig, scattered_mfn);
	pv = pv_of(&rig);
	for (uint64_t pfn = 0; pfn < NR_PAGES; pfn++)
		assert_int_equal(pv_read(&placed.look, pv.mfn_list + pfn * 8, 8), scattered_mfn(pfn));
	drop(&placed);
	rig_close(&rig);
}

static void test_start_info_holds_machine_frames(void **state)
{
	struct placed placed;
	struct rig rig;
	struct pb_pv pv;
	uint64_t si;

	(void)state;
	open_plan(&rig);
	place(&placed, &rig, scattered_mfn);
	pv = pv_of(&rig);
	si = pv.vcpu.rsi;
	assert_int_equal(pv_read(&placed.look, si + SHARED_INFO, 8), 0x123000);
	assert_int_equal(pv_read(&placed.look, si + STORE_MFN, 8), scattered_mfn(pv.store_pfn));
	assert_int_equal(pv_read(&placed.look, si + STORE_PORT, 4), 7);
	assert_int_equal(pv_read(&placed.look, si + CONSOLE_MFN, 8), scattered_mfn(pv.console_pfn));
	assert_int_equal(pv_read(&placed.look, si + CONSOLE_PORT, 4), 8);
	drop(&placed);
	rig_close(&rig);
}

/* ---- 32 bits ----------------------------------------------------------- */

static void test_a_32_bit_start_info(void **state)
{
	struct placed placed;
	struct rig rig;
	struct pb_pv pv;
	uint64_t si;

	(void)state;
	open_pae(&rig);
	place(&placed, &rig, scattered_mfn);
	pv = pv_of(&rig);
	si = pv.vcpu.rsi;
	assert_int_equal(pv_read(&placed.look, si, 8), 0x2d302e332d6e6578);   /* "xen-3.0-" */
	assert_int_equal(pv_read(&placed.look, si + 8, 8), 0x7032335f363878); /* "x86_32p" */
	assert_int_equal(pv_read(&placed.look, si + 32, 4), NR_PAGES);
	assert_int_equal(pv_read(&placed.look, si + SHARED_INFO_32, 4), 0x123000);
	assert_int_equal(pv_read(&placed.look, si + FLAGS_32, 4), pv.flags);
	assert_int_equal(pv_read(&placed.look, si + STORE_MFN_32, 4), scattered_mfn(pv.store_pfn));
	assert_int_equal(pv_read(&placed.look, si + STORE_PORT_32, 4), 7);
	assert_int_equal(pv_read(&placed.look, si + CONSOLE_MFN_32, 4), scattered_mfn(pv.console_pfn));
	assert_int_equal(pv_read(&placed.look, si + CONSOLE_PORT_32, 4), 8);
	assert_int_equal(pv_read(&placed.look, si + PT_BASE_32, 4), pv.pt_base);
	assert_int_equal(pv_read(&placed.look, si + NR_PT_FRAMES_32, 4), pv.nr_pt_frames);
	assert_int_equal(pv_read(&placed.look, si + MFN_LIST_32, 4), pv.mfn_list);
	assert_int_equal(pv_read(&placed.look, si + MOD_START_32, 4), pv.mod_start);
	assert_int_equal(pv_read(&placed.look, si + MOD_LEN_32, 4), 9000);
	assert_int_equal(pv_read(&placed.look, si + CMD_LINE_32, 8), 0x3d656c6f736e6f63); /* "console=" */
	assert_int_equal(pv_read(&placed.look, si + NR_P2M_FRAMES_32, 4), 0);
	for (uint64_t pfn = 0; pfn < NR_PAGES; pfn++)
		assert_int_equal(pv_read(&placed.look, pv.mfn_list + pfn * 4, 4), scattered_mfn(pfn));
	drop(&placed);
	rig_close(&rig);
}

/* PAE's top level has no protection bits; its last entry has a table, empty, for the hypervisor's part. */
static void test_pae_tables(void **state)
{
	struct placed placed;
	struct rig rig;
	struct pb_pv pv;

	(void)state;
	open_pae(&rig);
	place(&placed, &rig, same_mfn);
	pv = pv_of(&rig);
	for (unsigned i = 0; i < 512; i++)
		assert_int_equal(pv_at(&placed.look, placed.look.root + i * 8ull, 8) & 0xfff, i == 3 ? 1 : 0);
	assert_int_equal(pv_entry(&placed.look, pv.virt_base + KERNEL_GPA) & 0xfff, 0x63); /* no user bit */
	assert_int_equal(pv_entry(&placed.look, pv.pt_base) & 0xfff, 0x21);                /* nor a writable one */
	assert_int_equal(pv_entry(&placed.look, pv.hv_start), 0);
	drop(&placed);
	rig_close(&rig);
}

/* Linked in the first GiB, a kernel has tables of its own there, and the hypervisor's in the last. */
static void low_virt_base(struct blob *kernel)
{
	blob_set_le(kernel, kernel_note_off(kernel, "Xen", 3), 0, 4);
	blob_set_le(kernel, kernel_note_off(kernel, "Xen", 1), KERNEL_GPA + 0x10, 4);
}

static void test_pae_tables_of_a_low_kernel(void **state)
{
	struct placed placed;
	struct rig rig;

	(void)state;
	open_class(&rig, "elf32", PB_XEN_PV32, low_virt_base);
	place(&placed, &rig, same_mfn);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pv_at(&placed.look, placed.look.root + i * 8ull, 8) & 0xfff, i % 3 ? 0 : 1);
	assert_int_equal(pv_machine(&placed.look, KERNEL_GPA), KERNEL_GPA);
	drop(&placed);
	rig_close(&rig);
}

static void old_pae(struct blob *kernel)
{
	static const char find[] = "yes[extended-cr3]";

	for (size_t i = 0; i + sizeof(find) < kernel->len; i++)
		if (memcmp(kernel->data + i, find, sizeof(find) - 1) == 0)
			memcpy(kernel->data + i, "yes,XX=abcdefghij", sizeof(find) - 1);
}

/* Before extended cr3 the top level has to be where a 32-bit %cr3 reaches. */
static void test_an_old_pae_kernel_above_4g(void **state)
{
	static const struct pb_extent extent = { 0, 0x100000, NR_PAGES };
	const struct pb_frames frames = { .size = sizeof(frames), .extents = &extent, .nr_extents = 1 };
	struct pb_error err = PB_INIT(err);
	uint8_t *mem = malloc(NR_PAGES * PV_PAGE);
	struct pb_ram ram = { .gpa = 0x100000000, .len = NR_PAGES * PV_PAGE, .host = mem };
	struct rig rig;

	(void)state;
	assert_non_null(mem);
	open_class(&rig, "elf32-xen-guest", PB_XEN_PV32, NULL);
	assert_int_equal(pb_place_frames(rig.plan, &frames, &ram, 1, &err), 0);
	rig_close(&rig);
	open_class(&rig, "elf32-xen-guest", PB_XEN_PV32, old_pae);
	assert_int_equal(pb_place_frames(rig.plan, &frames, &ram, 1, &err), -PB_E_FRAMES);
	assert_string_equal(err.field, "frames.mfn");
	assert_int_equal(err.value, 0x100000 + pv_of(&rig).vcpu.cr3 / PV_PAGE);
	rig_close(&rig);
	free(mem);
}

static void test_foreign_frames_stay_as_they_are(void **state)
{
	struct placed placed;
	struct rig rig;

	(void)state;
	open_plan(&rig);
	place(&placed, &rig, scattered_mfn);
	for (uint64_t mfn = 0; mfn < 2 * NR_PAGES; mfn += 2)
		for (unsigned i = 0; i < PV_PAGE; i++)
			if (placed.mem[mfn * PV_PAGE + i] != 0xee)
				fail_msg("frame %u was written", (unsigned)mfn);
	drop(&placed);
	rig_close(&rig);
}

/* ---- Memory that is mapped a little at a time -------------------------- */

static void *map_piece(void *ctx, pb_gpa gpa, uint64_t *len)
{
	struct placed *placed = ctx;

	if (gpa >= MACHINE_LEN)
		return NULL;
	if (*len > 1000)
		*len = 1000;
	return placed->mem + gpa;
}

static void test_by_operations_as_by_regions(void **state)
{
	struct pb_mem_ops ops = { .size = sizeof(ops), .map = map_piece };
	struct placed regions, pieces;
	struct rig rig;

	(void)state;
	open_plan(&rig);
	place(&regions, &rig, scattered_mfn);
	make_map(&pieces, scattered_mfn);
	ops.frames = &pieces.frames;
	assert_int_equal(pb_place_ops(rig.plan, &ops, &pieces, NULL), 0);
	assert_memory_equal(regions.mem, pieces.mem, MACHINE_LEN);
	drop(&regions);
	drop(&pieces);
	rig_close(&rig);
}

/* ---- Maps that cannot be ----------------------------------------------- */

static void refuse(const struct rig *rig, const struct pb_frames *frames, enum pb_code code, const char *field,
		   uint64_t value)
{
	static uint8_t byte;
	const struct pb_ram ram = { .len = 1, .host = &byte };
	struct pb_error err = PB_INIT(err);

	assert_int_equal(pb_place_frames(rig->plan, frames, &ram, 1, &err), -(int)code);
	assert_string_equal(err.field, field);
	assert_int_equal(err.value, value);
}

static void test_bad_maps(void **state)
{
	static const struct {
		struct pb_extent extents[3];
		size_t nr;
		const char *field;
		uint64_t value;
	} cases[] = {
		{ { { 1, 0, NR_PAGES } }, 1, "frames.pfn", 1 },                 /* frame 0 is nowhere */
		{ { { 0, 0, 5 }, { 6, 6, NR_PAGES } }, 2, "frames.pfn", 6 },    /* a hole */
		{ { { 0, 0, 5 }, { 4, 9, NR_PAGES } }, 2, "frames.pfn", 4 },    /* an overlap */
		{ { { 5, 5, NR_PAGES }, { 0, 0, 5 } }, 2, "frames.pfn", 5 },    /* unsorted */
		{ { { 0, 0, NR_PAGES - 1 } }, 1, "frames", NR_PAGES - 1 },      /* too short */
		{ { { 0, 0, 0 } }, 1, "frames.count", 0 },                      /* empty */
		{ { { 0, 1, UINT64_MAX } }, 1, "frames.count", UINT64_MAX },    /* beyond any machine */
		{ { { 0, UINT64_MAX, 1 } }, 1, "frames.count", 1 },             /* the same */
		{ { { 0, 10, 5 }, { 5, 14, NR_PAGES } }, 2, "frames.mfn", 14 }, /* a frame twice, ascending, */
		{ { { 0, 90, 5 }, { 5, 200, 9 }, { 14, 80, NR_PAGES } }, 3, "frames.mfn", 90 }, /* and not */
	};
	struct rig rig;

	(void)state;
	open_plan(&rig);
	for (size_t i = 0; i < LEN_OF(cases); i++) {
		struct pb_frames frames = { .size = sizeof(frames),
					    .extents = cases[i].extents,
					    .nr_extents = cases[i].nr };

		refuse(&rig, &frames, PB_E_FRAMES, cases[i].field, cases[i].value);
	}
	rig_close(&rig);
}

static void test_a_plan_for_xen_needs_a_map(void **state)
{
	struct pb_frames none = { .size = sizeof(none) };
	struct rig rig;

	(void)state;
	open_plan(&rig);
	refuse(&rig, NULL, PB_E_FRAMES, "frames", 0);
	refuse(&rig, &none, PB_E_FRAMES, "frames", 0);
	none.size = 0;
	refuse(&rig, &none, PB_E_ARG, "frames", 0);
	rig_close(&rig);
}

/* The paravisor is told where the frames are; another map would not be what it believes. */
static void test_a_plan_with_frames_takes_no_other(void **state)
{
	const struct pb_extent extent = { 0, 0, NR_PAGES };
	const struct pb_frames frames = { .size = sizeof(frames), .extents = &extent, .nr_extents = 1 };
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-none", NULL);
	rig_start(&rig, PB_XEN_PV64, PB_UNPACK_HOST);
	rig_plan(&rig);
	refuse(&rig, &frames, PB_E_ARG, "frames", 1);
	rig_start(&rig, PB_LINUX64, PB_UNPACK_HOST);
	rig_plan(&rig);
	refuse(&rig, &frames, PB_E_ARG, "frames", 1);
	rig_close(&rig);
}

static void test_frames_outside_of_the_regions(void **state)
{
	struct pb_error err = PB_INIT(err);
	struct placed placed;
	struct pb_ram ram;
	struct rig rig;

	(void)state;
	open_plan(&rig);
	make_map(&placed, same_mfn);
	ram = (struct pb_ram){ .len = KERNEL_GPA + PV_PAGE, .host = placed.mem };
	assert_int_equal(pb_place_frames(rig.plan, &placed.frames, &ram, 1, &err), -PB_E_NO_GUEST_MEMORY);
	assert_int_equal(placed.mem[KERNEL_GPA], 0xee); /* nothing is written before all is checked */
	drop(&placed);
	rig_close(&rig);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_maps_give_the_same_domain),
		cmocka_unit_test(test_the_p2m_list_is_the_map),
		cmocka_unit_test(test_start_info_holds_machine_frames),
		cmocka_unit_test(test_a_32_bit_start_info),
		cmocka_unit_test(test_pae_tables),
		cmocka_unit_test(test_pae_tables_of_a_low_kernel),
		cmocka_unit_test(test_an_old_pae_kernel_above_4g),
		cmocka_unit_test(test_foreign_frames_stay_as_they_are),
		cmocka_unit_test(test_by_operations_as_by_regions),
		cmocka_unit_test(test_bad_maps),
		cmocka_unit_test(test_a_plan_for_xen_needs_a_map),
		cmocka_unit_test(test_a_plan_with_frames_takes_no_other),
		cmocka_unit_test(test_frames_outside_of_the_regions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
