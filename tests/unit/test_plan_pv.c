/* SPDX-License-Identifier: MIT */
/*
 * xen-pv64: where <xen/xen.h> wants the initial area, and that the page
 * tables and the p2m list say the same. What the guest would see is looked up
 * through its own tables, as a processor does.
 */
#include <string.h>

#include "plan_rig.h"
#include "pv_look.h"
#include "unit.h"

#define PAGE      0x1000ull
#define VIRT_BASE 0xffffffff80000000ull
#define HOLE      (40 * MIB) /* a second piece of RAM begins behind it */

/* struct start_info */
enum {
	NR_PAGES = 32,
	SI_FLAGS = 48,
	STORE_MFN = 56,
	CONSOLE_MFN = 72,
	PT_BASE = 88,
	NR_PT_FRAMES = 96,
	MFN_LIST = 104,
	MOD_START = 112,
	MOD_LEN = 120,
	CMD_LINE = 128,
	FIRST_P2M_PFN = 1152,
	NR_P2M_FRAMES = 1160
};

/* struct pv_facts */
enum { FACTS_RIP = 448, FACTS_RSP = 456, FACTS_START_INFO = 464 };

static void open_pv(struct rig *rig)
{
	rig_open(rig, "bz-none", NULL);
	rig_start(rig, PB_XEN_PV64, PB_UNPACK_HOST);
	rig_ram(rig, 64 * MIB);
}

/* By machine address: where the plan's own frames put it. */
static pb_gpa located(const struct rig *rig, pb_gpa gpa)
{
	uint64_t len = 1;
	pb_gpa machine = pb_plan_locate(rig->plan, PB_DOMAIN, gpa, &len);

	assert_int_equal(len, 1);
	return machine;
}

static struct pb_pv pv_of(const struct rig *rig)
{
	struct pb_pv pv = PB_INIT(pv);

	assert_int_equal(pb_plan_pv(rig->plan, &pv), 0);
	return pv;
}

static struct pv_look look_of(const struct rig *rig)
{
	return (struct pv_look){ rig->mem, RIG_MEM_LEN, located(rig, pv_of(rig).vcpu.cr3), false };
}

static uint64_t si(const struct rig *rig, unsigned off, unsigned len)
{
	return rig_le(rig, located(rig, rig->info.params_gpa) + off, len);
}

static uint64_t entry_of(const struct rig *rig, uint64_t va)
{
	struct pv_look look = look_of(rig);

	return pv_entry(&look, va);
}

static pb_gpa gpa_of(const struct rig *rig, uint64_t va)
{
	struct pv_look look = look_of(rig);

	return pv_machine(&look, va);
}

static void test_the_cpu_enters_the_paravisor(void **state)
{
	struct pb_placement image;
	struct rig rig;

	(void)state;
	open_pv(&rig);
	rig_place(&rig);
	assert_int_equal(rig.cpu.mode, PB_LONG64);
	assert_int_equal(rig.cpu.rip % (2 * MIB), 0);
	image = rig_find(&rig, PB_KIND_PARAVISOR);
	assert_int_equal(rig.cpu.rdi, image.gpa); /* the facts lie below the image */
	assert_int_equal(rig_le(&rig, rig.cpu.rdi, 8), 0x3153434146565031);
	assert_int_equal(rig_le(&rig, rig.cpu.rip, 2), 0xfcfa);                                    /* cli; cld */
	assert_int_equal(rig_le(&rig, rig.cpu.rdi + FACTS_RIP, 8), VIRT_BASE + KERNEL_GPA + 0x10); /* ENTRY */
	rig_close(&rig);
}

static void test_the_kernel_is_mapped_at_virt_base(void **state)
{
	struct rig rig;

	(void)state;
	open_pv(&rig);
	rig_place(&rig);
	assert_int_equal(gpa_of(&rig, VIRT_BASE + KERNEL_GPA), located(&rig, rig.info.kernel_gpa));
	assert_true(entry_of(&rig, VIRT_BASE + KERNEL_GPA) & 2);
	assert_true(entry_of(&rig, VIRT_BASE) & 1);
	rig_close(&rig);
}

static void test_page_tables_are_read_only(void **state)
{
	uint64_t base, n;
	struct rig rig;

	(void)state;
	open_pv(&rig);
	rig_place(&rig);
	base = si(&rig, PT_BASE, 8);
	n = si(&rig, NR_PT_FRAMES, 8);
	assert_int_equal(gpa_of(&rig, base), located(&rig, pv_of(&rig).vcpu.cr3));
	for (uint64_t i = 0; i < n; i++)
		assert_int_equal(entry_of(&rig, base + i * PAGE) & 2, 0);
	assert_true(entry_of(&rig, base - PAGE) & 2);     /* the console page */
	assert_true(entry_of(&rig, base + n * PAGE) & 2); /* the stack */
	rig_close(&rig);
}

