/* SPDX-License-Identifier: MIT */
/* The kernel on a PC (pc.c), and what each image does there. */
#ifndef TEST_SUBARCH_PC_H
#define TEST_SUBARCH_PC_H

#include "starts.h"

#define PC_CS       0x10 /* as the boot protocol has them */
#define PC_DS       0x18
#define PC_UNMAPPED 0xf0000000 /* beyond what start.S maps */

void pc_main(const struct boot_params *params); /* each image's own */
void pc_wait_for_timer(void);
void pc_set_trap_stack(void);
unsigned long pc_fault_address(void);

#endif
