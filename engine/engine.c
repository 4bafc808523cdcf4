/* SPDX-License-Identifier: MIT */
/*
 * What the engines share: the table of them, and the choice of one. A new
 * engine is one file and one row here.
 */
#include "internal.h"
#include "kvmprobe.h"

#include <stdlib.h>
#include <string.h>

const struct engine engines[] = {
	{ .name = "kvm", .usable = kvm_usable, .memory = kvm_memory, .run = kvm_run },
	{ .name = "qemu", .usable = qemu_usable, .memory = qemu_memory, .run = qemu_run },
	{ .name = "file", .by_name = true, .usable = file_usable, .memory = file_memory, .run = file_run },
	{ .name = "xen",
	  .by_name = true,
	  .in_memory = true,
	  .ring0 = PB_RING0_XEN,
	  .usable = xen_usable,
	  .memory = xen_memory,
	  .run = xen_run },
	{ .name = NULL },
};

const struct engine *engine_by_name(const char *name)
{
	for (const struct engine *engine = engines; engine->name; engine++)
		if (strcmp(engine->name, name) == 0)
			return engine;
	return NULL;
}

/* A KVM that is slower than none is not; who asks for that by name gets it. */
static bool is_worth_it(const struct engine *engine, struct engine_error *err)
{
	struct kvm_verdict kvm;

	if (engine->run != kvm_run)
		return true;
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
		if (!engine->by_name && engine_serves(engine, options, err))
			return engine;
	return NULL;
}

void engine_result_free(struct engine_result *result)
{
	free(result->registers);
	result->registers = NULL;
}