static void test_half_a_mib_behind_the_stack_is_mapped(void **state)
{
	uint64_t stack, end;
	struct rig rig;

	(void)state;
	open_pv(&rig);
	rig_place(&rig);
	stack = si(&rig, PT_BASE, 8) + si(&rig, NR_PT_FRAMES, 8) * PAGE;
	end = (stack + PAGE + 0x80000 + 4 * MIB - 1) & ~(4 * MIB - 1);
	assert_true(entry_of(&rig, end - PAGE) & 1);
	assert_int_equal(entry_of(&rig, end), 0);
	rig_close(&rig);
}

static void test_the_p2m_list_knows_every_frame(void **state)
{
	uint64_t pages, list;
	struct rig rig;

	(void)state;
	open_pv(&rig);
	rig_place(&rig);
	pages = si(&rig, NR_PAGES, 8);
	list = si(&rig, MFN_LIST, 8);
	assert_int_equal(rig_le(&rig, gpa_of(&rig, list + KERNEL_GPA / PAGE * 8), 8), located(&rig, KERNEL_GPA) / PAGE);
	assert_int_equal(rig_le(&rig, gpa_of(&rig, list + (pages - 1) * 8), 8), 64 * MIB / PAGE - 1);
	assert_true(entry_of(&rig, list) & 2);
	/* The kernel names no INIT_P2M: the list lies in the mapped part, before start_info. */
	assert_int_equal(si(&rig, FIRST_P2M_PFN, 8) | si(&rig, NR_P2M_FRAMES, 8), 0);
	assert_true(list > VIRT_BASE + KERNEL_GPA && list < si(&rig, PT_BASE, 8));
	rig_close(&rig);
}

/* SUSPEND_CANCEL, which nobody reads here, becomes INIT_P2M. */
static void set_init_p2m(struct blob *kernel, uint64_t va)
{
	size_t off = kernel_note_off(kernel, "Xen", 14);

	blob_set_le(kernel, off, va, 8);
	blob_set_le(kernel, off - 8, 15, 4);
}

static void init_p2m(struct blob *kernel)
{
	set_init_p2m(kernel, 0x8000000000);
}

static void init_p2m_unaligned(struct blob *kernel)
{
	set_init_p2m(kernel, 0x8000000800);
}

static void init_p2m_over_the_kernel(struct blob *kernel)
{
	set_init_p2m(kernel, VIRT_BASE + KERNEL_GPA);
}

static void init_p2m_of_the_hypervisor(struct blob *kernel)
{
	set_init_p2m(kernel, 0xffff820000000000);
}

static void set_number(struct blob *kernel, uint32_t type, uint64_t value)
{
	blob_set_le(kernel, kernel_note_off(kernel, "Xen", type), value, 8);
}

static void virt_base_of_the_hypervisor(struct blob *kernel)
{
	set_number(kernel, 3, 0xffff800000000000);
	set_number(kernel, 1, 0xffff800000000000 + KERNEL_GPA + 0x10);
}

static void virt_base_at_the_end(struct blob *kernel)
{
	set_number(kernel, 3, 0xfffffffffef00000); /* 17 MiB, and the mapping wants more */
	set_number(kernel, 1, 0xfffffffffef00000 + KERNEL_GPA + 0x10);
}

static void hv_start_low_too_high(struct blob *kernel)
{
	size_t off = kernel_note_off(kernel, "Xen", 14);

	blob_set_le(kernel, off - 8, 12, 4);
	blob_set_le(kernel, off, 0xffff800000001000, 8);
}

/* A note that only a migration reads: what it says is no reason not to start. */
static void odd_l1_mfn_valid(struct blob *kernel)
{
	blob_set_le(kernel, kernel_note_off(kernel, "Xen", 13), 0, 8);
}

static void paddr_offset_unaligned(struct blob *kernel)
{
	set_number(kernel, 4, 0x10);
}

