/* SPDX-License-Identifier: MIT */
/*
 * What the engines share: the table of them, the choice of one, and how a
 * failure is filled in. A new engine is one file and one row here.
 */
#include "internal.h"
#include "kvmprobe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct engine engines[] = {
	{ "kvm", kvm_usable, kvm_memory, kvm_run },
	{ "qemu", qemu_usable, qemu_memory, qemu_run },
	{ "file", file_usable, file_memory, file_run },
	{ NULL },
};

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

const struct engine *engine_by_name(const char *name)
{
	for (const struct engine *engine = engines; engine->name; engine++)
		if (strcmp(engine->name, name) == 0)
			return engine;
	return NULL;
}

/* Not what only writes a file, nor a KVM that is slower than none; who asks for that by name gets it. */
static bool is_worth_it(const struct engine *engine, struct engine_error *err)
{
	struct kvm_verdict kvm;

	if (engine->run != kvm_run)
		return engine->run != file_run;
	kvm = kvm_probe();
	if (kvm.quality == KVM_SLOW)
		engine_fail(err, ENGINE_UNABLE, "%s", kvm.text);
	return kvm.quality != KVM_SLOW;
}

bool engine_serves(const struct engine *engine, struct engine_options *options, struct engine_error *err)
{
	return is_worth_it(engine, err) && engine->usable(options, err) == 0;
}

const struct engine *engine_pick(struct engine_options *options, struct engine_error *err)
{
	for (const struct engine *engine = engines; engine->name; engine++)
		if (engine_serves(engine, options, err))
			return engine;
	return NULL;
}

void engine_result_free(struct engine_result *result)
{
	free(result->registers);
	result->registers = NULL;
}
