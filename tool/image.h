/* SPDX-License-Identifier: MIT */
/*
 * Opening the image that every subcommand works on.
 */
#ifndef TOOL_IMAGE_H
#define TOOL_IMAGE_H

#include <paraboot.h>

/* A descriptor to read an image from. STATUS_OK, or the exit status after having said what is wrong. */
int open_file(const char *path, int *ret);

/* STATUS_OK, or the exit status after having said what is wrong. */
int open_image(const char *path, pb_image **ret);

/*
 * The kernel inside, if there is one that the host can unpack: STATUS_OK and
 * *present false where the image tells of none.
 */
int load_kernel(const char *path, pb_image *image, struct pb_kernel *ret, bool *present);

/* The boot protocol as its version is written: "2.15". */
struct protocol_name {
	char text[12];
};
struct protocol_name protocol_name(uint16_t protocol);

/* "bzImage", "zImage", "elf", "compressed-elf", "pe" */
const char *format_name(enum pb_format format);

#endif
