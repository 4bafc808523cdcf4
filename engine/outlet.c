/* SPDX-License-Identifier: MIT */
/*
 * Writing without sleeping; see outlet.h. The flags of a descriptor that we were
 * given are shared with other processes, so O_NONBLOCK is not ours to set there:
 * a terminal is opened a second time, a socket is asked for each write, and a
 * pipe that polls writable takes PIPE_BUF bytes.
 */
#include "outlet.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_again(int fd)
{
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

struct outlet outlet_open(int fd)
{
	struct outlet outlet = { .fd = fd };
	struct stat st;
	int ours;

	if (fd < 0 || fstat(fd, &st) < 0)
		return outlet;
	outlet.is_socket = S_ISSOCK(st.st_mode);
	ours = S_ISCHR(st.st_mode) ? open_again(fd) : -1;
	if (ours >= 0)
		outlet = (struct outlet){ .fd = ours, .is_ours = true };
	return outlet;
}

void outlet_close(struct outlet *outlet)
{
	if (outlet->is_ours)
		close(outlet->fd);
	*outlet = (struct outlet){ .fd = -1 };
}

ssize_t outlet_write(const struct outlet *outlet, const char *buf, size_t len)
{
	if (outlet->is_socket)
		return send(outlet->fd, buf, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	return write(outlet->fd, buf, len < PIPE_BUF ? len : PIPE_BUF);
}
