/* SPDX-License-Identifier: MIT */
/*
 * A guest of a few instructions under an engine: what the tests of the engines
 * start from. Each of them names its engine once, and has everything else the
 * same: 64 MiB, one processor, a console that is kept, and after each run
 * nothing left behind.
 */
#ifndef TESTS_UNIT_ENGINE_RIG_H
#define TESTS_UNIT_ENGINE_RIG_H

#include "fake_plan.h"
#include "unit.h"

#include <act.h>
#include <dump.h>
#include <engine.h>
#include <guests.h>

#define MIB (1ull << 20)

enum { TEXT_GPA = 0x8000, TABLES_GPA = 0x300000, LONG_ENOUGH_MS = 60000 };

/* Everything of one run, and what came of it. */
struct start {
	struct pb_plan plan;
	struct engine_options options;
	struct engine_run run;
	struct engine_result result;
	char console[4096];
	size_t console_len;
};

/* The test's own: the engine that it is of. */
extern const char rig_engine[];

/* With an empty plan; and with tests/guests/act.S, which says text and then does as act.h has it. */
struct start new_start(void);
struct start act_start(int act, const char *text);

/* 0: it ran, whatever came of it; -1 and why it did not. */
int try_run(struct start *start, struct engine_error *err);

/* It runs, ends so, and leaves no thread, no descriptor, no process and no signal blocked. */
void run(struct start *start, enum engine_status status);

/* A guest says text and does this; its console has exactly that text, it ends so, and the result says what is told. */
struct ending {
	int act;
	const char *text;
	enum engine_status status;
	const char *told;
};
void test_ending(void **state);

/* A test that is one of those, and two that are the same whatever the engine. */
#define ENDING(test_name, ...)                                                                                         \
	{                                                                                                              \
		.name = test_name, .test_func = test_ending, .initial_state = &(struct ending)                         \
		{                                                                                                      \
			__VA_ARGS__                                                                                    \
		}                                                                                                      \
	}
#define ENDING_RESTART_BY_TRIPLE_FAULT /* its kernel says first that it restarts */                                    \
	ENDING("a restart by a triple fault", ACT_TRIPLE_FAULT, "[    1.0] reboot: Restarting system\n",               \
	       ENGINE_REBOOTED, "rebooted")
#define ENDING_PANIC_THAT_SPINS                                                                                        \
	ENDING("a panic that spins", ACT_HANG,                                                                         \
	       "[1] Kernel panic - not syncing: test\n[1] ---[ end Kernel panic - test ]---\n", ENGINE_PANICKED,       \
	       "panicked: Kernel panic - not syncing: test")

void assert_says(const char *text, const char *wanted);

/* Each general register another value, as wide as the mask. */
void fill_registers(struct pb_cpu *cpu, uint64_t mask);

#endif
