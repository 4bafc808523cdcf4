/* SPDX-License-Identifier: MIT */
/*
 * The signals that ask us to end, once they did; see leave.h.
 */
#include "leave.h"

#include <unistd.h>

enum { LAST_WORDS_SECONDS = 3 };

static volatile sig_atomic_t leaving_status;

static void on_alarm(int signal_number)
{
	(void)signal_number;
	_exit(leaving_status);
}

void leave_once(const sigset_t *signals, int status)
{
	leaving_status = status;
	for (int number = 1; number < NSIG; number++)
		if (sigismember(signals, number) == 1)
			signal(number, SIG_IGN);
	signal(SIGALRM, on_alarm);
	alarm(LAST_WORDS_SECONDS);
}
