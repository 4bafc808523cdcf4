/* SPDX-License-Identifier: MIT */
/*
 * All that the command says to people: the one line on standard error for a
 * failure, and text from files, which may hold anything, made fit for a terminal.
 */
#ifndef TOOL_SAY_H
#define TOOL_SAY_H

#include <paraboot.h>
#include <stdio.h>

/*
 * "paraboot: WHAT: message" on one line: what (a file or an option) is escaped, and of the message what would drive
 * the terminal. Returns STATUS_BAD_INPUT.
 */
__attribute__((format(printf, 2, 3))) int complain(const char *what, const char *format, ...);

/* The same for an error of the library; the status says whose fault it is. */
int complain_error(const char *file, const struct pb_error *err);

/* The same for errno: STATUS_UNABLE where this machine had too little of something. */
int complain_errno(const char *what);

/*
 * Bytes of a file as text: control characters, backslashes and what is not
 * UTF-8 as \xNN. The result is malloc'ed; no memory ends the program.
 */
char *escaped(const void *bytes, size_t len);

/* The same for JSON, which only needs it to be UTF-8. */
char *utf8_text(const void *bytes, size_t len);

/* As lower-case hexadecimal digits; malloc'ed likewise. */
char *hex_digits(const void *bytes, size_t len);

/* malloc and realloc that end the program with one line when there is no memory. */
void *must_alloc(size_t len);
void *must_grow(void *old, size_t count, size_t item_len);

/* Flush standard output; STATUS_OK, or the status after having said what is wrong with it. */
int finish_output(void);

#endif
