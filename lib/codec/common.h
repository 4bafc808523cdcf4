/* SPDX-License-Identifier: MIT */
/*
 * What the codec files share: the verdict on a step that neither ended nor
 * failed, an allocator that keeps a library below mem_max, and a number.
 */
#ifndef PB_LIB_CODEC_COMMON_H
#define PB_LIB_CODEC_COMMON_H

#include "codec.h"

/* Take what a step ate and wrote off io; CODEC_MORE, or CODEC_BAD by the rule in codec.h. */
enum codec_step codec_used(struct codec_io *io, size_t in_used, size_t out_used);

/* zlib and bzip2 count in 32 bits: the part of len that one call can take. */
static inline unsigned codec_chunk(size_t len)
{
	return len < (1u << 30) ? (unsigned)len : 1u << 30;
}

static inline uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Memory that a decoder may still allocate. What is freed is given back. */
struct budget {
	uint64_t left_len;
	bool broken; /* an allocation failed for the budget, not for want of memory */
};

void *budget_alloc(struct budget *budget, uint64_t len);
void budget_free(struct budget *budget, void *mem);

/* Why budget_alloc() gave NULL. */
static inline enum codec_step budget_verdict(const struct budget *budget)
{
	return budget->broken ? CODEC_LIMIT : CODEC_NOMEM;
}

#endif
