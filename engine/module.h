/* SPDX-License-Identifier: MIT */
/*
 * An engine in a module of its own: a shared object in the folder of engines,
 * engine-NAME.so, loaded when somebody asks for the engine. What it links, the
 * command does not. It exports one symbol, a struct engine_module, and was made
 * by the same build as whoever loads it: the version says so.
 */
#ifndef PB_ENGINE_MODULE_H
#define PB_ENGINE_MODULE_H

#include "engine.h"

#define ENGINE_MODULE_SYMBOL paraboot_engine_module

struct engine_module {
	const char *version; /* PARABOOT_VERSION */
	size_t options_size; /* of the structs that cross the border, as the module was compiled */
	size_t run_size;
	struct engine engine;
};

extern const struct engine_module ENGINE_MODULE_SYMBOL;

/* The module's engine, loaded at the first call; NULL and why not. */
const struct engine *engine_module_load(const char *name, struct engine_error *err);

#endif
