/* SPDX-License-Identifier: MIT */
/*
 * Loads an engine's module (module.h), and gives the table of engines the rows
 * of those that are modules. A module stays loaded: its engine's answers are in
 * use until the end.
 */
#include "module.h"
#include "internal.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char folder_variable[] = "PARABOOT_ENGINES";

#define TEXT_OF(symbol) #symbol
#define NAME_OF(symbol) TEXT_OF(symbol)

static bool is_of_this_build(const struct engine_module *module)
{
	return module->options_size == sizeof(struct engine_options) && module->run_size == sizeof(struct engine_run) &&
	       strcmp(module->version, PARABOOT_VERSION) == 0;
}

const struct engine *engine_module_load(const char *name, struct engine_error *err)
{
	const char *folder = getenv(folder_variable);
	const struct engine_module *module;
	char path[500];
	void *handle;

	snprintf(path, sizeof(path), "%s/engine-%s.so", folder && *folder ? folder : ENGINE_FOLDER, name);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		engine_fail(err, ENGINE_UNABLE, "the module of engine %s: %s", name, dlerror());
		return NULL;
	}
	module = dlsym(handle, NAME_OF(ENGINE_MODULE_SYMBOL));
	if (!module || !is_of_this_build(module)) {
		engine_fail(err, ENGINE_UNABLE, "%s: is no module of paraboot " PARABOOT_VERSION, path);
		dlclose(handle);
		return NULL;
	}
	return &module->engine;
}

/* ---- xen ---------------------------------------------------------------- */

static const struct engine *xen(struct engine_error *err)
{
	static const struct engine *engine;

	if (!engine)
		engine = engine_module_load("xen", err);
	return engine;
}

int xen_usable(struct engine_options *options, struct engine_error *err)
{
	return xen(err) ? xen(err)->usable(options, err) : -1;
}

int xen_memory(const struct engine_options *options, struct engine_memory *ret, struct engine_error *err)
{
	return xen(err) ? xen(err)->memory(options, ret, err) : -1;
}

int xen_run(const struct engine_run *run, struct engine_result *ret, struct engine_error *err)
{
	return xen(err) ? xen(err)->run(run, ret, err) : -1;
}
