/* SPDX-License-Identifier: MIT */
/*
 * The table of `paraboot try` for people: on a terminal every row from the
 * beginning, each rewritten in place as it changes; in a pipe, or on a terminal
 * that cannot hold them all, a plain line for each row once it is known.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "say.h"
#include "starts.h"
#include "tool.h"
#include "try.h"

#define NS_PER_MS 1000000u

enum {
	COLUMNS_MIN = 70, /* in which a row still says something */
	LINES_MORE = 3,   /* the head, the last words, and the cursor's */
	TEXT_MAX = 600,
};

/* False: standard output is no terminal, or does not say how large it is. */
static bool terminal_size(struct winsize *ret)
{
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, ret) == 0 && ret->ws_col > 0 && ret->ws_row > 0;
}

/* Rows that scrolled away, or took two lines, could not be found again to be rewritten. */
static bool can_be_live(const struct try_table *table)
{
	const char *kind = getenv("TERM");
	struct winsize size;

	return isatty(STDOUT_FILENO) && kind && *kind && strcmp(kind, "dumb") != 0 && terminal_size(&size) &&
	       size.ws_col >= COLUMNS_MIN && size.ws_row >= table->nr_rows + LINES_MORE;
}

static void seconds(char *buf, size_t buf_len, uint64_t ns)
{
	if (ns)
		snprintf(buf, buf_len, "%llu.%03llu", (unsigned long long)(ns / NS_PER_MS / 1000),
			 (unsigned long long)(ns / NS_PER_MS % 1000));
	else
		snprintf(buf, buf_len, "-");
}

static const char *init_value(const struct try_row *row, const char *key)
{
	const char *value = json_string_value(json_object_get(row->init, key));

	return value ? value : "?";
}

/* What a row has to say besides its numbers. */
static void detail(const struct try_row *row, char *buf, size_t buf_len)
{
	if (row->outcome == TRY_STARTED)
		snprintf(buf, buf_len, "%s, %s, hypervisor %s, %s cpu%s, %s kB", init_value(row, "release"),
			 init_value(row, "machine"), init_value(row, "hypervisor"), init_value(row, "cpus"),
			 strcmp(init_value(row, "cpus"), "1") == 0 ? "" : "s", init_value(row, "memory_kb"));
	else
		snprintf(buf, buf_len, "%s", row->reason);
}

static void row_text(const struct try_row *row, char *buf, size_t buf_len)
{
	char first[32] = "-", init[32] = "-", warnings[16] = "-", words[500];

	if (row->report && row->outcome != TRY_RUNNING) {
		seconds(first, sizeof(first), row->report->first_byte_ns);
		seconds(init, sizeof(init), row->report->init_ns);
		snprintf(warnings, sizeof(warnings), "%zu", json_array_size(row->warnings));
	}
	detail(row, words, sizeof(words));

	char *clean = escaped(words, strlen(words));

	snprintf(buf, buf_len, "%-9s %-6s %-5s %-13s %7s %7s %5s  %s", row->entry_name, pb_unpack_name(row->unpack),
		 row->engine ? row->engine->name : "-", try_outcome_name(row->outcome), first, init, warnings, clean);
	free(clean);
}

/* How much of the text fits into so many columns; no column takes less than a byte. */
static int clip(const char *text, size_t columns)
{
	size_t len = strlen(text);

	if (len <= columns)
		return (int)len;
	while (columns > 0 && ((unsigned char)text[columns] & 0xc0) == 0x80) /* in the middle of a character */
		columns--;
	return (int)columns;
}

static void print_plain(const struct try_row *row)
{
	char text[TEXT_MAX];

	row_text(row, text, sizeof(text));
	printf("%s\n", text);
}

static void print_live(const struct try_row *row)
{
	struct winsize size = { .ws_col = COLUMNS_MIN };
	char text[TEXT_MAX];

	terminal_size(&size);
	row_text(row, text, sizeof(text));
	printf("\033[K%.*s\n", clip(text, size.ws_col - 1u), text);
}

/* Up to the row's line, and back below the last. */
static void rewrite(const struct try_table *table, const struct try_row *row)
{
	size_t up = table->nr_rows - (size_t)(row - table->rows);

	printf("\033[%zuA", up);
	print_live(row);
	if (up > 1)
		printf("\033[%zuB", up - 1);
}

void try_print_begin(struct try_table *table)
{
	if (table->opt->json)
		return;
	table->live = can_be_live(table);
	printf("%-9s %-6s %-5s %-13s %7s %7s %5s\n", "ENTRY", "UNPACK", "BY", "OUTCOME", "FIRST s", "INIT s", "WARN");
	for (size_t i = 0; i < table->nr_rows; i++)
		if (table->live)
			print_live(&table->rows[i]);
		else if (table->rows[i].outcome != TRY_WAITING)
			print_plain(&table->rows[i]);
	fflush(stdout);
}

void try_print_row(struct try_table *table, const struct try_row *row)
{
	if (table->opt->json)
		return;
	table->live = table->live && can_be_live(table); /* it may have been made smaller */
	if (table->live)
		rewrite(table, row);
	else if (row->outcome != TRY_RUNNING)
		print_plain(row);
	fflush(stdout);
}

/* Why a row failed, if a live table had no room for it. */
static void print_cut_reason(const struct try_row *row)
{
	struct winsize size = { .ws_col = COLUMNS_MIN };
	char text[TEXT_MAX], *reason;

	terminal_size(&size);
	row_text(row, text, sizeof(text));
	if (row->outcome != TRY_FAILED || !text[clip(text, size.ws_col - 1u)])
		return;
	reason = escaped(row->reason, strlen(row->reason));
	printf("%s %s %s: %s\n", row->entry_name, pb_unpack_name(row->unpack), row->engine ? row->engine->name : "-",
	       reason);
	free(reason);
}

void try_print_end(const struct try_table *table)
{
	size_t counts[TRY_OUTCOMES] = { 0 };

	for (size_t i = 0; i < table->nr_rows; i++) {
		counts[table->rows[i].outcome]++;
		if (table->live)
			print_cut_reason(&table->rows[i]);
	}
	printf("%zu started, %zu failed, %zu not possible with this image, %zu cannot be tried here\n",
	       counts[TRY_STARTED], counts[TRY_FAILED], counts[TRY_NOT_POSSIBLE], counts[TRY_CANNOT_HERE]);
	fflush(stdout); /* before what is said of it on standard error */
}
