/* SPDX-License-Identifier: MIT */
/*
 * Subarchitectures of the boot protocol 2.07: hardware_subarch tells a kernel
 * whom it runs on.
 */
#ifndef PB_LIB_ENTRY_SUBARCH_H
#define PB_LIB_ENTRY_SUBARCH_H

#include "../image.h"

#define SUBARCH_LGUEST 1u
#define SUBARCH_XEN    2u
#define SUBARCH_SINCE  0x207

/* May a kernel be told so? What is not the PC takes a field that the image has, and its word or the caller's. */
int subarch_check(struct pb_image *image, uint32_t number, bool insist, struct pb_error *err);

/* Does the image, by the notes behind its own ELF header, have an entry of that mode (SUBARCH_LINUX32 and so on)? */
int subarch_has_mode(struct pb_image *image, uint32_t mode, struct pb_error *why);

/*
 * What an image says of itself, in kernel_info or by a note behind an ELF header of its own; PB_SERVES_UNKNOWN if it
 * says nothing.
 */
int subarch_said(struct pb_image *image, uint32_t number, enum pb_serves *ret, struct pb_error *err);

/* What an ELF file's own note says of that number: PB_SERVES_UNKNOWN without one. */
int subarch_noted(const struct kernel *kernel, uint32_t number, enum pb_serves *ret, struct pb_error *err);

#endif
