/* SPDX-License-Identifier: MIT */
/*
 * Filling the caller's pb_error. Every rejection in the library is one call
 * of fail(), so that it names the field, its value and the limit, and so that
 * `return fail(...)` is the whole of a check's bad branch.
 */
#ifndef PB_LIB_ERROR_H
#define PB_LIB_ERROR_H

#include <errno.h>
#include <paraboot.h>

/* Fill err, which may be NULL. field must be a string constant. */
void error_fill(struct pb_error *err, enum pb_code code, const char *field, uint64_t value, uint64_t limit,
		uint64_t off);

/* The same, and return -code: inline, so that the compiler sees in each file that a failure is never 0. */
static inline int fail(struct pb_error *err, enum pb_code code, const char *field, uint64_t value, uint64_t limit,
		       uint64_t off)
{
	error_fill(err, code, field, value, limit, off);
	return -(int)code;
}

/* PB_E_IO with errno as value. */
static inline int fail_io(struct pb_error *err, const char *field)
{
	return fail(err, PB_E_IO, field, (uint64_t)errno, 0, 0);
}

static inline int fail_nomem(struct pb_error *err, uint64_t wanted_len)
{
	return fail(err, PB_E_NOMEM, "memory", wanted_len, 0, 0);
}

#endif
