/* SPDX-License-Identifier: MIT */
/*
 * Raw mode, and the many ways out of it: a return from run, exit(), a signal
 * that ends us, and a stop, after which the shell has the terminal until we
 * are continued. The settings to go back to live in globals because signal
 * handlers need them; everything the handlers call is async-signal-safe.
 */
#include "terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#define PREFIX ('A' & 0x1f)

static struct termios cooked, raw;
static volatile sig_atomic_t taken;

/*
 * Only the foreground process group may change a terminal: from the
 * background, the shell or its next command would find it raw.
 */
static void set_mode(const struct termios *mode)
{
	sigset_t ttou, old;

	if (tcgetpgrp(STDIN_FILENO) != getpgrp())
		return;
	sigemptyset(&ttou);
	sigaddset(&ttou, SIGTTOU);
	sigprocmask(SIG_BLOCK, &ttou, &old);
	tcsetattr(STDIN_FILENO, TCSANOW, mode); /* output that nobody takes would keep TCSADRAIN waiting */
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* Let the signal do what it does by default, to the whole process, now. */
static void raise_default(int signal_number)
{
	struct sigaction ours, standard = { .sa_handler = SIG_DFL };
	sigset_t just_it;

	sigaction(signal_number, &standard, &ours);
	sigemptyset(&just_it);
	sigaddset(&just_it, signal_number);
	raise(signal_number);
	sigprocmask(SIG_UNBLOCK, &just_it, NULL);
	/* Here again after a stop only. */
	sigaction(signal_number, &ours, NULL);
}

static void on_end_or_stop(int signal_number)
{
	int saved_errno = errno;

	if (taken)
		set_mode(&cooked);
	raise_default(signal_number);
	if (taken) /* continued, or never stopped: a process without a shell is not */
		set_mode(&raw);
	errno = saved_errno;
}

static void on_continue(int signal_number)
{
	int saved_errno = errno;

	(void)signal_number;
	if (taken)
		set_mode(&raw);
	errno = saved_errno;
}

/* What whoever started us chose to ignore (nohup) stays ignored, what a sanitizer handles stays handled. */
static void handle(int signal_number, void (*handler)(int))
{
	struct sigaction old, action = { .sa_handler = handler, .sa_flags = SA_RESTART };

	sigaction(signal_number, NULL, &old);
	if (old.sa_handler == SIG_DFL)
		sigaction(signal_number, &action, NULL);
}

static void handle_signals(void)
{
	/* All that ends or stops a process by default and leaves it the time to say so. */
	static const int ends_or_stops[] = {
		SIGINT,  SIGTERM, SIGHUP,    SIGQUIT, SIGTSTP, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGPOLL,
		SIGXCPU, SIGXFSZ, SIGSTKFLT, SIGPWR,  SIGABRT, SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,    SIGTRAP, SIGSYS,
	};

	for (size_t i = 0; i < sizeof(ends_or_stops) / sizeof(ends_or_stops[0]); i++)
		handle(ends_or_stops[i], on_end_or_stop);
	handle(SIGCONT, on_continue);
}

bool terminal_take(void)
{
	if (tcgetattr(STDIN_FILENO, &cooked) < 0)
		return false;
	raw = cooked;
	cfmakeraw(&raw);
	handle_signals();
	atexit(terminal_give_back);
	taken = 1;
	set_mode(&raw);
	return true;
}

void terminal_give_back(void)
{
	if (taken)
		set_mode(&cooked);
	taken = 0;
}

ssize_t terminal_typed(void *ctx, char *buf, size_t len)
{
	struct terminal_keys *keys = ctx;
	size_t out = 0;

	for (size_t i = 0; i < len; i++) {
		bool word = keys->after_prefix;

		keys->after_prefix = !word && buf[i] == PREFIX;
		if (word && (buf[i] == 'x' || buf[i] == 'X'))
			return -1;
		if (!keys->after_prefix && (!word || buf[i] == PREFIX))
			buf[out++] = buf[i];
	}
	return (ssize_t)out;
}
