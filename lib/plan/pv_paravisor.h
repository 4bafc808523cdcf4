/* SPDX-License-Identifier: MIT */
/*
 * The machine's part of a Xen PV plan with our paravisor in ring 0.
 */
#ifndef PB_LIB_PLAN_PV_PARAVISOR_H
#define PB_LIB_PLAN_PV_PARAVISOR_H

#include "builder.h"

/* Take the paravisor's memory, and for the domain all other RAM: builder->extents. */
int pv_paravisor_take(struct plan_builder *builder, uint64_t *ret_nr_pages, struct pb_error *err);

/* Place the paravisor for the domain in builder->pv, and let the CPU enter it. */
int pv_paravisor_put(struct plan_builder *builder, struct pb_error *err);

#endif
