/* SPDX-License-Identifier: MIT */
/*
 * An output file that is there whole or not at all. Where the file system can
 * (O_TMPFILE), the file has no name until it is complete, so that not even a
 * SIGKILL leaves a piece of it; elsewhere it gets a temporary name beside the
 * wanted one. What is no regular file, such as /dev/null, is written directly.
 */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "say.h"
#include "tool.h"

static char *must_copy(const char *text)
{
	size_t len = strlen(text) + 1;

	return memcpy(must_alloc(len), text, len);
}

/* The mode that open() would have given a new file. */
static mode_t new_file_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

/* The target's name and a suffix. */
static char *name_beside(const char *target, const char *suffix)
{
	char *name = must_alloc(strlen(target) + strlen(suffix) + 1);

	sprintf(name, "%s%s", target, suffix);
	return name;
}

static int open_unnamed(const char *target)
{
	char *copy = must_copy(target);
	int fd = open(dirname(copy), O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);

	free(copy);
	return fd;
}

static int open_beside(struct output *out)
{
	out->beside = name_beside(out->target, ".XXXXXX");
	out->fd = mkostemp(out->beside, O_CLOEXEC);
	if (out->fd < 0) {
		free(out->beside);
		out->beside = NULL;
		return -1;
	}
	return fchmod(out->fd, new_file_mode());
}

static int open_new(struct output *out)
{
	out->fd = open_unnamed(out->target);
	if (out->fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		return -1;
	return open_beside(out);
}

static int open_stdout(struct output *out)
{
	out->fd = dup(STDOUT_FILENO);
	return out->fd < 0 ? -1 : 0;
}

/* A name that nothing has yet; a symbolic link to nothing is somebody's, and would be replaced. */
static int open_unused(struct output *out)
{
	struct stat st;

	if (errno != ENOENT || !*out->path)
		return -1;
	if (lstat(out->path, &st) == 0) {
		errno = ENOENT;
		return -1;
	}
	out->target = must_copy(out->path);
	return open_new(out);
}

/* In place of a regular file, which may be for few eyes only: with its mode. */
static int open_instead(struct output *out, mode_t mode)
{
	return open_new(out) < 0 ? -1 : fchmod(out->fd, mode & 0777);
}

/* Whatever path names, if it is there already: its true name, or opened directly if it is no regular file. */
static int open_path(struct output *out)
{
	struct stat st;

	out->target = realpath(out->path, NULL);
	if (!out->target)
		return open_unused(out);
	if (stat(out->target, &st) < 0)
		return -1;
	if (S_ISREG(st.st_mode))
		return open_instead(out, st.st_mode);
	free(out->target);
	out->target = NULL;
	out->fd = open(out->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	return out->fd < 0 ? -1 : 0;
}

/* A name that cannot be one is the user's mistake, a folder that takes no file the machine's. */
static int complain_open(const char *path, int code)
{
	static const int mistakes[] = { ENOENT, ENOTDIR, EISDIR, ELOOP, ENAMETOOLONG };

	complain(path, "%s", strerror(code));
	for (size_t i = 0; i < ARRAY_LEN(mistakes); i++)
		if (code == mistakes[i])
			return STATUS_BAD_INPUT;
	return STATUS_UNABLE;
}

int output_open(const char *path, struct output *ret)
{
	struct output out = { .path = path, .fd = -1 };
	int rc = strcmp(path, "-") == 0 ? open_stdout(&out) : open_path(&out);

	if (strcmp(path, "-") == 0)
		out.path = "standard output";
	if (rc < 0) {
		int status = complain_open(out.path, errno);

		output_abandon(&out);
		return status;
	}
	if (isatty(out.fd)) {
		output_abandon(&out);
		return complain(out.path, "is a terminal, which binary data would upset; use -o FILE");
	}
	*ret = out;
	return STATUS_OK;
}

bool output_is_file(const struct output *out)
{
	struct stat st;

	return fstat(out->fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* Give the unnamed file a name beside its target's, so that rename() can put it there. */
static int link_beside(struct output *out)
{
	char proc[40], suffix[16];
	uint32_t number;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", out->fd);
	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return -1;
	snprintf(suffix, sizeof(suffix), ".%08" PRIx32, number);
	out->beside = name_beside(out->target, suffix);
	if (linkat(AT_FDCWD, proc, AT_FDCWD, out->beside, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	free(out->beside);
	out->beside = NULL;
	return -1;
}

int output_commit(struct output *out)
{
	bool done = !out->target || ((out->beside || link_beside(out) == 0) && rename(out->beside, out->target) == 0);
	int status = STATUS_OK;

	if (done && out->beside) {
		free(out->beside);
		out->beside = NULL;
	}
	if (!done) {
		complain_errno(out->path);
		status = STATUS_UNABLE;
	}
	output_abandon(out);
	return status;
}

void output_abandon(struct output *out)
{
	if (out->beside)
		unlink(out->beside);
	if (out->fd >= 0)
		close(out->fd);
	free(out->beside);
	free(out->target);
}
