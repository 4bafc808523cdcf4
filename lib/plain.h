/* SPDX-License-Identifier: MIT */
/*
 * Handing plain-value structs to callers of another age. Each begins with its
 * size as the caller knows it: copy no more than that, and leave it standing.
 */
#ifndef PB_LIB_PLAIN_H
#define PB_LIB_PLAIN_H

#include <paraboot.h>
#include <string.h>

/* Copy full, of full_len bytes, to ret, whose first member says how much of it the caller has. 0, or -PB_E_ARG. */
static inline int plain_give(void *ret, const void *full, size_t full_len)
{
	size_t size;

	if (!ret)
		return -PB_E_ARG;
	memcpy(&size, ret, sizeof(size));
	if (size < sizeof(size))
		return -PB_E_ARG;
	if (full_len > size)
		full_len = size;
	memcpy((char *)ret + sizeof(size), (const char *)full + sizeof(size), full_len - sizeof(size));
	return 0;
}

#endif
