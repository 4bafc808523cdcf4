/* SPDX-License-Identifier: MIT */
/*
 * paraboot unpack: the ELF kernel out of any image.
 */
#include <string.h>

#include "image.h"
#include "output.h"
#include "say.h"
#include "tool.h"

/* The library names the side that failed; the user knows it by its path. */
static int complain_unpack(const char *image_path, const struct output *out, const struct pb_error *err)
{
	bool is_output = err->code == PB_E_IO && strcmp(err->field, "output") == 0;

	return complain_error(is_output ? out->path : image_path, err);
}

/*
 * Unpacking streams, and sees only bytes: whether they are a kernel is asked of
 * the finished file, before it gets its name. A pipe has had them by then.
 */
static int check_kernel(const struct output *out, struct pb_error *err)
{
	struct pb_kernel kernel = PB_INIT(kernel);
	pb_image *unpacked;
	int rc;

	if (!out->target)
		return 0;
	rc = pb_image_open_fd(&unpacked, out->fd, NULL, err);
	if (rc < 0)
		return rc;
	rc = pb_image_kernel(unpacked, &kernel, err);
	pb_image_close(unpacked);
	return rc;
}

static int unpack_to(const char *image_path, pb_image *image, const char *output)
{
	struct pb_error err = PB_INIT(err);
	struct output out;
	int status = output_open(output, &out);

	if (status != STATUS_OK)
		return status;
	if (pb_image_unpack(image, out.fd, &err) == 0 && check_kernel(&out, &err) == 0)
		return output_commit(&out);
	status = complain_unpack(image_path, &out, &err);
	output_abandon(&out);
	return status;
}

static int run_unpack(const struct options *opt)
{
	pb_image *image;
	int status = open_image(opt->image, &image);

	if (status != STATUS_OK)
		return status;
	status = unpack_to(opt->image, image, opt->output ? opt->output : "-");
	pb_image_close(image);
	return status;
}

static const struct option_row unpack_rows[] = {
	{ 'o', "output", "FILE", "where the kernel goes; - is standard output, the default",
	  .at = offsetof(struct options, output) },
	{ 0 },
};

static const struct option_row *const unpack_tables[] = { unpack_rows, NULL };

const struct command unpack_command = {
	.name = "unpack",
	.summary = "Take the ELF kernel out of an image",
	.tables = unpack_tables,
	.run = run_unpack,
};
