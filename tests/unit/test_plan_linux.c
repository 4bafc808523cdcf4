/* SPDX-License-Identifier: MIT */
/*
 * linux32 and linux64: the CPU's state, the tables it runs on, and every byte
 * of what the kernel is told. Offsets and numbers are boot.rst's, spelled out
 * here so that a wrong constant in the library shows.
 */
#include <string.h>

#include "plan_rig.h"
#include "unit.h"

/* boot_params, from its start */
#define EXT_RAMDISK_IMAGE 0x0c0u
#define EXT_RAMDISK_SIZE  0x0c4u
#define EXT_CMD_LINE_PTR  0x0c8u
#define E820_ENTRIES      0x1e8u
#define TYPE_OF_LOADER    0x210u
#define LOADFLAGS         0x211u
#define CODE32_START      0x214u
#define RAMDISK_IMAGE     0x218u
#define RAMDISK_SIZE      0x21cu
#define CMD_LINE_PTR      0x228u
#define INITRD_ADDR_MAX   0x22cu
#define XLOADFLAGS        0x236u
#define CMDLINE_SIZE      0x238u
#define SETUP_DATA        0x250u
#define PREF_ADDRESS      0x258u
#define INIT_SIZE         0x260u
#define E820_TABLE        0x2d0u

static uint64_t param(const struct rig *rig, unsigned off, unsigned len)
{
	return rig_le(rig, rig->info.params_gpa + off, len);
}

/* ---- The CPU ----------------------------------------------------------- */

static void assert_seg(const struct pb_seg *seg, uint16_t selector, uint16_t attr)
{
	assert_int_equal(seg->selector, selector);
	assert_int_equal(seg->attr, attr);
	assert_int_equal(seg->base, 0);
	assert_int_equal(seg->limit, 0xffffffff);
}

static void assert_flat(const struct rig *rig, uint16_t code_attr)
{
	const struct pb_cpu *cpu = &rig->cpu;

	assert_seg(&cpu->cs, 0x10, code_attr);
	assert_seg(&cpu->ds, 0x18, 0xc093);
	assert_seg(&cpu->es, 0x18, 0xc093);
	assert_seg(&cpu->ss, 0x18, 0xc093);
	assert_int_equal(cpu->rflags, 2); /* interrupts off */
	assert_int_equal(cpu->rsi, rig->info.params_gpa);
	assert_int_equal(cpu->rbp | cpu->rdi | cpu->rbx, 0);
}

static void test_linux64_state(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-none", NULL);
	rig_place(&rig);
	assert_flat(&rig, 0xa09b);
	assert_int_equal(rig.cpu.mode, PB_LONG64);
	assert_int_equal(rig.cpu.rip, KERNEL_GPA);
	assert_int_equal(rig.cpu.cr0, 0x80000011);
	assert_int_equal(rig.cpu.cr4, 0x20);
	assert_int_equal(rig.cpu.efer, 0x500);
	assert_int_equal(rig_le(&rig, rig.cpu.gdt_base + 0x10, 8), 0x00af9b000000ffff);
	assert_int_equal(rig_le(&rig, rig.cpu.gdt_base + 0x18, 8), 0x00cf93000000ffff);
	rig_start(&rig, PB_LINUX64, PB_UNPACK_GUEST);
	rig_place(&rig);
	assert_flat(&rig, 0xa09b);
	assert_int_equal(rig.cpu.rip, KERNEL_GPA + 0x200);
	rig_close(&rig);
}

static void test_linux32_state(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-32-none", NULL);
	rig_start(&rig, PB_LINUX32, PB_UNPACK_HOST);
	rig_place(&rig);
	assert_flat(&rig, 0xc09b);
	assert_int_equal(rig.cpu.mode, PB_PROT32);
	assert_int_equal(rig.cpu.rip, KERNEL_GPA);
	assert_int_equal(rig.cpu.cr0, 0x11);
	assert_int_equal(rig.cpu.cr3 | rig.cpu.cr4 | rig.cpu.efer, 0);
	assert_int_equal(rig_le(&rig, rig.cpu.gdt_base + 0x10, 8), 0x00cf9b000000ffff);
	assert_int_equal(rig_find(&rig, PB_KIND_PAGE_TABLES).len, 0);
	rig_start(&rig, PB_LINUX32, PB_UNPACK_GUEST);
	rig_place(&rig);
	assert_flat(&rig, 0xc09b);
	assert_int_equal(rig.cpu.rip, KERNEL_GPA);
	rig_close(&rig);
}

