/* SPDX-License-Identifier: MIT */
/*
 * The initial area of a Xen PV domain, in pseudo-physical frame numbers and
 * virtual addresses alone (<xen/xen.h>, "Start-of-day memory layout"): what a
 * domain builder for any hypervisor agrees on. Where the frames are in the
 * machine is place's affair (../pv_render.h).
 *
 *   VIRT_BASE        frame 0
 *                    ...
 *                    kernel
 *                    initrd            (unless MOD_START_PFN lets it be unmapped)
 *                    p2m list          (unless INIT_P2M says where it is to appear)
 *                    start_info
 *                    xenstore page
 *                    console page
 *                    boot_params       (if the kernel is entered for a subarchitecture)
 *                    page tables       (mapped read-only; the top level first)
 *                    boot stack
 *                    at least 512 KiB of padding, up to a multiple of 4 MiB
 *   --- the end of what the page tables map at VIRT_BASE ---
 *                    p2m list, and the page tables that map it at INIT_P2M
 *                    initrd
 */
#ifndef PB_LIB_PLAN_PV_LAYOUT_H
#define PB_LIB_PLAN_PV_LAYOUT_H

#include "pv_notes.h"

/* Frames [pfn, pfn+count). */
struct pv_area {
	uint64_t pfn, count;
};

/*
 * Page tables without pointers. A virtual address's page number, shifted by 9
 * bits a level, numbers the tables of a level across the whole address space:
 * entry e of table t leads to table (or page) t*512+e of the level below. So
 * what a mapping adds to a level is one run of such numbers, whose frames
 * follow one another.
 */
#define PV_MAX_LEVELS 4
struct pv_run {
	uint64_t first, count;
	uint64_t pfn; /* of the first */
};

struct pv_mapping {
	struct pv_run level[PV_MAX_LEVELS + 1]; /* [0] the pages that it shows, [n] its tables of level n */
};

/*
 * In the order in which they get their tables. The fixmap shows no page, and
 * neither does the hole: PAE's fourth level-2 table, which the hypervisor puts
 * its own into.
 */
enum { PV_MAP_BASE, PV_MAP_FIXMAP, PV_MAP_HOLE, PV_MAP_P2M, PV_MAPPINGS };

struct pv_layout {
	struct pv_notes notes;
	uint64_t nr_pages; /* of the domain; 0: there is none */
	unsigned levels;   /* of page tables */
	unsigned word_len; /* of the p2m list's entries */
	bool by_subarch;   /* the kernel is entered by the boot protocol, and gets boot_params too */
	struct pv_area kernel, initrd, p2m, start_info, xenstore, console, boot_params, tables, stack;
	struct pv_area mapped;     /* frames that the tables show from VIRT_BASE on */
	struct pv_area p2m_tables; /* those that INIT_P2M adds */
	uint64_t end_pfn;          /* one past the last frame in use */
	struct pv_mapping mappings[PV_MAPPINGS];
};

/* Lay it out for a domain of so many pages; PB_E_NO_ROOM if they are too few. ret->notes and by_subarch are filled
 * already. */
int pv_layout_make(const struct kernel *kernel, uint64_t nr_pages, uint64_t initrd_len, struct pv_layout *ret,
		   struct pb_error *err);

/* The virtual address of a frame of the mapped area. */
static inline uint64_t pv_va(const struct pv_layout *layout, uint64_t pfn)
{
	return layout->notes.virt_base + (pfn << 12);
}

static inline bool pv_holds(const struct pv_area *area, uint64_t pfn)
{
	return pfn >= area->pfn && pfn - area->pfn < area->count;
}

#endif
