/* SPDX-License-Identifier: MIT */
/*
 * The functions of the rows of entries[], and the checks that several of them share.
 */
#ifndef PB_LIB_ENTRY_ROWS_H
#define PB_LIB_ENTRY_ROWS_H

#include "entry.h"

int linux16_can(struct pb_image *image, enum pb_unpack unpack, struct pb_error *why);
int linux32_can(struct pb_image *image, enum pb_unpack unpack, struct pb_error *why);
int linux64_can(struct pb_image *image, enum pb_unpack unpack, struct pb_error *why);
int pvh_can(struct pb_image *image, enum pb_unpack unpack, struct pb_error *why);
int xen_pv32_can(struct pb_image *image, enum pb_unpack unpack, struct pb_error *why);
int xen_pv64_can(struct pb_image *image, enum pb_unpack unpack, struct pb_error *why);
int xen_pv32_can_subarch(struct pb_image *image, enum pb_unpack unpack, struct pb_error *why);
int lguest_can(struct pb_image *image, enum pb_unpack unpack, struct pb_error *why);

/* The layouts, in lib/plan. */
int linux32_plan(struct plan_builder *builder, struct pb_error *err);
int linux64_plan(struct plan_builder *builder, struct pb_error *err);
int pvh_plan(struct plan_builder *builder, struct pb_error *err);
int xen_pv_plan(struct plan_builder *builder, struct pb_error *err);
int lguest_plan(struct plan_builder *builder, struct pb_error *err);

/* The image has a setup header: it is a bzImage or zImage, wrapped in a PE file or not. */
int need_setup_header(const struct pb_image *image, struct pb_error *why);

/* The kernel inside can be unpacked and is of that class. */
int need_class(struct pb_image *image, unsigned elf_class, struct pb_error *why);

/*
 * The kernel inside is Linux, so its e_entry speaks the boot protocol: it came
 * with a setup header, or says so in its notes, or carries Linux's banner.
 */
int need_linux(struct pb_image *image, struct pb_error *why);
int need_boot_entry(struct pb_image *image, struct pb_error *why); /* after need_linux() */

/*
 * The ELF file that a start with this unpack enters: the kernel inside, or, for
 * PB_UNPACK_GUEST, the image itself, where it has an ELF header before its
 * setup header. Fills *ret; entered_elf_done() gives it back.
 */
struct entered_elf {
	const struct kernel *kernel;
	struct kernel *own; /* parsed for this question */
};
int entered_elf(struct pb_image *image, enum pb_unpack unpack, struct entered_elf *ret, struct pb_error *why);
void entered_elf_done(struct entered_elf *elf);

/* A number note of the owner Xen; PB_E_NO_NOTE where it is absent. */
int xen_number(const struct kernel *kernel, uint32_t type, const char *field, uint64_t *ret, struct pb_error *why);

#endif
