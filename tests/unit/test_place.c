/* SPDX-License-Identifier: MIT */
/*
 * Placing: that the bytes are the same however memory is cut up and whether
 * pages are mapped or copied, and that what cannot be placed leaves guest
 * memory as it was.
 */
#include <elf.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image_util.h"
#include "plan_rig.h"
#include "unit.h"

#define DIRT 0xa5

/* A rig whose plan has a kernel, an initrd and everything small, and its memory as placed in one piece. */
static const struct pb_blob two_initrds[] = { { "first", -1, 0, 5 }, { "second", -1, 0, 6 } };

static void open_placed(struct rig *rig)
{
	rig_open(rig, "bz-none", NULL);
	rig->request.initrds = two_initrds;
	rig->request.nr_initrds = LEN_OF(two_initrds);
	rig->request.kaslr = true;
	rig->request.kaslr_seed = 1;
	rig_place(rig);
	assert_int_not_equal(rig->info.virt_delta, 0);
}

static uint8_t *fresh_memory(void)
{
	void *mem = mmap(NULL, RIG_MEM_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(mem, MAP_FAILED);
	return mem;
}

/* Every placement's bytes are those of the rig's own memory. */
static void assert_placed(const struct rig *rig, const uint8_t *mem)
{
	for (unsigned i = 0; i < rig->info.placements; i++) {
		struct pb_placement placement = PB_INIT(placement);

		assert_int_equal(pb_plan_placement(rig->plan, i, &placement), 0);
		assert_memory_equal(mem + placement.gpa, rig->mem + placement.gpa, placement.len);
	}
}

/* ---- Relocations ------------------------------------------------------- */

static void open_moved(struct rig *rig, const char *name)
{
	rig_open(rig, name, NULL);
	rig->request.kaslr = true;
	rig->request.kaslr_seed = 1;
	rig_place(rig);
	assert_int_not_equal(rig->info.virt_delta, 0);
}

/* A table behind the kernel, or relocations in its sections: the same fields move. */
static void test_relocations_of_sections(void **state)
{
	static const struct {
		const char *table, *sections;
	} rows[] = { { "elf64", "elf64-emitted" }, { "elf64", "elf64-emitted.gz" } };

	(void)state;
	for (size_t i = 0; i < LEN_OF(rows); i++) {
		struct rig table, sections;

		if (!can_unpack(rows[i].sections))
			continue;
		open_moved(&table, rows[i].table);
		open_moved(&sections, rows[i].sections);
		assert_int_equal(sections.info.kernel_gpa, table.info.kernel_gpa);
		assert_memory_equal(sections.mem + table.info.kernel_gpa, table.mem + table.info.kernel_gpa,
				    table.info.kernel_len);
		rig_close(&sections);
		rig_close(&table);
	}
}

/* ---- Regions ----------------------------------------------------------- */

/* Memory that does not read as zero gets its zeros written, and no byte more than the plan says. */
static void test_dirty_memory(void **state)
{
	struct rig rig;
	uint8_t *mem = fresh_memory();
	pb_gpa end = 0;

	(void)state;
	open_placed(&rig);
	memset(mem, DIRT, RIG_MEM_LEN);
	assert_int_equal(pb_place(rig.plan, &(struct pb_ram){ 0, RIG_MEM_LEN, mem, 0 }, 1, NULL), 0);
	assert_placed(&rig, mem);
	for (unsigned i = 0; i < rig.info.placements; i++) {
		struct pb_placement placement = PB_INIT(placement);

		assert_int_equal(pb_plan_placement(rig.plan, i, &placement), 0);
		for (; end < placement.gpa; end++)
			assert_int_equal(mem[end], DIRT);
		end += placement.len;
	}
	munmap(mem, RIG_MEM_LEN);
	rig_close(&rig);
}

/* A PT_LOAD of which nothing is in the file is memory of the kernel's all the same. */
static void test_a_segment_of_zeros(void **state)
{
	const size_t data = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
	struct pb_segment segment = PB_INIT(segment);
	uint8_t *mem = fresh_memory();
	struct rig rig;

	(void)state;
	rig_open(&rig, "elf64-no-relocs", NULL);
	rig_patch(&rig, data + offsetof(Elf64_Phdr, p_filesz), 0, 8);
	rig_place(&rig);
	memset(mem, DIRT, RIG_MEM_LEN);
	assert_int_equal(pb_place(rig.plan, &(struct pb_ram){ 0, RIG_MEM_LEN, mem, 0 }, 1, NULL), 0);
	assert_int_equal(pb_image_segment(rig.image, 1, &segment, NULL), 0);
	assert_true(segment.file_len == 0 && segment.mem_len > 0);
	for (pb_gpa gpa = segment.gpa; gpa < segment.gpa + segment.mem_len; gpa++)
		assert_int_equal(mem[gpa], 0);
	munmap(mem, RIG_MEM_LEN);
	rig_close(&rig);
}

/* What is said to be zero is not written to: its pages are not touched. */
static void test_zeroed_memory_is_believed(void **state)
{
	struct rig rig;
	uint8_t *mem = fresh_memory();
	struct pb_segment data = PB_INIT(data);
	pb_gpa bss;

	(void)state;
	open_placed(&rig);
	assert_int_equal(pb_image_segment(rig.image, 1, &data, NULL), 0);
	bss = data.gpa + (uint64_t)rig.info.phys_delta + data.file_len;
	mem[bss] = DIRT;
	assert_int_equal(pb_place(rig.plan, &(struct pb_ram){ 0, RIG_MEM_LEN, mem, PB_RAM_ZEROED }, 1, NULL), 0);
	assert_int_equal(mem[bss], DIRT);
	munmap(mem, RIG_MEM_LEN);
	rig_close(&rig);
}

/* Regions that meet in the middle of a relocated field, of a segment, of anything; in no order. */
static void test_regions_of_odd_sizes(void **state)
{
	static const uint64_t steps[] = { 1, 3, 7, 0xfff, 0x1001, 0x4003 };
	enum { PIECES = 500 };
	static struct pb_ram ram[PIECES + 2];

	(void)state;
	for (size_t i = 0; i < LEN_OF(steps); i++) {
		struct rig rig;
		uint8_t *mem = fresh_memory();
		pb_gpa start, gpa;

		open_placed(&rig);
		start = gpa = rig.info.kernel_gpa + 0x100; /* the first relocated field */
		for (unsigned k = 1; k <= PIECES; k++, gpa += steps[i])
			ram[k] = (struct pb_ram){ gpa, steps[i], mem + gpa, PB_RAM_ZEROED };
		ram[0] = (struct pb_ram){ gpa, RIG_MEM_LEN - gpa, mem + gpa, 0 };
		ram[PIECES + 1] = (struct pb_ram){ 0, start, mem, 0 };
		assert_true(gpa < RIG_MEM_LEN);
		assert_int_equal(pb_place(rig.plan, ram, LEN_OF(ram), NULL), 0);
		assert_placed(&rig, mem);
		munmap(mem, RIG_MEM_LEN);
		rig_close(&rig);
	}
}

static void test_a_byte_without_memory(void **state)
{
	struct rig rig;
	uint8_t *mem = fresh_memory();

	(void)state;
	open_placed(&rig);
	memset(mem, DIRT, RIG_MEM_LEN);
	for (unsigned i = 0; i < rig.info.placements; i++) {
		struct pb_placement placement = PB_INIT(placement);
		struct pb_error err = PB_INIT(err);
		pb_gpa gap;

		assert_int_equal(pb_plan_placement(rig.plan, i, &placement), 0);
		gap = placement.gpa + placement.len / 2;

		struct pb_ram ram[] = { { 0, gap, mem, 0 }, { gap + 1, RIG_MEM_LEN - gap - 1, mem + gap + 1, 0 } };

		assert_int_equal(pb_place(rig.plan, ram, 2, &err), -PB_E_NO_GUEST_MEMORY);
		assert_int_equal(err.value, gap);
		assert_string_equal(err.field, pb_kind_name(placement.kind));
	}
	for (pb_gpa gpa = 0; gpa < RIG_MEM_LEN; gpa++) /* nothing was written before that was found */
		if (mem[gpa] != DIRT)
			fail_msg("written at %llx", (unsigned long long)gpa);
	munmap(mem, RIG_MEM_LEN);
	rig_close(&rig);
}

static void test_regions_that_make_no_sense(void **state)
{
	static uint8_t mem[16];
	static const struct {
		struct pb_ram ram[2];
		size_t n;
		const char *field;
	} cases[] = {
		{ { { 0 } }, 0, "ram" },
		{ { { 0, 16, NULL, 0 } }, 1, "ram" },
		{ { { 0, 0, mem, 0 } }, 1, "ram" },
		{ { { UINT64_MAX, 2, mem, 0 } }, 1, "ram" },
		{ { { 0, 16, mem, 0 }, { 15, 1, mem, 0 } }, 2, "ram.gpa" },
		{ { { 8, 8, mem, 0 }, { 8, 8, mem, 0 } }, 2, "ram.gpa" },
	};
	struct pb_error err = PB_INIT(err);
	struct rig rig;

	(void)state;
	open_placed(&rig);
	for (size_t i = 0; i < LEN_OF(cases); i++) {
		assert_int_equal(pb_place(rig.plan, cases[i].ram, cases[i].n, &err), -PB_E_ARG);
		assert_string_equal(err.field, cases[i].field);
	}
	assert_int_equal(pb_place(rig.plan, NULL, 1, &err), -PB_E_ARG);
	assert_string_equal(err.field, "ram");
	assert_int_equal(pb_place(NULL, cases[0].ram, 1, &err), -PB_E_ARG);
	assert_string_equal(err.field, "plan");
	rig_close(&rig);
}

/* ---- The caller's own operations --------------------------------------- */

struct window_memory {
	uint8_t *mem;
	uint64_t window_len; /* no window is longer */
	pb_gpa missing;      /* a byte that is not there, or 0 */
	int open;            /* windows now */
};

static void *map_window(void *ctx, pb_gpa gpa, uint64_t *len)
{
	struct window_memory *memory = ctx;

	if (memory->missing >= gpa && memory->missing < gpa + *len)
		*len = memory->missing - gpa;
	if (*len > memory->window_len)
		*len = memory->window_len;
	if (*len == 0 || gpa >= RIG_MEM_LEN)
		return NULL;
	memory->open++;
	return memory->mem + gpa;
}

static void unmap_window(void *ctx, void *host, pb_gpa gpa, uint64_t len)
{
	struct window_memory *memory = ctx;

	assert_ptr_equal(host, memory->mem + gpa);
	assert_true(len > 0 && len <= memory->window_len);
	memory->open--;
}

static const struct pb_mem_ops window_ops = { .size = sizeof(window_ops), .map = map_window, .unmap = unmap_window };

static void test_windows_of_any_length(void **state)
{
	static const uint64_t lens[] = { 1, 2, 3, 5, 7, 0x1000, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < LEN_OF(lens); i++) {
		struct window_memory memory = { .mem = fresh_memory(), .window_len = lens[i] };
		struct rig rig;

		open_placed(&rig);
		assert_int_equal(pb_place_ops(rig.plan, &window_ops, &memory, NULL), 0);
		assert_placed(&rig, memory.mem);
		assert_int_equal(memory.open, 0);
		munmap(memory.mem, RIG_MEM_LEN);
		rig_close(&rig);
	}
}

static void test_a_window_that_is_not_there(void **state)
{
	struct window_memory memory = { .mem = fresh_memory(), .window_len = UINT64_MAX };
	struct pb_error err = PB_INIT(err);
	struct rig rig;

	(void)state;
	open_placed(&rig);
	memory.missing = rig.info.params_gpa + 0x800;
	assert_int_equal(pb_place_ops(rig.plan, &window_ops, &memory, &err), -PB_E_NO_GUEST_MEMORY);
	assert_int_equal(err.value, memory.missing);
	memory.missing = rig.info.kernel_gpa + 0x102; /* within a relocated field, and within a segment */
	assert_int_equal(pb_place_ops(rig.plan, &window_ops, &memory, &err), -PB_E_NO_GUEST_MEMORY);
	assert_int_equal(memory.open, 0);
	munmap(memory.mem, RIG_MEM_LEN);
	rig_close(&rig);
}

static void test_operations_that_make_no_sense(void **state)
{
	struct pb_mem_ops ops = { .size = sizeof(ops) };
	struct pb_error err = PB_INIT(err);
	struct rig rig;

	(void)state;
	open_placed(&rig);
	assert_int_equal(pb_place_ops(rig.plan, NULL, NULL, &err), -PB_E_ARG);
	assert_string_equal(err.field, "ops");
	assert_int_equal(pb_place_ops(rig.plan, &ops, NULL, &err), -PB_E_ARG);
	assert_string_equal(err.field, "ops.map");
	assert_int_equal(pb_place_ops(NULL, &window_ops, NULL, &err), -PB_E_ARG);
	assert_string_equal(err.field, "plan");
	rig_close(&rig);
}

/* ---- Files ------------------------------------------------------------- */

#define FILE_LEN (MIB + 0x123)

/* A file of that many bytes that tell their own offset. */
static int pattern_file(bool sealed)
{
	int fd = memfd_create("pattern", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint32_t *bytes = malloc(FILE_LEN + 4);

	for (uint32_t i = 0; i < FILE_LEN / 4 + 1; i++)
		bytes[i] = i * 2654435761u;
	assert_int_equal(write(fd, bytes, FILE_LEN), FILE_LEN);
	free(bytes);
	if (sealed)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_WRITE), 0);
	return fd;
}

