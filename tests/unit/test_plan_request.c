/* SPDX-License-Identifier: MIT */
/*
 * What a request may not ask for, each with the code and the field of its
 * refusal; where memory runs out; and the questions that a plan answers.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plan_rig.h"
#include "unit.h"

/* ---- Refusals ---------------------------------------------------------- */

#define TOO_MANY 4097u

static struct pb_range many[TOO_MANY];
static struct pb_blob blobs[TOO_MANY];
static struct pb_setup_data nodes[TOO_MANY];

static void no_entry(struct rig *rig)
{
	rig->request.entry = (enum pb_entry)0;
}

static void entry_past_the_last(struct rig *rig)
{
	rig->request.entry = PB_ENTRIES;
}

static void no_unpack(struct rig *rig)
{
	rig->request.unpack = (enum pb_unpack)0;
}

static void unpack_past_the_last(struct rig *rig)
{
	rig->request.unpack = (enum pb_unpack)3;
}

static void tiny_request(struct rig *rig)
{
	rig->request.size = sizeof(rig->request.size) - 1;
}

static void no_ram_list(struct rig *rig)
{
	rig->request.ram = NULL;
}

static void no_ranges(struct rig *rig)
{
	rig->request.rams = 0;
}

static void too_many_ranges(struct rig *rig)
{
	rig->request.ram = many;
	rig->request.rams = TOO_MANY;
}

static void no_ram_at_all(struct rig *rig)
{
	for (size_t i = 0; i < rig->request.rams; i++)
		rig->ram[i].type = PB_E820_RESERVED;
}

static void range_without_type(struct rig *rig)
{
	rig->ram[1].type = 0;
}

static void empty_range(struct rig *rig)
{
	rig->ram[1].len = 0;
}

static void range_that_wraps(struct rig *rig)
{
	rig->ram[2].len = UINT64_MAX;
}

static void range_past_2_52(struct rig *rig)
{
	rig->ram[2].len = (1ull << 52) - MIB + 1;
}

static void ranges_that_overlap(struct rig *rig)
{
	rig->ram[1].len = 0x60401;
}

static void ranges_that_are_equal(struct rig *rig)
{
	rig->ram[1] = rig->ram[0];
}

static void no_keep_list(struct rig *rig)
{
	rig->request.keep = NULL;
	rig->request.keeps = 1;
}

static void too_many_keeps(struct rig *rig)
{
	rig->request.keep = many;
	rig->request.keeps = TOO_MANY;
}

static void keep_that_wraps(struct rig *rig)
{
	rig_keep(rig, 0x1000, UINT64_MAX);
}

static void no_initrd_list(struct rig *rig)
{
	rig->request.nr_initrds = 1;
}

static void too_many_initrds(struct rig *rig)
{
	rig->request.initrds = blobs;
	rig->request.nr_initrds = TOO_MANY;
}

static void give_blob(struct rig *rig, struct pb_blob blob)
{
	blobs[0] = blob;
	rig->request.initrds = blobs;
	rig->request.nr_initrds = 1;
}

static void initrd_without_bytes(struct rig *rig)
{
	give_blob(rig, (struct pb_blob){ NULL, -1, 0, 1 });
}

static void initrd_of_a_closed_file(struct rig *rig)
{
	int fd = memfd_create("initrd", MFD_CLOEXEC);

	close(fd);
	give_blob(rig, (struct pb_blob){ NULL, fd, 0, 1 });
}

static int ten_bytes = -1;

static void initrd_past_its_file(struct rig *rig)
{
	give_blob(rig, (struct pb_blob){ NULL, ten_bytes, 1, 10 });
}

static void initrd_from_behind_its_file(struct rig *rig)
{
	give_blob(rig, (struct pb_blob){ NULL, ten_bytes, UINT64_MAX, 1 });
}

static void no_setup_data_list(struct rig *rig)
{
	rig->request.nr_setup_data = 1;
}

static void too_many_nodes(struct rig *rig)
{
	rig->request.setup_data = nodes;
	rig->request.nr_setup_data = TOO_MANY;
}

static void node_without_bytes(struct rig *rig)
{
	nodes[0] = (struct pb_setup_data){ 9, NULL, 1 };
	rig->request.setup_data = nodes;
	rig->request.nr_setup_data = 1;
}

static void entry_that_cannot_be_planned_yet(struct rig *rig)
{
	rig_start(rig, PB_LINUX16, PB_UNPACK_GUEST);
}

static void entry_that_the_image_lacks(struct rig *rig)
{
	rig_start(rig, PB_LINUX32, PB_UNPACK_HOST); /* it is a 64-bit kernel */
}

