/* SPDX-License-Identifier: MIT */
/*
 * What the paravisor is told at its start: the one structure that the library
 * (lib/plan/pv_paravisor.c, lguest.c) writes and guest/paravisor reads. Its machine address is
 * in %rdi when the paravisor is entered, in 64-bit mode, with its own memory
 * and this structure mapped one to one.
 */
#ifndef PARAVISOR_FACTS_H
#define PARAVISOR_FACTS_H

#include <stdint.h>

#define PV_FACTS_MAGIC      0x3153434146565031ull
#define PV_MAX_EXTENTS      16
#define PV_NONE             UINT64_MAX
#define PV_FLAG_VERBOSE     1u /* print the hypercall counts at the end */
#define LGUEST_DEVICE_PAGES 32u
#define LGUEST_TABLES_LEN   0x800000ull /* memory for the tables that stand in for an lguest guest's own */

#define PV_FLAG_FIFO        2u /* offer the guest FIFO event channels */

/* count pages: guest frame pfn lies in machine frame mfn, and so on. Sorted by pfn, from 0 without a gap. */
struct pv_extent {
	uint64_t pfn, mfn, count;
};

struct pv_facts {
	uint64_t magic;
	uint32_t size; /* of this structure */
	uint32_t flags;

	uint64_t own_gpa, own_len; /* the paravisor's memory; the image lies at its start */
	uint64_t machine_len;      /* one past the last byte of the machine's RAM */
	uint64_t tsc_khz;          /* 0: to be measured */
	uint32_t nr_vcpus;
	uint32_t nr_extents;
	struct pv_extent extents[PV_MAX_EXTENTS];
	uint64_t nr_pages; /* of the guest */

	/* The guest's first vCPU, in its virtual addresses. */
	uint64_t rip, rsp, start_info_va;

	/* Its initial pages. */
	uint64_t start_info_pfn, xenstore_pfn, console_pfn;
	uint64_t pt_pfn, nr_pt; /* page tables, the top level first */
	uint64_t hypercall_pfn; /* or PV_NONE */

	/* An lguest guest has nothing of these but its rip: it begins with %esi = 0, where boot_params are. */
	uint64_t ram_pages;          /* its RAM; the other pages, LGUEST_DEVICE_PAGES, are its devices' */
	uint64_t code_gpa, code_len; /* its kernel's code, and what else the file has there; 0: it is still packed */
};

/*
 * The memory that the paravisor wants for a machine: its image (2 MiB, for
 * alignment), 16 bytes a frame (machine-to-physical and frame tables), three
 * pages of tables a GiB, the copies of top-level tables, and what a vCPU has.
 * The block must begin on 2 MiB, below 4 GiB.
 */
static inline uint64_t pv_own_len(uint64_t machine_len, uint32_t nr_vcpus)
{
	uint64_t frames = machine_len >> 12;
	uint64_t fixed = 0x200000 + 0x180000 + (512ull + 64) * 4096;

	return (fixed + frames * 16 + frames / 262144 * 3 * 4096 + nr_vcpus * 0x40000ull + 0x1fffff) & ~0x1fffffull;
}

#endif
