/* SPDX-License-Identifier: MIT */
/*
 * Where unpacked bytes go: a file descriptor, written in order. In a regular
 * file opened at its end, blocks of zeros become holes, which cost neither
 * time nor disk.
 */
#ifndef PB_LIB_SINK_H
#define PB_LIB_SINK_H

#include <paraboot.h>

#include "source.h"

struct sink {
	int fd;
	bool sparse;    /* may leave holes */
	bool hole_last; /* the file ends before pos: in a hole that nothing has written yet */
	uint64_t pos;   /* in the file, if sparse */
};

/* Write from the descriptor's current offset on. */
void sink_open(struct sink *ret, int fd);

int sink_write(struct sink *sink, const uint8_t *bytes, size_t len, struct pb_error *err);

/* Let the file's length cover a hole at its end. After this the file reads as what was written. */
int sink_settle(struct sink *sink, struct pb_error *err);

/* Write all of a source. */
int sink_copy(struct sink *sink, const struct source *src, struct pb_error *err);

#endif
