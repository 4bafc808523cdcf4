/* SPDX-License-Identifier: MIT */
/*
 * A plan in the making: what an entry's plan() gets. It takes memory, puts
 * things there, and sets the CPU; the helpers below are the words it speaks.
 * The order in which things take memory is part of an entry's layout:
 *
 *     kernel_reserve    the kernel's window, at its preferred address if it can be
 *     initrd_put        as high as the kernel can reach
 *     ..._put           the small structures, low
 *     kernel_move       with KASLR: to a random place among what is left
 *     kernel_put        now that its address is final
 */
#ifndef PB_LIB_PLAN_BUILDER_H
#define PB_LIB_PLAN_BUILDER_H

#include "../entry/rows.h"
#include "plan.h"
#include "space.h"

/* The paravisor's part of the machine. */
struct own_block {
	pb_gpa gpa;
	uint64_t len;
	uint64_t machine_len; /* one past the last byte of RAM */
};

struct plan_builder {
	struct pb_image *image;
	struct pb_request request; /* checked, with its defaults filled in */
	struct pb_range *ram;      /* the request's, sorted */
	uint64_t cmdline_len;      /* without the NUL */
	struct space space;

	/* Rules of the entry, set before anything is placed. */
	bool old_params;                 /* the small structures belong into conventional memory */
	pb_gpa reach;                    /* the last byte that they may use else */
	enum space_order small_fallback; /* how they look for room when there is none below the kernel */
	pb_gpa kernel_reach;             /* the same for the kernel; above 4 GiB only where there is no room below */
	pb_gpa initrd_max, initrd_reach; /* for the initrds' last byte: at best, and if there is no room for that */

	/* Results. */
	pb_gpa kernel_low; /* the first byte that the kernel uses, loaded or running */
	struct pb_plan_info info;
	struct pb_cpu cpu;
	struct reloc_table relocs;
	struct own_address own_address;
	struct entered_elf
		entered; /* what a Xen PV domain's builder reads: the kernel, or the image's own ELF header */
	struct pv_layout pv;
	struct pb_pv pv_start;
	struct pb_extent extents[PLAN_MAX_EXTENTS]; /* its frames in the machine, where the plan chooses them */
	unsigned nr_extents;
	struct own_block own;
	struct kept pv_cmdline;
	struct pb_placement *placements;
	size_t nr_placements, cap_placements;
	uint8_t *bytes; /* PB_FROM_PLAN, and what else is kept */
	size_t bytes_len, bytes_cap;
};

/* ---- Memory ------------------------------------------------------------ */

/* Find and take; PB_E_NO_ROOM names field. */
int builder_take(struct plan_builder *builder, const char *field, const struct space_want *want, pb_gpa *ret,
		 struct pb_error *err);

/* Nothing was found: PB_E_NO_ROOM or PB_E_INITRD, with what there is. */
int builder_no_room(const struct plan_builder *builder, int code, const char *field, const struct space_want *want,
		    struct pb_error *err);

/* Memory for one of the small structures: below the kernel, or else where the entry's rules say. */
int builder_take_small(struct plan_builder *builder, const char *field, uint64_t len, pb_gpa *ret,
		       struct pb_error *err);

/* Add a placement; its source is the caller's affair. */
int builder_add(struct plan_builder *builder, const struct pb_placement *placement, struct pb_error *err);

/* Add a placement of these bytes, which are copied. */
int builder_put(struct plan_builder *builder, enum pb_kind kind, pb_gpa gpa, const void *bytes, uint64_t len,
		struct pb_error *err);

/* Keep a copy of these bytes in the plan. */
int builder_keep(struct plan_builder *builder, const void *bytes, uint64_t len, struct kept *ret, struct pb_error *err);

/* ---- The kernel -------------------------------------------------------- */

/* Where a host-unpacked kernel may run, other than where it was linked. */
struct kernel_rules {
	uint64_t align;
	pb_gpa min, max;          /* of its first and last byte */
	pb_gpa far_max;           /* of its last byte if there is no room below max; 0: then nowhere */
	bool self_locating;       /* it finds out where it is: the physical base may move without the virtual one */
	bool unsigned_difference; /* of both bases, to that kernel: the virtual one may not move further up */
	bool told;  /* the image says that it is; else a relocation table has to prove or make it movable */
	bool never; /* the image says that it cannot move */
};

int kernel_reserve_host(struct plan_builder *builder, const struct kernel_rules *rules, struct pb_error *err);
int kernel_move(struct plan_builder *builder, const struct kernel_rules *rules, struct pb_error *err);
int kernel_put_host(struct plan_builder *builder, struct pb_error *err);

/* The image unpacks itself: its protected-mode part goes to *ret_load_gpa, and info says where it will run. */
int kernel_put_guest(struct plan_builder *builder, pb_gpa *ret_load_gpa, struct pb_error *err);

/* The same for an image with an ELF header of its own, at the addresses that this gives. */
int kernel_put_guest_elf(struct plan_builder *builder, const struct kernel *elf, struct pb_error *err);

/* An ELF's segments from that source, this far from where they were linked. */
int kernel_put_segments(struct plan_builder *builder, const struct kernel *kernel, enum pb_source source, int64_t delta,
			struct pb_error *err);

/* The alignment that a kernel's physical address needs: the header's, or what kernels of that class are built with. */
uint64_t kernel_alignment(const struct plan_builder *builder);

/* ---- What the kernel is told ------------------------------------------- */

int initrd_put(struct plan_builder *builder, struct pb_error *err);
int cmdline_put(struct plan_builder *builder, struct pb_error *err);

/* Memory for boot_params: before the command line's, since the oldest protocols find that from there. */
int boot_params_take(struct plan_builder *builder, struct pb_error *err);

/* boot_params, and the setup_data chain it points to; all else that it tells of is in place. */
int boot_params_put(struct plan_builder *builder, pb_gpa load_gpa, struct pb_error *err);

/* The same for a PV domain that is entered by it: its RAM is one range from 0 on. Fills a page. */
void boot_params_of_domain(struct plan_builder *builder, uint64_t ram_len, uint8_t page[4096]);

/* The highest address that an initrd's last byte may have (boot.rst, initrd_addr_max). */
pb_gpa linux_initrd_max(const struct plan_builder *builder);

/* May kernel, parameters and initrd lie above 4 GiB (boot.rst, xloadflags)? */
bool linux_above_4g(const struct pb_image *image);

/*
 * Kernels before protocol 2.05 look at boot_params, command line and GDT when
 * paging is on already, through tables that map the first few MiB.
 */
bool linux_old_params(const struct pb_image *image);

/* hvm_start_info with its module list and memory map. */
int start_info_put(struct plan_builder *builder, struct pb_error *err);

/* ---- The CPU ----------------------------------------------------------- */

/* Place a GDT and set builder->cpu to flat 32-bit protected mode, paging off, all registers zero but rip. */
int cpu_flat32(struct plan_builder *builder, pb_gpa rip, struct pb_error *err);

/* The same for 64-bit mode, with page tables that map 0 to 4 GiB, the kernel and the small structures one to one. */
int cpu_flat64(struct plan_builder *builder, pb_gpa rip, struct pb_error *err);

/* Identity page tables over those ranges; cr3 goes to *ret. */
int page_tables_put(struct plan_builder *builder, const struct pb_range *ranges, size_t n, pb_gpa *ret,
		    struct pb_error *err);

/* ---- From request to builder to plan ----------------------------------- */

/* Check all of the request that does not depend on the image's entry; fills request, ram, cmdline_len, space. */
int request_check(struct plan_builder *builder, const struct pb_request *request, struct pb_error *err);

#endif
