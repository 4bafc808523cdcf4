/* SPDX-License-Identifier: MIT */
/* What context.c leaves to the guest's class: registers, segments and callbacks. */
#ifndef PARAVISOR_CONTEXT_H
#define PARAVISOR_CONTEXT_H

#include "paravisor.h"

/* ---- pv64/context.c, or pv32/context.c ---- */
bool context_is_canonical(const guest_context *c);
int context_user_root(struct vcpu *v, const guest_context *c);
void context_regs(struct vcpu *v, const guest_context *c);
void context_callbacks(struct vcpu *v, const guest_context *c);

/* The flags that a vCPU begins with, of those that it was given. */
static inline uint64_t context_flags(uint64_t flags)
{
	return (flags & ~(FLAG_IOPL | FLAG_VM | FLAG_NT)) | FLAG_IF | 2;
}

#endif
