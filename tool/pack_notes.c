/* SPDX-License-Identifier: MIT */
/*
 * pack --note OWNER:TYPE=VALUE. TYPE is a number or the name that info prints;
 * VALUE is hex:DIGITS, str:TEXT, a number, or else text. Text ends with a NUL.
 */
#include "pack_notes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"
#include "tool.h"
#include "values.h"

static bool note_type(const char *owner, const char *text, uint32_t *ret)
{
	uint64_t number;

	if (pb_note_type(owner, text, ret) == 0)
		return true;
	if (!value_number(text, UINT32_MAX, &number))
		return false;
	*ret = (uint32_t)number;
	return true;
}

static const char *after(const char *text, const char *prefix)
{
	size_t len = strlen(prefix);

	return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

static bool is_value(const char *text)
{
	const char *hex = after(text, "hex:");

	return !hex || (strlen(hex) % 2 == 0 && hex[strspn(hex, "0123456789abcdefABCDEF")] == 0);
}

int add_note(struct options *opt, const char *arg)
{
	size_t len = strlen(arg) + 1;
	char *owner = must_grow(NULL, len, 1), *type, *value;
	struct note_arg note = { .owner = owner };

	memcpy(owner, arg, len);
	type = strchr(owner, ':');
	value = type ? strchr(type, '=') : NULL;
	if (value)
		*type++ = *value++ = 0;
	if (!value || !*owner || !note_type(owner, type, &note.type) || !is_value(value)) {
		free(owner);
		return -1;
	}
	note.value = value;
	opt->notes = must_grow(opt->notes, opt->nr_notes + 1, sizeof(*opt->notes));
	opt->notes[opt->nr_notes++] = note;
	return 0;
}

static uint32_t put_hex(const char *digits, char *to)
{
	uint32_t len = 0;

	for (; digits[2 * len]; len++) {
		const char pair[3] = { digits[2 * len], digits[2 * len + 1], 0 };

		to[len] = (char)strtoul(pair, NULL, 16);
	}
	return len;
}

static uint64_t number_max(unsigned elf_class)
{
	return elf_class == 64 ? UINT64_MAX : UINT32_MAX;
}

/* Taken as text, it would be in the image without a word. */
int check_notes(const struct options *opt, unsigned elf_class)
{
	uint64_t number, most = number_max(elf_class);

	for (size_t i = 0; i < opt->nr_notes; i++) {
		const struct note_arg *arg = &opt->notes[i];

		if (value_is_number(arg->value) && !value_number(arg->value, most, &number))
			return complain("--note",
					"%.100s:%" PRIu32 "=%.100s: a number for this kernel is at most %" PRIu64
					"; as text it is str:%.100s",
					arg->owner, arg->type, arg->value, most, arg->value);
	}
	return STATUS_OK;
}

/* How long the value is; to has room for its text, and for a number. */
static uint32_t put_value(const char *value, unsigned elf_class, char *to)
{
	const char *hex = after(value, "hex:"), *text = after(value, "str:");
	uint64_t number;

	if (hex)
		return put_hex(hex, to);
	if (!text && value_number(value, number_max(elf_class), &number)) {
		memcpy(to, &number, elf_class / 8);
		return elf_class / 8;
	}
	text = text ? text : value;
	memcpy(to, text, strlen(text) + 1);
	return (uint32_t)strlen(text) + 1;
}

struct pb_pack_note *make_notes(const struct options *opt, unsigned elf_class)
{
	struct pb_pack_note *notes = must_grow(NULL, opt->nr_notes + 1, sizeof(*notes));

	for (size_t i = 0; i < opt->nr_notes; i++) {
		const struct note_arg *arg = &opt->notes[i];
		char *desc = must_grow(NULL, strlen(arg->value) + 1 + sizeof(uint64_t), 1);

		notes[i] = (struct pb_pack_note){ arg->owner, arg->type, desc, put_value(arg->value, elf_class, desc) };
	}
	return notes;
}

void give_back_notes(struct pb_pack_note *notes, size_t nr_notes)
{
	for (size_t i = 0; i < nr_notes; i++)
		free((void *)(uintptr_t)notes[i].desc);
	free(notes);
}
