/* SPDX-License-Identifier: MIT */
/*
 * An earlier `try --json` against this one. Worse is: what started does not,
 * and a warning in the kernel's log that was not there, whatever its numbers
 * are (addresses and times differ from run to run). What this machine cannot
 * do is no answer either way, and is said so. Rows that the options leave out
 * are not compared.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "say.h"
#include "tool.h"
#include "try.h"

static const char *text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static const struct try_row *find_row(const struct try_table *table, const json_t *old)
{
	for (size_t i = 0; i < table->nr_rows; i++) {
		const struct try_row *row = &table->rows[i];

		if (strcmp(row->entry_name, text_at(old, "entry")) == 0 &&
		    strcmp(pb_unpack_name(row->unpack), text_at(old, "unpack")) == 0 &&
		    (!row->engine || strcmp(row->engine->name, text_at(old, "engine")) == 0))
			return row;
	}
	return NULL;
}

/* Equal but for runs of digits, also hexadecimal ones? */
static bool same_words(const char *a, const char *b)
{
	for (;;) {
		if (isxdigit((unsigned char)*a) && isxdigit((unsigned char)*b)) {
			a += strspn(a, "0123456789abcdefABCDEFx");
			b += strspn(b, "0123456789abcdefABCDEFx");
			continue;
		}
		if (*a != *b)
			return false;
		if (*a == '\0')
			return true;
		a++;
		b++;
	}
}

/*
 * What kernels say when time passes unevenly, as it does for a guest on a busy
 * machine: true of that run, and no news of the image.
 */
static const char *const clock_words[] = {
	"tsc: ",
	"TSC ",
	"clocksource: ",
	"Unstable clock detected",
	"APIC calibration not consistent",
	"APIC frequency too slow",
	"..MP-BIOS bug: 8254 timer",
	"hrtimer: interrupt took",
	"rcu: INFO: ",
	"watchdog: BUG: soft lockup",
	"workqueue: ",
	"sched: RT throttling",
};

static bool is_of_the_clock(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(clock_words); i++)
		if (strncmp(text, clock_words[i], strlen(clock_words[i])) == 0)
			return true;
	return false;
}

static bool has_warning(const json_t *warnings, const char *text)
{
	size_t i;
	json_t *item;

	json_array_foreach(warnings, i, item) if (same_words(text, json_string_value(item) ? json_string_value(item)
											   : "")) return true;
	return false;
}

static void say_row(const json_t *old, const char *what, const char *why)
{
	char name[120];

	snprintf(name, sizeof(name), "%.30s %.30s %.30s", text_at(old, "entry"), text_at(old, "unpack"),
		 text_at(old, "engine"));
	complain(name, "%s: %s", what, why);
}

static size_t count_new_warnings(const json_t *old, const struct try_row *row)
{
	const json_t *before = json_object_get(old, "warnings");
	size_t i, count = 0;
	json_t *item;

	json_array_foreach(row->warnings, i, item)
	{
		const char *text = json_string_value(item);

		if (text && !is_of_the_clock(text) && !has_warning(before, text)) {
			say_row(old, "a new warning", text);
			count++;
		}
	}
	return count;
}

/* How much got worse in one row of the earlier table. */
static size_t compare(const struct try_table *table, const json_t *old)
{
	const struct try_row *row = find_row(table, old);

	if (strcmp(text_at(old, "outcome"), try_outcome_name(TRY_STARTED)) != 0 ||
	    !try_wants(table->opt, text_at(old, "entry"), text_at(old, "unpack"), text_at(old, "engine")))
		return 0;
	if (!row || row->outcome == TRY_CANNOT_HERE) {
		say_row(old, "started before, cannot be tried here", row ? row->reason : "no such row");
		return 0;
	}
	if (row->outcome != TRY_STARTED) {
		say_row(old, "started before, does not now", row->reason);
		return 1;
	}
	return count_new_warnings(old, row);
}

int try_expect_load(const char *path, json_t **ret)
{
	json_error_t error;
	json_t *old = json_load_file(path, 0, &error);

	if (json_is_array(json_object_get(old, "starts"))) {
		*ret = old;
		return STATUS_OK;
	}
	if (old)
		complain(path, "starts: is not there; not made by try --json");
	else if (error.line < 0)
		complain(path, "%s", error.text);
	else
		complain(path, "line %d: %s", error.line, error.text);
	json_decref(old);
	return STATUS_BAD_INPUT;
}

int try_expect(const struct try_table *table, const json_t *old)
{
	size_t i, worse = 0;
	json_t *item;

	json_array_foreach(json_object_get(old, "starts"), i, item) worse += compare(table, item);
	return worse ? STATUS_WORSE : STATUS_OK;
}
