/* SPDX-License-Identifier: MIT */
/*
 * Cuts a stream into lines; see lines.h.
 */
#include "lines.h"

void lines_feed(struct lines *lines, const char *buf, size_t len, void (*fn)(void *ctx, const char *line), void *ctx)
{
	for (size_t i = 0; i < len; i++) {
		if (buf[i] == '\n') {
			lines->line[lines->len] = 0;
			fn(ctx, lines->line);
			lines->len = 0;
		} else if (buf[i] && buf[i] != '\r' && lines->len < sizeof(lines->line) - 1) {
			lines->line[lines->len++] = buf[i];
		}
	}
}
