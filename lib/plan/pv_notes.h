/* SPDX-License-Identifier: MIT */
/*
 * What a PV kernel's Xen notes ask of whoever builds its domain (<xen/elfnote.h>).
 */
#ifndef PB_LIB_PLAN_PV_NOTES_H
#define PB_LIB_PLAN_PV_NOTES_H

#include "../image.h"

#define PV_NOWHERE UINT64_MAX

struct pv_notes {
	unsigned elf_class;
	uint64_t entry_va, virt_base, paddr_offset;
	uint64_t hypercall_va;          /* PV_NOWHERE: no page wanted */
	uint64_t init_p2m_va;           /* PV_NOWHERE: beside the rest */
	uint64_t hv_start;              /* where the hypervisor's part of the address space begins, */
	uint64_t hv_end;                /* and the first byte behind it; 0: the end of all */
	uint64_t fixmap_va, fixmap_len; /* whole pages; length 0: none */
	bool fixmap_asked;              /* by the caller, not by the image */
	bool mod_start_pfn;
	bool extended_cr3; /* 32-bit: the top-level table may lie above 4 GiB */
};

/*
 * Read them, and check what can be checked without knowing the domain. The
 * ELF file is entered by its notes, or (subarch is not 0) by the boot protocol's
 * 32-bit entry: then they may all be absent.
 */
int pv_notes_read(const struct kernel *kernel, uint32_t subarch, struct pv_notes *ret, struct pb_error *err);

/* Can the kernel have [va, va+len)? Not if it wraps, or touches the hypervisor's part. */
bool pv_is_guest_va(const struct pv_notes *notes, uint64_t va, uint64_t len);

#endif
