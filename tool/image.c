/* SPDX-License-Identifier: MIT */
/*
 * Opening the image that every subcommand works on, and the words for its kind.
 */
#include "image.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "say.h"
#include "tool.h"

int open_file(const char *path, int *ret)
{
	/* A FIFO or a terminal must not make open() wait or become ours; the library refuses what it cannot pread. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return complain_errno(path);
	*ret = fd;
	return STATUS_OK;
}

int open_image(const char *path, pb_image **ret)
{
	struct pb_error err = PB_INIT(err);
	int rc, fd = -1, status = open_file(path, &fd);

	if (status != STATUS_OK)
		return status;
	rc = pb_image_open_fd(ret, fd, NULL, &err);
	close(fd);
	return rc < 0 ? complain_error(path, &err) : STATUS_OK;
}

int load_kernel(const char *path, pb_image *image, struct pb_kernel *ret, bool *present)
{
	struct pb_error err = PB_INIT(err);
	int rc = pb_image_kernel(image, ret, &err);

	if (rc < 0 && rc != -PB_E_NO_PAYLOAD)
		return complain_error(path, &err);
	*present = rc == 0;
	return STATUS_OK;
}

struct protocol_name protocol_name(uint16_t protocol)
{
	struct protocol_name name;

	snprintf(name.text, sizeof(name.text), "%u.%02u", protocol >> 8, protocol & 0xffu);
	return name;
}

const char *format_name(enum pb_format format)
{
	static const char *const names[] = {
		[PB_BZIMAGE] = "bzImage", [PB_ZIMAGE] = "zImage",
		[PB_ELF] = "elf",         [PB_COMPRESSED_ELF] = "compressed-elf",
		[PB_PE] = "pe",
	};

	return names[format];
}
