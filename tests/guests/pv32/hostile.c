/* SPDX-License-Identifier: MIT */
/* What only a 32-bit guest can try. */
#include "hostile.h"

static const unsigned long wild[] = { 0x10, 0x1000, M2P, 0xfffffff8, 0xf57ffffe, 0xffffffff };
static const unsigned long counts[] = { 1u << 31, UINT32_MAX, UINT32_MAX / 8, 1u << 29 };
static const unsigned long edges[] = { 0xf57ffff8, 0xf57ffffc, 0xfffffff8, 0xfffffffc };

const struct hostile hostile = {
	.wild = WORDS(wild),
	.counts = WORDS(counts),
	.edges = WORDS(edges),
	.nowhere = 0x12345000,
	.stack = 0xf5800100,
	.hypervisor = (void *)M2P,
};

void own_attempts(void)
{
}
