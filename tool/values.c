/* SPDX-License-Identifier: MIT */
/*
 * Option values from text.
 */
#include "values.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

static bool is_hex(const char *text)
{
	return text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
}

bool value_is_number(const char *text)
{
	const char *first = is_hex(text) ? text + 2 : text;

	return *first && !first[strspn(first, is_hex(text) ? "0123456789abcdefABCDEF" : "0123456789")];
}

/* strtoull, without its blanks, signs, octal numbers and a prefix of its own; *end is where the digits end. */
static bool digits(const char *text, uint64_t *ret, char **end)
{
	bool hex = is_hex(text);
	const char *first = hex ? text + 2 : text;

	if (is_hex(first) || !(hex ? isxdigit((unsigned char)*first) : isdigit((unsigned char)*first)))
		return false;
	errno = 0;
	*ret = strtoull(first, end, hex ? 16 : 10);
	return errno == 0;
}

bool value_number(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t number;
	char *end;

	if (!digits(text, &number, &end) || *end || number > max)
		return false;
	*ret = number;
	return true;
}

bool value_size(const char *text, uint64_t *ret)
{
	static const char suffixes[] = "KMGT";
	uint64_t size;
	char *end;

	if (!digits(text, &size, &end))
		return false;
	if (*end) {
		const char *suffix = strchr(suffixes, toupper((unsigned char)*end));

		if (!suffix || end[1])
			return false;
		if (__builtin_mul_overflow(size, UINT64_C(1024) << (10 * (suffix - suffixes)), &size))
			return false;
	}
	*ret = size;
	return true;
}

static const struct {
	const char *name;
	enum pb_ram_type type;
} ram_types[] = {
	{ "ram", PB_E820_RAM },
	{ "reserved", PB_E820_RESERVED },
	{ "acpi", PB_E820_ACPI },
	{ "nvs", PB_E820_NVS },
};

const char *ram_type_name(uint32_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(ram_types); i++)
		if (ram_types[i].type == type)
			return ram_types[i].name;
	return "unknown";
}

static bool ram_type(const char *name, uint32_t *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(ram_types); i++) {
		if (strcmp(ram_types[i].name, name) == 0) {
			*ret = ram_types[i].type;
			return true;
		}
	}
	return false;
}

bool value_range(const char *text, struct pb_range *ret)
{
	struct pb_range range = { .type = PB_E820_RAM };
	char copy[80];
	size_t text_len = strlen(text);

	if (text_len >= sizeof(copy))
		return false;
	memcpy(copy, text, text_len + 1);

	char *rest = copy;
	const char *start = strsep(&rest, ":"), *len = strsep(&rest, ":"), *type = rest;

	if (!len || !value_size(start, &range.gpa) || !value_size(len, &range.len))
		return false;
	if (type && !ram_type(type, &range.type))
		return false;
	*ret = range;
	return true;
}
