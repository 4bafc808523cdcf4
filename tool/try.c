/* SPDX-License-Identifier: MIT */
/*
 * paraboot try: does this image still start, in every way? Each way is a row,
 * and each row a process of its own, so that one that goes wrong takes no
 * other with it; as many at once as there are processors.
 */
#include "try.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image.h"
#include "json.h"
#include "say.h"
#include "tool.h"

enum { TIMEOUT_SECONDS = 300 }; /* of a start, if the user says nothing: a busy machine is slow */

static volatile sig_atomic_t stop_signal;

static void on_signal(int signal_number)
{
	stop_signal = signal_number;
}

/* The row that waits next; NULL: none. */
static struct try_row *next_waiting(struct try_table *table)
{
	for (size_t i = 0; i < table->nr_rows; i++)
		if (table->rows[i].outcome == TRY_WAITING)
			return &table->rows[i];
	return NULL;
}

static struct try_row *row_of(struct try_table *table, pid_t pid)
{
	for (size_t i = 0; i < table->nr_rows; i++)
		if (table->rows[i].outcome == TRY_RUNNING && table->rows[i].pid == pid)
			return &table->rows[i];
	return NULL;
}

static size_t count_of(const struct try_table *table, enum try_outcome outcome)
{
	size_t count = 0;

	for (size_t i = 0; i < table->nr_rows; i++)
		count += table->rows[i].outcome == outcome;
	return count;
}

/* Wait until one ends, and take it in; -1: a signal came instead. */
static int reap_one(struct try_table *table, bool live)
{
	int wait_status;
	pid_t pid = waitpid(-1, &wait_status, 0);
	struct try_row *row = pid > 0 ? row_of(table, pid) : NULL;

	if (pid < 0)
		return -1;
	if (!row)
		return 0;
	try_finish(row, wait_status);
	try_print_row(table, row, live);
	return 0;
}

/* Keep the pool full until nothing waits and nothing runs. */
static int run_all(struct try_table *table, bool live)
{
	for (;;) {
		struct try_row *row = next_waiting(table);
		size_t running = count_of(table, TRY_RUNNING);

		if (stop_signal)
			return 128 + stop_signal;
		if (!row && running == 0)
			return STATUS_OK;
		if (row && running < table->opt->jobs) {
			int status = try_start(table, row);

			if (status != STATUS_OK)
				return status;
			if (live)
				try_print_row(table, row, live);
		} else {
			reap_one(table, live);
		}
	}
}

/* No SA_RESTART: a signal ends the wait for a row. */
static void catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction action = { .sa_handler = on_signal };

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		sigaction(signals[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/*
 * Decode all of the payload here: the rows' processes inherit what this one
 * has, and none of them need do it again. What is wrong with it, each row
 * that needs it will say.
 */
static void decode_once(pb_image *image)
{
	struct pb_relocs relocs = PB_INIT(relocs);

	pb_image_relocs(image, &relocs, NULL);
}

static int run_table(struct try_table *table)
{
	const struct options *opt = table->opt;
	bool live = !opt->json && isatty(STDOUT_FILENO);
	int status;

	decode_once(table->image);
	try_list(table);
	catch_signals();
	if (!opt->json)
		try_print_begin(table, live);
	status = run_all(table, live);
	try_stop(table);
	if (status != STATUS_OK)
		return status;
	if (opt->json)
		json_print(try_json(table));
	else
		try_print_end(table);
	if (opt->expect)
		status = try_expect(table, opt->expect);
	return count_of(table, TRY_FAILED) ? STATUS_WORSE : status;
}

static void release(struct try_table *table)
{
	for (size_t i = 0; i < table->nr_rows; i++) {
		json_decref(table->rows[i].init);
		json_decref(table->rows[i].warnings);
	}
	free(table->rows);
	pb_image_close(table->image);
}

/* What run and plan take, and a table of ways cannot. */
static int check_options(const struct options *opt)
{
	if (opt->nr_initrds || opt->no_initrd)
		return complain("--initrd", "is not for try: every start has to reach the built-in init");
	if (opt->rams)
		return complain("--ram", "is not for try: every engine has a memory map of its own");
	if (opt->expect && access(opt->expect, R_OK) < 0)
		return complain_errno(opt->expect);
	return STATUS_OK;
}

static int try_run(const struct options *given)
{
	struct options opt = *given;
	struct try_table table = { .opt = &opt };
	int status = check_options(&opt);

	if (!opt.timeout)
		opt.timeout = TIMEOUT_SECONDS;
	if (!opt.jobs)
		opt.jobs = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	json_begin();
	if (status == STATUS_OK)
		status = open_image(opt.image, &table.image);
	if (status == STATUS_OK)
		status = run_table(&table);
	release(&table);
	return status;
}

static const struct option_row try_options[] = {
	{ 0, "engine", "qemu|kvm", "only the rows of this engine", .at = offsetof(struct options, engine) },
	{ 't', "timeout", "SECONDS", "end a start after that time (default 300)", set_timeout },
	{ 'j', "jobs", "N", "so many starts at once (default: one for each processor)", set_jobs },
	{ 0, "expect", "FILE", "compare with an earlier --json, and fail on what got worse",
	  .at = offsetof(struct options, expect) },
	{ 0 },
};

static const struct option_row *const try_tables[] = { request_rows, try_options, json_rows, NULL };

const struct command try_command = {
	.name = "try",
	.summary = "Start an image in every way that this machine can, and print the table",
	.tables = try_tables,
	.run = try_run,
};
