/* SPDX-License-Identifier: MIT */
/* The kernel as an lguest guest (lguest.c), and what each image does there. */
#ifndef TEST_SUBARCH_LGUEST_H
#define TEST_SUBARCH_LGUEST_H

#include "starts.h"

#define YEAR 2013
#include "../lguest/data.h"

#define LGUEST_CS       0x61
#define LGUEST_DS       0x69
#define FLAG_IF         0x200
#define LGUEST_UNMAPPED 0x08000000 /* beyond what start.S maps */

extern struct lguest_data lguest_data;

void lguest_main(const struct boot_params *params); /* each image's own */
void lguest_call(uint32_t nr, uint32_t a, uint32_t b, uint32_t c);
void lguest_prepare_processes(void);
void lguest_wait_for_timer(void);
unsigned long lguest_fault_address(void);

#endif
