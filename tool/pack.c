/* SPDX-License-Identifier: MIT */
/*
 * paraboot pack: a bzImage of our own around any image's kernel.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "image.h"
#include "output.h"
#include "pack_notes.h"
#include "say.h"
#include "tool.h"
#include "values.h"

/* ---- Progress ----------------------------------------------------------- */

struct bar {
	struct timespec start;
	bool drawn;
};

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

/* Only on a terminal, and only for what takes longer than a second. */
static void draw_bar(void *ctx, uint64_t done, uint64_t total)
{
	enum { WIDTH = 40 };
	static const char full[WIDTH + 1] = "########################################";
	struct bar *bar = ctx;
	int cells = total ? (int)(done * WIDTH / total) : WIDTH;

	if (!isatty(STDERR_FILENO) || seconds_since(&bar->start) < 1)
		return;
	fprintf(stderr, "\r[%-*.*s] %3d %%", WIDTH, cells, full, total ? (int)(done * 100 / total) : 100);
	bar->drawn = true;
}

static void wipe_bar(const struct bar *bar)
{
	if (bar->drawn)
		fputs("\r\033[K", stderr);
}

/* ---- What a new container cannot carry over ----------------------------- */

/* Behind what syssize counts there is nothing but a signature. */
static bool is_signed(pb_image *image, const struct pb_facts *facts)
{
	struct pb_header_field field = PB_INIT(field);

	for (unsigned i = 0; pb_image_header_field(image, i, &field) == 0; i++)
		if (strcmp(field.name, "syssize") == 0)
			return facts->image_len > facts->setup_len + field.value * 16;
	return false;
}

static void say_lost(const char *path, pb_image *image)
{
	struct pb_facts facts = PB_INIT(facts);

	pb_image_facts(image, &facts);
	if (facts.format == PB_PE)
		complain(path, "of this PE file only the kernel is in the packed image");
	if (facts.efi_entry_off || facts.efi_handover_off)
		complain(path, "its EFI entry is not in the packed image%s",
			 facts.efi_entry_off && is_signed(image, &facts) ? ", nor is its signature" : "");
}

/* ---- The command -------------------------------------------------------- */

static int add_value(struct options *opt, const char *arg)
{
	const char *equals = strchr(arg, '=');
	uint64_t value;

	if (!equals || equals == arg || !value_number(equals + 1, UINT64_MAX, &value))
		return -1;
	opt->values = must_grow(opt->values, opt->nr_values + 1, sizeof(*opt->values));
	opt->values[opt->nr_values++] = (struct pb_pack_value){ strndup(arg, (size_t)(equals - arg)), value };
	return 0;
}

static int set_codec(struct options *opt, const char *arg)
{
	opt->codec = arg;
	return pb_pack_has_codec(arg) ? 0 : -1;
}

static int complain_pack(const struct options *opt, const struct output *out, const struct pb_error *err)
{
	bool is_output = err->code == PB_E_IO && strcmp(err->field, "output") == 0;

	if (err->code == PB_E_ARG && strcmp(err->field, "field") == 0 && err->value < opt->nr_values)
		return complain("--set", "no field that can be set: %s; see paraboot-pack(1)",
				opt->values[err->value].field);
	return complain_error(is_output ? out->path : opt->image, err);
}

/* What was asked for, but for what hangs on the kernel's class. */
static struct pb_pack request_of(const struct options *opt, struct bar *bar)
{
	return (struct pb_pack){ .size = sizeof(struct pb_pack),
				 .codec = opt->codec ? opt->codec : "none",
				 .cmdline = opt->cmdline,
				 .elf = opt->elf,
				 .relocatable = opt->relocatable,
				 .values = opt->values,
				 .nr_values = opt->nr_values,
				 .progress = draw_bar,
				 .ctx = bar };
}

/* The library's error, from the kernel or from what was made of it. */
static int write_packed(const struct options *opt, pb_image *image, int fd, struct pb_error *err)
{
	struct bar bar = { .drawn = false };
	struct pb_pack pack = request_of(opt, &bar);
	struct pb_kernel kernel = PB_INIT(kernel);
	struct pb_pack_note *notes;
	int rc = pb_image_kernel(image, &kernel, err);

	if (rc < 0)
		return rc;
	notes = make_notes(opt, kernel.elf_class);
	pack.notes = notes;
	pack.nr_notes = opt->nr_notes;
	clock_gettime(CLOCK_MONOTONIC, &bar.start);
	rc = pb_pack_write(image, &pack, fd, err);
	wipe_bar(&bar);
	give_back_notes(notes, opt->nr_notes);
	return rc;
}

/* What is wrong with the kernel itself, the packer says. */
static int check_numbers(const struct options *opt, pb_image *image)
{
	struct pb_kernel kernel = PB_INIT(kernel);

	return pb_image_kernel(image, &kernel, NULL) == 0 ? check_notes(opt, kernel.elf_class) : STATUS_OK;
}

static int pack_to(const struct options *opt, pb_image *image)
{
	struct pb_error err = PB_INIT(err);
	struct output out;
	int status = check_numbers(opt, image);

	if (status == STATUS_OK)
		status = output_open(opt->output, &out);
	if (status != STATUS_OK)
		return status;
	if (write_packed(opt, image, out.fd, &err) < 0) {
		status = complain_pack(opt, &out, &err);
		output_abandon(&out);
		return status;
	}
	status = output_commit(&out);
	if (status == STATUS_OK)
		say_lost(opt->image, image);
	return status;
}

static int run_pack(const struct options *opt)
{
	pb_image *image;
	int status;

	status = open_image(opt->image, &image);
	if (status != STATUS_OK)
		return status;
	if (!opt->output)
		status = complain("pack", "needs -o FILE; - is standard output");
	else if (opt->nr_notes && !opt->elf)
		status = complain("--note", "needs --elf: the notes stand behind the ELF header");
	else
		status = pack_to(opt, image);
	pb_image_close(image);
	return status;
}

static const struct option_row pack_rows[] = {
	{ 'o', "output", "FILE", "where the packed image goes; - is standard output",
	  .at = offsetof(struct options, output) },
	{ 0, "codec", OPTION_CODECS, "how the kernel is compressed (default none: a bImage)", set_codec },
	{ 0, "cmdline", "CMDLINE", "compiled in: the kernel sees it before the loader's command line",
	  .at = offsetof(struct options, cmdline) },
	{ 0, "elf", NULL, "an ELF header before the setup header, with the kernel's notes and a PVH entry",
	  .at = offsetof(struct options, elf) },
	{ 0, "note", "OWNER:TYPE=VALUE", "with --elf: a note beside the kernel's own; may be repeated", add_note,
	  .most = UINT32_MAX },
	{ 0, "set", "FIELD=VALUE", "a field of the setup header that is the packer's to choose; may be repeated",
	  add_value, .most = UINT64_MAX },
	{ 0, "relocatable", NULL, "refuse a kernel without relocations", .at = offsetof(struct options, relocatable) },
	{ 0 },
};

static const struct option_row *const pack_tables[] = { pack_rows, NULL };

const struct command pack_command = {
	.name = "pack",
	.summary = "Pack a kernel into a bzImage of our own",
	.tables = pack_tables,
	.run = run_pack,
};