static void test_the_p2m_list_is_where_the_kernel_wants_it(void **state)
{
	uint64_t pages, first, mfn;
	struct rig rig;

	(void)state;
	rig_open(&rig, "elf64", init_p2m);
	rig_start(&rig, PB_XEN_PV64, PB_UNPACK_HOST);
	rig_ram(&rig, 64 * MIB);
	rig_place(&rig);
	pages = si(&rig, NR_PAGES, 8);
	first = si(&rig, FIRST_P2M_PFN, 8);
	assert_int_equal(si(&rig, MFN_LIST, 8), 0x8000000000);
	mfn = rig_le(&rig, gpa_of(&rig, 0x8000000000 + first * 8), 8);
	assert_int_equal(mfn * PAGE, gpa_of(&rig, 0x8000000000)); /* it knows its own first frame */
	assert_int_equal(si(&rig, NR_P2M_FRAMES, 8), (pages * 8 + PAGE - 1) / PAGE + 3); /* and its page tables */
	rig_close(&rig);
}

static void test_notes_that_cannot_be(void **state)
{
	static const struct {
		void (*spoil)(struct blob *kernel);
		enum pb_code code;
		const char *field;
	} cases[] = {
		{ init_p2m_unaligned, PB_E_NOTE_VALUE, "INIT_P2M" },
		{ init_p2m_over_the_kernel, PB_E_NOTE_VALUE, "INIT_P2M" },
		{ init_p2m_of_the_hypervisor, PB_E_NOTE_VALUE, "INIT_P2M" },
		{ virt_base_of_the_hypervisor, PB_E_NOTE_VALUE, "VIRT_BASE" },
		{ virt_base_at_the_end, PB_E_NOTE_VALUE, "VIRT_BASE" },
		{ hv_start_low_too_high, PB_E_NOTE_VALUE, "HV_START_LOW" },
		{ paddr_offset_unaligned, PB_E_NOTE_VALUE, "PADDR_OFFSET" },
	};

	(void)state;
	for (size_t i = 0; i < LEN_OF(cases); i++) {
		struct rig rig;

		rig_open(&rig, "elf64", cases[i].spoil);
		rig_start(&rig, PB_XEN_PV64, PB_UNPACK_HOST);
		rig_ram(&rig, 64 * MIB);
		rig_refuse(&rig, cases[i].code, cases[i].field, NULL);
		rig_close(&rig);
	}
}

static void no_mod_start_pfn(struct blob *kernel)
{
	set_number(kernel, 16, 0);
}

/* A kernel that did not ask for it by frame finds its initrd mapped, behind itself. */
static void test_an_initrd_is_mapped(void **state)
{
	static const uint8_t bytes[5000] = { 'i' };
	const struct pb_blob blob = { .mem = bytes, .fd = -1, .len = sizeof(bytes) };
	struct rig rig;
	uint64_t va;

	(void)state;
	rig_open(&rig, "elf64", no_mod_start_pfn);
	rig_start(&rig, PB_XEN_PV64, PB_UNPACK_HOST);
	rig.request.initrds = &blob;
	rig.request.nr_initrds = 1;
	rig_place(&rig);
	assert_int_equal(si(&rig, SI_FLAGS, 4) & 8, 0);
	va = si(&rig, MOD_START, 8);
	assert_int_equal(va, VIRT_BASE + rig.info.kernel_gpa + rig.info.kernel_len);
	assert_int_equal(rig_le(&rig, gpa_of(&rig, va), 1), 'i');
	rig_close(&rig);
}

static void test_a_note_of_no_concern(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, "elf64", odd_l1_mfn_valid);
	rig_start(&rig, PB_XEN_PV64, PB_UNPACK_HOST);
	rig_plan(&rig);
	rig_close(&rig);
}

static void test_rings_and_line_are_told(void **state)
{
	struct rig rig;
	char line[8];

	(void)state;
	open_pv(&rig);
	rig.request.cmdline = "quiet 1";
	rig_place(&rig);
	for (unsigned i = 0; i < sizeof(line); i++)
		line[i] = (char)si(&rig, CMD_LINE + i, 1);
	assert_string_equal(line, "quiet 1");
	assert_int_equal(si(&rig, STORE_MFN, 8), located(&rig, rig_find(&rig, PB_KIND_RING).gpa) / PAGE);
	assert_int_equal(si(&rig, CONSOLE_MFN, 8), si(&rig, STORE_MFN, 8) + 1);
	assert_int_equal(rig_le(&rig, rig.cpu.rdi + FACTS_START_INFO, 8), VIRT_BASE + rig.info.params_gpa);
	assert_int_equal(rig_le(&rig, rig.cpu.rdi + FACTS_RSP, 8),
			 si(&rig, PT_BASE, 8) + (si(&rig, NR_PT_FRAMES, 8) + 1) * PAGE);
	rig_close(&rig);
}

