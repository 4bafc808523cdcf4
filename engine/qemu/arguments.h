/* SPDX-License-Identifier: MIT */
/*
 * QEMU's command line for one run.
 */
#ifndef PB_ENGINE_ARGUMENTS_H
#define PB_ENGINE_ARGUMENTS_H

#include "../engine.h"

/* Descriptors that QEMU inherits, under the same numbers. */
struct qemu_fds {
	int domain, console, qmp, log;
	int initrd; /* of an image as shipped; -1: none */
	int vars;   /* likewise: a copy of the firmware's variables, which it may write to */
};

/* For execv; one block, to be freed. NULL: no memory. */
char **qemu_arguments(const char *program, const struct engine_run *run, const struct qemu_fds *fds);

#endif
