/* SPDX-License-Identifier: MIT */
/*
 * The table of `paraboot try` for scripts, and for a later --expect.
 */
#include "json.h"
#include "try.h"

#define NS_PER_MS 1000000u

static json_t *milliseconds(const struct try_report *report, uint64_t ns)
{
	return report && ns ? json_number(ns / NS_PER_MS) : json_null();
}

static json_t *row_json(const struct try_row *row)
{
	const struct try_report *report = row->report;
	bool ran = report && report->ran;

	return json_pack("{s:s, s:s, s:s?, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:O?, s:O?}", "entry", row->entry_name,
			 "unpack", pb_unpack_name(row->unpack), "engine", row->engine ? row->engine->name : NULL,
			 "outcome", try_outcome_name(row->outcome), "reason",
			 row->outcome == TRY_STARTED ? json_null() : json_text(row->reason), "first_byte_ms",
			 milliseconds(report, report ? report->first_byte_ns : 0), "init_ms",
			 milliseconds(report, report ? report->init_ns : 0), "end",
			 ran ? json_text(report->text) : json_null(), "last_line", json_text(row->last_line), "crash",
			 ran && report->crash[0] ? json_text(report->crash) : json_null(), "init", row->init,
			 "warnings", row->warnings);
}

json_t *try_json(const struct try_table *table)
{
	struct pb_facts facts = PB_INIT(facts);
	json_t *rows = json_array();

	pb_image_facts(table->image, &facts);
	for (size_t i = 0; i < table->nr_rows; i++)
		json_array_append_new(rows, row_json(&table->rows[i]));
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "image", json_text(table->opt->image), "version",
			 json_text(facts.version), "cpus", json_number(table->opt->vcpus), "memory_kb",
			 json_number(table->opt->memory_len >> 10), "starts", rows);
}
