/* SPDX-License-Identifier: MIT */
/*
 * What the engines' files share with each other and with nobody else.
 */
#ifndef PB_ENGINE_INTERNAL_H
#define PB_ENGINE_INTERNAL_H

#include "engine.h"

#include <errno.h>

/* "DOING: what errno says", ENGINE_UNABLE. */
int engine_fail_errno(struct engine_error *err, const char *doing);

/* Does another program, of which words are all that is left, complain of such an errno? */
bool engine_tells_of_shortage(const char *text);

/* The rows of engines[]. */
int qemu_usable(struct engine_options *options, struct engine_error *err);
int qemu_memory(const struct engine_options *options, struct engine_memory *ret, struct engine_error *err);
int qemu_run(const struct engine_run *run, struct engine_result *ret, struct engine_error *err);

int kvm_usable(struct engine_options *options, struct engine_error *err);
int kvm_memory(const struct engine_options *options, struct engine_memory *ret, struct engine_error *err);
int kvm_run(const struct engine_run *run, struct engine_result *ret, struct engine_error *err);

int file_usable(struct engine_options *options, struct engine_error *err);
int file_memory(const struct engine_options *options, struct engine_memory *ret, struct engine_error *err);
int file_run(const struct engine_run *run, struct engine_result *ret, struct engine_error *err);

int xen_usable(struct engine_options *options, struct engine_error *err);
int xen_memory(const struct engine_options *options, struct engine_memory *ret, struct engine_error *err);
int xen_run(const struct engine_run *run, struct engine_result *ret, struct engine_error *err);

#endif