/* A virtual e_entry, as some ELF files have it, is entered at its physical address. */
static void test_a_virtual_entry_is_entered_physically(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, "elf64-virtual-entry", NULL);
	rig_plan(&rig);
	assert_int_equal(rig.cpu.rip, KERNEL_GPA);
	rig_close(&rig);
}

/* ---- Page tables ------------------------------------------------------- */

#define PTE_ADDRESS 0x000ffffffffff000ull

/* Where the placed tables lead from a virtual address, as the processor walks them; UINT64_MAX: nowhere. */
static uint64_t translate(const struct rig *rig, uint64_t vaddr)
{
	uint64_t table = rig->cpu.cr3;

	for (unsigned shift = 39; shift >= 21; shift -= 9) {
		uint64_t entry = rig_le(rig, table + 8 * (vaddr >> shift & 511), 8);

		if ((entry & 3) != 3)
			return UINT64_MAX;
		if (shift == 21)
			return entry & 0x80 ? (entry & PTE_ADDRESS & ~0x1fffffull) + (vaddr & 0x1fffff) : UINT64_MAX;
		if (entry & 0x80)
			return UINT64_MAX; /* 1 GiB pages: QEMU's default CPU has none */
		table = entry & PTE_ADDRESS;
	}
	return UINT64_MAX;
}

static void test_the_low_4_gib_are_mapped_one_to_one(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-none", NULL);
	rig_place(&rig);
	for (uint64_t vaddr = 0; vaddr < 4 * GIB; vaddr += 2 * MIB)
		assert_int_equal(translate(&rig, vaddr + vaddr % 0x1ff000), vaddr + vaddr % 0x1ff000);
	assert_int_equal(translate(&rig, 4 * GIB), UINT64_MAX);
	assert_int_equal(rig_find(&rig, PB_KIND_PAGE_TABLES).len, 6 * 0x1000);
	rig_close(&rig);
}

/* Also where the kernel straddles a GiB, and where it needs a second level 3 table. */
static void test_a_kernel_above_4_gib_is_mapped_too(void **state)
{
	static const pb_gpa bases[] = { 4 * GIB, 5 * GIB - 2 * MIB, 511 * GIB, 513 * GIB };
	static uint8_t high[MIB];

	(void)state;
	for (size_t i = 0; i < LEN_OF(bases); i++) {
		struct rig rig;
		uint64_t last;

		rig_open(&rig, "bz-none", NULL);
		rig_patch(&rig, INIT_SIZE, 3 * MIB, 4);
		rig_ram(&rig, 8 * MIB);
		rig.ram[3] = (struct pb_range){ bases[i], 4 * MIB, PB_E820_RAM };
		rig.request.rams = 4;
		rig.extra = (struct pb_ram){ bases[i], sizeof(high), high, 0 };
		rig_place(&rig);
		assert_int_equal(rig.info.kernel_gpa, bases[i]);
		assert_int_equal(rig.cpu.rip, bases[i]);
		last = bases[i] + rig.info.kernel_len - 1;
		assert_int_equal(translate(&rig, bases[i]), bases[i]);
		assert_int_equal(translate(&rig, last), last);
		assert_int_equal(translate(&rig, rig.info.params_gpa), rig.info.params_gpa);
		assert_int_equal(translate(&rig, 1000 * GIB), UINT64_MAX);
		rig_close(&rig);
	}
}

/* ---- boot_params ------------------------------------------------------- */

