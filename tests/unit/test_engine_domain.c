/* SPDX-License-Identifier: MIT */
/*
 * Domains as PVH ELF files: reads the file back the way a loader does and
 * compares with the plan; then entry states that the trampoline cannot reach,
 * and memory in which it finds no room.
 */
#include "fake_plan.h"
#include "unit.h"

#include "../../guest/trampoline/abi.h"
#include <elf.h>
#include <engine.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB (1ull << 20)

static const struct engine_memory small_memory = {
	.ram = { { 0, 0x9f000, PB_E820_RAM }, { MIB, 63 * MIB, PB_E820_RAM } },
	.nr_ram = 2,
	.keep = { { 0, 0x1000, 0 } },
	.nr_keep = 1,
};

struct file {
	uint8_t *bytes;
	size_t len;
};

static int write_file(const struct pb_plan *plan, const struct engine_memory *memory, struct file *ret,
		      struct engine_error *err)
{
	int fd = memfd_create("domain", 0), code = engine_write_domain(fd, plan, memory, err);
	struct stat st;

	if (code == 0) {
		assert_int_equal(fstat(fd, &st), 0);
		ret->len = (size_t)st.st_size;
		ret->bytes = malloc(ret->len);
		assert_int_equal(pread(fd, ret->bytes, ret->len, 0), st.st_size);
	}
	close(fd);
	return code;
}

static struct file written(const struct pb_plan *plan, const struct engine_memory *memory)
{
	struct file file = { 0 };
	struct engine_error err = { 0, "" };

	if (write_file(plan, memory, &file, &err) < 0)
		fail_msg("%s", err.text);
	return file;
}

static void assert_refused(const struct pb_plan *plan, const struct engine_memory *memory, const char *why)
{
	struct file file;
	struct engine_error err = { 0, "" };

	assert_int_equal(write_file(plan, memory, &file, &err), -1);
	assert_int_equal(err.status, ENGINE_BAD_INPUT);
	if (!strstr(err.text, why))
		fail_msg("\"%s\" does not say \"%s\"", err.text, why);
}

static Elf64_Phdr phdr_at(const struct file *file, unsigned i)
{
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr;

	memcpy(&ehdr, file->bytes, sizeof(ehdr));
	assert_true(i < ehdr.e_phnum);
	memcpy(&phdr, file->bytes + ehdr.e_phoff + i * sizeof(phdr), sizeof(phdr));
	return phdr;
}

static unsigned phdrs(const struct file *file)
{
	Elf64_Ehdr ehdr;

	memcpy(&ehdr, file->bytes, sizeof(ehdr));
	return ehdr.e_phnum;
}

/* The PT_LOAD of that address. */
static Elf64_Phdr load_at(const struct file *file, uint64_t gpa)
{
	for (unsigned i = 0; i < phdrs(file); i++) {
		Elf64_Phdr phdr = phdr_at(file, i);

		if (phdr.p_type == PT_LOAD && phdr.p_paddr == gpa)
			return phdr;
	}
	fail_msg("no PT_LOAD at 0x%llx", (unsigned long long)gpa);
	return (Elf64_Phdr){ 0 };
}

/* Where PVH enters, by the note, as QEMU reads it. */
static uint64_t pvh_entry(const struct file *file)
{
	Elf64_Phdr phdr = phdr_at(file, phdrs(file) - 1);
	Elf64_Nhdr nhdr;
	uint64_t entry;

	assert_int_equal(phdr.p_type, PT_NOTE);
	assert_int_equal(phdr.p_align, 4);
	memcpy(&nhdr, file->bytes + phdr.p_offset, sizeof(nhdr));
	assert_int_equal(nhdr.n_namesz, 4);
	assert_int_equal(nhdr.n_descsz, 8);
	assert_int_equal(nhdr.n_type, 18);
	assert_string_equal((const char *)file->bytes + phdr.p_offset + sizeof(nhdr), "Xen");
	memcpy(&entry, file->bytes + phdr.p_offset + sizeof(nhdr) + 4, sizeof(entry));
	return entry;
}

/* The trampoline's table, from the PT_LOAD at its home. */
static struct trampoline_table table_at(const struct file *file, uint64_t home)
{
	Elf64_Phdr phdr = load_at(file, home);
	struct trampoline_head head;
	struct trampoline_table table;

