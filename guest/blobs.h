/* SPDX-License-Identifier: MIT */
/*
 * The guest programs as the host side sees them: bytes, built into it by
 * embed.py. guest/NAME/ has each one's source.
 */
#ifndef PB_GUEST_BLOBS_H
#define PB_GUEST_BLOBS_H

#include <stddef.h>
#include <stdint.h>

enum guest_program {
	GUEST_INIT64,    /* an initrd for 64-bit kernels */
	GUEST_INIT32,    /* for 32-bit kernels */
	GUEST_INIT_BOTH, /* for a kernel whose class is not known */
	GUEST_TRAMPOLINE,
	GUEST_PROGRAMS
};

struct guest_blob {
	const uint8_t *bytes;
	size_t len;
};

struct guest_blob guest_blob(enum guest_program program);

#endif
