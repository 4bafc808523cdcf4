/* SPDX-License-Identifier: MIT */
/*
 * What kernel.c takes a struct kernel's segments from. How they are asked for
 * is in image.h and kernel.h.
 */
#ifndef PB_LIB_SEGMENTS_H
#define PB_LIB_SEGMENTS_H

#include "kernel.h"

/*
 * Fill segments, elf_len, low_gpa and high_gpa. elf_class and entry are set. After a failure, too, segments is the
 * caller's to free.
 */
int segments_load(struct kernel *kernel, const struct elf_file *elf, const struct pb_limits *limits,
		  struct pb_error *err);

#endif
