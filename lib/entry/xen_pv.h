/* SPDX-License-Identifier: MIT */
/*
 * What both classes of Xen PV kernels must say of themselves.
 */
#ifndef PB_LIB_ENTRY_XEN_PV_H
#define PB_LIB_ENTRY_XEN_PV_H

#include "rows.h"

/* elf_class, ENTRY, XEN_VERSION, LOADER or GUEST_OS, FEATURES; for 32 bits PAE_MODE too. */
int xen_pv_can(struct pb_image *image, enum pb_unpack unpack, unsigned elf_class, struct pb_error *why);

/* A kernel that says that it has no PAE is refused; one that says nothing is believed to be ours. */
int xen_pv_no_pae(struct pb_image *image, struct pb_error *why);

/* The virtual address at which the kernel is entered: its note's, or else e_entry, where that can be it. */
int xen_pv_entry(const struct kernel *kernel, uint64_t *ret, struct pb_error *why);

#endif
