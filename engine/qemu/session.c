/* SPDX-License-Identifier: MIT */
/*
 * The poll loop around one QEMU; see session.h. QEMU pauses at the guest's
 * end instead of exiting, and is paused when the guest's time is over, so that
 * where the processors were can still be asked for.
 */
#include "session.h"
#include "../arith.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS 1000000ull

enum { FD_SHOWN, FD_READER, FD_TYPED, FD_QMP, FD_LOG, FD_SIGNAL, FDS };
enum {
	START_GRACE_MS = 60000, /* for QEMU to load the domain and be ready */
	EXIT_GRACE_MS = 5000,   /* for it to answer and exit once the guest has ended */
	DRAIN_MS = 1000,
};

/* ---- How it ends ------------------------------------------------------- */

/* The first reason stands. */
static void set_ending(struct session *session, enum ending ending, const char *detail)
{
	if (session->ending_known)
		return;
	session->ending_known = true;
	session->ending = ending;
	snprintf(session->detail, sizeof(session->detail), "%s", detail);
}

/* The guest has ended, QEMU not yet: it has a little while left. */
static void expect_exit(struct session *session)
{
	session->timeout_ns = UINT64_MAX;
	session->watch.deadline_ns = watch_clock() + EXIT_GRACE_MS * MS;
}

static const struct {
	const char *reason; /* QAPI's ShutdownCause */
	enum ending ending;
} reasons[] = {
	{ "guest-shutdown", ENDING_POWER_OFF },
	{ "guest-reset", ENDING_RESET },
	{ "guest-panic", ENDING_GUEST_PANIC },
};

static void on_started(void *ctx)
{
	struct session *session = ctx;

	watch_start(&session->watch);
	session->started = true;
	if (session->run->timeout_ms)
		session->timeout_ns = session->watch.start_ns + session->run->timeout_ms * MS;
}

/* Whoever stopped the guest: its registers are asked for while QEMU still is there, and it has little time for them. */
static void ask_where(struct session *session)
{
	expect_exit(session);
	qmp_ask_registers(&session->qmp);
}

/*
 * A reset without a word of the kernel's is a crash's trace, or the restart of
 * a kernel that has no console here: its registers tell.
 */
static void on_ended(void *ctx, const char *reason, bool guest)
{
	struct session *session = ctx;
	enum ending ending = ENDING_MACHINE;

	(void)guest;
	if (session->ending_known)
		return;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcmp(reasons[i].reason, reason) == 0)
			ending = reasons[i].ending;
	set_ending(session, ending, ending == ENDING_MACHINE ? reason : "");
	if (ending == ENDING_RESET && session->watch.said == SAID_NOTHING) {
		ask_where(session);
		return;
	}
	expect_exit(session);
	qmp_quit(&session->qmp);
}

/* At its end the guest is paused too; a pause at any other time is a machine that cannot go on. */
static void on_stopped(void *ctx)
{
	struct session *session = ctx;

	if (session->ending_known)
		return;
	set_ending(session, ENDING_MACHINE, "QEMU stopped it");
	ask_where(session);
}

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Vector and floating-point registers say nothing of a crash. */
static bool is_worth_showing(const char *line)
{
	return !begins(line, "FCW=") && !begins(line, "FPR") && !begins(line, "XMM") && !begins(line, "YMM");
}

/* QEMU ends lines by CR LF. */
static char *registers_worth_showing(const char *text)
{
	char *ret = malloc(strlen(text) + 2), *to = ret;

	while (ret && *text) {
		size_t len = strcspn(text, "\r\n");

		if (len && is_worth_showing(text)) {
			to = mempcpy(to, text, len);
			*to++ = '\n';
		}
		text += len;
		text += strspn(text, "\r\n");
	}
	if (ret)
		*to = 0;
	return ret;
}

static void on_registers(void *ctx, const char *text)
{
	struct session *session = ctx;

	free(session->registers);
	session->registers = registers_worth_showing(text);
	qmp_quit(&session->qmp);
}

/* ---- What comes in ----------------------------------------------------- */

static ssize_t pass_typed(void *ctx, char *buf, size_t len)
{
	const struct engine_console *console = &((struct session *)ctx)->run->console;

	return console->typed ? console->typed(console->ctx, buf, len) : (ssize_t)len;
}

static ssize_t pass_shown(void *ctx, char *buf, size_t len)
{
	struct session *session = ctx;
	const struct engine_console *console = &session->run->console;

	watch_feed(&session->watch, buf, len);
	if (console->wrote)
		console->wrote(console->ctx, buf, len);
	return console->out_fd < 0 ? 0 : (ssize_t)len;
}

static void on_log_line(void *ctx, const char *line)
{
	struct session *session = ctx;

	if (strcmp(line, "Triple fault") == 0)
		session->triple_fault = true;
}

static void read_log(struct session *session)
{
	char buf[4096];
	ssize_t n = read(session->log, buf, sizeof(buf));

	if (n > 0) {
		lines_feed(&session->log_lines, buf, (size_t)n, on_log_line, session);
	} else if (n == 0 || errno != EINTR) {
		close(session->log);
		session->log = -1;
	}
}

static void read_signal(struct session *session, const struct signals *signals)
{
	unsigned number = signals_take(signals);

	if (!number)
		return;
	snprintf(session->detail, sizeof(session->detail), "signal %u", number);
	session->ending_known = true;
	session->ending = ENDING_LEFT;
	session->over = true;
}