static void open_with_initrd(struct rig *rig, struct pb_blob *blob)
{
	rig_open(rig, "bz-none", NULL);
	rig->request.initrds = blob;
	rig->request.nr_initrds = 1;
}

/* Whoever leaves fd 0 beside his memory does not mean standard input. */
static void test_memory_goes_before_a_descriptor(void **state)
{
	struct pb_blob blob = { "memory", pattern_file(false), 0, 6 };
	struct rig rig;

	(void)state;
	open_with_initrd(&rig, &blob);
	rig_place(&rig);
	assert_memory_equal(rig.mem + rig.info.initrd_gpa, "memory", 6);
	close(blob.fd);
	rig_close(&rig);
}

/* Is this a page of a file, rather than of the process's own? */
static bool is_mapped(const uint8_t *host)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long start, end, inode = 0;
	char line[512];

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %*s %*x %*s %lu", &start, &end, &inode) == 3 && (uintptr_t)host >= start &&
		    (uintptr_t)host < end)
			break;
	fclose(maps);
	return inode != 0;
}

static void test_files_are_mapped_only_with_leave(void **state)
{
	static const uint32_t flags[] = { 0, PB_RAM_ZEROED, PB_RAM_MAP_SEALED, PB_RAM_MAP_FILE };

	(void)state;
	for (size_t i = 0; i < LEN_OF(flags); i++) {
		int fd = pattern_file(false);
		struct pb_blob blob = { NULL, fd, 0, FILE_LEN };
		uint8_t *mem = fresh_memory();
		struct rig rig;

		open_with_initrd(&rig, &blob);
		rig_place(&rig);
		assert_int_equal(pb_place(rig.plan, &(struct pb_ram){ 0, RIG_MEM_LEN, mem, flags[i] }, 1, NULL), 0);
		assert_placed(&rig, mem);
		assert_int_equal(is_mapped(mem + rig.info.initrd_gpa + 0x5000), flags[i] == PB_RAM_MAP_FILE);
		assert_false(is_mapped(mem + rig.info.initrd_gpa + FILE_LEN - 1)); /* part of a page */
		mem[rig.info.initrd_gpa + 0x5000] ^= 1; /* the guest's writes stay the guest's */
		assert_int_equal(pb_place(rig.plan, &(struct pb_ram){ 0, RIG_MEM_LEN, rig.mem, 0 }, 1, NULL), 0);
		assert_int_not_equal(mem[rig.info.initrd_gpa + 0x5000], rig.mem[rig.info.initrd_gpa + 0x5000]);
		munmap(mem, RIG_MEM_LEN);
		close(fd);
		rig_close(&rig);
	}
}

