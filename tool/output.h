/* SPDX-License-Identifier: MIT */
/*
 * An output file that is there whole or not at all: written beside its name,
 * and given the name only when it is complete.
 */
#ifndef TOOL_OUTPUT_H
#define TOOL_OUTPUT_H

#include <stdbool.h>

struct output {
	const char *path; /* as the user gave it, for messages; "-": standard output */
	char *target;     /* what gets replaced: path with its symbolic links followed */
	char *beside;     /* the file being written, if it has a name; NULL: none */
	int fd;
};

/* STATUS_OK, or the exit status after having said why not. Binary is never written to a terminal. */
int output_open(const char *path, struct output *ret);

/* Can it be mapped and have holes? */
bool output_is_file(const struct output *out);

/* Give it its name. On failure it is gone, as after output_abandon(). */
int output_commit(struct output *out);

/* Leave nothing behind. */
void output_abandon(struct output *out);

#endif
