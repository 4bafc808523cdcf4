/* SPDX-License-Identifier: MIT */
/*
 * Small kernel images, built in memory from a description: good ones, and bad
 * ones that are a good one with a single thing wrong. Nothing in them runs.
 * All tests that need an image without downloading one use these; mkimages
 * writes them to files.
 */
#ifndef PB_TESTS_IMAGES_H
#define PB_TESTS_IMAGES_H

#include <paraboot.h>

#include "blob.h"

/* ---- Kernels ---- */

enum kernel_flag {
	KERNEL_32 = 1u << 0,             /* else 64 bits */
	KERNEL_SECTION_NOTES = 1u << 1,  /* notes in SHT_NOTE only; PT_NOTE has offset 0 */
	KERNEL_XEN_GUEST = 1u << 2,      /* no notes, a __xen_guest section */
	KERNEL_NO_NOTES = 1u << 3,       /* nothing at all */
	KERNEL_BANNER = 1u << 4,         /* "Linux version" in its data */
	KERNEL_LGUEST = 1u << 5,         /* lguest's name in its data */
	KERNEL_NO_RELOCS = 1u << 6,      /* nothing behind the ELF */
	KERNEL_NO_INVERSE = 1u << 7,     /* 64 bits: two relocation groups */
	KERNEL_NO_XEN_ENTRY = 1u << 8,   /* no note ENTRY */
	KERNEL_NO_PVH = 1u << 9,         /* no note PHYS32_ENTRY */
	KERNEL_VIRTUAL_ENTRY = 1u << 10, /* e_entry is virtual */
	KERNEL_DYN = 1u << 11,           /* ET_DYN */
	KERNEL_TWO_PT_NOTES = 1u << 12,  /* the Xen notes in one, the rest in another */
	KERNEL_BARE_OWNER = 1u << 13,    /* note owners without their NUL */
	KERNEL_BIG = 1u << 14,           /* 1 MiB that does not compress, behind the notes */
	KERNEL_EMITTED = 1u << 15,       /* the relocations in sections, for the same fields; no table */
};

/* The sections of a kernel whose relocations are in sections, by index. */
enum emitted_section {
	EMITTED_NOTES = 1,
	EMITTED_TEXT,
	EMITTED_DATA,
	EMITTED_PERCPU,
	EMITTED_DEBUG,
	EMITTED_SYMTAB,
	EMITTED_STRTAB,
	EMITTED_REL_NOTES,
	EMITTED_REL_TEXT,
	EMITTED_REL_DATA,
	EMITTED_REL_PERCPU,
	EMITTED_REL_DEBUG,
	EMITTED_SHSTRTAB,
};

/* Where things are in every kernel built here. */
#define KERNEL_GPA      0x1000000ull
#define KERNEL_VIRT64   0xffffffff80000000ull
#define KERNEL_VIRT32   0xc0000000ull
#define KERNEL_SEGMENTS 3u /* text at KERNEL_GPA, data at +0x1000, per-CPU at +0x4000 (64 bits: linked at 0) */
#define KERNEL_RELOCS   3u /* entries in each group */

/* The ELF file with what follows it, appended to out, which must be empty. */
void image_kernel_elf(struct blob *out, unsigned flags);

/* ---- Containers ---- */

/*
 * A payload: stored, in the clothes of "gzip", "lz4", "xz" or "zstd" (no encoder is needed), or as it is ("none").
 * With filler, of the last two: and what their formats let stand beside a stream.
 */
void image_encode(struct blob *out, const char *codec, bool filler, const struct blob *in);

struct bzimage_spec {
	uint16_t protocol;
	const char *codec; /* of the payload; the size word is appended where the codec wants one */
	const struct blob *kernel;
	bool zimage;
	bool mz;                /* begins with MZ and a PE header */
	bool elf;               /* begins with an ELF header of its own, with a PHYS32_ENTRY */
	bool lists_entries;     /* there, in a note of ours: the 64-bit one, no other */
	bool sects_0;           /* setup_sects 0, which means 4 */
	unsigned signature_len; /* bytes behind everything that the header tells of */
};
void image_bzimage(struct blob *out, const struct bzimage_spec *spec);

/* Where the parts of such a bzImage are in the file. */
#define BZ_SETUP_LEN       2560u
#define BZ_VERSION_OFF     0x400u
#define BZ_KERNEL_INFO_OFF (BZ_SETUP_LEN + 0x100u)
#define BZ_PAYLOAD_OFF     (BZ_SETUP_LEN + 0x200u)
#define BZ_VERSION         "6.0.0-test (builder@example) #1 SMP"

/* A PE file with the image as its section .linux. */
void image_pe(struct blob *out, const struct blob *linux_image);
#define PE_HEADER_OFF  0x40u
#define PE_SECTION_OFF 0x400u /* of .linux's bytes */

/* ---- Tables ---- */

enum image_flag {
	IMAGE_ZIMAGE = 1u << 0,
	IMAGE_MZ = 1u << 1,
	IMAGE_ELF = 1u << 2,
	IMAGE_SECTS_0 = 1u << 3,
	IMAGE_SIGNED = 1u << 4,
	IMAGE_NO_PAYLOAD = 1u << 5,
	IMAGE_PE = 1u << 6, /* all of it inside a PE file */
	IMAGE_LISTS = 1u << 7,
	IMAGE_FILLER = 1u << 8,
};

struct image_spec {
	const char *name;
	unsigned kernel;   /* KERNEL_* */
	const char *codec; /* of the payload, or of the whole file; NULL: the kernel as it is */
	uint16_t protocol; /* 0: no bzImage around it */
	unsigned flags;    /* IMAGE_* */
};
extern const struct image_spec good_images[]; /* ends with a NULL name */

/* The codec that must be built in to unpack that good image, or NULL. */
const char *image_codec(const char *name);

/* The good image of that name, whose kernel `spoil` (or NULL) has changed before it was packed. */
void image_build(struct blob *out, const char *name, void (*spoil)(struct blob *kernel));

/* The same in two steps: its kernel, and the image around that. */
void image_build_kernel(struct blob *out, const char *name);
void image_build_around(struct blob *out, const char *name, const struct blob *kernel);

/* Which call turns a bad image away; all before it succeed. */
enum stage { AT_OPEN, AT_KERNEL, AT_UNPACK, AT_RELOCS };

/* A field of a header, and what it is made to say. */
struct field {
	unsigned section; /* it is in the section header of that one; 0: `off` counts from the beginning */
	size_t off;
	unsigned len; /* 0: none */
	uint64_t value;
};

struct bad_image {
	const char *name;
	const char *base;                          /* the good image that it is but for one thing: */
	void (*spoil_kernel)(struct blob *kernel); /* in its kernel, */
	struct field kernel_field;                 /* of which it is one field, */
	void (*spoil)(struct blob *file);          /* or in the finished file */
	struct field file_field;
	enum stage stage;
	int code;
	const char *field;
	struct pb_limits limits; /* 0: the defaults */
};
extern const struct bad_image bad_images[]; /* ends with a NULL name */

void bad_image_build(struct blob *out, const struct bad_image *bad);

/* What pb_image_can() must say of good images. code 0: yes. */
struct can_answer {
	const char *image;
	enum pb_entry entry;
	enum pb_unpack unpack;
	void (*spoil_kernel)(struct blob *kernel);
	int code;
	const char *field;
};
extern const struct can_answer can_answers[]; /* ends with a NULL image */

/* The offset of a note's descriptor in a kernel built here. */
size_t kernel_note_off(const struct blob *kernel, const char *owner, uint32_t type);

#endif
