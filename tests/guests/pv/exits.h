/* SPDX-License-Identifier: MIT */
/* The guest whose exits are counted: what its class does in its own way (pv32/exits.c, pv64/exits.c). */
#ifndef TEST_PV_EXITS_H
#define TEST_PV_EXITS_H

#include "guest.h"

void prepare(void);
void iret_here(void);      /* the iret hypercall to where the guest's kernel is already */
long switch_process(void); /* what a kernel does at each switch between processes */
long set_timer(uint64_t ns);
/* A vCPU's first instructions call fn(n), on the kernel's stack that its context names. */
void call_first(vcpu_guest_context_t *ctx, void (*fn)(unsigned long n), unsigned long n);

#endif