/* What a boot loader writes; all else in the header comes from the file, all else in the page is zero. */
static const struct {
	unsigned off, len;
} written[] = {
	{ E820_ENTRIES, 1 }, { TYPE_OF_LOADER, 1 }, { CODE32_START, 4 }, { RAMDISK_IMAGE, 4 },
	{ RAMDISK_SIZE, 4 }, { CMD_LINE_PTR, 4 },   { SETUP_DATA, 8 },   { E820_TABLE, 3 * 20 },
};

static bool is_written(unsigned off)
{
	for (size_t i = 0; i < LEN_OF(written); i++)
		if (off >= written[i].off && off - written[i].off < written[i].len)
			return true;
	return false;
}

static void test_only_the_header_comes_from_the_file(void **state)
{
	static const struct {
		const char *name;
		enum pb_entry entry;
		unsigned end; /* of the header */
	} cases[] = { { "bz-none", PB_LINUX64, 0x26c },
		      { "bz-2.12", PB_LINUX64, 0x268 },
		      { "bz-2.05", PB_LINUX32, 0x236 } };

	(void)state;
	for (size_t i = 0; i < LEN_OF(cases); i++) {
		struct rig rig;

		rig_open(&rig, cases[i].name, NULL);
		rig_start(&rig, cases[i].entry, PB_UNPACK_GUEST);
		rig_patch(&rig, 0x1ef, 0xff, 1); /* the sentinel, which must not get through */
		rig_place(&rig);
		for (unsigned off = 0; off < 0x1000; off++) {
			bool header = off >= 0x1f1 && off < cases[i].end;

			if (!is_written(off))
				assert_int_equal(param(&rig, off, 1), header ? rig.file.data[off] : 0);
		}
		rig_close(&rig);
	}
}

/* The jump's byte is no signed number, and a header that it says is longer than there is room for ends with that. */
static void test_a_header_that_claims_more(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-none", NULL);
	rig_start(&rig, PB_LINUX64, PB_UNPACK_GUEST);
	rig_patch(&rig, 0x201, 0xff, 1);
	rig_patch(&rig, 0x290, UINT64_MAX, 8);
	rig_place(&rig);
	assert_int_equal(param(&rig, 0x238, 4), 2047);
	for (unsigned off = 0x290; off < E820_TABLE; off++)
		assert_int_equal(param(&rig, off, 1), 0);
	rig_close(&rig);
}

/* A chain that the file begins, and that would go round and round: it is not the file's to begin. */
static void test_no_setup_data_of_the_files(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-none", NULL);
	rig_start(&rig, PB_LINUX64, PB_UNPACK_GUEST);
	rig_patch(&rig, SETUP_DATA, KERNEL_GPA, 8);
	rig_place(&rig);
	assert_int_equal(param(&rig, SETUP_DATA, 8), 0);
	rig_close(&rig);
}

static void test_what_a_boot_loader_fills_in(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-none", NULL);
	rig_start(&rig, PB_LINUX64, PB_UNPACK_GUEST);
	rig.request.rsdp_gpa = 0xe0000;
	rig_patch(&rig, LOADFLAGS, 0xc1 | 2, 1); /* LOADED_HIGH, KEEP_SEGMENTS, CAN_USE_HEAP; KASLR_FLAG is not ours */
	rig_place(&rig);
	assert_int_equal(param(&rig, TYPE_OF_LOADER, 1), 0xff);
	assert_int_equal(param(&rig, LOADFLAGS, 1), 0x41);
	assert_int_equal(param(&rig, CODE32_START, 4), KERNEL_GPA);
	assert_int_equal(param(&rig, CMD_LINE_PTR, 4), rig.info.cmdline_gpa);
	assert_int_equal(param(&rig, RAMDISK_SIZE, 4), 0);
	assert_int_equal(param(&rig, SETUP_DATA, 8), 0);
	assert_int_equal(param(&rig, 0x70, 8), 0xe0000); /* acpi_rsdp_addr */
	assert_string_equal((char *)rig.mem + rig.info.cmdline_gpa, "console=ttyS0");
	rig.request.loader_type = 0xb0;
	rig_place(&rig);
	assert_int_equal(param(&rig, TYPE_OF_LOADER, 1), 0xb0);
	rig_close(&rig);
}