	memcpy(&head, file->bytes + phdr.p_offset, sizeof(head));
	assert_int_equal(head.magic, TRAMPOLINE_HEAD_MAGIC);
	assert_int_equal(head.version, TRAMPOLINE_VERSION);
	assert_int_equal(pvh_entry(file), home + head.entry_off);
	memcpy(&table, file->bytes + phdr.p_offset + head.image_len, sizeof(table));
	assert_int_equal(table.magic, TRAMPOLINE_TABLE_MAGIC);
	return table;
}

static void test_loads(void **state)
{
	static const char kernel[] = "kernel's bytes", low[] = "low bytes";
	struct pb_plan plan = fake_plan(2 * MIB);
	struct file file;
	struct trampoline_table table;
	struct trampoline_copy copy;
	Elf64_Phdr phdr;

	(void)state;
	fake_put(&plan, 0x90000, low, sizeof(low), 0x1000);
	fake_put(&plan, 2 * MIB, kernel, sizeof(kernel), 3 * MIB);
	fake_put(&plan, 16 * MIB, NULL, 0, MIB);
	file = written(&plan, &small_memory);

	assert_int_equal(phdrs(&file), 5);
	for (unsigned i = 0; i < 4; i++) {
		phdr = phdr_at(&file, i);
		assert_int_equal(phdr.p_vaddr, phdr.p_paddr);
		assert_int_equal(phdr.p_offset % 4096, phdr.p_paddr % 4096);
		assert_true(phdr.p_offset >= 8192);
		assert_true(phdr.p_paddr >= MIB);
	}
	phdr = load_at(&file, 2 * MIB);
	assert_int_equal(phdr.p_filesz, sizeof(kernel));
	assert_int_equal(phdr.p_memsz, 3 * MIB);
	assert_memory_equal(file.bytes + phdr.p_offset, kernel, sizeof(kernel));
	phdr = load_at(&file, 16 * MIB);
	assert_int_equal(phdr.p_filesz, 0);
	assert_int_equal(phdr.p_memsz, MIB);

	/* What is wanted low was put at 1 MiB, the lowest hole; the trampoline behind it copies it. */
	phdr = load_at(&file, MIB);
	assert_memory_equal(file.bytes + phdr.p_offset, low, sizeof(low));
	table = table_at(&file, MIB + 0x1000);
	assert_int_equal(table.nr_copies, 1);
	phdr = load_at(&file, MIB + 0x1000);
	memcpy(&copy, file.bytes + phdr.p_offset + (table.copies_gpa - phdr.p_paddr), sizeof(copy));
	assert_int_equal(copy.from_gpa, MIB);
	assert_int_equal(copy.to_gpa, 0x90000);
	assert_int_equal(copy.len, 0x1000);
	free(file.bytes);
}

static void test_ranges(void **state)
{
	struct pb_plan plan = fake_plan(2 * MIB);
	struct engine_memory memory = small_memory;
	struct file file;
	struct trampoline_table table;
	struct trampoline_range ranges[2];
	Elf64_Phdr phdr;

	(void)state;
	memory.ram[memory.nr_ram++] = (struct pb_range){ 64 * MIB, MIB, PB_E820_RESERVED };
	fake_put(&plan, 2 * MIB, "", 1, 1);
	file = written(&plan, &memory);
	table = table_at(&file, MIB);
	phdr = load_at(&file, MIB);
	assert_int_equal(table.nr_ranges, 2);
	memcpy(ranges, file.bytes + phdr.p_offset + (table.ranges_gpa - MIB), sizeof(ranges));
	assert_int_equal(ranges[1].gpa, MIB);
	assert_int_equal(ranges[1].len, 63 * MIB);
	assert_int_equal(table.nr_copies, 0);
	assert_int_equal(table.gdt[1], 0x00cf9b000000ffff);
	assert_int_equal(table.gdt[2], 0x00cf93000000ffff);
	free(file.bytes);
}

