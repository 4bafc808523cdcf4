/* SPDX-License-Identifier: MIT */
/*
 * ELF notes: where they are looked for, how they are cut, what they mean.
 */
#include <elf.h>
#include <stddef.h>
#include <stdlib.h>

#include "../../lib/notes.h"
#include "image_util.h"

static struct pb_note note_of(pb_image *image, const char *name)
{
	struct pb_note note = PB_INIT(note);

	for (unsigned i = 0; pb_image_note(image, i, &note, NULL) == 0; i++)
		if (note.name && strcmp(note.name, name) == 0)
			return note;
	fail_msg("no note %s", name);
	return note;
}

static unsigned count_of(pb_image *image)
{
	struct pb_kernel kernel = PB_INIT(kernel);

	assert_int_equal(pb_image_kernel(image, &kernel, NULL), 0);
	return kernel.notes;
}

static void assert_number(pb_image *image, const char *name, uint64_t number)
{
	struct pb_note note = note_of(image, name);

	assert_int_equal(note.kind, PB_NOTE_NUMBER);
	assert_int_equal(note.number, number);
}

static void assert_text(pb_image *image, const char *name, const char *text)
{
	struct pb_note note = note_of(image, name);

	assert_int_equal(note.kind, PB_NOTE_STRING);
	assert_string_equal(note.desc, text);
	assert_int_equal(note.desc_len, strlen(text));
}

/* Whoever changes a note in memory has to know where it is. */
static void place_in_file(void **state)
{
	struct opened opened = open_good("elf64-two-notes");
	const struct kernel *kernel;

	(void)state;
	assert_true(count_of(opened.image) > 10);
	kernel = image_kernel(opened.image);
	for (unsigned i = 0; i < kernel->nr_notes; i++)
		assert_memory_equal(opened.blob.data + kernel->notes[i].desc_off, kernel->notes[i].desc,
				    kernel->notes[i].desc_len);
	close_good(&opened);
}

/* The same notes from every place where they can be. */
static void every_place(void **state)
{
	static const char *const names[] = { "elf64", "elf64-section-notes", "elf64-two-notes", "elf64-bare-owner",
					     "bz-2.15" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!can_unpack(names[i]))
			continue;

		struct opened opened = open_good(names[i]);

		assert_int_equal(count_of(opened.image), 17);
		assert_number(opened.image, "ENTRY", KERNEL_VIRT64 + KERNEL_GPA + 0x10);
		assert_number(opened.image, "VIRT_BASE", KERNEL_VIRT64);
		assert_number(opened.image, "PADDR_OFFSET", 0);
		assert_number(opened.image, "SUPPORTED_FEATURES", 0x8801);
		assert_number(opened.image, "PHYS32_ENTRY", KERNEL_GPA + 0x20);
		assert_text(opened.image, "GUEST_OS", "linux");
		assert_text(opened.image, "BUILD_SALT", "test");
		assert_text(opened.image, "FEATURES",
			    "!writable_page_tables|pae_pgdir_above_4gb"); /* no NUL in the file */
		assert_int_equal(note_of(opened.image, "PHYS32_RELOC").kind, PB_NOTE_BYTES);
		assert_int_equal(note_of(opened.image, "PHYS32_RELOC").desc_len, 12);
		assert_int_equal(note_of(opened.image, "L1_MFN_VALID").desc_len, 16);
		assert_string_equal(note_of(opened.image, "BUILD_ID").owner, "GNU");
		close_good(&opened);
	}
}

/* Owners and descriptors are padded to 4, whatever the segment claims: QEMU 7.2 divides by a 0 that stands there. */
static void whatever_p_align_says(void **state)
{
	static const uint64_t aligns[] = { 0, 1, 3, 8, UINT64_MAX };
	const size_t p_align =
		sizeof(Elf64_Ehdr) + KERNEL_SEGMENTS * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, p_align);

	(void)state;
	for (size_t i = 0; i < sizeof(aligns) / sizeof(aligns[0]); i++) {
		struct blob blob = { 0 };
		pb_image *image;

		image_build(&blob, "elf64", NULL);
		blob_set_le(&blob, p_align, aligns[i], 8);
		assert_int_equal(pb_image_open_mem(&image, blob.data, blob.len, NULL, NULL), 0);
		assert_int_equal(count_of(image), 17);
		assert_number(image, "PHYS32_ENTRY", KERNEL_GPA + 0x20);
		pb_image_close(image);
		blob_free(&blob);
	}
}