/* An ELF file has no header, and its kernel believes nothing without one. */
static void test_a_header_is_made_up_for_an_elf(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, "elf64", NULL);
	rig_place(&rig);
	assert_int_equal(param(&rig, 0x1fe, 2), 0xaa55);
	assert_memory_equal(rig.mem + rig.info.params_gpa + 0x202, "HdrS", 4);
	assert_true(param(&rig, 0x206, 2) >= 0x20c);
	assert_int_equal(param(&rig, TYPE_OF_LOADER, 1), 0xff);
	assert_int_equal(param(&rig, LOADFLAGS, 1), 1);
	assert_int_equal(param(&rig, CMD_LINE_PTR, 4), rig.info.cmdline_gpa);
	assert_int_equal(param(&rig, CMDLINE_SIZE, 4), 2047);
	rig_close(&rig);
}

/* ---- Memory map -------------------------------------------------------- */

static void assert_e820(const struct rig *rig, pb_gpa entry_gpa, pb_gpa gpa, uint64_t len, uint32_t type)
{
	assert_int_equal(rig_le(rig, entry_gpa, 8), gpa);
	assert_int_equal(rig_le(rig, entry_gpa + 8, 8), len);
	assert_int_equal(rig_le(rig, entry_gpa + 16, 4), type);
}

static void test_e820_is_the_request_sorted(void **state)
{
	struct rig rig;
	struct pb_range swap;

	(void)state;
	rig_open(&rig, "bz-none", NULL);
	swap = rig.ram[0];
	rig.ram[0] = rig.ram[2];
	rig.ram[2] = swap;
	rig_place(&rig);
	assert_int_equal(param(&rig, E820_ENTRIES, 1), 3);
	assert_e820(&rig, rig.info.params_gpa + E820_TABLE, 0, 0x9fc00, 1);
	assert_e820(&rig, rig.info.params_gpa + E820_TABLE + 20, 0x9fc00, 0x60400, 2);
	assert_e820(&rig, rig.info.params_gpa + E820_TABLE + 40, MIB, RIG_MEM_LEN - MIB, 1);
	assert_int_equal(rig.info.ram_len, 0x9fc00 + RIG_MEM_LEN - MIB);
	rig_close(&rig);
}

#define MANY 131u

static void many_ranges(struct rig *rig, struct pb_range *ranges)
{
	ranges[0] = (struct pb_range){ MIB, RIG_MEM_LEN - MIB, PB_E820_RAM };
	for (unsigned i = 1; i < MANY; i++)
		ranges[i] = (struct pb_range){ GIB + i * MIB, MIB, i % 2 ? PB_E820_RESERVED : PB_E820_ACPI };
	rig->request.ram = ranges;
	rig->request.rams = MANY;
}

static void test_ranges_beyond_128_go_into_setup_data(void **state)
{
	struct pb_range ranges[MANY];
	struct rig rig;
	pb_gpa node;

	(void)state;
	rig_open(&rig, "bz-none", NULL);
	many_ranges(&rig, ranges);
	rig_place(&rig);
	assert_int_equal(param(&rig, E820_ENTRIES, 1), 128);
	node = param(&rig, SETUP_DATA, 8);
	assert_int_equal(rig_le(&rig, node, 8), 0);
	assert_int_equal(rig_le(&rig, node + 8, 4), 1); /* SETUP_E820_EXT */
	assert_int_equal(rig_le(&rig, node + 12, 4), 3 * 20);
	assert_e820(&rig, node + 16, GIB + 128 * MIB, MIB, PB_E820_ACPI);
	assert_e820(&rig, node + 16 + 40, GIB + 130 * MIB, MIB, PB_E820_ACPI);
	rig_close(&rig);
}

static void test_an_old_protocol_takes_128_ranges(void **state)
{
	struct pb_range ranges[MANY];
	struct pb_error err = PB_INIT(err);
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-2.08", NULL);
	rig_start(&rig, PB_LINUX32, PB_UNPACK_GUEST);
	many_ranges(&rig, ranges);
	rig_refuse(&rig, PB_E_MEMORY_MAP, "e820_entries", &err);
	assert_int_equal(err.value, MANY);
	assert_int_equal(err.limit, 128);
	rig.request.rams = 128;
	rig_place(&rig);
	assert_int_equal(param(&rig, E820_ENTRIES, 1), 128);
	rig_close(&rig);
}

