/* SPDX-License-Identifier: MIT */
/*
 * paraboot try: does this image still start, in every way? Each way is a row,
 * and each row a process of its own, so that one that goes wrong takes no
 * other with it; as many at once as there are processors.
 */
#include "try.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image.h"
#include "json.h"
#include "say.h"
#include "signals.h"
#include "tool.h"

enum { TIMEOUT_SECONDS = 300 }; /* of a start, if the user says nothing: a busy machine is slow */

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

/* Take in every row that has ended. */
static void reap(struct try_table *table)
{
	int wait_status;
	pid_t pid;

	while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0) {
		struct try_row *row = row_of(table, pid);

		if (!row)
			continue;
		try_finish(row, wait_status);
		try_print_row(table, row);
	}
}

/* Start what waits, as far as there is room. */
static void fill_pool(struct try_table *table)
{
	struct try_row *row;

	while (count_of(table, TRY_RUNNING) < table->opt->jobs && (row = next_waiting(table)) != NULL) {
		try_start(table, row);
		try_print_row(table, row);
	}
}

/* Those that the loop hears of through a file descriptor: a child's end, and the user's. */
static void signals_to_hear(sigset_t *ret)
{
	signals_to_end(ret);
	sigaddset(ret, SIGCHLD);
}

/* The signal that wants us to end, or 0. */
static int read_signals(int signals)
{
	struct signalfd_siginfo info;
	int end = 0;

	while (read(signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			end = (int)info.ssi_signo;
	return end;
}

/*
 * Wait for something to happen. Asked for nothing, poll still tells of standard
 * output that its reader has gone: then there is no one to start anything for.
 */
static int wait_for_news(int signals)
{
	struct pollfd fds[] = { { .fd = signals, .events = POLLIN }, { .fd = STDOUT_FILENO } };
	int end;

	if (poll(fds, ARRAY_LEN(fds), -1) < 0)
		return STATUS_OK;
	end = read_signals(signals);
	if (end)
		return 128 + end;
	if (ferror(stdout)) /* which main() says */
		return STATUS_UNABLE;
	if (fds[1].revents) {
		complain("standard output", "nobody reads it");
		return STATUS_UNABLE;
	}
	return STATUS_OK;
}

/* Keep the pool full until nothing waits and nothing runs. */
static int run_rows(struct try_table *table, int signals)
{
	int status = STATUS_OK;

	fill_pool(table);
	while (status == STATUS_OK && count_of(table, TRY_RUNNING) > 0) {
		status = wait_for_news(signals);
		if (status == STATUS_OK) {
			reap(table);
			fill_pool(table);
		}
	}
	return status;
}

static int run_all(struct try_table *table)
{
	int signals, status;
	sigset_t heard;

	signals_to_hear(&heard);
	sigprocmask(SIG_BLOCK, &heard, &table->signals_before);
	signal(SIGCHLD, SIG_DFL);
	signals = signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0) {
		complain_errno("signalfd");
		return STATUS_UNABLE;
	}
	status = run_rows(table, signals);
	try_stop(table);
	close(signals);
	return status;
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

/* Where nothing was started, nothing was shown: no script may take that for a yes. */
static int verdict(const struct try_table *table)
{
	if (count_of(table, TRY_FAILED))
		return STATUS_WORSE;
	if (count_of(table, TRY_STARTED))
		return STATUS_OK;
	if (!count_of(table, TRY_CANNOT_HERE))
		return complain(table->opt->image, "none of these starts is possible with this image");
	complain(table->opt->image, "none of these starts can be tried here");
	return STATUS_UNABLE;
}

/* Each way once, then the table in the form that was asked for. */
static int run_table(struct try_table *table, const json_t *expected)
{
	const struct options *opt = table->opt;
	int status;

	signal(SIGPIPE, SIG_IGN);
	try_print_begin(table);
	status = run_all(table);
	if (status != STATUS_OK)
		return status;
	if (opt->json)
		json_print(try_json(table));
	else
		try_print_end(table);
	if (!expected)
		return verdict(table);
	status = try_expect(table, expected);
	return count_of(table, TRY_FAILED) ? STATUS_WORSE : status;
}

static int make_table(struct try_table *table)
{
	int status = open_image(table->opt->image, &table->image);

	if (status != STATUS_OK)
		return status;
	try_list(table);
	if (next_waiting(table))
		decode_once(table->image);
	return table->nr_rows ? STATUS_OK : complain("try", "there is no such row as the options ask for");
}

static void release(struct try_table *table)
{
	for (size_t i = 0; i < table->nr_rows; i++) {
		json_decref(table->rows[i].init);
		json_decref(table->rows[i].warnings);
		free(table->rows[i].last_line);
	}
	free(table->rows);
	pb_image_close(table->image);
}

static int try_run(const struct options *given)
{
	struct options opt = *given;
	struct try_table table = { .opt = &opt };
	json_t *expected = NULL;
	int status = STATUS_OK;

	if (!opt.timeout)
		opt.timeout = TIMEOUT_SECONDS;
	if (!opt.jobs)
		opt.jobs = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	json_begin();
	if (opt.expect)
		status = try_expect_load(opt.expect, &expected);
	if (status == STATUS_OK)
		status = make_table(&table);
	if (status == STATUS_OK)
		status = run_table(&table, expected);
	release(&table);
	json_decref(expected);
	return status;
}

/* Of the engines, those that execute. */
static int set_engine(struct options *opt, const char *arg)
{
	opt->engine = arg;
	return strcmp(arg, "qemu") == 0 || strcmp(arg, "kvm") == 0 ? 0 : -1;
}

static const struct option_row try_options[] = {
	{ 'e', "entry", OPTION_ENTRIES, "only the rows of this entry", set_entry },
	{ 'u', "unpack", OPTION_UNPACKS, "only the rows in which the kernel is unpacked so", set_unpack },
	{ 0, "engine", "qemu|kvm", "only the rows of this engine", set_engine },
	{ 't', "timeout", "SECONDS", "end a start after that time (default 300)",
	  .at = offsetof(struct options, timeout), .least = 1, .most = TIMEOUT_MOST },
	{ 'j', "jobs", "N", "so many starts at once (default: one for each processor)",
	  .at = offsetof(struct options, jobs), .least = 1, .most = 1024 },
	{ 0, "expect", "FILE", "compare with an earlier --json, and fail on what got worse",
	  .at = offsetof(struct options, expect) },
	{ 0, "icount", NULL, "let the guests' clocks count instructions, so that a table repeats exactly (qemu only)",
	  .at = offsetof(struct options, icount) },
	{ 0 },
};

static const struct option_row *const try_tables[] = { try_options, guest_rows, json_rows, NULL };

const struct command try_command = {
	.name = "try",
	.summary = "Start an image in every way that this machine can, and print the table",
	.tables = try_tables,
	.run = try_run,
};
