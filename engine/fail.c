/* SPDX-License-Identifier: MIT */
/*
 * How a failure is filled in. Apart from the table of engines, so that an engine
 * in a module of its own has it without having the others.
 */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int engine_fail(struct engine_error *err, int status, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return -1;
	err->status = status;
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return -1;
}

int engine_fail_errno(struct engine_error *err, const char *doing)
{
	return engine_fail(err, ENGINE_UNABLE, "%s: %s", doing, strerror(errno));
}

int engine_fail_pb(struct engine_error *err, const char *doing, const struct pb_error *why)
{
	char reason[300];

	pb_error_line(why, reason, sizeof(reason));
	return engine_fail(err, ENGINE_BAD_INPUT, "%s: %s", doing, reason);
}