/* Wherever file and memory do not meet at the same offset in a page, bytes are copied, and are the same. */
static void test_mapped_or_copied_the_bytes_are_the_same(void **state)
{
	static const struct {
		uint64_t off;      /* in the file */
		uint64_t host_off; /* of guest memory from a page's start */
		pb_gpa cut;        /* where a second region begins, in the initrd */
	} cases[] = { { 0, 0, 0 },      { 1, 0, 0 },      { 0x1000, 0, 0 },    { 0, 8, 0 },
		      { 0, 0, 0x8000 }, { 0, 0, 0x8008 }, { 0x2000, 0, 0x800 } };
	const uint32_t flags = PB_RAM_ZEROED | PB_RAM_MAP_SEALED | PB_RAM_MAP_FILE;

	(void)state;
	for (size_t i = 0; i < LEN_OF(cases); i++) {
		int fd = pattern_file(i % 2);
		struct pb_blob blob = { NULL, fd, cases[i].off, FILE_LEN - cases[i].off };
		uint8_t *low = fresh_memory(), *high = fresh_memory();
		struct rig rig;
		pb_gpa cut;

		open_with_initrd(&rig, &blob);
		rig_place(&rig);
		cut = rig.info.initrd_gpa + cases[i].cut;

		struct pb_ram ram[] = { { 0, cut, low, flags },
					{ cut, RIG_MEM_LEN - cut, high + cases[i].host_off, flags } };

		assert_int_equal(pb_place(rig.plan, ram, 2, NULL), 0);
		assert_memory_equal(low + rig.info.initrd_gpa, rig.mem + rig.info.initrd_gpa, cases[i].cut);
		assert_memory_equal(high + cases[i].host_off, rig.mem + cut, rig.info.initrd_len - cases[i].cut);
		munmap(low, RIG_MEM_LEN);
		munmap(high, RIG_MEM_LEN);
		close(fd);
		rig_close(&rig);
	}
}

