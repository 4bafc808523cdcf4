/* SPDX-License-Identifier: MIT */
/*
 * The CMOS clock: port 0x70 chooses a register, 0x71 reads or writes it. The
 * time is the host's, in UTC, in BCD and 24 hours, and cannot be set; there
 * are no alarms. Status A's "update in progress" goes up 244 microseconds
 * before each second as in the chip, so that a guest that heeds it never reads
 * a time torn between two seconds.
 */
#include "cmos.h"
#include "../arith.h"

#include <string.h>

enum {
	REG_SECONDS = 0,
	REG_MINUTES = 2,
	REG_HOURS = 4,
	REG_WEEKDAY = 6,
	REG_DAY = 7,
	REG_MONTH = 8,
	REG_YEAR = 9,
	REG_A = 10,
	REG_B = 11,
	REG_C = 12,
	REG_D = 13,
	REG_BASE_MEM = 0x15, /* KiB, 2 bytes */
	REG_EXT_MEM = 0x17,  /* KiB above 1 MiB, 2 bytes, at most 63 MiB; again at 0x30 */
	REG_EXT_MEM_2 = 0x30,
	REG_CENTURY = 0x32,
	REG_MEM_16M = 0x34, /* 64 KiB units above 16 MiB, 2 bytes */
	REG_MEM_4G = 0x5b,  /* 64 KiB units above 4 GiB, 3 bytes */
};

#define A_UPDATING   0x80
#define A_DIVIDER    0x26 /* 32.768 kHz, 1024 Hz: what every PC has */
#define B_24_HOURS   0x02
#define D_VALID      0x80
#define UPDATE_TAKES 244000 /* ns */

static void host_time(struct timespec *ret)
{
	clock_gettime(CLOCK_REALTIME, ret);
}

static void put(struct cmos *cmos, unsigned reg, uint64_t value, unsigned len)
{
	for (; len--; value >>= 8)
		cmos->ram[reg++] = (uint8_t)value;
}

void cmos_init(struct cmos *cmos, uint64_t mem_below_4g, uint64_t mem_above_4g)
{
	uint64_t above_1m = mem_below_4g - min_u64(mem_below_4g, 1 << 20);
	uint64_t above_16m = mem_below_4g - min_u64(mem_below_4g, 16 << 20);

	memset(cmos, 0, sizeof(*cmos));
	cmos->now = host_time;
	put(cmos, REG_BASE_MEM, 640, 2);
	put(cmos, REG_EXT_MEM, min_u64(above_1m >> 10, 63 << 10), 2);
	put(cmos, REG_EXT_MEM_2, min_u64(above_1m >> 10, 63 << 10), 2);
	put(cmos, REG_MEM_16M, min_u64(above_16m >> 16, 0xffff), 2);
	put(cmos, REG_MEM_4G, min_u64(mem_above_4g >> 16, 0xffffff), 3);
}

static uint8_t bcd(int value)
{
	return (uint8_t)((value / 10 % 10) << 4 | value % 10);
}

static uint8_t read_clock(const struct cmos *cmos, unsigned reg)
{
	struct timespec now;
	struct tm tm;

	cmos->now(&now);
	gmtime_r(&now.tv_sec, &tm);
	switch (reg) {
	case REG_SECONDS:
		return bcd(tm.tm_sec);
	case REG_MINUTES:
		return bcd(tm.tm_min);
	case REG_HOURS:
		return bcd(tm.tm_hour);
	case REG_WEEKDAY:
		return bcd(tm.tm_wday + 1);
	case REG_DAY:
		return bcd(tm.tm_mday);
	case REG_MONTH:
		return bcd(tm.tm_mon + 1);
	case REG_YEAR:
		return bcd(tm.tm_year % 100);
	case REG_CENTURY:
		return bcd((tm.tm_year + 1900) / 100);
	default: /* REG_A */
		return A_DIVIDER | (now.tv_nsec >= 1000000000 - UPDATE_TAKES ? A_UPDATING : 0);
	}
}

uint8_t cmos_read(struct cmos *cmos, unsigned reg)
{
	if (reg == 0)
		return 0xff; /* the index is write-only */
	switch (cmos->index) {
	case REG_SECONDS:
	case REG_MINUTES:
	case REG_HOURS:
	case REG_WEEKDAY:
	case REG_DAY:
	case REG_MONTH:
	case REG_YEAR:
	case REG_CENTURY:
	case REG_A:
		return read_clock(cmos, cmos->index);
	case REG_B:
		return B_24_HOURS;
	case REG_C:
		return 0;
	case REG_D:
		return D_VALID;
	default:
		return cmos->ram[cmos->index];
	}
}

void cmos_write(struct cmos *cmos, unsigned reg, uint8_t value)
{
	if (reg == 0)
		cmos->index = value & 0x7f; /* the top bit masks NMIs, of which there are none */
	else
		cmos->ram[cmos->index] = value;
}
