/* SPDX-License-Identifier: MIT */
/*
 * The command's words: one line for a failure, and escaping for what comes out
 * of files, so that a version string cannot drive the reader's terminal.
 */
#include "say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "tool.h"

void *must_alloc(size_t len)
{
	return must_grow(NULL, 1, len);
}

void *must_grow(void *old, size_t count, size_t item_len)
{
	void *mem = reallocarray(old, count, item_len ? item_len : 1);

	if (!mem) {
		fputs("paraboot: not enough memory\n", stderr);
		exit(STATUS_UNABLE);
	}
	return mem;
}

/* The length of the UTF-8 sequence at bytes, 0 if it is none, or one that C1 controls hide in. */
static size_t utf8_len(const uint8_t *bytes, size_t len)
{
	static const struct {
		uint8_t mask, lead, len;
		uint32_t least;
	} forms[] = {
		{ 0x80, 0x00, 1, 0 }, { 0xe0, 0xc0, 2, 0xa0 }, { 0xf0, 0xe0, 3, 0x800 }, { 0xf8, 0xf0, 4, 0x10000 }
	};

	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		if ((bytes[0] & forms[i].mask) != forms[i].lead)
			continue;
		if (forms[i].len > len)
			return 0;

		uint32_t point = bytes[0] & (uint8_t)~forms[i].mask;

		for (size_t j = 1; j < forms[i].len; j++) {
			if ((bytes[j] & 0xc0) != 0x80)
				return 0;
			point = point << 6 | (bytes[j] & 0x3f);
		}
		if (point < forms[i].least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
			return 0;
		return forms[i].len;
	}
	return 0;
}

/* Copy, with each byte that belongs to no sequence which plain() accepts as \xNN. */
static char *copy_escaping(const void *bytes, size_t len, bool (*plain)(uint8_t first, size_t sequence_len))
{
	const uint8_t *in = bytes;
	char *text = must_grow(NULL, len + 1, 4), *out = text;

	for (size_t i = 0; i < len;) {
		size_t sequence_len = utf8_len(in + i, len - i);

		if (sequence_len > 0 && plain(in[i], sequence_len)) {
			memcpy(out, in + i, sequence_len);
			out += sequence_len;
			i += sequence_len;
		} else {
			out += sprintf(out, "\\x%02x", in[i++]);
		}
	}
	*out = '\0';
	return text;
}

static bool fit_for_terminal(uint8_t first, size_t sequence_len)
{
	return sequence_len > 1 || (first >= 0x20 && first < 0x7f && first != '\\');
}

/* A message may have escaped a part of itself: its backslashes stay. */
static bool fit_for_message(uint8_t first, size_t sequence_len)
{
	return first == '\\' || fit_for_terminal(first, sequence_len);
}

/* JSON has its own escapes for everything but a NUL, which would end the text. */
static bool fit_for_json(uint8_t first, size_t sequence_len)
{
	return sequence_len > 1 || first != '\0';
}

char *escaped(const void *bytes, size_t len)
{
	return copy_escaping(bytes, len, fit_for_terminal);
}

char *utf8_text(const void *bytes, size_t len)
{
	return copy_escaping(bytes, len, fit_for_json);
}

char *hex_digits(const void *bytes, size_t len)
{
	const uint8_t *in = bytes;
	char *text = must_grow(NULL, 2 * len + 1, 1);

	for (size_t i = 0; i < len; i++)
		sprintf(text + 2 * i, "%02x", in[i]);
	text[2 * len] = '\0';
	return text;
}

int complain(const char *what, const char *format, ...)
{
	char *name = escaped(what, strlen(what)), *clean;
	char message[512];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	clean = copy_escaping(message, strlen(message), fit_for_message);
	fprintf(stderr, "paraboot: %s: %s\n", name, clean);
	free(clean);
	free(name);
	return STATUS_BAD_INPUT;
}

static int status_of(enum pb_code code)
{
	switch (code) {
	case PB_E_NOMEM:
	case PB_E_IO:
	case PB_E_CODEC_OFF:
	case PB_E_NOT_BUILT:
		return STATUS_UNABLE;
	default:
		return STATUS_BAD_INPUT;
	}
}

int complain_error(const char *file, const struct pb_error *err)
{
	char line[512];

	pb_error_line(err, line, sizeof(line));
	complain(file, "%s", line);
	return status_of((enum pb_code)err->code);
}

int complain_errno(const char *what)
{
	bool shortage = engine_is_shortage(errno);

	complain(what, "%s", strerror(errno));
	return shortage ? STATUS_UNABLE : STATUS_BAD_INPUT;
}

int finish_output(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return STATUS_OK;
	complain_errno("standard output");
	return STATUS_UNABLE;
}
