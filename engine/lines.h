/* SPDX-License-Identifier: MIT */
/*
 * Cuts a stream of bytes into lines without keeping more than the beginning of
 * one: what a guest writes may never have a line end.
 */
#ifndef PB_ENGINE_LINES_H
#define PB_ENGINE_LINES_H

#include <stddef.h>

struct lines {
	char line[512]; /* the current line's beginning */
	size_t len;
};

/* Call fn for each line that ended, without its end and with a NUL. */
void lines_feed(struct lines *lines, const char *buf, size_t len, void (*fn)(void *ctx, const char *line), void *ctx);

#endif
