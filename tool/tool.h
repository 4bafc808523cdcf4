/* SPDX-License-Identifier: MIT */
/*
 * What the subcommands share. Each is one row of commands[] in main.c and one
 * file; each gets its options parsed (options.h) and returns the exit status.
 */
#ifndef TOOL_H
#define TOOL_H

#include <paraboot.h>

#include "options.h"

/* Exit statuses; a script may rely on them (paraboot.1). */
enum status {
	STATUS_OK = 0,
	STATUS_WORSE = 1,     /* try: a start failed that should not have, or something got worse */
	STATUS_BAD_INPUT = 2, /* a file, an option, or a start that the image does not allow */
	STATUS_UNABLE = 3,    /* this machine or this build cannot */
	STATUS_REBOOTED = 10,
	STATUS_PANICKED = 11,
	STATUS_CRASHED = 12,
	STATUS_TIMED_OUT = 124,
};

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

struct command {
	const char *name;
	const char *summary; /* one line, for --help */
	/* The options, table by table, each ended by a row without a name; ends with NULL. */
	const struct option_row *const *tables;
	int (*run)(const struct options *opt);
};

extern const struct command info_command, unpack_command, pack_command, plan_command, run_command, try_command;

#endif
