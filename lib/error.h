/* SPDX-License-Identifier: MIT */
/*
 * Filling the caller's pb_error. Every rejection in the library is one call
 * of fail(), so that it names the field, its value and the limit, and so that
 * `return fail(...)` is the whole of a check's bad branch.
 */
#ifndef PB_LIB_ERROR_H
#define PB_LIB_ERROR_H

#include <paraboot.h>

/* Fill err (may be NULL) and return -code. field must be a string constant. */
int fail(struct pb_error *err, enum pb_code code, const char *field, uint64_t value, uint64_t limit, uint64_t off);

/* PB_E_IO with errno as value. */
int fail_io(struct pb_error *err, const char *field);

int fail_nomem(struct pb_error *err, uint64_t wanted_len);

#endif
