/* SPDX-License-Identifier: MIT */
/*
 * Leaving once. Whoever asks us to end may ask twice: a terminal that went away
 * and the shell behind it, a SIGTERM and the SIGHUP that follows it. Engines
 * take the first as an event; what comes after it, while we give back what we
 * have and say our last words, asks for nothing new and must not end us half way.
 */
#ifndef TOOL_LEAVE_H
#define TOOL_LEAVE_H

#include <signal.h>

/*
 * From here on these signals (engine/signals.h) are ignored, with those that are blocked and pending. Last
 * words that nobody takes, on a terminal that is full, are given up after a
 * while: status is then our exit status.
 */
void leave_once(const sigset_t *signals, int status);

#endif
