/* SPDX-License-Identifier: MIT */
/*
 * A plan on paper: as a memory map for people, as an object for scripts.
 */
#ifndef TOOL_PLAN_PRINT_H
#define TOOL_PLAN_PRINT_H

#include "domain.h"
#include "json.h"

void plan_print_text(const struct domain *domain);
void plan_print_json(const struct domain *domain);

/* A register or a segment register of struct pb_cpu, by name. */
struct cpu_register {
	const char *name;
	size_t at; /* offsetof in struct pb_cpu */
};
extern const struct cpu_register cpu_registers[], cpu_segments[]; /* end with a NULL name */

/* What start_info tells a Xen PV kernel, by offset in struct pb_pv. */
extern const struct cpu_register start_info_fields[];

/* The parts of both that speak of a Xen PV domain; without one they print nothing, and null. */
void plan_pv_text(const pb_plan *plan);
json_t *plan_pv_json(const pb_plan *plan);

/* One CPU's state, and one placement. */
void print_cpu(const struct pb_cpu *cpu);
json_t *cpu_json(const struct pb_cpu *cpu);
void print_source(const struct pb_placement *placement);
json_t *placement_json(const struct pb_placement *placement);

const char *mode_name(enum pb_mode mode);
const char *source_name(enum pb_source source);
const char *access_name(enum pb_access access);
const char *ring0_name(enum pb_ring0 ring0);

#endif
