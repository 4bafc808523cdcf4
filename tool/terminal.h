/* SPDX-License-Identifier: MIT */
/*
 * The user's terminal while a guest has it: raw, so that each key reaches the
 * guest's serial console, and given back on every way out.
 */
#ifndef TOOL_TERMINAL_H
#define TOOL_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Take standard input if it is a terminal; false: it is none, and nothing was done. */
bool terminal_take(void);

/* Give it back. Does nothing if it was not taken. */
void terminal_give_back(void);

/* Ctrl-A begins a word to us: Ctrl-A x leaves, Ctrl-A Ctrl-A is one Ctrl-A for the guest. */
struct terminal_keys {
	bool after_prefix;
};

/*
 * What was typed, reduced in place to what the guest gets; returns how much
 * that is, or -1 to leave. ctx is a struct terminal_keys.
 */
ssize_t terminal_typed(void *ctx, char *buf, size_t len);

#endif
