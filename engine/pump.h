/* SPDX-License-Identifier: MIT */
/*
 * Moves bytes from one descriptor to another inside a poll loop: reads only
 * when what it read before is gone, and so never waits on either side.
 */
#ifndef PB_ENGINE_PUMP_H
#define PB_ENGINE_PUMP_H

#include "outlet.h"

#include <poll.h>
#include <stdbool.h>
#include <sys/types.h>

struct pump {
	int from;
	struct outlet to; /* of a pump whose pass() keeps all: none */
	/* Sees what was read; returns how much of it goes on, or -1 to stop the pump for good. */
	ssize_t (*pass)(void *ctx, char *buf, size_t len);
	void *ctx;
	char buf[4096];
	size_t len, done;
	bool closed; /* nothing will move any more */
	bool left;   /* because pass() said so */
};

/* What it waits for now; fd is -1, which poll ignores, when it is closed. */
struct pollfd pump_waits(const struct pump *pump);

/* Any revents of this: its reader went away. A guest that is silent must not outlive that. */
struct pollfd pump_reader(const struct pump *pump);

/* Do what poll said can be done. */
void pump_move(struct pump *pump, short revents);

#endif