/* ---- setup_data -------------------------------------------------------- */

static void test_setup_data_is_chained_in_order(void **state)
{
	const struct pb_setup_data nodes[] = { { 9, "seed", 4 },
					       { 2, NULL, 0 },
					       { 0x80000009, "0123456789abcdefX", 17 } };
	struct rig rig;
	pb_gpa node;

	(void)state;
	rig_open(&rig, "bz-none", NULL);
	rig.request.setup_data = nodes;
	rig.request.nr_setup_data = LEN_OF(nodes);
	rig_place(&rig);
	node = param(&rig, SETUP_DATA, 8);
	for (size_t i = 0; i < LEN_OF(nodes); i++) {
		assert_int_not_equal(node, 0);
		assert_int_equal(rig_le(&rig, node + 8, 4), nodes[i].type);
		assert_int_equal(rig_le(&rig, node + 12, 4), nodes[i].len);
		if (nodes[i].len)
			assert_memory_equal(rig.mem + node + 16, nodes[i].data, nodes[i].len);
		node = rig_le(&rig, node, 8);
	}
	assert_int_equal(node, 0);
	rig_close(&rig);
}

static void test_setup_data_came_with_2_09(void **state)
{
	const struct pb_setup_data node = { 9, "seed", 4 };
	struct pb_error err = PB_INIT(err);
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-2.08", NULL);
	rig_start(&rig, PB_LINUX32, PB_UNPACK_GUEST);
	rig.request.setup_data = &node;
	rig.request.nr_setup_data = 1;
	rig_refuse(&rig, PB_E_PROTOCOL, "setup_data", &err);
	assert_int_equal(err.value, 0x208);
	assert_int_equal(err.limit, 0x209);
	rig_close(&rig);
}

/* ---- Command line ------------------------------------------------------ */

static void test_a_command_line_is_never_cut(void **state)
{
	static const struct {
		const char *name;
		enum pb_entry entry;
		enum pb_unpack unpack;
		size_t max;
	} cases[] = { { "bz-none", PB_LINUX64, PB_UNPACK_GUEST, 2047 },
		      { "bz-2.05", PB_LINUX32, PB_UNPACK_GUEST, 255 },
		      { "elf64", PB_LINUX64, PB_UNPACK_HOST, 2047 } };
	char line[4096];

	(void)state;
	for (size_t i = 0; i < LEN_OF(cases); i++) {
		struct pb_error err = PB_INIT(err);
		struct rig rig;

		rig_open(&rig, cases[i].name, NULL);
		rig_start(&rig, cases[i].entry, cases[i].unpack);
		memset(line, 'x', sizeof(line));
		line[cases[i].max] = 0;
		rig.request.cmdline = line;
		rig_place(&rig);
		assert_string_equal((char *)rig.mem + rig.info.cmdline_gpa, line);
		line[cases[i].max] = 'x';
		line[cases[i].max + 1] = 0;
		rig_refuse(&rig, PB_E_CMDLINE, "cmdline", &err);
		assert_int_equal(err.value, cases[i].max + 1);
		assert_int_equal(err.limit, cases[i].max);
		rig.request.cmdline = NULL;
		rig_place(&rig);
		assert_string_equal((char *)rig.mem + rig.info.cmdline_gpa, "");
		rig_close(&rig);
	}
}

/* The kernel's size for it is a claim: what is placed is as long as the line. */
static void test_a_command_line_without_end(void **state)
{
	struct pb_placement line = PB_INIT(line);
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-none", NULL);
	rig_start(&rig, PB_LINUX64, PB_UNPACK_GUEST);
	rig_patch(&rig, CMDLINE_SIZE, UINT32_MAX, 4);
	rig_place(&rig);
	for (unsigned i = 0; line.kind != PB_KIND_CMDLINE; i++)
		assert_int_equal(pb_plan_placement(rig.plan, i, &line), 0);
	assert_int_equal(line.gpa, rig.info.cmdline_gpa);
	assert_int_equal(line.len, strlen(rig.request.cmdline) + 1);
	rig_close(&rig);
}

