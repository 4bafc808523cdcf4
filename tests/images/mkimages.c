/* SPDX-License-Identifier: MIT */
/*
 * mkimages OUTDIR writes every image there is, as OUTDIR/good/NAME and
 * OUTDIR/bad/NAME, and what fuzz_notes starts from as OUTDIR/notes/NAME, for golden tests, command-line tests and fuzz
 * seeds. mkimages --list prints the errors that the tables expect: "CODE FIELD".
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "images.h"

static int write_file(const char *dir, const char *sub, const char *name, const struct blob *blob)
{
	char path[4096];
	FILE *file;
	int ok;

	snprintf(path, sizeof(path), "%s/%s", dir, sub);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/%s/%s", dir, sub, name);
	file = fopen(path, "wb");
	if (!file) {
		perror(path);
		return 1;
	}
	ok = fwrite(blob->data, 1, blob->len, file) == blob->len;
	ok &= fclose(file) == 0;
	if (!ok)
		perror(path);
	return !ok;
}

/* A PT_NOTE's bytes, or the text of __xen_guest, behind the byte by which fuzz_notes tells them apart. */
static int write_notes(const char *dir, const char *name)
{
	struct blob kernel = { 0 }, notes = { 0 };
	const char *text;
	int failed;

	image_build(&kernel, name, NULL);
	text = memmem(kernel.data, kernel.len, "GUEST_OS=", 9);
	blob_put_le(&notes, text != NULL, 1);
	if (text)
		blob_put(&notes, text, strlen(text));
	else
		blob_put(&notes, kernel.data + kernel_note_off(&kernel, "Xen", 6) - 16, 0x200);
	failed = write_file(dir, "notes", name, &notes);
	blob_free(&notes);
	blob_free(&kernel);
	return failed;
}

static int write_all(const char *dir)
{
	static const char *const with_notes[] = { "elf64", "elf32", "elf32-xen-guest" };
	int failed = 0;

	mkdir(dir, 0777);
	for (size_t i = 0; i < sizeof(with_notes) / sizeof(with_notes[0]); i++)
		failed |= write_notes(dir, with_notes[i]);
	for (const struct image_spec *good = good_images; good->name; good++) {
		struct blob blob = { 0 };

		image_build(&blob, good->name, NULL);
		failed |= write_file(dir, "good", good->name, &blob);
		blob_free(&blob);
	}
	for (const struct bad_image *bad = bad_images; bad->name; bad++) {
		struct blob blob = { 0 };

		bad_image_build(&blob, bad);
		failed |= write_file(dir, "bad", bad->name, &blob);
		blob_free(&blob);
	}
	return failed;
}

static int list(void)
{
	for (const struct bad_image *bad = bad_images; bad->name; bad++)
		printf("%s %s\n", pb_code_name(bad->code), bad->field);
	for (const struct can_answer *can = can_answers; can->image; can++)
		if (can->code)
			printf("%s %s\n", pb_code_name(can->code), can->field);
	return 0;
}

int main(int argc, char **argv)
{
	bool lists = argc == 2 && strcmp(argv[1], "--list") == 0;

	/* A folder called --help has been made, and committed, more than once. */
	if (argc != 2 || (argv[1][0] == '-' && !lists)) {
		fprintf(stderr, "usage: mkimages OUTDIR | --list\n");
		return 2;
	}
	return lists ? list() : write_all(argv[1]);
}
