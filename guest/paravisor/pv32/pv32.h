/* SPDX-License-Identifier: MIT */
/* What the files for 32-bit guests share: the rings of their kernels and processes, and the way into the former. */
#ifndef PARAVISOR_PV32_H
#define PARAVISOR_PV32_H

#include "../paravisor.h"

static inline bool is_kernel_cs(uint64_t selector)
{
	return (selector & 3) == 1;
}

/* What a gate keeps of who was interrupted, as this guest's ABI has it; error: NULL for none. */
struct gate_frame {
	uint32_t cs, eflags;
	const uint32_t *error;
	bool kernel;
};

void gate_enter(struct vcpu *v, struct regs *r, uint64_t handler, const struct gate_frame *saved);

#endif
