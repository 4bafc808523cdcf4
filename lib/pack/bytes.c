/* SPDX-License-Identifier: MIT */
/*
 * Memory that grows as it is filled.
 */
#include <stdlib.h>
#include <string.h>

#include "../error.h"
#include "pack.h"

static int grow(struct pack_bytes *bytes, size_t more, struct pb_error *err)
{
	size_t cap = bytes->cap ? bytes->cap : 4096;
	uint8_t *mem;

	if (more <= bytes->cap - bytes->len)
		return 0;
	while (cap - bytes->len < more)
		if (__builtin_mul_overflow(cap, 2, &cap))
			return fail_nomem(err, more);
	mem = realloc(bytes->mem, cap);
	if (!mem)
		return fail_nomem(err, cap);
	bytes->mem = mem;
	bytes->cap = cap;
	return 0;
}

int pack_bytes_room(struct pack_bytes *bytes, size_t len, uint8_t **ret, struct pb_error *err)
{
	int rc = grow(bytes, len, err);

	if (rc == 0)
		*ret = bytes->mem + bytes->len;
	return rc;
}

int pack_bytes_add(struct pack_bytes *bytes, const void *mem, size_t len, struct pb_error *err)
{
	int rc = grow(bytes, len, err);

	if (rc < 0)
		return rc;
	if (len)
		memcpy(bytes->mem + bytes->len, mem, len);
	bytes->len += len;
	return 0;
}

int pack_bytes_pad(struct pack_bytes *bytes, size_t align, struct pb_error *err)
{
	size_t len = (align - bytes->len % align) % align;
	int rc = grow(bytes, len, err);

	if (rc < 0)
		return rc;
	if (len)
		memset(bytes->mem + bytes->len, 0, len);
	bytes->len += len;
	return 0;
}

void pack_bytes_free(struct pack_bytes *bytes)
{
	free(bytes->mem);
	*bytes = (struct pack_bytes){ 0 };
}
