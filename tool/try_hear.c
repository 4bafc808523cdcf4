/* SPDX-License-Identifier: MIT */
/*
 * What a guest said on its console, as far as the built-in init tells it:
 * lines of KEY=VALUE (docs/init.md), and with paraboot.log the kernel's warnings.
 */
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "say.h"
#include "try.h"

static const char prefix[] = "paraboot-init: ";
static const char log_key[] = "log=";

/* "log=LEVEL TEXT": the text, whatever its level; the init prints only what is a warning or worse. */
static void hear_log(struct try_row *row, const char *line)
{
	const char *text = strchr(line, ' ');

	if (text)
		json_array_append_new(row->warnings, json_text(text + 1));
}

static void hear_line(struct try_row *row, const char *line)
{
	const char *at = strstr(line, prefix);
	const char *equals;
	char key[40];

	if (!at)
		return;
	at += sizeof(prefix) - 1;
	if (strncmp(at, log_key, sizeof(log_key) - 1) == 0) {
		hear_log(row, at);
		return;
	}
	equals = strchr(at, '=');
	if (!equals || (size_t)(equals - at) >= sizeof(key))
		return;
	memcpy(key, at, (size_t)(equals - at));
	key[equals - at] = '\0';
	json_object_set_new(row->init, key, json_text(equals + 1));
}

/* A line in memory of its own, without its end, and without the NULs that a serial port may send first. */
static char *line_of(const char *bytes, size_t len)
{
	char *line = must_alloc(len + 1), *to = line;

	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			*to++ = bytes[i];
	*to = '\0';
	line[strcspn(line, "\r")] = '\0';
	return line;
}

/* Firmware moves the cursor and paints: of "ESC [ ... letter" nothing stays, as nothing would on the screen. */
static void drop_escapes(char *line)
{
	char *to = line;

	for (const char *from = line; *from;) {
		if (from[0] == '\033' && from[1] == '[') {
			from += 2;
			from += strspn(from, "0123456789;:<=>?!\"#$%&'()*+,-./ ");
			from += *from != '\0';
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
}

/* Of the lines that say something, the last. It becomes row's, or is freed. */
static void keep_last(struct try_row *row, char *line)
{
	if (line[strspn(line, " \t\r")] == '\0') {
		free(line);
		return;
	}
	free(row->last_line);
	row->last_line = line;
}

void try_hear(struct try_row *row)
{
	const char *at = row->report->console;
	const char *end = at + row->report->console_len;

	row->init = json_object();
	row->warnings = json_array();
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t len = (size_t)((newline ? newline : end) - at);
		char *line = line_of(at, len);

		drop_escapes(line);
		hear_line(row, line);
		keep_last(row, line);
		at += len + 1;
	}
}
