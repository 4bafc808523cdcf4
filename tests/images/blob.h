/* SPDX-License-Identifier: MIT */
/*
 * Bytes that grow, for building images: put things at the end, or patch what
 * is there. Running out of memory ends the program; these are tests.
 */
#ifndef PB_TESTS_BLOB_H
#define PB_TESTS_BLOB_H

#include <stddef.h>
#include <stdint.h>

struct blob {
	uint8_t *data;
	size_t len, room;
};

void blob_free(struct blob *blob);

/* Append; return the offset at which it went. */
size_t blob_put(struct blob *blob, const void *bytes, size_t len);
size_t blob_put_zeros(struct blob *blob, size_t len);
size_t blob_put_le(struct blob *blob, uint64_t number, unsigned len);
size_t blob_put_blob(struct blob *blob, const struct blob *from);

/* Append zeros up to offset `off`, which must not be behind the end. */
void blob_pad_to(struct blob *blob, size_t off);
void blob_align(struct blob *blob, size_t align);

/* Overwrite what is there, or cut the end off. */
void blob_set(struct blob *blob, size_t off, const void *bytes, size_t len);
void blob_set_le(struct blob *blob, size_t off, uint64_t number, unsigned len);
void blob_cut(struct blob *blob, size_t len);

#endif
