/* SPDX-License-Identifier: MIT */
/*
 * Bytes that grow.
 */
#include "blob.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what)
{
	fprintf(stderr, "blob: %s\n", what);
	abort();
}

static void need(struct blob *blob, size_t len)
{
	size_t room = blob->room ? blob->room : 4096;

	while (room - blob->len < len)
		room *= 2;
	if (room == blob->room)
		return;
	blob->data = realloc(blob->data, room);
	if (!blob->data)
		die("no memory");
	blob->room = room;
}

void blob_free(struct blob *blob)
{
	free(blob->data);
	*blob = (struct blob){ 0 };
}

size_t blob_put_zeros(struct blob *blob, size_t len)
{
	size_t off = blob->len;

	need(blob, len);
	memset(blob->data + off, 0, len);
	blob->len += len;
	return off;
}

size_t blob_put(struct blob *blob, const void *bytes, size_t len)
{
	size_t off = blob_put_zeros(blob, len);

	if (len)
		memcpy(blob->data + off, bytes, len);
	return off;
}

size_t blob_put_le(struct blob *blob, uint64_t number, unsigned len)
{
	return blob_put(blob, &number, len);
}

size_t blob_put_blob(struct blob *blob, const struct blob *from)
{
	return blob_put(blob, from->data, from->len);
}

void blob_pad_to(struct blob *blob, size_t off)
{
	if (off < blob->len)
		die("pads backwards");
	blob_put_zeros(blob, off - blob->len);
}

void blob_align(struct blob *blob, size_t align)
{
	blob_pad_to(blob, (blob->len + align - 1) / align * align);
}

void blob_set(struct blob *blob, size_t off, const void *bytes, size_t len)
{
	if (off > blob->len || len > blob->len - off)
		die("set outside");
	memcpy(blob->data + off, bytes, len);
}

void blob_set_le(struct blob *blob, size_t off, uint64_t number, unsigned len)
{
	blob_set(blob, off, &number, len);
}

void blob_cut(struct blob *blob, size_t len)
{
	if (len > blob->len)
		die("cut longer");
	blob->len = len;
}
