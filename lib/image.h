/* SPDX-License-Identifier: MIT */
/*
 * What the rooms of the library know of an image. format/ fills struct image's
 * container part when it is opened; kernel.c the kernel part, on demand, by
 * decoding as far as needed; entry/ and plan/ only read. All numbers in here
 * were checked when they were cut out of the file: readers need no second check.
 */
#ifndef PB_LIB_IMAGE_H
#define PB_LIB_IMAGE_H

#include <asm/bootparam.h>
#include <paraboot.h>

#include "codec/codec.h"
#include "source.h"

/* A checked PT_LOAD: file range inside the unpacked ELF, file_len <= mem_len, gpa+mem_len and vaddr+mem_len don't wrap.
 */
struct segment {
	pb_gpa gpa;     /* p_paddr */
	uint64_t vaddr; /* p_vaddr */
	uint64_t file_off, file_len, mem_len;
	uint32_t flags;
};

struct note {
	char *owner; /* NUL-terminated */
	uint32_t type;
	uint32_t desc_len;
	uint8_t *desc;     /* followed by a NUL that desc_len does not count */
	uint64_t desc_off; /* in the unpacked kernel; 0: nowhere, it was made from __xen_guest */
};

/* The ELF inside; valid after kernel_load(). */
struct kernel {
	unsigned elf_class;       /* 32 or 64 */
	uint64_t entry;           /* e_entry, as the file says: see kernel_entry_gpa() */
	uint64_t elf_len;         /* the end of the header tables and segments; sections can only lie higher */
	struct segment *segments; /* in order of gpa, disjoint, at least one */
	unsigned nr_segments;
	pb_gpa low_gpa, high_gpa;
	struct note *notes; /* of all PT_NOTEs, else of SHT_NOTEs, else made from __xen_guest */
	unsigned nr_notes;
	bool notes_in_sections; /* and in no segment: who cuts the section headers off loses them */
	const struct note *build_id;
};

struct pb_image {
	unsigned refs;
	struct pb_limits limits; /* filled with the defaults */
	struct source file;      /* all of it */
	struct source image;     /* the bzImage or ELF in it: the same, or a PE's .linux section */
	enum pb_format format;
	struct pb_facts facts; /* whole from open() on */

	/* zImage, bzImage */
	uint8_t setup[0x290];    /* the file's first bytes, zero beyond the header's end (0x202 + byte 0x201) */
	struct setup_header hdr; /* from 0x1f1, zero beyond that end */
	uint64_t prot_off,
		prot_len; /* the protected-mode part, in `image`: to the end of the image's syssize or of the file */
	char *version;
	bool lists_subarchs; /* kernel_info has an item of ours (docs/notes.md), */
	uint64_t subarchs;   /* with a bit for each number that is served */

	/* The payload: where the ELF comes from. None: payload.len is 0. codec is NULL for one that begins like no
	 * codec. */
	const struct codec *codec;
	struct source payload; /* the stream alone, without a size trailer */
	uint64_t claimed_len;  /* 0: unknown */
	bool own_elf;          /* what is read as an ELF file is a bzImage too (pb_image_open_elf_header) */
	bool compressed;       /* the image is nothing but the stream: that it holds a kernel is yet to be seen */
	bool in_memory;        /* it is unpacked into an arena: for who will place it once (pb_image_in_memory) */

	struct kernel_state *ks;   /* kernel.c's own: where it is unpacked to, struct kernel */
	struct reloc_made *relocs; /* reloc.c's own: a table that was made of relocation sections */
};

/* Another handle on the same image; pb_image_close() gives it back. */
struct pb_image *image_ref(struct pb_image *image);

/* What kernel_load() found; NULL before. */
const struct kernel *image_kernel(const struct pb_image *image);

/* Decode up to the ELF headers and the notes, check them, keep them. Cheap when done already. */
int kernel_load(struct pb_image *image, struct pb_error *err);

/* Decode everything; *ret_len is the length of the unpacked kernel, with the relocations behind the ELF. */
int kernel_load_all(struct pb_image *image, uint64_t *ret_len, struct pb_error *err);

/*
 * The whole unpacked kernel as a source (a sealed memfd; for codec "none",
 * the file itself): place reads or maps from it. Calls kernel_load_all().
 */
int kernel_source(struct pb_image *image, struct source *ret, struct pb_error *err);

/*
 * The same, for who places it once, with what is not unpacked yet to be
 * unpacked where it belongs: show() is asked, first, to put guest pages into
 * the arena, at the offsets of the unpacked kernel. Without an arena it is not asked.
 * kernel_placed() takes the source away; the arena stays as it is until
 * the kernel is read again, or the image is closed.
 */
struct kernel_shower {
	int (*show)(void *ctx, uint8_t *arena, struct pb_error *err);
	void *ctx;
};
int kernel_source_shown(struct pb_image *image, const struct kernel_shower *shower, struct source *ret, bool *ret_shown,
			struct pb_error *err);
void kernel_placed(struct pb_image *image);

/* The first note of that owner and type, or NULL. Needs kernel_load(). */
const struct note *kernel_note(const struct pb_image *image, const char *owner, uint32_t type);

/* A note's descriptor as a number of 1 to 8 bytes, little-endian; PB_E_NOTE if it has another length. */
int note_number(const struct note *note, const char *field, uint64_t *ret, struct pb_error *err);

/* e_entry as a guest-physical address (some ELF files give it virtual); PB_E_ENTRY_OUTSIDE if in no PT_LOAD. */
int kernel_entry_gpa(const struct pb_image *image, pb_gpa *ret, struct pb_error *err);

/* The segment whose memory holds that p_paddr, or NULL. */
const struct segment *kernel_segment_at(const struct kernel *kernel, pb_gpa gpa);

#endif
