/* SPDX-License-Identifier: MIT */
/*
 * The signals that ask us to end, once they did; see leave.h.
 */
#include "leave.h"

#include <stddef.h>
#include <unistd.h>

#include "tool.h"

enum { LAST_WORDS_SECONDS = 3 };

static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
static volatile sig_atomic_t leaving_status;

void leave_signals(sigset_t *ret)
{
	struct sigaction action;

	sigemptyset(ret);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (sigaction(ends[i], NULL, &action) == 0 && action.sa_handler != SIG_IGN)
			sigaddset(ret, ends[i]);
}

static void on_alarm(int signal_number)
{
	(void)signal_number;
	_exit(leaving_status);
}

void leave_once(const sigset_t *signals, int status)
{
	leaving_status = status;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (sigismember(signals, ends[i]))
			signal(ends[i], SIG_IGN);
	signal(SIGALRM, on_alarm);
	alarm(LAST_WORDS_SECONDS);
}
