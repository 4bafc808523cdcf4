/* SPDX-License-Identifier: MIT */
/*
 * The console of a domain from before its first instruction to its end: one
 * poll loop over the terminal that xenconsoled gives it, the caller's own,
 * xenstore's word that some domain ended, signals and the deadline.
 */
#include "../pump.h"
#include "../signals.h"
#include "../watch.h"
#include "builder.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS 1000000ull

enum {
	TTY_WAIT_MS = 10000, /* for xenconsoled to see the domain */
	TTY_POLL_MS = 10,
	QUIET_MS = 200,  /* a terminal that is silent so long after the domain's end has nothing more */
	DRAIN_MS = 3000, /* and what still writes then is not waited for */
};

struct session {
	struct xen_builder *builder;
	struct watch watch;
	struct pump typed, shown;
	int tty;
	uint64_t timeout_ns; /* on CLOCK_MONOTONIC; UINT64_MAX: none */
	bool over;
	enum ending ending;
	char detail[120];
};

static void end(struct session *session, enum ending ending, const char *detail)
{
	if (session->over)
		return;
	session->over = true;
	session->ending = ending;
	snprintf(session->detail, sizeof(session->detail), "%s", detail);
}

/* ---- The terminal -------------------------------------------------------- */

static int open_tty(struct session *session, struct engine_error *err)
{
	const struct xen_builder *builder = session->builder;
	char *path = NULL;

	for (unsigned ms = 0; ms < TTY_WAIT_MS && !path; ms += TTY_POLL_MS) {
		path = store_tty(&builder->host, builder->domid);
		if (!path)
			usleep(TTY_POLL_MS * 1000);
	}
	if (!path)
		return engine_fail(err, ENGINE_UNABLE, "xenconsoled has no terminal for the domain after %d s",
				   TTY_WAIT_MS / 1000);
	session->tty = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (session->tty < 0)
		engine_fail(err, ENGINE_UNABLE, "%s: %s", path, strerror(errno));
	free(path);
	return session->tty < 0 ? -1 : 0;
}

static ssize_t pass_typed(void *ctx, char *buf, size_t len)
{
	const struct engine_console *console = &((struct session *)ctx)->builder->run->console;

	return console->typed ? console->typed(console->ctx, buf, len) : (ssize_t)len;
}

static ssize_t pass_shown(void *ctx, char *buf, size_t len)
{
	struct session *session = ctx;
	const struct engine_console *console = &session->builder->run->console;

	watch_feed(&session->watch, buf, len);
	if (console->wrote)
		console->wrote(console->ctx, buf, len);
	return console->out_fd < 0 ? 0 : (ssize_t)len;
}

static void prepare(struct session *session)
{
	const struct engine_run *run = session->builder->run;

	watch_start(&session->watch);
	session->timeout_ns = run->timeout_ms ? session->watch.start_ns + run->timeout_ms * MS : UINT64_MAX;
	session->typed = (struct pump){ .from = run->console.in_fd,
					.to = { .fd = session->tty },
					.pass = pass_typed,
					.ctx = session,
					.closed = run->console.in_fd < 0 };
	session->shown = (struct pump){
		.from = session->tty, .to = outlet_open(run->console.out_fd), .pass = pass_shown, .ctx = session
	};
}

/* ---- How it ends --------------------------------------------------------- */

static const enum ending by_reason[] = {
	[SHUTDOWN_poweroff] = ENDING_POWER_OFF, [SHUTDOWN_reboot] = ENDING_RESET,
	[SHUTDOWN_suspend] = ENDING_MACHINE,    [SHUTDOWN_crash] = ENDING_CRASH,
	[SHUTDOWN_watchdog] = ENDING_CRASH,     [SHUTDOWN_soft_reset] = ENDING_RESET,
};

static void check_domain(struct session *session)
{
	const struct xen_builder *builder = session->builder;
	xc_domaininfo_t info;
	unsigned reason;

	if (xc_domain_getinfolist(builder->host.control, builder->domid, 1, &info) != 1 ||
	    info.domain != builder->domid || (info.flags & XEN_DOMINF_dying)) {
		end(session, ENDING_MACHINE, "the domain was destroyed");
		return;
	}
	if (!(info.flags & XEN_DOMINF_shutdown))
		return;
	reason = info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
	if (reason < sizeof(by_reason) / sizeof(*by_reason))
		end(session, by_reason[reason], reason == SHUTDOWN_suspend ? "it suspended itself" : "");
	else
		end(session, ENDING_MACHINE, "an unknown reason");
}