static void narrow_numbers(void **state)
{
	struct opened opened = open_good("elf32");

	(void)state;
	assert_number(opened.image, "ENTRY", KERNEL_VIRT32 + KERNEL_GPA + 0x10);
	assert_number(opened.image, "PHYS32_ENTRY", KERNEL_GPA + 0x20);
	assert_int_equal(note_of(opened.image, "PHYS32_ENTRY").desc_len, 4);
	close_good(&opened);
}

static void build_id(void **state)
{
	struct opened opened = open_good("bz-none");
	struct pb_kernel kernel = PB_INIT(kernel);

	(void)state;
	assert_int_equal(pb_image_kernel(opened.image, &kernel, NULL), 0);
	assert_int_equal(kernel.build_id_len, 20);
	assert_memory_equal(kernel.build_id, "\xb0\x07\xab\x1e\x05", 5);
	close_good(&opened);

	opened = open_good("elf64-no-notes");
	assert_int_equal(pb_image_kernel(opened.image, &kernel, NULL), 0);
	assert_null(kernel.build_id);
	close_good(&opened);
}

/* The string from before there were notes; two of its values meant something else. */
static void xen_guest(void **state)
{
	struct opened opened = open_good("elf32-xen-guest");

	(void)state;
	assert_int_equal(count_of(opened.image), 11);
	assert_number(opened.image, "ENTRY", 0xc1000010);
	assert_number(opened.image, "HYPERCALL_PAGE", 0xc0000000 + 0x1001000);
	assert_number(opened.image, "PADDR_OFFSET", 0);
	assert_text(opened.image, "PAE_MODE", "yes[extended-cr3]");
	assert_text(opened.image, "BSD_SYMTAB", "yes");
	assert_text(opened.image, "XEN_VERSION", "xen-3.0");
	close_good(&opened);
}

static Elf64_Phdr *phdr_of(struct blob *kernel, unsigned i)
{
	return (Elf64_Phdr *)(void *)(kernel->data + sizeof(Elf64_Ehdr)) + i;
}

/* The PT_NOTE that lost its offset finds one note of those in the section, which is not Xen's. */
static void point_at_build_id(struct blob *kernel)
{
	Elf64_Phdr *phdr = phdr_of(kernel, KERNEL_SEGMENTS);

	assert_int_equal(phdr->p_type, PT_NOTE);
	phdr->p_offset = kernel_note_off(kernel, "GNU", 3) - 16;
	phdr->p_filesz = 16 + 20;
}

/* What Xen has to know may stand in a section although there is a segment of other notes; none counts twice. */
static void segment_without_xen(void **state)
{
	struct opened opened = open_spoilt("elf64-section-notes", point_at_build_id);

	(void)state;
	assert_int_equal(count_of(opened.image), 17);
	assert_number(opened.image, "PHYS32_ENTRY", KERNEL_GPA + 0x20);
	assert_int_equal(note_of(opened.image, "BUILD_ID").desc_len, 20);
	close_good(&opened);
}

/* Its sections have nothing to add: what the segment says stays. */
static void hide_sections(struct blob *kernel)
{
	point_at_build_id(kernel);
	blob_set_le(kernel, offsetof(Elf64_Ehdr, e_shnum), 0, 2);
}

static void segment_alone(void **state)
{
	struct opened opened = open_spoilt("elf64-section-notes", hide_sections);

	(void)state;
	assert_int_equal(count_of(opened.image), 1);
	assert_int_equal(note_of(opened.image, "BUILD_ID").desc_len, 20);
	close_good(&opened);
}

/* The PT_NOTE ends 4 bytes into that note's descriptor, which claims 12: GRUB's i386-xen image. */
static void end_at(struct blob *kernel, uint32_t type)
{
	Elf64_Phdr *phdr = phdr_of(kernel, KERNEL_SEGMENTS);
	size_t off = kernel_note_off(kernel, "Xen", type);

	phdr->p_filesz = off + 4 - phdr->p_offset;
	blob_set_le(kernel, off - 12, 12, 4);
}

static void end_at_pae_mode(struct blob *kernel)
{
	end_at(kernel, 9);
}

static void end_within_loader(struct blob *kernel)
{
	end_at(kernel, 8);
}