static void test_an_initrd_is_given_by_frame(void **state)
{
	static const uint8_t bytes[5000] = { 'i' };
	const struct pb_blob blob = { .mem = bytes, .fd = -1, .len = sizeof(bytes) };
	uint64_t pfn;
	struct rig rig;

	(void)state;
	open_pv(&rig);
	rig.request.initrds = &blob;
	rig.request.nr_initrds = 1;
	rig_place(&rig);
	assert_true(si(&rig, SI_FLAGS, 4) & 8); /* SIF_MOD_START_PFN */
	assert_int_equal(si(&rig, MOD_LEN, 8), sizeof(bytes));
	pfn = si(&rig, MOD_START, 8);
	assert_int_equal(rig_le(&rig, gpa_of(&rig, si(&rig, MFN_LIST, 8) + pfn * 8), 8),
			 located(&rig, rig.info.initrd_gpa) / PAGE);
	assert_int_equal(rig_le(&rig, located(&rig, rig.info.initrd_gpa), 1), 'i');
	rig_close(&rig);
}

/* A hole in RAM: the frames go on behind it, and what crosses it is cut. */
static void test_a_hole_in_ram_is_none_to_the_guest(void **state)
{
	struct pb_extent extent;
	struct rig rig;

	(void)state;
	open_pv(&rig);
	rig_keep(&rig, 20 * MIB, 20 * MIB);
	rig_place(&rig);
	for (unsigned i = 0; pb_plan_extent(rig.plan, i, &extent) == 0; i++)
		assert_true((extent.mfn + extent.count) * PAGE <= 20 * MIB || extent.mfn * PAGE >= HOLE);
	assert_int_equal(rig_le(&rig, gpa_of(&rig, si(&rig, MFN_LIST, 8) + KERNEL_GPA / PAGE * 8), 8),
			 located(&rig, rig.info.kernel_gpa) / PAGE);
	assert_int_equal(gpa_of(&rig, VIRT_BASE + KERNEL_GPA), located(&rig, rig.info.kernel_gpa));
	assert_true(located(&rig, rig.info.kernel_gpa) >= HOLE);
	rig_close(&rig);
}

static void test_refusals(void **state)
{
	struct rig rig;

	(void)state;
	open_pv(&rig);
	rig_ram(&rig, 24 * MIB);
	rig_refuse(&rig, PB_E_NO_ROOM, "initial area", NULL);
	rig_ram(&rig, 3 * MIB);
	rig_refuse(&rig, PB_E_NO_ROOM, "paravisor", NULL);
	rig_ram(&rig, 64 * MIB);
	rig.request.vcpus = 33;
	rig_refuse(&rig, PB_E_ARG, "vcpus", NULL);
	rig.request.vcpus = 1;
	rig.request.kaslr = true;
	rig_refuse(&rig, PB_E_KASLR, "xen-pv64", NULL);
	rig.request.kaslr = false;
	rig.request.flags = 8;
	rig_refuse(&rig, PB_E_ARG, "flags", NULL);
	rig_close(&rig);
}

/* For Xen the plan is the domain alone, and the same one. */
static void test_a_plan_for_xen(void **state)
{
	struct pb_extent extent;
	struct pb_pv below_xen, below_paravisor;
	struct rig rig;

	(void)state;
	open_pv(&rig);
	rig_place(&rig);
	below_paravisor = pv_of(&rig);
	rig.ram[0] = (struct pb_range){ 0, below_paravisor.nr_pages * PAGE, PB_E820_RAM };
	rig.request.rams = 1;
	rig.request.ring0 = PB_RING0_XEN;
	rig_plan(&rig);
	below_xen = pv_of(&rig);
	assert_memory_equal(&below_xen, &below_paravisor, sizeof(below_xen));
	assert_int_equal(rig_find(&rig, PB_KIND_PARAVISOR).len, 0);
	assert_int_equal(pb_plan_extent(rig.plan, 0, &extent), -PB_E_ARG);
	assert_int_equal(rig.cpu.rip, VIRT_BASE + KERNEL_GPA + 0x10);
	assert_int_equal(rig.cpu.rsi, VIRT_BASE + rig.info.params_gpa);
	assert_int_equal(rig.cpu.cs.selector, 0xe033);
	rig_keep(&rig, 20 * MIB, MIB);
	rig_refuse(&rig, PB_E_ARG, "keep", NULL);
	rig.request.keeps = 0;
	rig_start(&rig, PB_LINUX64, PB_UNPACK_HOST);
	rig_refuse(&rig, PB_E_ARG, "ring0", NULL);
	rig_close(&rig);
}

