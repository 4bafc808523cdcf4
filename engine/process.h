/* SPDX-License-Identifier: MIT */
/*
 * A program that runs for us and never outlives us, nor does anything that it
 * starts: all of it is killed when we die, of whatever, and every way out of an
 * engine ends it and waits for it.
 */
#ifndef PB_ENGINE_PROCESS_H
#define PB_ENGINE_PROCESS_H

#include "engine.h"

struct process {
	pid_t guard; /* our child, and the program's parent */
	int life;    /* while this is open, the program may run */
};

/*
 * Start argv[0] (a path) with standard input from /dev/null and both outputs
 * into out_fd; of our descriptors it inherits those in keep, which ends with -1.
 */
int process_start(struct process *ret, char *const argv[], int out_fd, const int *keep, struct engine_error *err);

/* End it and all that it started, if any of that still runs, and wait for it. */
void process_end(struct process *process);

/* A program's path by $variable or $PATH; malloc'ed, or NULL: not found. */
char *process_find(const char *variable, const char *name);

#endif