/* Each entry's guest looks for the RSDP in its own structure. */
static void test_rsdp_slot(void **state)
{
	static const struct {
		enum pb_entry entry;
		uint32_t off;
	} rows[] = { { PB_PVH, 32 }, { PB_LINUX32, 0x70 }, { PB_LINUX64, 0x70 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pb_plan plan = fake_plan(2 * MIB);
		struct file file;

		fake_put(&plan, 2 * MIB, "", 1, 1);
		plan.info.entry = rows[i].entry;
		plan.info.params_gpa = 0x300000;
		file = written(&plan, &small_memory);
		assert_int_equal(table_at(&file, MIB).rsdp_slot_gpa, 0x300000 + rows[i].off);
		free(file.bytes);
	}
}

/* ---- What is refused --------------------------------------------------- */

static void test_no_room(void **state)
{
	struct pb_plan plan = fake_plan(2 * MIB);

	(void)state;
	fake_put(&plan, MIB, NULL, 0, 63 * MIB);
	assert_refused(&plan, &small_memory, "no ");
}

static void test_too_many_placements(void **state)
{
	struct pb_plan plan = fake_plan(2 * MIB);

	(void)state;
	plan.info.placements = 0xfffe;
	assert_refused(&plan, &small_memory, "65534 placements, an ELF file holds 65533");
}

static void test_states_out_of_reach(void **state)
{
	const struct pb_seg ring1 = { 0x61, 0xc0bb, UINT32_MAX, 0 }, high = { 8, 0xc09b, UINT32_MAX, 1ull << 32 },
			    far = { 0xf0, 0xc093, UINT32_MAX, 0 }, twice = { 8, 0xc093, UINT32_MAX, 0 };
	struct pb_plan plans[6];

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		plans[i] = fake_plan(2 * MIB);
		fake_put(&plans[i], 2 * MIB, "", 1, 1);
	}
	plans[0].cpu.es = ring1;
	plans[1].cpu.es = high;
	plans[2].cpu.es = far;
	plans[3].cpu.es = twice;
	plans[4].cpu.ss.base = 0x1000;
	plans[5].cpu.mode = PB_LONG64;
	plans[5].cpu.cr3 = 1ull << 32;
	assert_refused(&plans[0], &small_memory, "es 0x61, the trampoline can only enter with selectors of ring 0");
	assert_refused(&plans[1], &small_memory, "es 0x100000000, the trampoline can only enter with segment bases");
	assert_refused(&plans[2], &small_memory, "es 0xf0, the trampoline can only enter with selectors of ring 0");
	assert_refused(&plans[3], &small_memory, "es 0x8, the trampoline can only enter with one descriptor");
	assert_refused(&plans[4], &small_memory, "0x1000, the trampoline can only enter with flat segments");
	assert_refused(&plans[5], &small_memory, "cr3 0x100000000, the trampoline can only enter with page tables");
}

static void test_real_mode_out_of_reach(void **state)
{
	struct pb_plan plan = fake_plan(0);

	(void)state;
	fake_put(&plan, 2 * MIB, "", 1, 1);
	plan.cpu.mode = PB_REAL16;
	assert_refused(&plan, &small_memory, "16 times the selector");
	plan.cpu.cs = plan.cpu.ds = plan.cpu.es = plan.cpu.fs = plan.cpu.gs = plan.cpu.ss =
		(struct pb_seg){ 0x1000, 0x93, 0xffff, 0x10000 };
	plan.cpu.rflags = 0x202;
	assert_refused(&plan, &small_memory, "flags 2");
	plan.cpu.rflags = 2;
	assert_refused(&plan, &small_memory, "PE clear");
}

/* Tables that map the first 2 MiB twice: the page at the trampoline's home is not itself. */
static void test_home_not_mapped(void **state)
{
	uint64_t tables[3][512] = { { 0 } };
	struct pb_plan plan = fake_plan(2 * MIB);

	(void)state;
	plan.cpu.mode = PB_LONG64;
	plan.cpu.cr3 = 0x400000;
	plan.cpu.cs = (struct pb_seg){ 8, 0xa09b, UINT32_MAX, 0 };
	fake_put(&plan, 0x400000, tables, sizeof(tables), sizeof(tables));
	assert_refused(&plan, &small_memory, "maps the trampoline's page 0x100000 elsewhere");
	tables[0][0] = 0x401003;
	tables[1][0] = 0x402003;
	tables[2][0] = 0x200083;
	assert_refused(&plan, &small_memory, "maps the trampoline's page 0x100000 elsewhere");
	tables[2][0] = 0x83;
	free(written(&plan, &small_memory).bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loads),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_rsdp_slot),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_too_many_placements),
		cmocka_unit_test(test_states_out_of_reach),
		cmocka_unit_test(test_real_mode_out_of_reach),
		cmocka_unit_test(test_home_not_mapped),
	};

	return cmocka_run_group_tests_name("engine domain", tests, NULL, NULL);
}
