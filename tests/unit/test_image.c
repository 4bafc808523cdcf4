/* SPDX-License-Identifier: MIT */
/*
 * Good images: their facts, their life, and how they are unpacked.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "../../lib/image.h"
#include "image_util.h"

/* ---- Facts ---- */

static struct pb_facts facts_of(pb_image *image)
{
	struct pb_facts facts = PB_INIT(facts);

	assert_int_equal(pb_image_facts(image, &facts), 0);
	return facts;
}

static void format_of_each(void **state)
{
	static const struct {
		const char *name;
		enum pb_format format;
		const char *codec;
	} rows[] = {
		{ "elf64", PB_ELF, "none" },
		{ "elf32", PB_ELF, "none" },
		{ "elf64.gz", PB_COMPRESSED_ELF, "gzip" },
		{ "elf64.lz4", PB_COMPRESSED_ELF, "lz4" },
		{ "zimage-2.00", PB_ZIMAGE, NULL },
		{ "zimage-2.08", PB_ZIMAGE, "gzip" },
		{ "bz-2.00", PB_BZIMAGE, NULL },
		{ "bz-2.15", PB_BZIMAGE, "gzip" },
		{ "bz-none", PB_BZIMAGE, "none" },
		{ "bz-mz", PB_BZIMAGE, "none" },
		{ "bz-elf", PB_BZIMAGE, "none" },
		{ "bz-no-payload", PB_BZIMAGE, NULL },
		{ "uki-bz", PB_PE, "gzip" },
		{ "uki-elf", PB_PE, "none" },
		{ "uki-gz", PB_PE, "gzip" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct opened opened = open_good(rows[i].name);
		struct pb_facts facts = facts_of(opened.image);

		assert_int_equal(facts.format, rows[i].format);
		if (rows[i].codec)
			assert_string_equal(facts.codec, rows[i].codec);
		else
			assert_null(facts.codec);
		assert_int_equal(facts.file_len, opened.blob.len);
		close_good(&opened);
	}
}

/* What each protocol brought is there from it on, and not before. */
static void facts_by_protocol(void **state)
{
	static const char *const names[] = { "bz-2.00", "bz-2.01", "bz-2.02", "bz-2.03", "bz-2.04", "bz-2.05",
					     "bz-2.06", "bz-2.07", "bz-2.08", "bz-2.09", "bz-2.10", "bz-2.11",
					     "bz-2.12", "bz-2.13", "bz-2.14", "bz-2.15" };

	(void)state;
	for (uint16_t i = 0; i < 16; i++) {
		struct opened opened = open_good(names[i]);
		struct pb_facts facts = facts_of(opened.image);

		assert_int_equal(facts.protocol, 0x200 + (i == 14 ? 13 : i));
		assert_int_equal(facts.setup_len, BZ_SETUP_LEN);
		assert_string_equal(facts.version, BZ_VERSION);
		assert_int_equal(facts.relocatable, i >= 5);
		assert_int_equal(facts.alignment, i >= 5 ? 0x200000 : 0);
		assert_int_equal(facts.cmdline_max, i >= 6 ? 2047 : 255);
		assert_int_equal(facts.payload_off, i >= 8 ? BZ_PAYLOAD_OFF : 0);
		assert_int_equal(facts.pref_gpa, i >= 10 ? 0x1000000 : 0);
		assert_int_equal(facts.init_size, i >= 10 ? 0x10000 : 0);
		assert_int_equal(facts.efi_handover_off, i >= 11 ? 0x190 : 0);
		assert_int_equal(facts.xloadflags, i >= 12 ? XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G : 0);
		assert_int_equal(facts.kernel_info_len, i >= 15 ? 16 : 0);
		assert_int_equal(facts.setup_type_max, i >= 15 ? 0x80000009 : 0);
		close_good(&opened);
	}
}

static void facts_of_odd_ones(void **state)
{
	struct opened opened = open_good("bz-sects-0");

	(void)state;
	assert_int_equal(facts_of(opened.image).setup_len, BZ_SETUP_LEN);
	close_good(&opened);

	opened = open_good("bz-mz");
	assert_int_equal(facts_of(opened.image).efi_entry_off, 0x1234);
	close_good(&opened);

	opened = open_good("uki-bz");
	assert_int_equal(facts_of(opened.image).image_off, PE_SECTION_OFF);
	assert_int_equal(facts_of(opened.image).payload_off, PE_SECTION_OFF + BZ_PAYLOAD_OFF);
	assert_int_equal(facts_of(opened.image).protocol, 0x20f);
	close_good(&opened);

	opened = open_good("elf64");
	assert_int_equal(facts_of(opened.image).protocol, 0);
	assert_null(facts_of(opened.image).version);
	assert_int_equal(facts_of(opened.image).payload_len, opened.blob.len);
	close_good(&opened);
}

/* The header's payload_length counts the size word behind an lz4 stream, and the fact does too. */
static void payload_length(void **state)
{
	struct opened opened = open_good("bz-lz4");
	struct pb_header_field field = PB_INIT(field);
	struct pb_facts facts = facts_of(opened.image);
	struct blob kernel = { 0 };
	unsigned i = 0;

	(void)state;
	image_kernel_elf(&kernel, 0);
	while (pb_image_header_field(opened.image, i, &field) == 0 && strcmp(field.name, "payload_length") != 0)
		i++;
	assert_int_equal(facts.payload_len, field.value);
	assert_int_equal(facts.unpacked_len, kernel.len);
	blob_free(&kernel);
	close_good(&opened);
}

static void header_fields(void **state)
{
	struct opened opened = open_good("bz-2.15");
	struct pb_header_field field = PB_INIT(field);
	unsigned count = 0, end = 0x1f1;

	(void)state;
	/* In order, without a gap: so none is missing. */
	for (; pb_image_header_field(opened.image, count, &field) == 0; count++) {
		assert_int_equal(field.off, end);
		end = field.off + field.len;
	}
	assert_int_equal(end, 0x26c);
	assert_int_equal(count, 39);
	assert_int_equal(pb_image_header_field(opened.image, 9, &field), 0);
	assert_string_equal(field.name, "version");
	assert_int_equal(field.value, 0x20f);
	close_good(&opened);

	opened = open_good("bz-2.00");
	for (count = 0; pb_image_header_field(opened.image, count, &field) == 0; count++)
		assert_int_equal(field.since, 0x200);
	assert_int_equal(count, 19);
	close_good(&opened);

	opened = open_good("elf64");
	assert_int_equal(pb_image_header_field(opened.image, 0, &field), -PB_E_ARG);
	close_good(&opened);
}

static void xloadflag_names(void **state)
{
	(void)state;
	assert_string_equal(pb_xloadflag_name(0), "XLF_KERNEL_64");
	assert_string_equal(pb_xloadflag_name(6), "XLF_5LEVEL_ENABLED");
	assert_null(pb_xloadflag_name(16));
	assert_null(pb_xloadflag_name(UINT32_MAX));
}

/* ---- The kernel ---- */

static void kernel_of_each(void **state)
{
	(void)state;
	for (const struct image_spec *good = good_images; good->name; good++) {
		struct opened opened = open_good(good->name);
		struct pb_kernel kernel = PB_INIT(kernel);
		struct pb_segment segment = PB_INIT(segment);
		struct pb_error err = PB_INIT(err);
		bool tells = !(good->flags & IMAGE_NO_PAYLOAD) && (good->protocol == 0 || good->protocol >= 0x208);
		bool has = tells && can_unpack(good->name);
		int code = has ? 0 : tells ? PB_E_CODEC_OFF : PB_E_NO_PAYLOAD;

		assert_int_equal(pb_image_kernel(opened.image, &kernel, &err), -code);
		if (has) {
			assert_int_equal(kernel.elf_class, good->kernel & KERNEL_32 ? 32 : 64);
			assert_int_equal(kernel.segments, KERNEL_SEGMENTS);
			assert_int_equal(kernel.low_gpa, KERNEL_GPA);
			assert_int_equal(kernel.high_gpa, KERNEL_GPA + 0x5000);
			assert_int_equal(pb_image_segment(opened.image, 1, &segment, &err), 0);
			assert_int_equal(segment.gpa, KERNEL_GPA + 0x1000);
			assert_int_equal(segment.file_len, 0x300);
			assert_int_equal(segment.mem_len, 0x3000);
			assert_int_equal(pb_image_segment(opened.image, 3, &segment, &err), -PB_E_ARG);
			assert_string_equal(err.field, "index");
		}
		close_good(&opened);
	}
}

static void ram_len(void **state)
{
	struct opened opened = open_good("bz-none");
	struct pb_kernel kernel = PB_INIT(kernel);

	(void)state;
	assert_int_equal(pb_image_kernel(opened.image, &kernel, NULL), 0);
	assert_int_equal(kernel.ram_len, 0x10000); /* init_size */
	close_good(&opened);

	opened = open_good("elf64");
	assert_int_equal(pb_image_kernel(opened.image, &kernel, NULL), 0);
	assert_int_equal(kernel.ram_len, 0x5000);
	close_good(&opened);
}

static void entry_gpa(void **state)
{
	static const char *const names[] = { "elf64", "elf64-virtual-entry", "elf32" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct opened opened = open_good(names[i]);
		struct pb_error err = PB_INIT(err);
		pb_gpa gpa = 0;

		assert_int_equal(kernel_load(opened.image, &err), 0);
		assert_int_equal(kernel_entry_gpa(opened.image, &gpa, &err), 0);
		assert_int_equal(gpa, KERNEL_GPA);
		close_good(&opened);
	}
}

/* A struct from before a field was added is filled as far as it goes, and one of no size not at all. */
static void old_structs(void **state)
{
	struct opened opened = open_good("bz-2.15");
	struct pb_facts facts;

	(void)state;
	memset(&facts, 0xee, sizeof(facts));
	facts.size = offsetof(struct pb_facts, image_len);
	assert_int_equal(pb_image_facts(opened.image, &facts), 0);
	assert_int_equal(facts.size, offsetof(struct pb_facts, image_len));
	assert_int_equal(facts.format, PB_BZIMAGE);
	assert_int_equal(facts.image_len, 0xeeeeeeeeeeeeeeee);
	facts.size = 0;
	assert_int_equal(pb_image_facts(opened.image, &facts), -PB_E_ARG);
	close_good(&opened);
}

/* ---- Life ---- */

static void not_a_file(void **state)
{
	struct pb_error err = PB_INIT(err);
	pb_image *image = NULL;
	int fd = open("/", O_RDONLY | O_DIRECTORY), ends[2];

	(void)state;
	assert_int_equal(pb_image_open_fd(&image, fd, NULL, &err), -PB_E_FORMAT);
	assert_string_equal(err.field, "a directory");
	close(fd);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(pb_image_open_fd(&image, ends[0], NULL, &err), -PB_E_FORMAT);
	assert_string_equal(err.field, "a device, pipe or socket");
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(pb_image_open_fd(&image, -1, NULL, &err), -PB_E_IO);
	assert_int_equal(err.value, EBADF);
	assert_null(image);
}

static void no_memory(void **state)
{
	struct pb_error err = PB_INIT(err);
	pb_image *image = NULL;

	(void)state;
	assert_int_equal(pb_image_open_mem(&image, NULL, 1, NULL, &err), -PB_E_ARG);
	assert_string_equal(err.field, "mem");
	assert_int_equal(pb_image_open_mem(&image, NULL, 0, NULL, &err), -PB_E_FORMAT);
	assert_string_equal(err.field, "an empty file");
	pb_image_close(NULL);
}

static void references(void **state)
{
	struct opened opened = open_good("bz-2.15");
	struct pb_image *second = image_ref(opened.image);

	(void)state;
	pb_image_close(opened.image);
	assert_string_equal(facts_of(second).version, BZ_VERSION);
	pb_image_close(second);
	blob_free(&opened.blob);
}

/* The caller's descriptor is free to go, and its offset stays where it was. */
static void own_descriptor(void **state)
{
	struct blob blob = { 0 };
	struct pb_kernel kernel = PB_INIT(kernel);
	pb_image *image;
	int fd;

	(void)state;
	image_build(&blob, "bz-none", NULL);
	fd = fd_of(&blob);
	lseek(fd, 7, SEEK_SET);
	assert_int_equal(pb_image_open_fd(&image, fd, NULL, NULL), 0);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 7);
	close(fd);
	assert_int_equal(pb_image_kernel(image, &kernel, NULL), 0);
	pb_image_close(image);
	blob_free(&blob);
}

