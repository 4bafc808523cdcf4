/* SPDX-License-Identifier: MIT */
/*
 * A program that runs for us and never outlives us: it dies with the thread
 * that started it, and every way out of an engine ends it and waits for it.
 */
#ifndef PB_ENGINE_PROCESS_H
#define PB_ENGINE_PROCESS_H

#include "engine.h"

/*
 * Start argv[0] (a path) with standard input from /dev/null and both outputs
 * into out_fd; of our descriptors it inherits those in keep, which ends with -1.
 */
int process_start(pid_t *ret, char *const argv[], int out_fd, const int *keep, struct engine_error *err);

/* End it, if it still runs, and wait for it. */
void process_end(pid_t pid);

/* A program's path by $variable or $PATH; malloc'ed, or NULL: not found. */
char *process_find(const char *variable, const char *name);

#endif