static void end_at_virt_base(struct blob *kernel)
{
	end_at(kernel, 3);
}

static void a_last_string_that_claims_more(void **state)
{
	static void (*const cut[])(struct blob * kernel) = { end_within_loader, end_at_virt_base };
	struct opened opened = open_spoilt("elf64", end_at_pae_mode);
	struct pb_note note = PB_INIT(note);
	struct pb_error err = PB_INIT(err);

	(void)state;
	assert_text(opened.image, "PAE_MODE", "yes");
	close_good(&opened);
	for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
		opened = open_spoilt("elf64", cut[i]); /* no NUL where it ends; no string */
		assert_int_equal(pb_image_note(opened.image, 0, &note, &err), -PB_E_NOTE);
		assert_string_equal(err.field, "n_descsz");
		close_good(&opened);
	}
}

static void xen_guest_without_base(void **state)
{
	struct note_list list = { .max = 10 };
	static const char text[] = "XEN_VER=xen-3.0,LOADER=generic,PAE=yes";

	(void)state;
	assert_int_equal(notes_from_xen_guest(&list, text, strlen(text), NULL), 0);
	assert_int_equal(list.count, 3);
	assert_null(note_find(list.notes, list.count, "Xen", 4));
	notes_free(&list);
}

static void xen_guest_defaults(void **state)
{
	struct note_list list = { .max = 10 };
	static const char text[] = "VIRT_BASE=0xc0000000,NEW_KEY=1,,LOADER=generic,";
	uint64_t offset = 0;

	(void)state;
	assert_int_equal(notes_from_xen_guest(&list, text, strlen(text), NULL), 0);
	assert_int_equal(list.count, 3);
	assert_int_equal(note_number(note_find(list.notes, list.count, "Xen", 4), "PADDR_OFFSET", &offset, NULL), 0);
	assert_int_equal(offset, 0xc0000000); /* of the string, not of the note */
	notes_free(&list);
}

static void index_past(void **state)
{
	struct opened opened = open_good("elf64");
	struct pb_note note = PB_INIT(note);
	struct pb_error err = PB_INIT(err);

	(void)state;
	assert_int_equal(pb_image_note(opened.image, 17, &note, &err), -PB_E_ARG);
	assert_string_equal(err.field, "index");
	assert_int_equal(err.limit, 17);
	assert_null(note.owner);
	close_good(&opened);
}

/* ---- Areas, byte by byte ---- */

static void put_note(struct blob *area, const char *owner, uint32_t owner_len, uint32_t type, uint32_t desc_len)
{
	blob_put_le(area, owner_len, 4);
	blob_put_le(area, desc_len, 4);
	blob_put_le(area, type, 4);
	blob_put(area, owner, owner_len);
	blob_align(area, 4);
	for (uint32_t i = 0; i < desc_len; i++)
		blob_put_le(area, i + 1, 1);
	blob_align(area, 4);
}

/* Copied to memory of exactly that size, so that ASan sees a read behind it. */
static int parse(struct note_list *list, const struct blob *area, size_t len, struct pb_error *err)
{
	uint8_t *exact = malloc(len + !len);
	int rc;

	memcpy(exact, area->data, len);
	rc = notes_parse(list, exact, len, err);
	free(exact);
	return rc;
}

/* Cut anywhere, an area gives the notes before the cut or PB_E_NOTE; nothing else. */
static void cut_anywhere(void **state)
{
	struct blob area = { 0 };

	(void)state;
	put_note(&area, "Xen", 4, 5, 7);
	put_note(&area, "Linux", 6, 0x100, 3);
	for (size_t len = 0; len <= area.len; len++) {
		struct note_list list = { .max = 10 };
		struct pb_error err = PB_INIT(err);
		int rc = parse(&list, &area, len, &err);
		/* Whole notes, with or without the last padding. */
		bool whole = len == 0 || len == 23 || len == 24 || len == 47 || len == 48;

		assert_int_equal(rc, whole ? 0 : -PB_E_NOTE);
		if (len == area.len)
			assert_int_equal(list.count, 2);
		notes_free(&list);
	}
	blob_free(&area);
}

/* What linkers put between notes of different alignment is no note. */
static void zeros_between(void **state)
{
	struct blob area = { 0 };
	struct note_list list = { .max = 10 };

	(void)state;
	put_note(&area, "Xen", 4, 5, 4);
	blob_put_zeros(&area, 12);
	put_note(&area, "GNU", 4, 3, 4);
	blob_put_zeros(&area, 8);
	assert_int_equal(parse(&list, &area, area.len, NULL), 0);
	assert_int_equal(list.count, 2);
	notes_free(&list);
	blob_free(&area);
}

