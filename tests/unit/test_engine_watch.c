/* SPDX-License-Identifier: MIT */
/*
 * What the engines make of a guest's last words: lines however they are cut
 * or filled, which words outweigh which, and the status that follows from words
 * and ending together.
 */
#include "unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <watch.h>

static void feed(struct watch *watch, const char *text)
{
	watch_feed(watch, text, strlen(text));
}

static void keep_last(void *ctx, const char *line)
{
	char **last = ctx;

	free(*last);
	*last = strdup(line);
}

static void test_lines(void **state)
{
	struct lines lines = { .len = 0 };
	char *last = NULL, *much = malloc(1 << 20);

	(void)state;
	lines_feed(&lines, "on", 2, keep_last, &last);
	assert_null(last);
	lines_feed(&lines, "e\r\ntw\0o\n", 8, keep_last, &last);
	assert_string_equal(last, "two");

	/* A line without an end costs no memory, and its beginning is kept. */
	memset(much, 'a', 1 << 20);
	lines_feed(&lines, much, 1 << 20, keep_last, &last);
	lines_feed(&lines, "b\n", 2, keep_last, &last);
	assert_int_equal(strlen(last), sizeof(lines.line) - 1);
	lines_feed(&lines, "after\n", 6, keep_last, &last);
	assert_string_equal(last, "after");
	free(much);
	free(last);
}

static void test_marks(void **state)
{
	struct watch watch;

	(void)state;
	watch_start(&watch);
	feed(&watch, "SeaBIOS\n");
	assert_true(watch.first_byte_ns > 0);
	assert_int_equal(watch.init_ns, 0);
	feed(&watch, "paraboot-init: rel");
	feed(&watch, "ease=6.1\n");
	assert_true(watch.init_ns >= watch.first_byte_ns);
	assert_int_equal(watch.done_ns, 0);
	feed(&watch, "paraboot-init: done\r\n");
	assert_true(watch.done_ns >= watch.init_ns);
	assert_true(watch.deadline_ns == UINT64_MAX);
}

static void test_deadlines(void **state)
{
	struct watch watch;
	uint64_t first_ns;

	(void)state;
	watch_start(&watch);
	feed(&watch, "[    1.0] Kernel panic - not syncing: x\n");
	first_ns = watch.deadline_ns;
	assert_true(first_ns < UINT64_MAX);
	feed(&watch, "---[ end Kernel panic - not syncing: x ]---\n");
	assert_true(watch.deadline_ns < first_ns);
	first_ns = watch.deadline_ns;
	feed(&watch, "reboot: Restarting system\n");
	assert_true(watch.deadline_ns == first_ns);
	assert_int_equal(watch.said, SAID_PANIC);
	assert_string_equal(watch.words, "Kernel panic - not syncing: x");
}

static void test_verdicts(void **state)
{
	static const struct {
		const char *words;
		enum ending ending;
		enum engine_status status;
		const char *text;
	} rows[] = {
		{ "", ENDING_POWER_OFF, ENGINE_POWERED_OFF, "powered off" },
		{ "", ENDING_RESET, ENGINE_REBOOTED, "rebooted" },
		{ "", ENDING_TRIPLE_FAULT, ENGINE_CRASHED, "crashed: triple fault" },
		{ "", ENDING_GUEST_PANIC, ENGINE_PANICKED, "panicked" },
		{ "", ENDING_MACHINE, ENGINE_CRASHED, "crashed: the machine failed" },
		{ "", ENDING_TIMEOUT, ENGINE_TIMED_OUT, "timed out" },
		{ "", ENDING_LEFT, ENGINE_LEFT, "left" },
		{ "reboot: Power down\n", ENDING_GRACE, ENGINE_POWERED_OFF, "powered off" },
		{ "reboot: Power down\n", ENDING_MACHINE, ENGINE_CRASHED, "crashed: the machine failed" },
		{ "reboot: System halted\n", ENDING_GRACE, ENGINE_POWERED_OFF, "halted" },
		{ "reboot: System halted\n", ENDING_LEFT, ENGINE_LEFT, "left" },
		{ "reboot: Restarting system\n", ENDING_TRIPLE_FAULT, ENGINE_REBOOTED, "rebooted" },
		{ "reboot: Restarting system\n", ENDING_TIMEOUT, ENGINE_TIMED_OUT, "timed out" },
		{ "reboot: Restarting system\n", ENDING_POWER_OFF, ENGINE_POWERED_OFF, "powered off" },
		{ "Kernel panic - not syncing: x\n", ENDING_RESET, ENGINE_PANICKED, "panicked: Kernel panic" },
		{ "Kernel panic - not syncing: x\n", ENDING_TIMEOUT, ENGINE_PANICKED, "panicked: Kernel panic" },
		{ "paraboot-trampoline: refused: y\n", ENDING_GRACE, ENGINE_UNABLE, "refused: paraboot-trampoline" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct watch watch;
		struct engine_result result = { .registers = NULL };

		watch_start(&watch);
		feed(&watch, rows[i].words);
		watch_result(&watch, rows[i].ending, NULL, &result);
		if (result.status != rows[i].status || strncmp(result.text, rows[i].text, strlen(rows[i].text)))
			fail_msg("row %zu: status %d, \"%s\"", i, result.status, result.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_verdicts),
	};

	return cmocka_run_group_tests_name("engine watch", tests, NULL, NULL);
}