/* ---- Initrds ----------------------------------------------------------- */

static void test_initrds_are_padded_and_joined(void **state)
{
	const struct pb_blob initrds[] = {
		{ "first", -1, 0, 5 }, { NULL, -1, 0, 0 }, { "..second", -1, 2, 6 }, { "tail", -1, 0, 4 }
	};
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-none", NULL);
	rig.request.initrds = initrds;
	rig.request.nr_initrds = LEN_OF(initrds);
	rig_place(&rig);
	assert_int_equal(rig.info.initrd_len, 8 + 8 + 4);
	assert_int_equal(rig.info.initrd_gpa, RIG_MEM_LEN - 0x1000); /* as high as there is RAM */
	assert_memory_equal(rig.mem + rig.info.initrd_gpa, "first\0\0\0second\0\0tail", 20);
	assert_int_equal(param(&rig, RAMDISK_IMAGE, 4), rig.info.initrd_gpa);
	assert_int_equal(param(&rig, RAMDISK_SIZE, 4), 20);
	assert_int_equal(rig_find(&rig, PB_KIND_INITRD).source, PB_FROM_INITRD);
	rig_close(&rig);
}

static const uint8_t some_initrd[2 * MIB] = { 1 };
static const struct pb_blob one_initrd = { some_initrd, -1, 0, sizeof(some_initrd) };

static void give_initrd(struct rig *rig)
{
	rig->request.initrds = &one_initrd;
	rig->request.nr_initrds = 1;
}

/* Its last byte may be at initrd_addr_max and no higher. */
static void test_an_initrd_ends_at_or_below_its_limit(void **state)
{
	static const struct {
		const char *name;
		uint64_t max; /* patched into the header; 0: none there */
		pb_gpa end;
	} cases[] = { { "bz-2.05", 0x27ffffff, 0x28000000 },
		      { "bz-2.05", 0x28000000, 0x28000000 },
		      { "bz-2.05", 0x27fffffe, 0x27fff000 },
		      { "bz-2.02", 0, 0x38000000 } };

	(void)state;
	for (size_t i = 0; i < LEN_OF(cases); i++) {
		struct rig rig;

		rig_open(&rig, cases[i].name, NULL);
		rig_start(&rig, PB_LINUX32, PB_UNPACK_GUEST);
		rig_ram(&rig, 2 * GIB);
		if (cases[i].max)
			rig_patch(&rig, INITRD_ADDR_MAX, cases[i].max, 4);
		give_initrd(&rig);
		rig_plan(&rig);
		assert_int_equal(rig.info.initrd_gpa, cases[i].end - sizeof(some_initrd));
		rig_close(&rig);
	}
}

/* RAM below 4 GiB holds the kernel and the small structures, and no 2 MiB more. */
static void little_ram_below_4_gib(struct rig *rig)
{
	rig_ram(rig, KERNEL_GPA + MIB);
	rig->ram[3] = (struct pb_range){ 4 * GIB, 8 * MIB, PB_E820_RAM };
	rig->request.rams = 4;
	rig_keep(rig, 2 * MIB, KERNEL_GPA - 2 * MIB);
	give_initrd(rig);
}

