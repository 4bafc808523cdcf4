/* SPDX-License-Identifier: MIT */
/* The parts of the guest that asks for all that the public headers offer (abi.c). */
#ifndef TEST_PV64_ABI_H
#define TEST_PV64_ABI_H

#include "guest.h"

/* A call with the answer that Xen 4.17 gives to it. */
struct asked {
	const char *what;
	uint64_t nr, a, b, c, d;
	long want;
};

void ask_all(const struct asked *rows, size_t nr);

extern uint8_t spare[4][4096]; /* pages of the guest's to try things on */

void check_events(void);
void check_memory(void);
void check_traps(void);

#endif
