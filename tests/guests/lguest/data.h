/* SPDX-License-Identifier: MIT */
/*
 * struct lguest_data of a year: as lguest's hypervisor, or the paravisor, finds
 * it in a kernel of that time, and how such a kernel makes a call.
 */
#ifndef TEST_LGUEST_DATA_H
#define TEST_LGUEST_DATA_H

/* 2.6.24; 2.6.31, which calls by vmcall; 3.11; 4.0; 4.9. */
#if YEAR == 2008
#define OLD_REGISTERS 1
#define WORDS         4
#define HAS_PGDIR     1
#define NOIRQ_WORDS   2
#elif YEAR == 2009
#define BY_VMCALL   1
#define HAS_PENDING 1
#define WORDS       5
#define HAS_PGDIR   1
#define NOIRQ_WORDS 2
#elif YEAR <= 2015
#define HAS_PENDING 1
#define WORDS       5
#define NOIRQ_WORDS 2
#if YEAR == 2015
#define HAS_PCI 1
#endif
#else
#define HAS_PENDING 1
#define WORDS       5
#define NOIRQ_WORDS 1
#define HAS_PCI     1
#endif

#ifdef BY_VMCALL
#define CALL_INSTRUCTION ".byte 0x0f, 0x01, 0xc1"
#else
#define CALL_INSTRUCTION "int $0x1f"
#endif

/* pgdir's offset where there is no irq_pending. */
#define PGDIR_AT (20 + 64 + 64 * WORDS * 4 + 8)

#ifndef __ASSEMBLER__
#include <stdint.h>

#include "abi.h"

struct lguest_data {
	volatile uint32_t irq_enabled, blocked, cr2, seconds, nanoseconds;
#ifdef HAS_PENDING
	volatile uint32_t irq_pending;
#endif
	volatile uint8_t status[LGUEST_RING];
	uint32_t ring[LGUEST_RING][WORDS];
	uint32_t reserve_mem, tsc_khz;
#ifdef HAS_PGDIR
	uint32_t pgdir;
#endif
	uint32_t noirq[NOIRQ_WORDS];
	uint32_t kernel_address, syscall_vec;
};
#endif

#endif
