/* SPDX-License-Identifier: MIT */
/*
 * Making JSON with jansson, in the forms that paraboot's users may rely on.
 */
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"

void json_begin(void)
{
	json_set_alloc_funcs(must_alloc, free);
}

json_t *json_gpa(uint64_t address)
{
	return json_sprintf("0x%" PRIx64, address);
}

/* A number above 2^63 has no form in jansson's integers; none of ours comes near, but an image can claim anything. */
json_t *json_number(uint64_t number)
{
	return number <= INT64_MAX ? json_integer((json_int_t)number) : json_real((double)number);
}

/* Hand malloc'ed text over. */
static json_t *take(char *text)
{
	json_t *json = json_string(text);

	free(text);
	return json;
}

json_t *json_text(const char *text)
{
	return text ? take(utf8_text(text, strlen(text))) : json_null();
}

json_t *json_bytes(const void *bytes, size_t len)
{
	return bytes ? take(hex_digits(bytes, len)) : json_null();
}

void json_print(json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(json);
}