static const struct {
	void (*spoil)(struct rig *rig);
	enum pb_code code;
	const char *field;
} refusals[] = {
	{ tiny_request, PB_E_ARG, "request" },
	{ no_entry, PB_E_ARG, "entry" },
	{ entry_past_the_last, PB_E_ARG, "entry" },
	{ no_unpack, PB_E_ARG, "unpack" },
	{ unpack_past_the_last, PB_E_ARG, "unpack" },
	{ no_ram_list, PB_E_ARG, "ram" },
	{ no_ranges, PB_E_MEMORY_MAP, "ram" },
	{ no_ram_at_all, PB_E_MEMORY_MAP, "ram" },
	{ too_many_ranges, PB_E_MEMORY_MAP, "rams" },
	{ range_without_type, PB_E_MEMORY_MAP, "ram.type" },
	{ empty_range, PB_E_MEMORY_MAP, "ram.len" },
	{ range_that_wraps, PB_E_MEMORY_MAP, "ram.len" },
	{ range_past_2_52, PB_E_MEMORY_MAP, "ram.len" },
	{ ranges_that_overlap, PB_E_MEMORY_MAP, "ram.gpa" },
	{ ranges_that_are_equal, PB_E_MEMORY_MAP, "ram.gpa" },
	{ no_keep_list, PB_E_ARG, "keep" },
	{ too_many_keeps, PB_E_MEMORY_MAP, "keeps" },
	{ keep_that_wraps, PB_E_MEMORY_MAP, "keep.len" },
	{ no_initrd_list, PB_E_ARG, "initrds" },
	{ too_many_initrds, PB_E_ARG, "initrds" },
	{ initrd_without_bytes, PB_E_ARG, "initrd" },
	{ initrd_of_a_closed_file, PB_E_IO, "initrd" },
	{ initrd_past_its_file, PB_E_TRUNCATED, "initrd" },
	{ initrd_from_behind_its_file, PB_E_TRUNCATED, "initrd" },
	{ no_setup_data_list, PB_E_ARG, "setup_data" },
	{ too_many_nodes, PB_E_ARG, "setup_data" },
	{ node_without_bytes, PB_E_ARG, "setup_data" },
	{ entry_that_cannot_be_planned_yet, PB_E_NOT_BUILT, "linux16" },
	{ entry_that_the_image_lacks, PB_E_CLASS, "EI_CLASS" },
};

static void test_each_refusal_says_why(void **state)
{
	(void)state;
	ten_bytes = memfd_create("initrd", MFD_CLOEXEC);
	assert_int_equal(ftruncate(ten_bytes, 10), 0);
	for (size_t i = 0; i < LEN_OF(refusals); i++) {
		struct rig rig;

		rig_open(&rig, "bz-none", NULL);
		rig_plan(&rig); /* it is fine but for this: */
		refusals[i].spoil(&rig);
		rig_refuse(&rig, refusals[i].code, refusals[i].field, NULL);
		rig_close(&rig);
	}
	close(ten_bytes);
}

static void test_missing_arguments(void **state)
{
	struct rig rig;
	struct pb_error err = PB_INIT(err);
	pb_plan *plan = NULL;

	(void)state;
	rig_open(&rig, "bz-none", NULL);
	assert_int_equal(pb_plan_make(NULL, rig.image, &rig.request, &err), -PB_E_ARG);
	assert_string_equal(err.field, "ret");
	assert_int_equal(pb_plan_make(&plan, NULL, &rig.request, &err), -PB_E_ARG);
	assert_string_equal(err.field, "image");
	assert_int_equal(pb_plan_make(&plan, rig.image, NULL, &err), -PB_E_ARG);
	assert_string_equal(err.field, "request");
	assert_null(plan);
	pb_plan_close(NULL);
	rig_close(&rig);
}

/* ---- No room ----------------------------------------------------------- */

/* With so many free pages below the kernel and none elsewhere, this is the first thing that finds none. */
static void assert_needs(struct rig *rig, const char *const *fields, const unsigned *pages, size_t n)
{
	unsigned total = 0;

	rig_ram(rig, KERNEL_GPA + 0x10000);
	for (size_t i = 0; i < n; i++) {
		struct pb_error err = PB_INIT(err);

		rig->request.keeps = 0;
		total += pages[i];
		rig_keep(rig, MIB + (total - 1) * 0x1000, KERNEL_GPA - MIB - (total - 1) * 0x1000);
		rig_refuse(rig, PB_E_NO_ROOM, fields[i], &err);
		assert_true(err.value <= pages[i] * 0x1000);
	}
	rig->request.keeps = 0;
	rig_keep(rig, MIB + total * 0x1000, KERNEL_GPA - MIB - total * 0x1000);
	rig_plan(rig);
}

static void test_which_structure_finds_no_room(void **state)
{
	static const char *const linux_fields[] = { "boot_params", "cmdline", "setup_data", "gdt", "page_tables" };
	static const unsigned linux_pages[] = { 1, 1, 2, 1, 6 };
	static const char *const pvh_fields[] = { "cmdline", "start_info", "gdt" };
	static const unsigned pvh_pages[] = { 1, 1, 1 };
	static const uint8_t bytes[0x1000];
	const struct pb_setup_data node = { 9, bytes, sizeof(bytes) };
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-none", NULL);
	rig.request.setup_data = &node;
	rig.request.nr_setup_data = 1;
	assert_needs(&rig, linux_fields, linux_pages, LEN_OF(linux_fields));
	rig.request.nr_setup_data = 0;
	rig.request.keeps = 0;
	rig_start(&rig, PB_PVH, PB_UNPACK_HOST);
	assert_needs(&rig, pvh_fields, pvh_pages, LEN_OF(pvh_fields));
	rig_close(&rig);
}

