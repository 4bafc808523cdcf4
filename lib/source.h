/* SPDX-License-Identifier: MIT */
/*
 * Where bytes come from: the caller's memory or a file that is only ever
 * pread, seen through a window [base, base+len). A file that shrinks gives
 * PB_E_CHANGED, never SIGBUS. Every read of untrusted bytes goes through
 * source_read(), which makes the one range check ("cut the slice, then read it").
 */
#ifndef PB_LIB_SOURCE_H
#define PB_LIB_SOURCE_H

#include <paraboot.h>

struct source {
	const uint8_t *mem; /* NULL: a file */
	int fd;             /* owned by the image that owns the source */
	uint64_t base;      /* of the window, in the file or memory */
	uint64_t len;       /* of the window */
};

/* Copy [off, off+len) of the window, whole or not at all; field names what is being read. */
int source_read(const struct source *src, uint64_t off, void *buf, size_t len, const char *field, struct pb_error *err);

/* Copy what there is of [off, off+len), 0 at the end; the count goes to *ret. */
int source_read_some(const struct source *src, uint64_t off, void *buf, size_t len, size_t *ret, struct pb_error *err);

/* A window within a window; checked against its parent. */
int source_slice(const struct source *src, uint64_t off, uint64_t len, const char *field, struct source *ret,
		 struct pb_error *err);

/* Can the bytes behind it neither shrink nor change (memory, or a memfd sealed against both)? */
bool source_is_sealed(const struct source *src);

#endif
