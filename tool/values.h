/* SPDX-License-Identifier: MIT */
/*
 * Option values from text. All or nothing: the whole text has to be the value,
 * and a value that does not fit is refused, not cut. true: *ret is set.
 */
#ifndef TOOL_VALUES_H
#define TOOL_VALUES_H

#include <paraboot.h>

/* Decimal or 0x hexadecimal. */
bool value_number(const char *text, uint64_t max, uint64_t *ret);

/* Is it written as one, of whatever size? */
bool value_is_number(const char *text);

/* A number of bytes, with K, M, G or T (powers of 1024) behind it if wanted. */
bool value_size(const char *text, uint64_t *ret);

/* START:LEN[:ram|reserved|acpi|nvs], both as sizes. */
bool value_range(const char *text, struct pb_range *ret);

const char *ram_type_name(uint32_t type);

#endif
