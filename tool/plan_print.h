/* SPDX-License-Identifier: MIT */
/*
 * A plan on paper: as a memory map for people, as an object for scripts.
 */
#ifndef TOOL_PLAN_PRINT_H
#define TOOL_PLAN_PRINT_H

#include "domain.h"

void plan_print_text(const struct domain *domain);
void plan_print_json(const struct domain *domain);

/* A register or a segment register of struct pb_cpu, by name. */
struct cpu_register {
	const char *name;
	size_t at; /* offsetof in struct pb_cpu */
};
extern const struct cpu_register cpu_registers[], cpu_segments[]; /* end with a NULL name */

const char *mode_name(enum pb_mode mode);
const char *source_name(enum pb_source source);

#endif
