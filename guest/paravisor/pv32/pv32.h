/* SPDX-License-Identifier: MIT */
/* What the files for 32-bit guests share: the rings that their kernels and processes are in. */
#ifndef PARAVISOR_PV32_H
#define PARAVISOR_PV32_H

#include "../paravisor.h"

static inline bool is_kernel_cs(uint64_t selector)
{
	return (selector & 3) == 1;
}

#endif
