/* SPDX-License-Identifier: MIT */
/* What both kinds of firmware tables share: a bounded buffer and the checksum. */
#include "tables.h"

#include <string.h>

#define TABLE_ALIGN 16

void *tables_add(struct tables *tables, size_t len)
{
	size_t at = (tables->used + TABLE_ALIGN - 1) & ~(size_t)(TABLE_ALIGN - 1);

	if (at > tables->len || len > tables->len - at)
		return NULL;
	tables->used = at + len;
	return memset(tables->buf + at, 0, len);
}

uint8_t tables_checksum(const void *buf, size_t len)
{
	const uint8_t *byte = buf;
	uint8_t sum = 0;

	while (len--)
		sum += *byte++;
	return (uint8_t)-sum;
}
