/* SPDX-License-Identifier: MIT */
/*
 * Reads the earlier table of --expect. Whoever wrote the file, what leaves here
 * has the form that `try --json` gives a table, as far as anybody looks at it:
 * the comparison (try_expect.c) asks no more whether a member is there.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image.h"
#include "say.h"
#include "starts.h"
#include "tool.h"
#include "try.h"

#define FILE_MAX (64u << 20) /* three times what the guests' consoles can fill a table with */

/* ---- Bytes ------------------------------------------------------------------ */

static int check_file(const char *path, int fd, size_t *ret_len)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return complain_errno(path);
	if (!S_ISREG(st.st_mode))
		return complain(path, "is not a regular file");
	if (st.st_size > FILE_MAX)
		return complain(path, "%lld bytes: too large for a table of starts (limit %u)", (long long)st.st_size,
				FILE_MAX);
	*ret_len = (size_t)st.st_size;
	return STATUS_OK;
}

/* Of a file that shrinks meanwhile, what there was. */
static int read_bytes(const char *path, int fd, char **ret, size_t *ret_len)
{
	size_t len = 0, done = 0;
	int status = check_file(path, fd, &len);
	ssize_t n = 1;

	if (status != STATUS_OK)
		return status;
	*ret = must_alloc(len + 1);
	while (done < len && (n = pread(fd, *ret + done, len - done, (off_t)done)) > 0)
		done += (size_t)n;
	*ret_len = done;
	return n < 0 ? complain_errno(path) : STATUS_OK;
}

static int parse(const char *path, const char *bytes, size_t len, json_t **ret)
{
	json_error_t error;
	char *text;

	*ret = json_loadb(bytes, len, 0, &error);
	if (*ret)
		return STATUS_OK;
	text = escaped(error.text, strlen(error.text)); /* it quotes the file */
	complain(path, "line %d: %s", error.line, text);
	free(text);
	return STATUS_BAD_INPUT;
}

static int read_json(const char *path, json_t **ret)
{
	char *bytes = NULL;
	size_t len;
	int fd = -1, status = open_file(path, &fd);

	if (status != STATUS_OK)
		return status;
	status = read_bytes(path, fd, &bytes, &len);
	if (status == STATUS_OK)
		status = parse(path, bytes, len, ret);
	free(bytes);
	close(fd);
	return status;
}

/* ---- Form -------------------------------------------------------------------- */

static bool is_entry(const json_t *value)
{
	const char *name = json_string_value(value);

	return name && (pb_entry_by_name(name) || strcmp(name, TRY_EFI) == 0);
}

static bool is_unpack(const json_t *value)
{
	const char *name = json_string_value(value);

	for (enum pb_unpack unpack = PB_UNPACK_HOST; name && unpack < UNPACKS; unpack++)
		if (strcmp(name, pb_unpack_name(unpack)) == 0)
			return true;
	return false;
}

static bool is_engine(const json_t *value)
{
	const char *name = json_string_value(value);

	return json_is_null(value) || (name && engine_by_name(name));
}

static bool is_outcome(const json_t *value)
{
	const char *name = json_string_value(value);

	for (enum try_outcome outcome = TRY_STARTED; name && outcome < TRY_OUTCOMES; outcome++)
		if (strcmp(name, try_outcome_name(outcome)) == 0)
			return true;
	return false;
}

static bool are_texts(const json_t *value)
{
	size_t i;
	json_t *item;

	json_array_foreach(value, i, item)
	{
		if (!json_is_string(item))
			return false;
	}
	return json_is_null(value) || json_is_array(value);
}

static bool is_object_or_null(const json_t *value)
{
	return json_is_null(value) || json_is_object(value);
}

static const struct {
	const char *key;
	bool (*is_right)(const json_t *value);
} row_members[] = {
	{ "entry", is_entry },     { "unpack", is_unpack },       { "engine", is_engine },
	{ "outcome", is_outcome }, { "init", is_object_or_null }, { "warnings", are_texts },
};

/* Say which member it is, and what it says, shortened. */
static int complain_member(const char *path, size_t row, const char *key, const json_t *value)
{
	char *said = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	char *text = escaped(said ? said : "", said ? strlen(said) : 0);

	if (value)
		complain(path, "starts[%zu].%s: %.60s: not what try --json prints", row, key, text);
	else
		complain(path, "starts[%zu].%s: is not there; not made by try --json", row, key);
	free(text);
	free(said);
	return STATUS_BAD_INPUT;
}

static int check_row(const char *path, size_t row, const json_t *old)
{
	for (size_t i = 0; i < ARRAY_LEN(row_members); i++) {
		const json_t *value = json_object_get(old, row_members[i].key);

		if (!value || !row_members[i].is_right(value))
			return complain_member(path, row, row_members[i].key, value);
	}
	return STATUS_OK;
}

static int check_form(const char *path, const json_t *old)
{
	const json_t *rows = json_object_get(old, "starts");
	size_t i;
	json_t *row;

	if (!json_is_array(rows))
		return complain(path, "starts: is not there; not made by try --json");
	if (json_array_size(rows) == 0)
		return complain(path, "starts: has no row to compare with");
	json_array_foreach(rows, i, row)
	{
		int status = check_row(path, i, row);

		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

int try_expect_load(const char *path, json_t **ret)
{
	json_t *old = NULL;
	int status = read_json(path, &old);

	if (status == STATUS_OK)
		status = check_form(path, old);
	if (status == STATUS_OK)
		*ret = old;
	else
		json_decref(old);
	return status;
}
