/* SPDX-License-Identifier: MIT */
/*
 * An earlier `try --json` against this one. Worse is: what started does not, or
 * has no row any more; a warning in the kernel's log that was not there,
 * whatever its numbers are (addresses and times differ from run to run); and a
 * kernel that finds fewer processors or less memory in a machine of the same
 * size. What this machine cannot do is no answer either way, and is said so.
 * Rows that the options leave out are not compared.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "say.h"
#include "tool.h"
#include "try.h"

enum { MEMORY_SLACK = 16 }; /* the part of its memory by which a kernel may differ from one build to the next */

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

/* ---- What is said ------------------------------------------------------------- */

/* what may be a guest's words, or a file's. */
static void say_row(const json_t *old, const char *what, const char *words)
{
	char *clean = escaped(words, strlen(words));
	char name[120];

	snprintf(name, sizeof(name), "%s %s %s", text_at(old, "entry"), text_at(old, "unpack"), text_at(old, "engine"));
	complain(name, "%s: %s", what, clean);
	free(clean);
}

/* ---- Warnings -------------------------------------------------------------------- */

static const char hex_digits_of[] = "0123456789abcdefABCDEF";

/* How long is the number at text: hexadecimal and a word of its own, or decimal and anywhere in one? 0: there is none.
 */
static size_t number_len(const char *text, bool word_begins)
{
	enum { ADDRESS_LEN = 8 }; /* so many hexadecimal letters are no English word */
	size_t prefix = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 2 : 0;
	size_t hex = strspn(text + prefix, hex_digits_of);
	bool digits = prefix || strcspn(text, "0123456789") < hex || hex >= ADDRESS_LEN;

	if (word_begins && hex && digits && !isalnum((unsigned char)text[prefix + hex]) && text[prefix + hex] != '_')
		return prefix + hex;
	return strspn(text, "0123456789");
}

/* The same words, whatever the numbers in them are? */
static bool same_words(const char *a, const char *b)
{
	bool word_begins = true;

	while (*a && *b) {
		size_t a_len = number_len(a, word_begins), b_len = number_len(b, word_begins);

		if (!a_len != !b_len || (!a_len && *a != *b))
			return false;
		word_begins = !a_len && !isalnum((unsigned char)*a) && *a != '_';
		a += a_len ? a_len : 1;
		b += b_len ? b_len : 1;
	}
	return *a == *b;
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

/* How often the first nr of them say it. */
static size_t count_said(const json_t *warnings, size_t nr, const char *text)
{
	size_t count = 0;

	for (size_t i = 0; i < nr; i++)
		count += same_words(text, json_string_value(json_array_get(warnings, i)));
	return count;
}

/* One that was there once is new the second time. */
static bool is_new(const json_t *before, const json_t *now, size_t index)
{
	const char *text = json_string_value(json_array_get(now, index));

	return text && !is_of_the_clock(text) &&
	       count_said(now, index + 1, text) > count_said(before, json_array_size(before), text);
}

static size_t count_new_warnings(const json_t *old, const struct try_row *row)
{
	const json_t *before = json_object_get(old, "warnings");
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(row->warnings); i++) {
		if (!is_new(before, row->warnings, i))
			continue;
		say_row(old, "a new warning", json_string_value(json_array_get(row->warnings, i)));
		count++;
	}
	return count;
}

/* ---- What the kernel found --------------------------------------------------------- */

/* Of the init's words, a number; 0: it is none. */
static unsigned long long init_number(const json_t *init, const char *key)
{
	return strtoull(text_at(init, key), NULL, 10);
}

static size_t count_less(const json_t *old, const struct try_row *row, const char *key, unsigned slack)
{
	unsigned long long before = init_number(json_object_get(old, "init"), key);
	unsigned long long now = init_number(row->init, key);
	char words[80];

	if (now >= before - (slack ? before / slack : 0))
		return 0;
	snprintf(words, sizeof(words), "%llu before, %llu now", before, now);
	say_row(old, key, words);
	return 1;
}

/* Was that table made with machines of the same size? */
static bool same_machine(const struct try_table *table, const json_t *expected)
{
	const struct options *opt = table->opt;

	return json_integer_value(json_object_get(expected, "cpus")) == opt->vcpus &&
	       (uint64_t)json_integer_value(json_object_get(expected, "memory_kb")) == opt->memory_len >> 10;
}

/* ---- Rows ------------------------------------------------------------------------- */

/* Of a row that started before and now. */
static size_t compare_started(const struct try_table *table, const json_t *expected, const json_t *old,
			      const struct try_row *row)
{
	size_t worse = count_new_warnings(old, row);

	if (same_machine(table, expected))
		worse += count_less(old, row, "cpus", 0) + count_less(old, row, "memory_kb", MEMORY_SLACK);
	return worse;
}

/* How much got worse in one row of the earlier table. */
static size_t compare(const struct try_table *table, const json_t *expected, const json_t *old)
{
	const struct try_row *row = find_row(table, old);

	if (strcmp(text_at(old, "outcome"), try_outcome_name(TRY_STARTED)) != 0 ||
	    !try_wants(table->opt, text_at(old, "entry"), text_at(old, "unpack"), text_at(old, "engine")))
		return 0;
	if (row && row->outcome == TRY_STARTED)
		return compare_started(table, expected, old, row);
	if (row && row->outcome == TRY_CANNOT_HERE) {
		say_row(old, "started before, cannot be tried here", row->reason);
		return 0;
	}
	say_row(old, "started before, does not now", row ? row->reason : "there is no such row");
	return 1;
}

int try_expect(const struct try_table *table, const json_t *expected)
{
	size_t i, worse = 0;
	json_t *old;

	json_array_foreach(json_object_get(expected, "starts"), i, old)
	{
		worse += compare(table, expected, old);
	}
	return worse ? STATUS_WORSE : STATUS_OK;
}
