/* SPDX-License-Identifier: MIT */
/*
 * A Xen PV domain in the plan: its placements, by pfn, and what its kernel is
 * entered with. The same whoever has ring 0.
 */
#ifndef PB_LIB_PLAN_PV_DOMAIN_H
#define PB_LIB_PLAN_PV_DOMAIN_H

#include "builder.h"

/* Lay out builder->pv for a domain of so many pages, place its parts, fill builder->pv_start and info. */
int pv_domain_put(struct plan_builder *builder, uint64_t nr_pages, struct pb_error *err);

/* Its first vCPU; *cpu was zero. */
void pv_vcpu(struct pb_cpu *cpu, const struct pv_layout *layout);

#endif
