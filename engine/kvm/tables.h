/* SPDX-License-Identifier: MIT */
/*
 * What firmware would leave in memory to describe this machine: ACPI's tables
 * and, for a kernel without ACPI, the MP table. Both are built into a plain
 * buffer that stands for the guest memory at MAP_ACPI and MAP_MPTABLE.
 */
#ifndef PB_KVM_TABLES_H
#define PB_KVM_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The RSDP comes first, so it is at MAP_ACPI. False: buf is too small. */
bool acpi_build(uint8_t *buf, size_t buf_len, unsigned vcpus);
bool mptable_build(uint8_t *buf, size_t buf_len, unsigned vcpus);

/* A buffer that is filled from its start and never past its end. */
struct tables {
	uint8_t *buf;
	size_t len, used;
};

/* The next len bytes, zeroed and aligned to 16; NULL: no room. */
void *tables_add(struct tables *tables, size_t len);

/* The byte that makes the sum of [buf, buf+len) zero, when its own place holds zero. */
uint8_t tables_checksum(const void *buf, size_t len);

#endif
