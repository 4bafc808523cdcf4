/* SPDX-License-Identifier: MIT */
/*
 * How a failure is filled in. Apart from the table of engines, so that an engine
 * in a module of its own has it without having the others.
 */
#include "internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const int shortages[] = { EMFILE, ENFILE, ENOMEM, ENOSPC, EDQUOT, EAGAIN };

bool engine_is_shortage(int code)
{
	for (size_t i = 0; i < sizeof(shortages) / sizeof(*shortages); i++)
		if (code == shortages[i])
			return true;
	return false;
}

bool engine_tells_of_shortage(const char *text)
{
	for (size_t i = 0; i < sizeof(shortages) / sizeof(*shortages); i++)
		if (strstr(text, strerror(shortages[i])))
			return true;
	return false;
}

int engine_fail(struct engine_error *err, int status, const char *fmt, ...)
{
	va_list args;

	if (!err)
		return -1;
	*err = (struct engine_error){ .status = status };
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return -1;
}

int engine_fail_errno(struct engine_error *err, const char *doing)
{
	bool shortage = engine_is_shortage(errno);

	engine_fail(err, ENGINE_UNABLE, "%s: %s", doing, strerror(errno));
	if (err)
		err->shortage = shortage;
	return -1;
}

int engine_fail_pb(struct engine_error *err, const char *doing, const struct pb_error *why)
{
	bool shortage = why->code == PB_E_NOMEM || (why->code == PB_E_IO && engine_is_shortage((int)why->value));
	char reason[300];

	pb_error_line(why, reason, sizeof(reason));
	engine_fail(err, shortage ? ENGINE_UNABLE : ENGINE_BAD_INPUT, "%s: %s", doing, reason);
	if (err)
		err->shortage = shortage;
	return -1;
}
