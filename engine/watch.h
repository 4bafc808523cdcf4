/* SPDX-License-Identifier: MIT */
/*
 * Reads the guest's console over its shoulder: when did which line come, has
 * the kernel said that it panics, restarts or halts, and how long may it still
 * go on after that. A machine alone cannot tell: a panicked kernel spins for
 * ever or restarts like any other. Every engine that executes uses this.
 */
#ifndef PB_ENGINE_WATCH_H
#define PB_ENGINE_WATCH_H

#include "engine.h"
#include "lines.h"

#include <stdbool.h>

/* What a guest can say of its end; the later, the more it decides. */
enum said { SAID_NOTHING, SAID_POWER_DOWN, SAID_HALTED, SAID_RESTART, SAID_PANIC, SAID_REFUSED };

/* How the machine, or the engine, saw it end. */
enum ending {
	ENDING_POWER_OFF,
	ENDING_RESET,
	ENDING_TRIPLE_FAULT,
	ENDING_GUEST_PANIC, /* told by a panic device */
	ENDING_CRASH,       /* the guest did what no machine goes on after */
	ENDING_MACHINE,     /* the machine failed under the guest */
	ENDING_GRACE,       /* ended by us: it had said its last word */
	ENDING_TIMEOUT,
	ENDING_LEFT, /* the user left, or a signal came */
};

struct watch {
	struct lines lines;
	uint64_t now_ns, start_ns;                /* of CLOCK_MONOTONIC */
	uint64_t deadline_ns;                     /* after which it is ended; UINT64_MAX: none */
	uint64_t first_byte_ns, init_ns, done_ns; /* since the start; 0: never */
	enum said said;
	char words[200]; /* the line that said it */
};

uint64_t watch_clock(void);

/* What poll() wants until that moment of the clock: milliseconds, rounded up; -1 for UINT64_MAX. */
int watch_wait_ms(uint64_t until_ns);

void watch_start(struct watch *watch);
void watch_feed(struct watch *watch, const char *buf, size_t len);

/* The run's result, from what the guest said and how it ended. detail: a few words more, or NULL. */
void watch_result(const struct watch *watch, enum ending ending, const char *detail, struct engine_result *ret);

#endif