/* ---- 32 bits ----------------------------------------------------------- */

static void open_pae(struct rig *rig, void (*spoil)(struct blob *kernel))
{
	rig_open(rig, "elf32", spoil);
	rig_start(rig, PB_XEN_PV32, PB_UNPACK_HOST);
	rig->request.ring0 = PB_RING0_XEN;
}

static void test_a_32_bit_kernel_enters_ring_1(void **state)
{
	struct rig rig;

	(void)state;
	open_pae(&rig, NULL);
	rig_plan(&rig);
	assert_int_equal(rig.cpu.mode, PB_PROT32);
	assert_int_equal(rig.cpu.cs.selector, 0xe019);
	assert_int_equal(rig.cpu.cs.attr >> 5 & 3, 1);
	assert_int_equal(rig.cpu.ss.selector, 0xe021);
	assert_int_equal(rig.cpu.ds.selector, 0xe021);
	assert_int_equal(rig.cpu.rip, 0xc0000000 + KERNEL_GPA + 0x10);
	assert_int_equal(rig.cpu.rsi, 0xc0000000 + rig.info.params_gpa);
	assert_int_equal(rig.cpu.rflags, 0x202);
	assert_int_equal(pv_of(&rig).elf_class, 32);
	assert_int_equal(pv_of(&rig).hv_start, 0xf5800000);
	rig_close(&rig);
}

static void virt_base_32(struct blob *kernel, uint32_t base)
{
	blob_set_le(kernel, kernel_note_off(kernel, "Xen", 3), base, 4);
	blob_set_le(kernel, kernel_note_off(kernel, "Xen", 1), base + KERNEL_GPA + 0x10, 4);
}

/* 20 MiB mapped from there reach into the hypervisor's part. */
static void virt_base_below_the_hole(struct blob *kernel)
{
	virt_base_32(kernel, 0xf5000000);
}

static void virt_base_in_the_hole(struct blob *kernel)
{
	virt_base_32(kernel, 0xf5800000);
}

static void hv_start_low_in_the_hole(struct blob *kernel)
{
	size_t off = kernel_note_off(kernel, "Xen", 14);

	blob_set_le(kernel, off - 8, 12, 4);
	blob_set_le(kernel, off, 0xf6000000, 4);
}

static void test_32_bit_notes_that_cannot_be(void **state)
{
	static const struct {
		void (*spoil)(struct blob *kernel);
		const char *field;
	} cases[] = {
		{ virt_base_below_the_hole, "VIRT_BASE" },
		{ virt_base_in_the_hole, "VIRT_BASE" },
		{ hv_start_low_in_the_hole, "HV_START_LOW" },
	};

	(void)state;
	for (size_t i = 0; i < LEN_OF(cases); i++) {
		struct rig rig;

		open_pae(&rig, cases[i].spoil);
		rig_refuse(&rig, PB_E_NOTE_VALUE, cases[i].field, NULL);
		rig_close(&rig);
	}
}

static void test_a_line_too_long_for_start_info(void **state)
{
	static char line[1025];
	struct pb_error err = PB_INIT(err);
	struct rig rig;

	(void)state;
	open_pv(&rig);
	memset(line, 'x', sizeof(line) - 1);
	rig.request.cmdline = line;
	rig_refuse(&rig, PB_E_CMDLINE, "cmdline", &err);
	assert_int_equal(err.limit, 1023);
	line[1023] = 0;
	rig_plan(&rig);
	rig_close(&rig);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_cpu_enters_the_paravisor),
		cmocka_unit_test(test_the_kernel_is_mapped_at_virt_base),
		cmocka_unit_test(test_page_tables_are_read_only),
		cmocka_unit_test(test_half_a_mib_behind_the_stack_is_mapped),
		cmocka_unit_test(test_the_p2m_list_knows_every_frame),
		cmocka_unit_test(test_the_p2m_list_is_where_the_kernel_wants_it),
		cmocka_unit_test(test_notes_that_cannot_be),
		cmocka_unit_test(test_an_initrd_is_mapped),
		cmocka_unit_test(test_a_note_of_no_concern),
		cmocka_unit_test(test_rings_and_line_are_told),
		cmocka_unit_test(test_an_initrd_is_given_by_frame),
		cmocka_unit_test(test_a_hole_in_ram_is_none_to_the_guest),
		cmocka_unit_test(test_a_plan_for_xen),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_a_32_bit_kernel_enters_ring_1),
		cmocka_unit_test(test_32_bit_notes_that_cannot_be),
		cmocka_unit_test(test_a_line_too_long_for_start_info),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
