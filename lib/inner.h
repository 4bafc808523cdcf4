/* SPDX-License-Identifier: MIT */
/*
 * The whole pages among some bytes of guest memory: they can be mapped, or seen
 * elsewhere; what stands before and behind them is copied.
 */
#ifndef PB_LIB_INNER_H
#define PB_LIB_INNER_H

#include <paraboot.h>

#include "plan/arith.h"
#include "plan/memory_map.h"

struct inner {
	pb_gpa gpa;
	uint64_t head_len; /* what comes before them */
	uint64_t len;      /* 0: there are none */
};

static inline struct inner inner_of(pb_gpa gpa, uint64_t len)
{
	pb_gpa start = align_up(gpa, PLAN_PAGE_LEN), end = align_down(gpa + len, PLAN_PAGE_LEN);

	return (struct inner){ start, start - gpa, end > start ? end - start : 0 };
}

#endif
