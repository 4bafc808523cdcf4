/* SPDX-License-Identifier: MIT */
/*
 * Writing unpacked bytes out, with holes where a file can have them. Copies go
 * through a buffer and not through copy_file_range(): that took 63 ms for a
 * vmlinux of 66 MB on ext4, which knows no reflinks; the buffer, which can skip
 * the zeros, 25 ms.
 */
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"

#define BLOCK_LEN 4096u
#define COPY_LEN  (256u * 1024)

void sink_open(struct sink *ret, int fd)
{
	struct sink sink = { .fd = fd };
	struct stat st;
	off_t pos = lseek(fd, 0, SEEK_CUR);

	/*
	 * A hole would let bytes that stand behind the offset shine through, so only at the end of the file; and
	 * O_APPEND writes at the end whatever the offset is, so it would swallow the hole.
	 */
	if (pos >= 0 && !(fcntl(fd, F_GETFL) & O_APPEND) && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    pos >= st.st_size) {
		sink.sparse = true;
		sink.pos = (uint64_t)pos;
	}
	*ret = sink;
}

static int write_full(struct sink *sink, const uint8_t *bytes, size_t len, struct pb_error *err)
{
	while (len > 0) {
		ssize_t n = write(sink->fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_io(err, "output");
		bytes += n;
		len -= (size_t)n;
		sink->pos += (uint64_t)n;
		sink->hole_last = false;
	}
	return 0;
}

static int skip(struct sink *sink, size_t len, struct pb_error *err)
{
	if (len == 0)
		return 0;
	if (lseek(sink->fd, (off_t)len, SEEK_CUR) < 0)
		return fail_io(err, "output");
	sink->pos += len;
	sink->hole_last = true;
	return 0;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

/* The length from here to the file's next block boundary, or len if that is less. */
static size_t block_at(const struct sink *sink, size_t ahead, size_t len)
{
	size_t block_len = BLOCK_LEN - (size_t)((sink->pos + ahead) % BLOCK_LEN);

	return block_len < len ? block_len : len;
}

/* The length of the blocks from here on that are all zero, or all not. */
static size_t run_len(const struct sink *sink, const uint8_t *bytes, size_t len, bool zero)
{
	size_t run = 0;

	while (run < len) {
		size_t block_len = block_at(sink, run, len - run);

		if (is_zero(bytes + run, block_len) != zero)
			break;
		run += block_len;
	}
	return run;
}

int sink_write(struct sink *sink, const uint8_t *bytes, size_t len, struct pb_error *err)
{
	int rc = 0;

	if (!sink->sparse)
		return write_full(sink, bytes, len, err);

	for (size_t done = 0, run; done < len && rc == 0; done += run) {
		run = run_len(sink, bytes + done, len - done, true);
		if (run > 0) {
			rc = skip(sink, run, err);
		} else {
			run = run_len(sink, bytes + done, len - done, false);
			rc = write_full(sink, bytes + done, run, err);
		}
	}
	return rc;
}

int sink_settle(struct sink *sink, struct pb_error *err)
{
	if (!sink->hole_last)
		return 0;
	if (ftruncate(sink->fd, (off_t)sink->pos) < 0)
		return fail_io(err, "output");
	sink->hole_last = false;
	return 0;
}

static int copy_file(struct sink *sink, const struct source *src, uint8_t *buf, struct pb_error *err)
{
	size_t len = 0;
	int rc = 0;

	for (uint64_t done = 0; done < src->len && rc == 0; done += len) {
		rc = source_read_some(src, done, buf, COPY_LEN, &len, err);
		if (rc == 0)
			rc = sink_write(sink, buf, len, err);
	}
	return rc;
}

static int copy_memory(struct sink *sink, const struct source *src, struct pb_error *err)
{
	int rc = 0;

	for (uint64_t done = 0; done < src->len && rc == 0; done += COPY_LEN) {
		uint64_t left = src->len - done;

		rc = sink_write(sink, src->mem + src->base + done, (size_t)(left < COPY_LEN ? left : COPY_LEN), err);
	}
	return rc;
}

int sink_copy(struct sink *sink, const struct source *src, struct pb_error *err)
{
	if (src->mem)
		return copy_memory(sink, src, err);

	uint8_t *buf = malloc(COPY_LEN);

	if (!buf)
		return fail_nomem(err, COPY_LEN);

	int rc = copy_file(sink, src, buf, err);

	free(buf);
	return rc;
}
