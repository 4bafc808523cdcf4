/* SPDX-License-Identifier: MIT */
/*
 * One run of QEMU from our side: its console, its QMP socket, its log, the
 * user's terminal, signals and deadlines in one poll loop, until it ended and
 * how is known.
 */
#ifndef PB_ENGINE_SESSION_H
#define PB_ENGINE_SESSION_H

#include "../internal.h"
#include "../pump.h"
#include "../signals.h"
#include "../watch.h"
#include "qmp.h"

struct session {
	const struct engine_run *run;
	int console, log; /* our ends: a socket, and a pipe's reading end, open until QEMU is gone */
	struct qmp qmp;   /* its fd is our end of a socket */

	/* KVM tells no triple fault from a reset; a kernel that restarts says so first, on its console. */
	bool resets_are_crashes;

	struct watch watch;
	struct pump typed, shown;
	struct lines log_lines;
	uint64_t timeout_ns; /* on CLOCK_MONOTONIC; UINT64_MAX: none */
	bool started;        /* the guest ran */
	bool over;           /* QEMU is gone, or will be ended at once */
	bool ending_known, triple_fault;
	enum ending ending;
	char detail[120];
	char *registers;
};

/* Run it until QEMU is gone or is to be ended. 0, or -1: it never started the guest, and nobody left. */
int session_run(struct session *session, const struct signals *signals);

/* Once QEMU is ended: take what it still wrote. */
void session_drain(struct session *session);

void session_result(struct session *session, struct engine_result *ret);
void session_free(struct session *session);

#endif
