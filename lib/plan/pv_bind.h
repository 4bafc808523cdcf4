/* SPDX-License-Identifier: MIT */
/*
 * A PV layout bound to machine memory: its frames get machine addresses
 * through a sorted list of extents, and with them its p2m list and page
 * tables, whose contents are machine frame numbers, can be written.
 */
#ifndef PB_LIB_PLAN_PV_BIND_H
#define PB_LIB_PLAN_PV_BIND_H

#include "../../guest/paravisor/facts.h"
#include "builder.h"
#include "pv_layout.h"

struct pv_binding {
	const struct pv_layout *layout;
	const struct pv_extent *extents;
	unsigned nr_extents;
};

/* The machine address of a frame; the frame is below layout->nr_pages. */
pb_gpa pv_gpa(const struct pv_binding *binding, uint64_t pfn);

/* Place every part of the layout but the page tables and the p2m list. */
int pv_put_parts(struct plan_builder *builder, const struct pv_binding *binding, struct pb_error *err);

/* Place the p2m list and all page tables. */
int pv_put_tables(struct plan_builder *builder, const struct pv_binding *binding, struct pb_error *err);

#endif
