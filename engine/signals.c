/* SPDX-License-Identifier: MIT */
/*
 * Signals as events; see signals.h.
 */
#include "signals.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

static bool is_ignored(int signal_number)
{
	struct sigaction action;

	return sigaction(signal_number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

void signals_to_end(sigset_t *ret)
{
	sigemptyset(ret);
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (!is_ignored(ends[i]))
			sigaddset(ret, ends[i]);
}

void signals_catch(struct signals *signals)
{
	sigset_t heard, blocked;

	signals_to_end(&heard);
	blocked = heard;
	sigaddset(&blocked, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &blocked, &signals->before);
	signals->fd = signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals->fd < 0)
		pthread_sigmask(SIG_UNBLOCK, &heard, NULL);
}

unsigned signals_take(const struct signals *signals)
{
	struct signalfd_siginfo info;

	return read(signals->fd, &info, sizeof(info)) == sizeof(info) ? info.ssi_signo : 0;
}

void signals_release(const struct signals *signals)
{
	const struct timespec at_once = { 0 };
	sigset_t pipe;

	while (signals->fd >= 0 && signals_take(signals))
		;
	if (signals->fd >= 0)
		close(signals->fd);
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	if (!sigismember(&signals->before, SIGPIPE))
		sigtimedwait(&pipe, NULL, &at_once);
	pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
}
