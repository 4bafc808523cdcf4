/* SPDX-License-Identifier: MIT */
#include "plan_rig.h"

#include <string.h>
#include <sys/mman.h>

#include "plan_rules.h"
#include "unit.h"

static void open_image(struct rig *rig)
{
	struct pb_error err = PB_INIT(err);
	char line[256] = "";

	if (pb_image_open_mem(&rig->image, rig->file.data, rig->file.len, NULL, &err) < 0)
		pb_error_line(&err, line, sizeof(line));
	assert_string_equal(line, "");
}

void rig_open(struct rig *rig, const char *name, void (*spoil)(struct blob *kernel))
{
	*rig = (struct rig){ .request = PB_INIT(rig->request) };
	image_build(&rig->file, name, spoil);
	open_image(rig);
	rig->ram[0] = (struct pb_range){ 0, 0x9fc00, PB_E820_RAM };
	rig->ram[1] = (struct pb_range){ 0x9fc00, 0x60400, PB_E820_RESERVED };
	rig->request.ram = rig->ram;
	rig->request.keep = rig->keep;
	rig->request.cmdline = "console=ttyS0";
	rig_ram(rig, RIG_MEM_LEN);
	rig_start(rig, PB_LINUX64, PB_UNPACK_HOST);
}

static void drop_plan(struct rig *rig)
{
	pb_plan_close(rig->plan);
	rig->plan = NULL;
	if (rig->mem)
		munmap(rig->mem, RIG_MEM_LEN);
	rig->mem = NULL;
}

void rig_patch(struct rig *rig, size_t off, uint64_t number, unsigned len)
{
	drop_plan(rig);
	pb_image_close(rig->image);
	blob_set_le(&rig->file, off, number, len);
	open_image(rig);
}

void rig_close(struct rig *rig)
{
	drop_plan(rig);
	pb_image_close(rig->image);
	blob_free(&rig->file);
}

void rig_start(struct rig *rig, enum pb_entry entry, enum pb_unpack unpack)
{
	rig->request.entry = entry;
	rig->request.unpack = unpack;
}

void rig_ram_range(struct rig *rig, pb_gpa gpa, pb_gpa end)
{
	rig->ram[2] = (struct pb_range){ gpa, end - gpa, PB_E820_RAM };
	rig->request.rams = 3;
}

void rig_ram(struct rig *rig, pb_gpa end)
{
	rig_ram_range(rig, MIB, end);
}

void rig_keep(struct rig *rig, pb_gpa gpa, uint64_t len)
{
	rig->keep[rig->request.keeps++] = (struct pb_range){ gpa, len, 0 };
}

void rig_plan(struct rig *rig)
{
	struct pb_error err = PB_INIT(err);
	char line[256] = "";
	const char *broken;

	drop_plan(rig);
	if (pb_plan_make(&rig->plan, rig->image, &rig->request, &err) < 0)
		pb_error_line(&err, line, sizeof(line));
	assert_string_equal(line, "");
	broken = plan_broken_rule(rig->plan, &rig->request);
	assert_string_equal(broken ? broken : "", "");
	rig->info.size = sizeof(rig->info);
	rig->cpu.size = sizeof(rig->cpu);
	assert_int_equal(pb_plan_info(rig->plan, &rig->info), 0);
	assert_int_equal(pb_plan_cpu(rig->plan, 0, &rig->cpu), 0);
}

void rig_refuse(struct rig *rig, enum pb_code code, const char *field, struct pb_error *ret_err)
{
	struct pb_error err = PB_INIT(err);
	pb_plan *plan = NULL;
	int rc = pb_plan_make(&plan, rig->image, &rig->request, &err);

	assert_null(plan); /* outputs are untouched on failure */
	assert_string_equal(pb_code_name(err.code), pb_code_name(code));
	assert_int_equal(rc, -(int)code);
	assert_string_equal(err.field, field);
	if (ret_err)
		*ret_err = err;
}

void rig_place(struct rig *rig)
{
	struct pb_error err = PB_INIT(err);
	struct pb_ram ram[2] = { { .len = RIG_MEM_LEN, .flags = PB_RAM_ZEROED }, rig->extra };
	char line[256] = "";

	rig_plan(rig);
	rig->mem = mmap(NULL, RIG_MEM_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(rig->mem, MAP_FAILED);
	ram[0].host = rig->mem;
	if (pb_place(rig->plan, ram, rig->extra.len ? 2 : 1, &err) < 0)
		pb_error_line(&err, line, sizeof(line));
	assert_string_equal(line, "");
}

struct pb_placement rig_find(const struct rig *rig, enum pb_kind kind)
{
	struct pb_placement placement = PB_INIT(placement);

	for (unsigned i = 0; i < rig->info.placements; i++)
		if (pb_plan_placement(rig->plan, i, &placement) == 0 && placement.kind == kind)
			return placement;
	return (struct pb_placement){ 0 };
}

uint64_t rig_le(const struct rig *rig, pb_gpa gpa, unsigned len)
{
	uint64_t number = 0;

	assert_true(gpa < RIG_MEM_LEN && len <= 8);
	memcpy(&number, rig->mem + gpa, len);
	return number;
}