static void test_an_initrd_goes_above_4_gib_if_it_may_and_must(void **state)
{
	static uint8_t high[8 * MIB];
	struct pb_error err = PB_INIT(err);
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-none", NULL);
	little_ram_below_4_gib(&rig);
	rig.extra = (struct pb_ram){ 4 * GIB, sizeof(high), high, 0 };
	rig_place(&rig);
	assert_int_equal(rig.info.initrd_gpa, 4 * GIB + 6 * MIB);
	assert_int_equal(param(&rig, RAMDISK_IMAGE, 4), 6 * MIB);
	assert_int_equal(param(&rig, EXT_RAMDISK_IMAGE, 4), 1);
	assert_int_equal(param(&rig, RAMDISK_SIZE, 4), sizeof(some_initrd));
	assert_int_equal(param(&rig, EXT_RAMDISK_SIZE, 4), 0);
	assert_int_equal(high[6 * MIB], 1);
	rig_patch(&rig, XLOADFLAGS, 1, 2); /* no XLF_CAN_BE_LOADED_ABOVE_4G */
	rig_refuse(&rig, PB_E_INITRD, "initrd", &err);
	assert_int_equal(err.value, sizeof(some_initrd));
	assert_int_equal(err.limit, 0x7fffffff);
	assert_int_equal(err.off, MIB);
	rig_patch(&rig, XLOADFLAGS, 3, 2);
	rig.request.keeps = 0;
	rig_plan(&rig); /* now there is room below */
	assert_true(rig.info.initrd_gpa < 4 * GIB);
	rig_close(&rig);
}

static void test_an_initrd_that_fits_nowhere(void **state)
{
	struct pb_error err = PB_INIT(err);
	struct pb_blob huge = { some_initrd, -1, 0, 1 };
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-none", NULL);
	rig.request.initrds = &huge;
	rig.request.nr_initrds = 1;
	huge.len = RIG_MEM_LEN;
	rig_refuse(&rig, PB_E_INITRD, "initrd", &err);
	assert_int_equal(err.value, RIG_MEM_LEN);
	assert_true(err.off > RIG_MEM_LEN / 2 && err.off < RIG_MEM_LEN);
	huge.len = UINT64_MAX;
	rig_refuse(&rig, PB_E_INITRD, "initrd", &err);
	rig_close(&rig);
}

/* ---- Protocols before 2.02 --------------------------------------------- */

/* boot_params at 0x90000, and the command line is found from there (boot.rst, "The Kernel Command Line"). */
static void test_the_oldest_protocols_find_their_command_line(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-2.01", NULL);
	rig_start(&rig, PB_LINUX32, PB_UNPACK_GUEST);
	rig_place(&rig);
	assert_int_equal(rig.info.params_gpa, 0x90000);
	assert_int_equal(rig.cpu.rsi, 0x90000);
	assert_int_equal(param(&rig, 0x20, 2), 0xa33f);
	assert_string_equal((char *)rig.mem + 0x90000 + param(&rig, 0x22, 2), "console=ttyS0");
	assert_int_equal(param(&rig, CMD_LINE_PTR, 4), 0);
	rig_keep(&rig, 0x90fff, 1);
	rig_refuse(&rig, PB_E_NO_ROOM, "boot_params", NULL);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_linux64_state),
		cmocka_unit_test(test_linux32_state),
		cmocka_unit_test(test_a_virtual_entry_is_entered_physically),
		cmocka_unit_test(test_the_low_4_gib_are_mapped_one_to_one),
		cmocka_unit_test(test_a_kernel_above_4_gib_is_mapped_too),
		cmocka_unit_test(test_only_the_header_comes_from_the_file),
		cmocka_unit_test(test_a_header_that_claims_more),
		cmocka_unit_test(test_no_setup_data_of_the_files),
		cmocka_unit_test(test_what_a_boot_loader_fills_in),
		cmocka_unit_test(test_a_header_is_made_up_for_an_elf),
		cmocka_unit_test(test_e820_is_the_request_sorted),
		cmocka_unit_test(test_ranges_beyond_128_go_into_setup_data),
		cmocka_unit_test(test_an_old_protocol_takes_128_ranges),
		cmocka_unit_test(test_setup_data_is_chained_in_order),
		cmocka_unit_test(test_setup_data_came_with_2_09),
		cmocka_unit_test(test_a_command_line_is_never_cut),
		cmocka_unit_test(test_a_command_line_without_end),
		cmocka_unit_test(test_initrds_are_padded_and_joined),
		cmocka_unit_test(test_an_initrd_ends_at_or_below_its_limit),
		cmocka_unit_test(test_an_initrd_goes_above_4_gib_if_it_may_and_must),
		cmocka_unit_test(test_an_initrd_that_fits_nowhere),
		cmocka_unit_test(test_the_oldest_protocols_find_their_command_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