/* Which domain it was that ended, xenstore does not say. */
static void take_store(struct session *session)
{
	char **event = xs_check_watch(session->builder->host.store);

	while (event) {
		free(event);
		event = xs_check_watch(session->builder->host.store);
	}
	check_domain(session);
}

static void take_signal(struct session *session, const struct signals *signals)
{
	unsigned number = signals_take(signals);
	char detail[32];

	if (!number)
		return;
	snprintf(detail, sizeof(detail), "signal %u", number);
	end(session, ENDING_LEFT, detail);
}

static void check_pumps(struct session *session, bool reader_gone)
{
	if (session->typed.left)
		end(session, ENDING_LEFT, "");
	if (reader_gone || (session->shown.closed && session->shown.len))
		end(session, ENDING_LEFT, "nobody reads its console");
}

static void check_deadlines(struct session *session)
{
	uint64_t now = watch_clock();
	char detail[60];

	if (now >= session->timeout_ns) {
		snprintf(detail, sizeof(detail), "after %.1f s", (double)session->builder->run->timeout_ms / 1000);
		end(session, ENDING_TIMEOUT, detail);
	} else if (now >= session->watch.deadline_ns) {
		end(session, ENDING_GRACE, "");
	}
}

/* ---- The loop ------------------------------------------------------------ */

static uint64_t next_deadline(const struct session *session)
{
	return min_u64(session->timeout_ns, session->watch.deadline_ns);
}

enum { FD_SHOWN, FD_READER, FD_TYPED, FD_STORE, FD_SIGNAL, FDS };

static void serve(struct session *session, const struct signals *signals)
{
	struct pollfd fds[FDS] = {
		[FD_SHOWN] = pump_waits(&session->shown),
		[FD_READER] = pump_reader(&session->shown),
		[FD_TYPED] = pump_waits(&session->typed),
		[FD_STORE] = { .fd = xs_fileno(session->builder->host.store), .events = POLLIN },
		[FD_SIGNAL] = { .fd = signals->fd, .events = POLLIN },
	};

	if (poll(fds, FDS, watch_wait_ms(next_deadline(session))) < 0)
		return;
	pump_move(&session->shown, fds[FD_SHOWN].revents);
	pump_move(&session->typed, fds[FD_TYPED].revents);
	if (fds[FD_STORE].revents)
		take_store(session);
	if (fds[FD_SIGNAL].revents)
		take_signal(session, signals);
	check_pumps(session, fds[FD_READER].revents);
	check_deadlines(session);
}

/* The domain's last words are still on their way through its ring and xenconsoled. */
static void drain(struct session *session)
{
	uint64_t deadline_ns = watch_clock() + DRAIN_MS * MS;

	while (!session->shown.closed && watch_clock() < deadline_ns) {
		struct pollfd fd = pump_waits(&session->shown);

		if (poll(&fd, 1, QUIET_MS) <= 0)
			break;
		pump_move(&session->shown, fd.revents);
	}
}

static void run(struct session *session, const struct signals *signals)
{
	while (!session->over)
		serve(session, signals);
	if (session->ending != ENDING_LEFT)
		drain(session);
}

int session_attach(struct xen_builder *builder, const struct signals *signals, struct engine_result *ret,
		   struct engine_error *err)
{
	struct session session = { .builder = builder, .tty = -1 };
	int failed;

	if (!xs_watch(builder->host.store, "@releaseDomain", "end"))
		return engine_fail_errno(err, "xenstore: watching for the domain's end");
	failed = open_tty(&session, err);
	if (!failed) {
		prepare(&session);
		failed = builder_start(builder, err);
	}
	if (!failed) {
		run(&session, signals);
		watch_result(&session.watch, session.ending, session.detail[0] ? session.detail : NULL, ret);
		if (ret->status == ENGINE_CRASHED || ret->status == ENGINE_TIMED_OUT)
			ret->registers = crash_describe(builder);
	}
	if (session.tty >= 0) {
		outlet_close(&session.shown.to);
		close(session.tty);
	}
	return failed;
}
