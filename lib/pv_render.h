/* SPDX-License-Identifier: MIT */
/*
 * The parts of a Xen PV domain that hold machine frame numbers, made page by
 * page when they are placed: page tables, the p2m list, start_info.
 */
#ifndef PB_LIB_PV_RENDER_H
#define PB_LIB_PV_RENDER_H

#include "frames.h"
#include "plan/plan.h"

struct pv_renderer {
	const struct plan_body *body;
	const uint8_t *cmdline;
	struct pb_frames told; /* its extents are those of frames */
	struct frames frames;
};

/* The page of frame pfn, which lies in a placement of that kind. */
void pv_render(struct pv_renderer *renderer, enum pb_kind kind, uint64_t pfn, uint8_t page[4096]);

#endif
