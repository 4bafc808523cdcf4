/* SPDX-License-Identifier: MIT */
/*
 * The words that tell how a guest ends, and what follows from them; see watch.h.
 */
#include "watch.h"
#include "../guest/trampoline/abi.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define MS 1000000ull

/*
 * Linux prints these at a level that `quiet` does not hide. A panic's trace
 * follows its first line; its last line comes only if it will not restart.
 */
static const struct {
	const char *text;
	enum said said;
	uint64_t grace_ms; /* how long it may go on after these words */
} rules[] = {
	{ "reboot: Power down", SAID_POWER_DOWN, 5000 },      { "reboot: System halted", SAID_HALTED, 500 },
	{ "reboot: Restarting system", SAID_RESTART, 10000 }, { "Kernel panic - not syncing", SAID_PANIC, 10000 },
	{ "---[ end Kernel panic", SAID_PANIC, 500 },         { TRAMPOLINE_REFUSED, SAID_REFUSED, 0 },
};

uint64_t watch_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 * MS + (uint64_t)now.tv_nsec;
}

/* A wait of more than a minute may end early. */
int watch_wait_ms(uint64_t until_ns)
{
	uint64_t now_ns = watch_clock();

	if (until_ns == UINT64_MAX)
		return -1;
	if (until_ns <= now_ns)
		return 0;
	return until_ns - now_ns > 60000 * MS ? 60000 : (int)((until_ns - now_ns + MS - 1) / MS);
}

void watch_start(struct watch *watch)
{
	*watch = (struct watch){ .start_ns = watch_clock(), .deadline_ns = UINT64_MAX };
}

static void mark(const struct watch *watch, uint64_t *when_ns)
{
	if (!*when_ns)
		*when_ns = watch->now_ns - watch->start_ns;
}

static void hear(struct watch *watch, const char *words, enum said said, uint64_t grace_ms)
{
	uint64_t deadline_ns = watch->now_ns + grace_ms * MS;

	if (deadline_ns < watch->deadline_ns)
		watch->deadline_ns = deadline_ns;
	if (said <= watch->said)
		return;
	watch->said = said;
	snprintf(watch->words, sizeof(watch->words), "%s", words);
}

static void watch_line(void *ctx, const char *line)
{
	struct watch *watch = ctx;

	if (strncmp(line, "paraboot-init: ", 15) == 0)
		mark(watch, &watch->init_ns);
	if (strcmp(line, "paraboot-init: done") == 0)
		mark(watch, &watch->done_ns);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const char *words = strstr(line, rules[i].text);

		if (words)
			hear(watch, words, rules[i].said, rules[i].grace_ms);
	}
}

void watch_feed(struct watch *watch, const char *buf, size_t len)
{
	watch->now_ns = watch_clock();
	if (len)
		mark(watch, &watch->first_byte_ns);
	lines_feed(&watch->lines, buf, len, watch_line, watch);
}

/* ---- From words and ending to a status --------------------------------- */

struct verdict {
	enum engine_status status;
	const char *text;
};

static const struct verdict by_ending[] = {
	[ENDING_POWER_OFF] = { ENGINE_POWERED_OFF, "powered off" },
	[ENDING_RESET] = { ENGINE_REBOOTED, "rebooted" },
	[ENDING_TRIPLE_FAULT] = { ENGINE_CRASHED, "crashed: triple fault" },
	[ENDING_GUEST_PANIC] = { ENGINE_PANICKED, "panicked" },
	[ENDING_CRASH] = { ENGINE_CRASHED, "crashed" },
	[ENDING_MACHINE] = { ENGINE_CRASHED, "crashed: the machine failed" },
	[ENDING_GRACE] = { ENGINE_CRASHED, "ended" },
	[ENDING_TIMEOUT] = { ENGINE_TIMED_OUT, "timed out" },
	[ENDING_LEFT] = { ENGINE_LEFT, "left" },
};

/* What was said decides over how the machine ended: a panicked kernel restarts or is ended, a restart may be a triple
 * fault. */
static const struct verdict by_words[] = {
	[SAID_HALTED] = { ENGINE_POWERED_OFF, "halted" }, [SAID_POWER_DOWN] = { ENGINE_POWERED_OFF, "powered off" },
	[SAID_RESTART] = { ENGINE_REBOOTED, "rebooted" }, [SAID_PANIC] = { ENGINE_PANICKED, "panicked" },
	[SAID_REFUSED] = { ENGINE_UNABLE, "refused" },
};

static const struct verdict *verdict_of(const struct watch *watch, enum ending ending)
{
	bool ours = ending == ENDING_TIMEOUT || ending == ENDING_LEFT;

	if (watch->said == SAID_REFUSED || watch->said == SAID_PANIC)
		return &by_words[watch->said];
	if (watch->said == SAID_NOTHING || ours || ending == ENDING_CRASH || ending == ENDING_MACHINE)
		return &by_ending[ending];
	if (ending == ENDING_POWER_OFF || ending == ENDING_RESET)
		return &by_ending[ending];
	return &by_words[watch->said];
}

void watch_result(const struct watch *watch, enum ending ending, const char *detail, struct engine_result *ret)
{
	const struct verdict *verdict = verdict_of(watch, ending);

	if (watch->said == SAID_PANIC || watch->said == SAID_REFUSED)
		detail = watch->words;
	ret->status = verdict->status;
	snprintf(ret->text, sizeof(ret->text), "%s%s%s", verdict->text, detail ? ": " : "", detail ? detail : "");
	ret->total_ns = watch_clock() - watch->start_ns;
	ret->first_byte_ns = watch->first_byte_ns;
	ret->init_ns = watch->init_ns;
	ret->done_ns = watch->done_ns;
}