/* The last PT_LOAD's p_paddr: program headers of 56 bytes follow the 64 of an ELF header. */
static void far_segment(struct blob *kernel)
{
	blob_set_le(kernel, 64 + 2 * 56 + 24, 100 * GIB, 8);
}

/* A kernel that spans so much that mapping it would take memory without end. */
static void test_page_tables_have_a_limit(void **state)
{
	struct pb_error err = PB_INIT(err);
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-none", far_segment);
	rig_ram(&rig, 200 * GIB);
	rig_refuse(&rig, PB_E_NO_ROOM, "page_tables", &err);
	assert_int_equal(err.limit, 64 * GIB);
	rig_close(&rig);
}

static void test_what_is_kept_clear_stays_clear(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-none", NULL);
	rig_keep(&rig, MIB, 1);
	rig_keep(&rig, MIB + 0x1800, 0x1000); /* overlapping and odd ones are fine, */
	rig_keep(&rig, MIB + 0x1000, 0x1000);
	rig_keep(&rig, 0, 0);              /* and empty ones */
	rig_keep(&rig, 200 * GIB, 0x1000); /* and ones outside RAM */
	rig_plan(&rig);
	assert_int_equal(rig.info.params_gpa, MIB + 0x3000);
	rig_close(&rig);
}

/* ---- Requests and answers of another age ------------------------------- */

static void test_a_shorter_request_has_defaults(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, "bz-none", NULL);
	rig.request.kaslr = true;
	rig.request.size = offsetof(struct pb_request, kaslr);
	rig_plan(&rig);
	assert_int_equal(rig.info.virt_delta, 0);
	rig_close(&rig);
}

static void test_answers_are_as_long_as_asked(void **state)
{
	struct rig rig;
	struct pb_plan_info info;
	struct pb_placement placement = PB_INIT(placement);
	struct pb_cpu cpu = PB_INIT(cpu);

	(void)state;
	rig_open(&rig, "bz-none", NULL);
	rig_plan(&rig);
	memset(&info, 0x55, sizeof(info));
	info.size = offsetof(struct pb_plan_info, kernel_gpa);
	assert_int_equal(pb_plan_info(rig.plan, &info), 0);
	assert_int_equal(info.placements, rig.info.placements);
	assert_int_equal(info.kernel_gpa, 0x5555555555555555);
	assert_int_equal(info.size, offsetof(struct pb_plan_info, kernel_gpa));
	assert_int_equal(pb_plan_placement(rig.plan, rig.info.placements, &placement), -PB_E_ARG);
	assert_int_equal(pb_plan_placement(rig.plan, UINT32_MAX, &placement), -PB_E_ARG);
	assert_int_equal(pb_plan_cpu(rig.plan, 1, &cpu), -PB_E_ARG); /* it waits for a SIPI */
	rig_close(&rig);
}

static void test_a_plan_outlives_its_makings(void **state)
{
	struct rig rig;
	int fd = memfd_create("initrd", MFD_CLOEXEC);
	struct pb_blob initrd = { NULL, fd, 1, 4 };
	pb_image *image;

	(void)state;
	assert_int_equal(write(fd, "-file", 5), 5);
	rig_open(&rig, "bz-none", NULL);
	rig.request.initrds = &initrd;
	rig.request.nr_initrds = 1;
	rig_plan(&rig);
	close(fd);
	image = rig.image;
	rig.image = NULL;
	pb_image_close(image); /* the plan holds its own reference */
	rig.mem = mmap(NULL, RIG_MEM_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_int_equal(pb_place(rig.plan, &(struct pb_ram){ 0, RIG_MEM_LEN, rig.mem, 0 }, 1, NULL), 0);
	assert_memory_equal(rig.mem + rig.info.initrd_gpa, "file", 4);
	rig_close(&rig);
}

static void test_every_kind_has_a_name(void **state)
{
	(void)state;
	for (unsigned kind = PB_KIND_KERNEL; kind <= PB_KIND_PARAVISOR; kind++)
		assert_non_null(pb_kind_name((enum pb_kind)kind));
	assert_string_equal(pb_kind_name(PB_KIND_BOOT_PARAMS), "boot_params");
	assert_null(pb_kind_name((enum pb_kind)0));
	assert_null(pb_kind_name((enum pb_kind)(PB_KIND_PARAVISOR + 1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_refusal_says_why),
		cmocka_unit_test(test_missing_arguments),
		cmocka_unit_test(test_which_structure_finds_no_room),
		cmocka_unit_test(test_page_tables_have_a_limit),
		cmocka_unit_test(test_what_is_kept_clear_stays_clear),
		cmocka_unit_test(test_a_shorter_request_has_defaults),
		cmocka_unit_test(test_answers_are_as_long_as_asked),
		cmocka_unit_test(test_a_plan_outlives_its_makings),
		cmocka_unit_test(test_every_kind_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
