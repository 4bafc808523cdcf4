/* SPDX-License-Identifier: MIT */
/*
 * What firmware would leave in memory to describe a machine: ACPI's tables and,
 * for a kernel without ACPI, the MP table. Both are built into a plain buffer
 * that stands for guest memory.
 */
#ifndef PB_ENGINE_TABLES_H
#define PB_ENGINE_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The one of kvm/map.h, or a reduced one, with local APICs and nothing else: Xen's for a PVH domain. */
struct acpi_machine {
	uint32_t gpa; /* where the guest has the tables */
	unsigned vcpus;
	bool reduced;
};

/* The RSDP comes first. False: buf is too small. */
bool acpi_build(uint8_t *buf, size_t buf_len, const struct acpi_machine *machine);

/* kvm's alone, at MAP_MPTABLE. */
bool mptable_build(uint8_t *buf, size_t buf_len, unsigned vcpus);

/* A buffer that is filled from its start and never past its end. */
struct tables {
	uint8_t *buf;
	uint32_t gpa; /* of its start */
	size_t len, used;
};

/* The next len bytes, zeroed and aligned to 16; NULL: no room. */
void *tables_add(struct tables *tables, size_t len);

/* The byte that makes the sum of [buf, buf+len) zero, when its own place holds zero. */
uint8_t tables_checksum(const void *buf, size_t len);

#endif
