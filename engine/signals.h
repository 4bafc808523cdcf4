/* SPDX-License-Identifier: MIT */
/*
 * The signals that ask a process to end, while an engine runs: they come
 * through a descriptor into its poll loop, so that nothing is left behind. What
 * whoever started us chose to ignore (nohup) stays ignored, and a reader that
 * went away is an error of a write, and no signal.
 */
#ifndef PB_ENGINE_SIGNALS_H
#define PB_ENGINE_SIGNALS_H

#include <signal.h>

struct signals {
	int fd; /* for poll; -1: there is none, and the signals do what they did before */
	sigset_t before;
};

/* Those signals, without what is ignored: blocked, even that would come. */
void signals_to_end(sigset_t *ret);

void signals_catch(struct signals *signals);
unsigned signals_take(const struct signals *signals); /* the number of the one that came; 0: none did */
/* Those that came since ask for an end that is there already: they are dropped. */
void signals_release(const struct signals *signals);

#endif
