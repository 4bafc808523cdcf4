/* SPDX-License-Identifier: MIT */
/*
 * The machine's part of a plan with our paravisor in ring 0.
 */
#ifndef PB_LIB_PLAN_PV_PARAVISOR_H
#define PB_LIB_PLAN_PV_PARAVISOR_H

#include "../../guest/paravisor/facts.h"
#include "builder.h"

/* Take the paravisor's memory, and for the domain all other RAM: builder->extents. */
int pv_paravisor_take(struct plan_builder *builder, uint64_t *ret_nr_pages, struct pb_error *err);

/* Place the paravisor, and let the CPU enter it; facts has what it is to know of the guest itself. */
int pv_paravisor_put(struct plan_builder *builder, struct pv_facts *facts, struct pb_error *err);

#endif
