/* SPDX-License-Identifier: MIT */
/*
 * The table of `paraboot try` for people: on a terminal every row from the
 * beginning, each rewritten in place as it changes; in a pipe a plain line
 * for each row once it is known.
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

enum { WIDTH_MIN = 60, WIDTH_DEFAULT = 100, TEXT_MAX = 600 };

static size_t terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return WIDTH_DEFAULT;
	return size.ws_col < WIDTH_MIN ? WIDTH_MIN : size.ws_col;
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

static void print_line(const struct try_row *row, bool live)
{
	char text[TEXT_MAX];

	row_text(row, text, sizeof(text));
	if (live)
		printf("\033[K%.*s\n", (int)terminal_width() - 1, text);
	else
		printf("%s\n", text);
}

void try_print_begin(const struct try_table *table, bool live)
{
	printf("%-9s %-6s %-5s %-13s %7s %7s %5s\n", "ENTRY", "UNPACK", "BY", "OUTCOME", "FIRST s", "INIT s", "WARN");
	for (size_t i = 0; i < table->nr_rows; i++)
		if (live || table->rows[i].outcome != TRY_WAITING)
			print_line(&table->rows[i], live);
	fflush(stdout);
}

void try_print_row(const struct try_table *table, const struct try_row *row, bool live)
{
	if (table->opt->json)
		return;

	size_t up = table->nr_rows - (size_t)(row - table->rows);

	if (live)
		printf("\033[%zuA", up);
	print_line(row, live);
	if (live && up > 1)
		printf("\033[%zuB", up - 1);
	fflush(stdout);
}

void try_print_end(const struct try_table *table)
{
	size_t counts[TRY_CANNOT_HERE + 1] = { 0 };

	for (size_t i = 0; i < table->nr_rows; i++)
		counts[table->rows[i].outcome]++;
	printf("%zu started, %zu failed, %zu not possible with this image, %zu cannot be tried here\n",
	       counts[TRY_STARTED], counts[TRY_FAILED], counts[TRY_NOT_POSSIBLE], counts[TRY_CANNOT_HERE]);
}