static void test_a_file_that_shrank(void **state)
{
	static const uint32_t flags[] = { 0, PB_RAM_MAP_FILE };

	(void)state;
	for (size_t i = 0; i < LEN_OF(flags); i++) {
		struct pb_error err = PB_INIT(err);
		int fd = pattern_file(false);
		struct pb_blob blob = { NULL, fd, 0, FILE_LEN };
		uint8_t *mem = fresh_memory();
		struct rig rig;

		open_with_initrd(&rig, &blob);
		rig_plan(&rig);
		assert_int_equal(ftruncate(fd, FILE_LEN / 2), 0);
		assert_int_equal(pb_place(rig.plan, &(struct pb_ram){ 0, RIG_MEM_LEN, mem, flags[i] }, 1, &err),
				 -PB_E_CHANGED);
		munmap(mem, RIG_MEM_LEN);
		close(fd);
		rig_close(&rig);
	}
}

/* ---- The kernel's pages ------------------------------------------------ */

/* In "elf64-big": program headers of 56 bytes behind the 64 of the ELF header, and 1 MiB from before 0x1000 on. */
#define P_OFFSET(index) (64 + 56 * (index) + 8)
#define P_VADDR(index)  (64 + 56 * (index) + 16)
#define P_PADDR(index)  (64 + 56 * (index) + 24)
#define P_FILESZ(index) (64 + 56 * (index) + 32)
#define P_MEMSZ(index)  (64 + 56 * (index) + 40)
#define PAGED_LEN       0x80345u