/* ---- The loop ---------------------------------------------------------- */

static uint64_t next_deadline(const struct session *session)
{
	return min_u64(session->timeout_ns, session->watch.deadline_ns);
}

/* A guest that still runs is stopped first: registers in flight are no one moment's. */
static void time_is_over(struct session *session)
{
	char detail[60];

	snprintf(detail, sizeof(detail), "after %.1f s", (double)session->run->timeout_ms / 1000);
	set_ending(session, ENDING_TIMEOUT, detail);
	qmp_stop(&session->qmp);
	ask_where(session);
}

static void check_deadlines(struct session *session)
{
	uint64_t now = watch_clock();

	if (now >= session->timeout_ns) {
		time_is_over(session);
	} else if (now >= session->watch.deadline_ns) {
		set_ending(session, ENDING_GRACE, "");
		session->over = true;
	}
}

static void leave(struct session *session, const char *detail)
{
	set_ending(session, ENDING_LEFT, detail);
	session->over = true;
}

static void check_pumps(struct session *session, bool reader_gone)
{
	if (session->typed.left)
		leave(session, "");
	if (session->shown.closed && session->shown.len)
		reader_gone = true;
	if (reader_gone && !session->ending_known)
		leave(session, "nobody reads its console");
}

static void serve(struct session *session, const struct signals *signals)
{
	struct pollfd fds[FDS] = {
		[FD_SHOWN] = pump_waits(&session->shown),
		[FD_READER] = pump_reader(&session->shown),
		[FD_TYPED] = pump_waits(&session->typed),
		[FD_QMP] = { .fd = session->qmp.fd, .events = POLLIN },
		[FD_LOG] = { .fd = session->log, .events = POLLIN },
		[FD_SIGNAL] = { .fd = signals->fd, .events = POLLIN },
	};

	if (session->ending_known)
		fds[FD_READER].fd = -1;
	if (poll(fds, FDS, watch_wait_ms(next_deadline(session))) < 0)
		return;
	pump_move(&session->shown, fds[FD_SHOWN].revents);
	pump_move(&session->typed, fds[FD_TYPED].revents);
	if (fds[FD_LOG].revents)
		read_log(session);
	if (fds[FD_QMP].revents && !qmp_read(&session->qmp))
		session->over = true;
	if (fds[FD_SIGNAL].revents)
		read_signal(session, signals);
	check_pumps(session, fds[FD_READER].revents);
	check_deadlines(session);
}

/*
 * QEMU is gone: what it wrote is still in the socket and the pipe. A reader that
 * stalls for a second loses the rest; so long, too, may somebody else hold
 * QEMU's ends.
 */
void session_drain(struct session *session)
{
	while (!session->shown.closed) {
		struct pollfd fd = pump_waits(&session->shown);

		if (poll(&fd, 1, DRAIN_MS) <= 0)
			break;
		pump_move(&session->shown, fd.revents);
	}
	while (session->log >= 0) {
		struct pollfd fd = { .fd = session->log, .events = POLLIN };

		if (poll(&fd, 1, DRAIN_MS) <= 0)
			break;
		read_log(session);
	}
}

static void prepare(struct session *session)
{
	const struct engine_console *console = &session->run->console;

	session->timeout_ns = UINT64_MAX;
	watch_start(&session->watch);
	session->watch.deadline_ns = watch_clock() + START_GRACE_MS * MS;
	session->typed = (struct pump){ .from = console->in_fd,
					.to = outlet_open(session->console),
					.pass = pass_typed,
					.ctx = session,
					.closed = console->in_fd < 0 };
	session->shown = (struct pump){
		.from = session->console, .to = outlet_open(console->out_fd), .pass = pass_shown, .ctx = session
	};
	session->qmp.started = on_started;
	session->qmp.ended = on_ended;
	session->qmp.stopped = on_stopped;
	session->qmp.registers = on_registers;
	session->qmp.ctx = session;
}

int session_run(struct session *session, const struct signals *signals)
{
	prepare(session);
	while (!session->over)
		serve(session, signals);
	return session->started || (session->ending_known && session->ending == ENDING_LEFT) ? 0 : -1;
}

/*
 * "triple fault at RIP=..." where the registers tell, which is of the only
 * processor: nobody says which one of several it was. The name is EIP in 32-bit mode.
 */
static void describe_crash(struct session *session)
{
	const char *ip = session->registers ? strstr(session->registers, "IP=") : NULL;

	session->ending = ENDING_TRIPLE_FAULT;
	if (ip && session->run->options->vcpus <= 1)
		snprintf(session->detail, sizeof(session->detail), "at %.*s", (int)strcspn(ip - 1, " \n"), ip - 1);
}

void session_result(struct session *session, struct engine_result *ret)
{
	if (!session->ending_known)
		set_ending(session, ENDING_MACHINE, "QEMU went away");
	if (session->ending == ENDING_RESET && session->watch.said == SAID_NOTHING &&
	    (session->triple_fault || session->resets_are_crashes))
		describe_crash(session);
	watch_result(&session->watch, session->ending, session->detail[0] ? session->detail : NULL, ret);
	if (ret->status == ENGINE_CRASHED || ret->status == ENGINE_TIMED_OUT) {
		ret->registers = session->registers;
		session->registers = NULL;
	}
}

void session_free(struct session *session)
{
	const int fds[] = { session->console, session->qmp.fd, session->log };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	outlet_close(&session->shown.to);
	qmp_free(&session->qmp);
	free(session->registers);
}
