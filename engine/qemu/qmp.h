/* SPDX-License-Identifier: MIT */
/*
 * The little of QMP (QEMU's docs/interop/qmp-spec) that a run needs: QEMU
 * starts paused, is let go once events are on, tells by an event how the
 * guest ended or is stopped, may be asked for the registers then, and is told
 * to quit.
 */
#ifndef PB_ENGINE_QMP_H
#define PB_ENGINE_QMP_H

#include <stdbool.h>
#include <stddef.h>

struct qmp {
	int fd;
	char *buf; /* an unfinished line; grows up to a fixed cap */
	size_t len;

	/* What happens, for the session. */
	void (*started)(void *ctx);                               /* the guest runs */
	void (*ended)(void *ctx, const char *reason, bool guest); /* a SHUTDOWN event */
	void (*stopped)(void *ctx);                               /* a STOP event: paused, by whatever */
	void (*registers)(void *ctx, const char *text);           /* the answer to qmp_ask_registers() */
	void *ctx;
};

/* Read what there is and act on it; false: QEMU closed its end, or speaks nonsense. */
bool qmp_read(struct qmp *qmp);

void qmp_stop(struct qmp *qmp); /* pause the guest */
void qmp_ask_registers(struct qmp *qmp);
void qmp_quit(struct qmp *qmp);
void qmp_free(struct qmp *qmp);

#endif