/* Let the first segment be whole pages and a bit, all relocated fields in it; the others move out of its way. */
static void spread_out(struct blob *kernel)
{
	blob_set_le(kernel, P_OFFSET(0), 0x1000, 8);
	blob_set_le(kernel, P_FILESZ(0), PAGED_LEN, 8);
	blob_set_le(kernel, P_MEMSZ(0), PAGED_LEN + 0x2000, 8);
	blob_set_le(kernel, P_PADDR(1), KERNEL_GPA + MIB, 8);
	blob_set_le(kernel, P_VADDR(1), KERNEL_VIRT64 + KERNEL_GPA + MIB, 8);
	blob_set_le(kernel, P_PADDR(2), KERNEL_GPA + MIB + 0x4000, 8);
}

/* The rig's image again, from a file. */
static void reopen_from_file(struct rig *rig)
{
	int fd = fd_of(&rig->file);

	pb_image_close(rig->image);
	assert_int_equal(pb_image_open_fd(&rig->image, fd, NULL, NULL), 0);
	close(fd);
}

static void test_kernel_pages_are_mapped(void **state)
{
	static const struct {
		const char *name;
		uint32_t flag;                           /* that it takes */
	} cases[] = { { "elf64-big", PB_RAM_MAP_FILE },  /* the caller's own file */
		      { "bz-big", PB_RAM_MAP_SEALED } }; /* what the library unpacked */

	(void)state;
	for (size_t i = 0; i < LEN_OF(cases); i++) {
		const uint32_t both = PB_RAM_MAP_FILE | PB_RAM_MAP_SEALED;
		uint8_t *mem = fresh_memory(), *copied = fresh_memory();
		struct rig rig;

		if (!can_unpack(cases[i].name))
			continue;
		rig_open(&rig, cases[i].name, spread_out);
		reopen_from_file(&rig);
		rig.request.kaslr = true;
		rig_place(&rig);
		assert_int_equal(
			pb_place(rig.plan, &(struct pb_ram){ 0, RIG_MEM_LEN, copied, both & ~cases[i].flag }, 1, NULL),
			0);
		assert_false(is_mapped(copied + rig.info.kernel_gpa + 0x5000));
		assert_placed(&rig, copied);
		memset(mem + rig.info.kernel_gpa, DIRT, PAGED_LEN + 0x2000);
		assert_int_equal(pb_place(rig.plan, &(struct pb_ram){ 0, RIG_MEM_LEN, mem, cases[i].flag }, 1, NULL),
				 0);
		assert_true(is_mapped(mem + rig.info.kernel_gpa));
		assert_true(is_mapped(mem + rig.info.kernel_gpa + PAGED_LEN - 0x1000));
		assert_false(is_mapped(mem + rig.info.kernel_gpa + PAGED_LEN)); /* part of a page, then bss */
		assert_placed(&rig, mem);
		munmap(mem, RIG_MEM_LEN);
		munmap(copied, RIG_MEM_LEN);
		rig_close(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_relocations_of_sections),
		cmocka_unit_test(test_dirty_memory),
		cmocka_unit_test(test_a_segment_of_zeros),
		cmocka_unit_test(test_zeroed_memory_is_believed),
		cmocka_unit_test(test_regions_of_odd_sizes),
		cmocka_unit_test(test_a_byte_without_memory),
		cmocka_unit_test(test_regions_that_make_no_sense),
		cmocka_unit_test(test_windows_of_any_length),
		cmocka_unit_test(test_a_window_that_is_not_there),
		cmocka_unit_test(test_operations_that_make_no_sense),
		cmocka_unit_test(test_memory_goes_before_a_descriptor),
		cmocka_unit_test(test_files_are_mapped_only_with_leave),
		cmocka_unit_test(test_mapped_or_copied_the_bytes_are_the_same),
		cmocka_unit_test(test_a_file_that_shrank),
		cmocka_unit_test(test_kernel_pages_are_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
