/* SPDX-License-Identifier: MIT */
/*
 * Every address that a plan knows by heart. docs/memory-map.md draws a whole
 * plan; this is where its fixed points come from.
 *
 *   0x000000000  page 0 ................ never used: BIOS data, NULL
 *   0x000001000  a zImage's protected-mode part (its code32_start says so)
 *   0x000090000  PLAN_OLD_PARAMS ....... before protocol 2.05: boot_params, command line, GDT
 *   0x0000a0000  video memory, ROMs
 *   0x000100000  PLAN_LOWEST_GPA ....... boot_params, command line, setup_data, GDT, page tables, start_info
 *                code32_start .......... a bzImage before 2.10; the small structures then go to the top instead
 *   0x001000000  pref_address .......... where today's kernels start
 *   ...          the kernel's window, init_size bytes from its run-time start, is its own
 *   initrd_addr_max or the end of RAM .. the initrds end below it
 *   0x0ffffffff  PLAN_4G_MAX ........... nothing above, unless XLF_CAN_BE_LOADED_ABOVE_4G and no room below
 */
#ifndef PB_LIB_PLAN_MEMORY_MAP_H
#define PB_LIB_PLAN_MEMORY_MAP_H

#define PLAN_PAGE_LEN       0x1000ull
#define PLAN_LOWEST_GPA     0x100000ull         /* what may go anywhere goes no lower */
#define PLAN_4G_MAX         0xffffffffull       /* the last byte below 4 GiB */
#define PLAN_HIGHEST_END    0x10000000000000ull /* 2^52, the architecture's limit on physical addresses */
#define PLAN_OLD_PARAMS     0x90000ull
#define PLAN_OLD_PARAMS_MAX 0x9ffffull
#define PLAN_KERNEL_MAX     0x3fffffffffffull /* what every 64-bit kernel can map of RAM: 64 TiB */

/* The virtual side of a 64-bit Linux (Documentation/arch/x86/x86_64/mm.rst). */
#define LINUX_START_KERNEL_MAP 0xffffffff80000000ull
#define LINUX_IMAGE_LEN_64     0x40000000ull /* KERNEL_IMAGE_SIZE of a kernel that can move its virtual base */
#define LINUX_IMAGE_LEN_32     0x20000000ull

/* initrd_addr_max before protocol 2.03 (boot.rst). */
#define LINUX_INITRD_MAX_OLD 0x37ffffffull
/* What a 64-bit kernel's own header says; used for an ELF without a header. */
#define LINUX_INITRD_MAX_64 0x7fffffffull

/* The longest command line, without its NUL. */
#define LINUX_CMDLINE_MAX 2047ull /* COMMAND_LINE_SIZE - 1 of every x86 kernel; for an ELF without a header */

#endif
