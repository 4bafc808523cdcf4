/* SPDX-License-Identifier: MIT */
/*
 * Moves bytes inside a poll loop; see pump.h.
 */
#include "pump.h"

#include <errno.h>
#include <unistd.h>

static bool has_more(const struct pump *pump)
{
	return pump->done < pump->len;
}

struct pollfd pump_waits(const struct pump *pump)
{
	if (pump->closed)
		return (struct pollfd){ .fd = -1 };
	if (has_more(pump))
		return (struct pollfd){ .fd = pump->to.fd, .events = POLLOUT };
	return (struct pollfd){ .fd = pump->from, .events = POLLIN };
}

struct pollfd pump_reader(const struct pump *pump)
{
	return (struct pollfd){ .fd = pump->to.fd };
}

static bool is_temporary(ssize_t n)
{
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void pump_read(struct pump *pump)
{
	ssize_t n = read(pump->from, pump->buf, sizeof(pump->buf));

	if (is_temporary(n))
		return;
	if (n > 0) {
		n = pump->pass(pump->ctx, pump->buf, (size_t)n);
		pump->left = n < 0;
	} else {
		n = -1;
	}
	pump->closed = n < 0;
	pump->len = n < 0 ? 0 : (size_t)n;
	pump->done = 0;
}

static void pump_write(struct pump *pump)
{
	ssize_t n = outlet_write(&pump->to, pump->buf + pump->done, pump->len - pump->done);

	if (is_temporary(n))
		return;
	if (n < 0)
		pump->closed = true;
	else
		pump->done += (size_t)n;
}

void pump_move(struct pump *pump, short revents)
{
	if (pump->closed || !revents)
		return;
	if (has_more(pump))
		pump_write(pump);
	else
		pump_read(pump);
}
