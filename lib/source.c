/* SPDX-License-Identifier: MIT */
/*
 * Reading untrusted bytes: the one place where an offset and a length meet a
 * buffer or a file.
 */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "error.h"

/* pread until len bytes or the end of the file; -1 with errno set. */
static ssize_t pread_full(int fd, void *buf, size_t len, uint64_t off)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, (char *)buf + done, len - done, (off_t)(off + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int source_read(const struct source *src, uint64_t off, void *buf, size_t len, const char *field, struct pb_error *err)
{
	if (off > src->len || len > src->len - off)
		return fail(err, PB_E_TRUNCATED, field, len, src->len, off);
	if (src->mem) {
		memcpy(buf, src->mem + src->base + off, len);
		return 0;
	}

	ssize_t n = pread_full(src->fd, buf, len, src->base + off);

	if (n < 0)
		return fail_io(err, field);
	if ((size_t)n < len)
		return fail(err, PB_E_CHANGED, field, (uint64_t)n, len, src->base + off);
	return 0;
}

int source_read_some(const struct source *src, uint64_t off, void *buf, size_t len, size_t *ret, struct pb_error *err)
{
	if (off > src->len)
		return fail(err, PB_E_TRUNCATED, "offset", off, src->len, off);
	if (len > src->len - off)
		len = (size_t)(src->len - off);

	int rc = source_read(src, off, buf, len, "file", err);

	if (rc == 0)
		*ret = len;
	return rc;
}

int source_slice(const struct source *src, uint64_t off, uint64_t len, const char *field, struct source *ret,
		 struct pb_error *err)
{
	if (off > src->len || len > src->len - off)
		return fail(err, PB_E_TRUNCATED, field, len, src->len, off);

	struct source slice = *src;

	slice.base += off;
	slice.len = len;
	*ret = slice;
	return 0;
}

bool source_is_sealed(const struct source *src)
{
	if (src->mem)
		return true;

	int seals = fcntl(src->fd, F_GET_SEALS);
	int wanted = F_SEAL_SHRINK | F_SEAL_WRITE;

	return seals >= 0 && (seals & wanted) == wanted;
}
