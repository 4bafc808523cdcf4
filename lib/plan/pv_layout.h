/* SPDX-License-Identifier: MIT */
/*
 * The initial area of a Xen PV domain, in pseudo-physical frame numbers and
 * virtual addresses alone (<xen/xen.h>, "Start-of-day memory layout"): what a
 * domain builder for any hypervisor agrees on. pv_bind.h puts it into machine
 * memory.
 *
 *   VIRT_BASE        frame 0
 *                    ...
 *                    kernel
 *                    initrd            (unless MOD_START_PFN lets it be unmapped)
 *                    p2m list          (unless INIT_P2M says where it is to appear)
 *                    start_info
 *                    xenstore page
 *                    console page
 *                    page tables       (mapped read-only; the top level first)
 *                    boot stack
 *                    at least 512 KiB of padding, up to a multiple of 4 MiB
 *   --- the end of what the page tables map at VIRT_BASE ---
 *                    p2m list, and the page tables that map it at INIT_P2M
 *                    initrd
 */
#ifndef PB_LIB_PLAN_PV_LAYOUT_H
#define PB_LIB_PLAN_PV_LAYOUT_H

#include <paraboot.h>

#include "../image.h"

#define PV_LEVELS  4
#define PV_NOWHERE UINT64_MAX

/* What the kernel's notes say of it (<xen/elfnote.h>). */
struct pv_notes {
	uint64_t entry_va, virt_base, paddr_offset;
	uint64_t hypercall_va; /* PV_NOWHERE: no page wanted */
	uint64_t init_p2m_va;  /* PV_NOWHERE: beside the rest */
	bool mod_start_pfn;
};

/* Frames [pfn, pfn+count). */
struct pv_area {
	uint64_t pfn, count;
};

struct pv_layout {
	struct pv_notes notes;
	uint64_t nr_pages;
	struct pv_area kernel, initrd, p2m, start_info, xenstore, console, tables, stack;
	struct pv_area mapped;     /* frames that the tables show from VIRT_BASE on */
	struct pv_area p2m_tables; /* below the top level's entry for INIT_P2M */
	uint64_t end_pfn;          /* one past the last frame in use */
};

int pv_notes_read(struct pb_image *image, struct pv_notes *ret, struct pb_error *err);

/* Lay it out for a domain of so many pages; PB_E_NO_ROOM if they are too few. */
int pv_layout_make(struct pb_image *image, const struct pv_notes *notes, uint64_t nr_pages, uint64_t initrd_len,
		   struct pv_layout *ret, struct pb_error *err);

/* The virtual address of a frame of the mapped area. */
static inline uint64_t pv_va(const struct pv_layout *layout, uint64_t pfn)
{
	return layout->notes.virt_base + (pfn << 12);
}

#endif
