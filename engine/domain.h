/* SPDX-License-Identifier: MIT */
/*
 * A domain on its way into a PVH ELF file: what goes where in guest memory
 * and where in the file. layout.c decides that, enter.c makes the
 * trampoline's table, domain.c writes the file.
 *
 * The file:
 *
 *     0        ELF header, program headers, the PHYS32_ENTRY note
 *     8 KiB    the trampoline, then each placement that has bytes, at an
 *              offset congruent to its address modulo the page size
 *
 * QEMU looks for a multiboot header in a kernel's first 8 KiB before it looks
 * for ELF, so a guest's bytes, which could look like one, begin behind that.
 */
#ifndef PB_ENGINE_DOMAIN_H
#define PB_ENGINE_DOMAIN_H

#include "../guest/trampoline/abi.h"
#include "arith.h"
#include "internal.h"

/* One PT_LOAD. */
struct load {
	pb_gpa load_gpa; /* where the machine's loader puts it */
	pb_gpa gpa;      /* where the guest wants it: the same, or below 1 MiB, and then the trampoline copies it */
	uint64_t file_off, file_len;
	uint64_t mem_len;
};

struct domain {
	const pb_plan *plan;
	const struct engine_memory *memory;
	struct pb_plan_info info;
	struct load *loads; /* [0] is the trampoline */
	size_t nr_loads;
	size_t nr_copies; /* of the loads, how many the trampoline copies */
	uint64_t file_len;
	uint8_t *file; /* its bytes, once mapped */
};

/* Fill loads and file_len from the plan: every address and offset there is. */
int domain_layout(struct domain *domain, struct engine_error *err);

/* The bytes of [gpa, gpa+*len) as the guest will see them; *len may become less. NULL: not in the file. */
void *domain_bytes(const struct domain *domain, pb_gpa gpa, uint64_t *len);

/* What the trampoline takes with its table, ranges and copies. */
uint64_t domain_home_len(const struct engine_memory *memory, size_t nr_copies);

/* The guest-physical address at which PVH enters. */
pb_gpa domain_entry_gpa(const struct domain *domain);

/* Write trampoline, table, ranges and copies to `home`; domain_home_len() bytes there. */
int domain_write_home(const struct domain *domain, uint8_t *home, struct engine_error *err);

/* The length of what stands before the first PT_LOAD's bytes. */
uint64_t domain_headers_len(const struct domain *domain);

/* Do the 4-level tables at cr3, among the placements, map this address to itself? */
bool domain_maps_itself(const struct domain *domain, uint64_t cr3, pb_gpa gpa);

#endif
