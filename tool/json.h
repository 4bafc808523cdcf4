/* SPDX-License-Identifier: MIT */
/*
 * Making JSON. Numbers are numbers, addresses strings in 0x form, and what is
 * not there is null. No memory ends the program, so nothing here can fail.
 */
#ifndef TOOL_JSON_H
#define TOOL_JSON_H

#include <jansson.h>
#include <paraboot.h>

/* To be called once, before the others. */
void json_begin(void);

json_t *json_gpa(uint64_t address);
json_t *json_text(const char *text);               /* NULL: null */
json_t *json_bytes(const void *bytes, size_t len); /* hex digits; NULL: null */
json_t *json_number(uint64_t number);

/* Print it to standard output, and release it. */
void json_print(json_t *json);

#endif
