/* SPDX-License-Identifier: MIT */
/*
 * The payload of an image, from which its kernel is decoded.
 */
#ifndef PB_LIB_PAYLOAD_H
#define PB_LIB_PAYLOAD_H

#include "image.h"
#include "unpack.h"

/* Is there one, in a codec that we know? */
int payload_check(const struct pb_image *image, struct pb_error *err);

/* A decoder of it into fd, which gets nothing that does not begin like a kernel. Its codec is not "none". */
void payload_unpack_init(const struct pb_image *image, struct unpack *ret, int fd);

#endif
