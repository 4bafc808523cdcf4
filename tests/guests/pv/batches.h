/* SPDX-License-Identifier: MIT */
/* Things done very often, on a hypervisor and on a PC alike. */
#ifndef TEST_PV_BATCHES_H
#define TEST_PV_BATCHES_H

#include "guest.h"

extern void *hole; /* a page that is not mapped */

long nothing(long n);
long system_calls(long n);   /* of a process, answered by the guest's kernel */
long process_faults(long n); /* to a process, its page fault, the kernel's handler */
long kernel_faults(long n);  /* the kernel's page fault, its handler */
long process_irets(long n);  /* to a process, which comes back by an int */

/* "pv-bench: NAME TICKS", of one. */
void tell_cost(const char *name, long (*batch)(long n));

#endif