/* Whoever shortens the file meanwhile gets an error, not a signal. */
static void file_shrinks(void **state)
{
	static const char *const names[] = { "bz-2.15", "bz-big", "elf64", "uki-bz" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct blob blob = { 0 };
		struct pb_error err = PB_INIT(err);
		struct pb_kernel kernel = PB_INIT(kernel);
		pb_image *image;
		int fd;

		if (!can_unpack(names[i]))
			continue;
		image_build(&blob, names[i], NULL);
		fd = fd_of(&blob);
		assert_int_equal(pb_image_open_fd(&image, fd, NULL, &err), 0);
		assert_int_equal(ftruncate(fd, 100), 0);
		assert_int_equal(pb_image_kernel(image, &kernel, &err), -PB_E_CHANGED);
		pb_image_close(image);
		close(fd);
		blob_free(&blob);
	}
}

/* All that can be asked; the first refusal, or 0. */
static int ask_all(const uint8_t *bytes, size_t len)
{
	struct pb_kernel kernel = PB_INIT(kernel);
	struct pb_relocs relocs = PB_INIT(relocs);
	struct pb_error err = PB_INIT(err);
	pb_image *image;
	int rc = pb_image_open_mem(&image, bytes, len, NULL, &err);

	if (rc == 0) {
		rc = pb_image_kernel(image, &kernel, &err);
		if (rc == 0)
			rc = pb_image_relocs(image, &relocs, &err);
		pb_image_close(image);
	}
	assert_int_equal(rc, -err.code);
	return rc;
}