static void odd_owners(void **state)
{
	static const struct {
		const char *bytes;
		uint32_t len;
		const char *owner;
	} rows[] = {
		{ "Xen", 3, "Xen" }, { "Xen", 4, "Xen" }, { "Xen\0\0\0\0", 8, "Xen" }, { "", 0, "" }, { "X\0n", 4, "X" }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct blob area = { 0 };
		struct note_list list = { .max = 10 };

		put_note(&area, rows[i].bytes, rows[i].len, 18, 4);
		assert_int_equal(parse(&list, &area, area.len, NULL), 0);
		assert_int_equal(list.count, 1);
		assert_string_equal(list.notes[0].owner, rows[i].owner);
		assert_int_equal(list.notes[0].desc[4], 0);
		notes_free(&list);
		blob_free(&area);
	}
}

static void numbers(void **state)
{
	(void)state;
	for (uint32_t len = 0; len < 12; len++) {
		struct blob area = { 0 };
		struct note_list list = { .max = 10 };
		struct pb_error err = PB_INIT(err);
		struct pb_note note;
		uint64_t number = 0;

		put_note(&area, "Xen", 4, 18, len);
		assert_int_equal(parse(&list, &area, area.len, NULL), 0);
		if (len >= 1 && len <= 8) {
			assert_int_equal(note_number(&list.notes[0], "n", &number, &err), 0);
			assert_int_equal(number, 0x0807060504030201 & (UINT64_MAX >> (64 - 8 * len)));
		} else {
			assert_int_equal(note_number(&list.notes[0], "n", &number, &err), -PB_E_NOTE);
			assert_string_equal(err.field, "n");
		}
		note_describe(&list.notes[0], &note);
		assert_int_equal(note.kind, len >= 1 && len <= 8 ? PB_NOTE_NUMBER : PB_NOTE_BYTES);
		notes_free(&list);
		blob_free(&area);
	}
}

static void unknown_note(void **state)
{
	struct blob area = { 0 };
	struct note_list list = { .max = 10 };
	struct pb_note note;

	(void)state;
	put_note(&area, "Zen", 4, 1, 4);
	assert_int_equal(parse(&list, &area, area.len, NULL), 0);
	note_describe(&list.notes[0], &note);
	assert_null(note.name);
	assert_int_equal(note.kind, PB_NOTE_BYTES);
	assert_null(note_find(list.notes, list.count, "Xen", 1));
	notes_free(&list);
	blob_free(&area);
}

static void types_by_name(void **state)
{
	uint32_t type = 0;

	(void)state;
	assert_int_equal(pb_note_type("Xen", "PHYS32_ENTRY", &type), 0);
	assert_int_equal(type, 18);
	assert_int_equal(pb_note_type("GNU", "BUILD_ID", &type), 0);
	assert_int_equal(type, NT_GNU_BUILD_ID);
	assert_int_equal(pb_note_type("Xen", "BUILD_ID", &type), -PB_E_ARG);
	assert_int_equal(pb_note_type("Xen", "phys32_entry", &type), -PB_E_ARG);
	assert_int_equal(pb_note_type("", "", &type), -PB_E_ARG);
	assert_int_equal(type, NT_GNU_BUILD_ID); /* what was not found changes nothing */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(place_in_file),
		cmocka_unit_test(every_place),
		cmocka_unit_test(whatever_p_align_says),
		cmocka_unit_test(narrow_numbers),
		cmocka_unit_test(build_id),
		cmocka_unit_test(xen_guest),
		cmocka_unit_test(a_last_string_that_claims_more),
		cmocka_unit_test(xen_guest_without_base),
		cmocka_unit_test(xen_guest_defaults),
		cmocka_unit_test(types_by_name),
		cmocka_unit_test(index_past),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(zeros_between),
		cmocka_unit_test(odd_owners),
		cmocka_unit_test(numbers),
		cmocka_unit_test(unknown_note),
		cmocka_unit_test(segment_without_xen),
		cmocka_unit_test(segment_alone),
	};

	return cmocka_run_group_tests_name("notes", tests, NULL, NULL);
}
