/* SPDX-License-Identifier: MIT */
/* The hostile guest: what it shares with its class's own part (pv32/hostile.c, pv64/hostile.c). */
#ifndef TEST_PV_HOSTILE_H
#define TEST_PV_HOSTILE_H

#include "instructions.h"

#include <xen/grant_table.h>

#define CALL_GATE   0x0000ec00e0080000ull /* into ring 0's code */
#define DATA_RING_0 0x00cf93000000ffffull

struct words {
	const unsigned long *at;
	unsigned nr;
};
#define WORDS(array)                                                                                                   \
	{                                                                                                              \
		array, ARRAY(array)                                                                                    \
	}

struct attack {
	const char *name; /* in "attack=NAME" */
	void (*fn)(void);
};

/* What is wild for a class. */
struct hostile {
	struct words wild, counts, edges; /* pointers, lengths of lists, addresses just before an end */
	unsigned long nowhere, stack;     /* not mapped; of the hypervisor's */
	void *hypervisor;                 /* in its part of the address space */
	const struct attack *attacks;     /* the class's own */
	unsigned nr_attacks;
};

extern const struct hostile hostile;
void own_attempts(void);

/* Pages to try things on. The second one is gone when own_attempts() is called. */
extern uint8_t page[4096], other[4096];

long set_descriptor(uint64_t mfn, unsigned index, uint64_t desc);

#endif