/* A file cut at any byte is refused; only what its headers do not tell of can be missing. */
static void cut_anywhere(void **state)
{
	static const struct {
		const char *name;
		size_t behind; /* bytes at the end that nobody misses */
	} rows[] = {
		{ "bz-none", 15 }, /* the last paragraph may be short */
		{ "bz-signed", 1472 + 15 }, { "elf64-no-relocs", 0 },
		{ "uki-elf", 448 },         /* the section is padded to 512 */ { "elf64.gz", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct blob blob = { 0 };

		if (!can_unpack(rows[i].name))
			continue;
		image_build(&blob, rows[i].name, NULL);
		for (size_t len = 0; len <= blob.len; len += len < 0x300 ? 1 : 7) {
			uint8_t *exact = malloc(len + !len);
			int rc;

			memcpy(exact, blob.data, len);
			rc = ask_all(exact, len);
			if ((rc == 0) != (len + rows[i].behind >= blob.len))
				fail_msg("%s cut at %zu of %zu: %d", rows[i].name, len, blob.len, rc);
			free(exact);
		}
		blob_free(&blob);
	}
}

/* ---- Unpacking ---- */

static void assert_holds(int fd, off_t off, const struct blob *expected)
{
	uint8_t *bytes = malloc(expected->len);

	assert_int_equal(lseek(fd, 0, SEEK_END), off + (off_t)expected->len);
	assert_int_equal(pread(fd, bytes, expected->len, off), expected->len);
	assert_memory_equal(bytes, expected->data, expected->len);
	free(bytes);
}

/* From each image the kernel that was put in, whether something was decoded before or nothing. */
static void unpack_each(void **state)
{
	(void)state;
	for (const struct image_spec *good = good_images; good->name; good++) {
		struct opened opened = open_good(good->name);
		struct pb_kernel info = PB_INIT(info);
		struct blob kernel = { 0 };

		image_kernel_elf(&kernel, good->kernel);
		for (unsigned round = 0; round < 3 && facts_of(opened.image).codec && can_unpack(good->name); round++) {
			int fd = memfd_create("out", MFD_CLOEXEC);

			assert_int_equal(pb_image_unpack(opened.image, fd, NULL), 0);
			assert_holds(fd, 0, &kernel);
			close(fd);
			assert_int_equal(pb_image_kernel(opened.image, &info, NULL), 0);
		}
		blob_free(&kernel);
		close_good(&opened);
	}
}

/* Behind what the file has already: at its end holes are fine, elsewhere zeros must be written. */
static void unpack_at_offset(void **state)
{
	static const struct {
		off_t file_len, off;
		int flags;
	} rows[] = { { 5, 5, 0 }, { 9000, 3, 0 }, { 5, 5, O_APPEND } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct opened opened = open_good("bz-none");
		struct blob kernel = { 0 }, filling = { 0 };
		int fd;

		image_kernel_elf(&kernel, 0);
		for (off_t n = 0; n < rows[i].file_len; n++)
			blob_put_le(&filling, 0xff, 1);
		fd = fd_of(&filling);
		fcntl(fd, F_SETFL, rows[i].flags);
		lseek(fd, rows[i].off, SEEK_SET);
		assert_int_equal(pb_image_unpack(opened.image, fd, NULL), 0);
		if (rows[i].file_len > rows[i].off) /* the old end shows behind the kernel */
			assert_int_equal(ftruncate(fd, rows[i].off + (off_t)kernel.len), 0);
		assert_holds(fd, rows[i].off, &kernel);
		close(fd);
		blob_free(&filling);
		blob_free(&kernel);
		close_good(&opened);
	}
}

/* Zeros inside and at the end cost no blocks, but count. */
static void make_sparse(struct blob *kernel)
{
	size_t half = kernel->len / 2;

	memset(kernel->data + half, 0, kernel->len - half);
}

static void unpack_leaves_holes(void **state)
{
	struct blob kernel = { 0 }, file = { 0 };
	char path[] = "/tmp/paraboot-test-XXXXXX";
	struct pb_error err = PB_INIT(err);
	struct stat st;
	pb_image *image;
	int fd = mkstemp(path);

	(void)state;
	unlink(path);
	image_kernel_elf(&kernel, KERNEL_BIG);
	make_sparse(&kernel);
	image_encode(&file, "none", false, &kernel);
	assert_int_equal(pb_image_open_mem(&image, file.data, file.len, NULL, &err), 0);
	assert_int_equal(pb_image_unpack(image, fd, &err), 0);
	assert_holds(fd, 0, &kernel);
	fstat(fd, &st);
	assert_true(st.st_blocks * 512 < (off_t)kernel.len * 3 / 4);
	pb_image_close(image);
	close(fd);
	blob_free(&file);
	blob_free(&kernel);
}

static void unpack_to_full_disk(void **state)
{
	struct opened opened = open_good("bz-none");
	struct pb_error err = PB_INIT(err);
	int fd = open("/dev/full", O_WRONLY);

	(void)state;
	assert_int_equal(pb_image_unpack(opened.image, fd, &err), -PB_E_IO);
	assert_string_equal(err.field, "output");
	assert_int_equal(err.value, ENOSPC);
	close(fd);
	close_good(&opened);
}

/* What place maps can be neither changed nor shortened by anyone. */
static void source_is_safe(void **state)
{
	static const struct {
		const char *name;
		bool sealed_file;
	} rows[] = { { "bz-2.15", true }, { "elf64", false } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		if (!can_unpack(rows[i].name))
			continue;

		struct opened opened = open_good(rows[i].name);
		struct pb_error err = PB_INIT(err);
		struct source source;

		assert_int_equal(kernel_source(opened.image, &source, &err), 0);
		assert_true(source_is_sealed(&source));
		assert_int_equal(source.mem == NULL, rows[i].sealed_file);
		if (rows[i].sealed_file) {
			assert_int_equal(write(source.fd, "x", 1), -1);
			assert_int_equal(ftruncate(source.fd, 1), -1);
		}
		close_good(&opened);
	}
}

/* A build without a codec still names it. */
static void codec_not_built(void **state)
{
	(void)state;
	for (const struct codec *codec = codecs; codec->name; codec++) {
		struct blob blob = { 0 };
		struct pb_error err = PB_INIT(err);
		struct pb_kernel kernel = PB_INIT(kernel);
		pb_image *image;

		if (codec->open)
			continue;
		blob_put(&blob, codec->magic, codec->magic_len);
		blob_put_zeros(&blob, 100);
		assert_int_equal(pb_image_open_mem(&image, blob.data, blob.len, NULL, &err), 0);
		assert_int_equal(pb_image_kernel(image, &kernel, &err), -PB_E_CODEC_OFF);
		assert_string_equal(err.field, codec->name);
		pb_image_close(image);
		blob_free(&blob);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(format_of_each),      cmocka_unit_test(facts_by_protocol),
		cmocka_unit_test(facts_of_odd_ones),   cmocka_unit_test(payload_length),
		cmocka_unit_test(header_fields),       cmocka_unit_test(xloadflag_names),
		cmocka_unit_test(kernel_of_each),      cmocka_unit_test(ram_len),
		cmocka_unit_test(entry_gpa),           cmocka_unit_test(old_structs),
		cmocka_unit_test(not_a_file),          cmocka_unit_test(no_memory),
		cmocka_unit_test(references),          cmocka_unit_test(own_descriptor),
		cmocka_unit_test(file_shrinks),        cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(unpack_each),         cmocka_unit_test(unpack_at_offset),
		cmocka_unit_test(unpack_leaves_holes), cmocka_unit_test(unpack_to_full_disk),
		cmocka_unit_test(source_is_safe),      cmocka_unit_test(codec_not_built),
	};

	return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
