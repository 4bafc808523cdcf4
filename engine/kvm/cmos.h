/* SPDX-License-Identifier: MIT */
/* The clock chip of a PC (MC146818) with its 128 bytes, as far as an operating system reads the time from it. */
#ifndef PB_KVM_CMOS_H
#define PB_KVM_CMOS_H

#include <stdint.h>
#include <time.h>

struct cmos {
	uint8_t index;
	uint8_t ram[128];
	void (*now)(struct timespec *ret); /* the host's UTC; a test has its own */
};

/* Memory sizes are where firmware leaves them. */
void cmos_init(struct cmos *cmos, uint64_t mem_below_4g, uint64_t mem_above_4g);
uint8_t cmos_read(struct cmos *cmos, unsigned reg);
void cmos_write(struct cmos *cmos, unsigned reg, uint8_t value);

#endif
