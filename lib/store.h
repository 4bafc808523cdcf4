/* SPDX-License-Identifier: MIT */
/*
 * Where the unpacked kernel of an image is kept, no further unpacked than it was
 * read. A payload that is an ELF file already is read where it is.
 */
#ifndef PB_LIB_STORE_H
#define PB_LIB_STORE_H

#include "arena.h"
#include "blockwise.h"
#include "elffile.h"
#include "image.h"
#include "unpack.h"

struct store {
	struct pb_image *image; /* that owns it */
	bool plain;             /* codec "none": no memfd, no decoder */
	struct unpack unpack;   /* into the arena, if there is one, or memfd */
	struct arena arena;
	struct blockwise blockwise; /* beside an arena, for a codec that can be decoded so */
	bool in_order;              /* headers and notes were read: who reads on will read much */
	bool spent;                 /* the arena was placed: whoever reads the kernel again has it unpacked again */
	int memfd;
	bool sealed;
};

/* Nothing is unpacked yet. The image's payload was checked; after a failure nothing is left to close. */
int store_open(struct store *ret, struct pb_image *image, struct pb_error *err);
void store_close(struct store *store);

/* Its bytes, decoded when they are read. To know how many, all may have to be decoded first. */
int store_bytes(struct store *store, struct bytes *ret, struct pb_error *err);

/* All of it. */
int store_fill(struct store *store, struct source *ret, struct pb_error *err);

/* Nobody can shrink, grow or write a memfd from now on, not even through a descriptor that was passed on. */
int store_seal(struct store *store, struct pb_error *err);

/*
 * All of it, unpacked where shower has it seen (image.h); what no segment of kernel holds may be missing from it.
 * Not shown: there is no arena, and nothing was done.
 */
int store_show(struct store *store, const struct kernel *kernel, const struct kernel_shower *shower, struct source *ret,
	       bool *ret_shown, struct pb_error *err);

/* The arena is the guest's now, and nobody reads it. */
void store_spend(struct store *store);

#endif
