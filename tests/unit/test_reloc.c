/* SPDX-License-Identifier: MIT */
/*
 * The relocation table: which groups there are, and where each entry points.
 */
#include <elf.h>

#include "../../lib/reloc.h"
#include "image_util.h"

static void counts(void **state)
{
	static const struct {
		const char *name;
		uint32_t abs32, inverse32, abs64;
	} rows[] = {
		{ "elf64", KERNEL_RELOCS, KERNEL_RELOCS, KERNEL_RELOCS },
		{ "elf64-no-inverse", KERNEL_RELOCS, 0, KERNEL_RELOCS },
		{ "elf64-no-relocs", 0, 0, 0 },
		{ "elf64-emitted", KERNEL_RELOCS, KERNEL_RELOCS, KERNEL_RELOCS },
		{ "elf64-emitted.gz", KERNEL_RELOCS, KERNEL_RELOCS, KERNEL_RELOCS },
		{ "elf32-emitted", KERNEL_RELOCS, 0, 0 },
		{ "elf32", KERNEL_RELOCS, 0, 0 },
		{ "bz-2.15", KERNEL_RELOCS, KERNEL_RELOCS, KERNEL_RELOCS },
		{ "bz-32", KERNEL_RELOCS, 0, 0 },
		{ "elf64.gz", KERNEL_RELOCS, KERNEL_RELOCS, KERNEL_RELOCS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!can_unpack(rows[i].name))
			continue;

		struct opened opened = open_good(rows[i].name);
		struct pb_relocs relocs = PB_INIT(relocs);
		struct pb_error err = PB_INIT(err);

		assert_int_equal(pb_image_relocs(opened.image, &relocs, &err), 0);
		assert_int_equal(relocs.abs32, rows[i].abs32);
		assert_int_equal(relocs.inverse32, rows[i].inverse32);
		assert_int_equal(relocs.abs64, rows[i].abs64);
		close_good(&opened);
	}
}

struct seen {
	unsigned count[RELOC_GROUPS];
	unsigned stop_after;
};

/* The builder's groups: abs64 in the data segment, inverse32 in per-CPU data, abs32 in the text, 16 bytes apart. */
static int see(void *ctx, enum reloc_group group, const struct segment *segment, uint64_t seg_off, struct pb_error *err)
{
	static const uint64_t gpa_off[RELOC_GROUPS] = {
		[RELOC_ABS32] = 0x100, [RELOC_INVERSE32] = 0x4000, [RELOC_ABS64] = 0x1000
	};
	struct seen *seen = ctx;

	(void)err;
	assert_int_equal(segment->gpa + seg_off, KERNEL_GPA + gpa_off[group] + 16 * seen->count[group]);
	seen->count[group]++;
	return seen->stop_after && --seen->stop_after == 0 ? -PB_E_KASLR : 0;
}

static void each_in_turn(void **state)
{
	static const struct {
		const char *name;
		bool wide;
	} rows[] = { { "bz-none", true }, { "elf32", false }, { "elf64-emitted", true }, { "elf32-emitted", false } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned of_wide = rows[i].wide ? KERNEL_RELOCS : 0;
		struct opened opened = open_good(rows[i].name);
		struct pb_error err = PB_INIT(err);
		struct reloc_table table;
		struct seen seen = { 0 };

		assert_int_equal(reloc_find(opened.image, &table, &err), 0);
		assert_int_equal(reloc_each(opened.image, &table, see, &seen, &err), 0);
		assert_int_equal(seen.count[RELOC_ABS32], KERNEL_RELOCS);
		assert_int_equal(seen.count[RELOC_ABS64], of_wide);
		assert_int_equal(seen.count[RELOC_INVERSE32], of_wide);
		close_good(&opened);
	}
}

static void stops_when_told(void **state)
{
	struct opened opened = open_good("bz-none");
	struct reloc_table table;
	struct seen seen = { .stop_after = 2 };

	(void)state;
	assert_int_equal(reloc_find(opened.image, &table, NULL), 0);
	assert_int_equal(reloc_each(opened.image, &table, see, &seen, NULL), -PB_E_KASLR);
	assert_int_equal(seen.count[RELOC_ABS32], 2);
	assert_int_equal(seen.count[RELOC_INVERSE32], 0);
	close_good(&opened);
}

/* Notes behind everything else that the headers tell of: the table would begin behind them, and there is none. */
static void notes_at_the_end(struct blob *kernel)
{
	Elf64_Ehdr *ehdr = (Elf64_Ehdr *)(void *)kernel->data;
	Elf64_Phdr *note = (Elf64_Phdr *)(void *)(kernel->data + ehdr->e_phoff) + KERNEL_SEGMENTS;

	ehdr->e_shoff = ehdr->e_shnum = 0;
	assert_int_equal(note->p_type, PT_NOTE);
	kernel->len = note->p_offset + note->p_filesz;
}

static void none_behind_notes(void **state)
{
	struct opened opened = open_spoilt("elf64", notes_at_the_end);
	struct pb_relocs relocs = PB_INIT(relocs);

	(void)state;
	assert_int_equal(pb_image_relocs(opened.image, &relocs, NULL), 0);
	assert_int_equal(relocs.abs32 + relocs.inverse32 + relocs.abs64, 0);
	close_good(&opened);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts),
		cmocka_unit_test(each_in_turn),
		cmocka_unit_test(stops_when_told),
		cmocka_unit_test(none_behind_notes),
	};

	return cmocka_run_group_tests_name("reloc", tests, NULL, NULL);
}
