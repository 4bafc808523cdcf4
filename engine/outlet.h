/* SPDX-License-Identifier: MIT */
/*
 * Where a poll loop writes to, whatever the descriptor is, without ever
 * sleeping there: a reader that stalls must not keep the loop from its deadline
 * and its signals.
 */
#ifndef PB_ENGINE_OUTLET_H
#define PB_ENGINE_OUTLET_H

#include <stdbool.h>
#include <sys/types.h>

struct outlet {
	int fd; /* -1: nothing is written */
	bool is_ours, is_socket;
};

struct outlet outlet_open(int fd);
void outlet_close(struct outlet *outlet);

/* After POLLOUT: what was taken, or -1 with errno; EAGAIN if it is full after all. */
ssize_t outlet_write(const struct outlet *outlet, const char *buf, size_t len);

#endif
