/* SPDX-License-Identifier: MIT */
/*
 * The packer: a kernel into a bzImage of our own. pack.c tells the story, and
 * each other file does one part of it to struct packing; what ends up in the
 * guest is described by guest/decompressor/abi.h.
 *
 *     take in the kernel and its relocations        kernel.c
 *     choose the program for class and codec        codecs.c, one row a codec
 *     encode the payload                            encode_*.c
 *     lay out the guest's window, fill the page     layout.c
 *     the same for a PV domain                      pv.c
 *     read the payload back as the guest will       readback.c
 *     fill the setup header                         setup.c
 *     an ELF header before it, and its notes        elf.c, notes.c
 *     write                                         pack.c
 */
#ifndef PB_LIB_PACK_H
#define PB_LIB_PACK_H

#include "../../guest/decompressor/abi.h"
#include "../../guest/decompressor/decoder.h"
#include "../image.h"
#include "../plan/pv_notes.h"
#include "../reloc.h"

/* Bytes that grow; freed by bytes_free(). */
struct pack_bytes {
	uint8_t *mem;
	size_t len, cap;
};

int pack_bytes_add(struct pack_bytes *bytes, const void *mem, size_t len, struct pb_error *err);
/* Room for len more bytes; who fills it adds to bytes->len. */
int pack_bytes_room(struct pack_bytes *bytes, size_t len, uint8_t **ret, struct pb_error *err);
/* Zeros up to a multiple of align. */
int pack_bytes_pad(struct pack_bytes *bytes, size_t align, struct pb_error *err);
void pack_bytes_free(struct pack_bytes *bytes);

struct pack_progress {
	void (*fn)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
};

/* One row a codec: how the host encodes, and what decodes. */
struct pack_codec {
	const char *name;
	bool size_trailer;  /* 4 bytes of output size follow the stream; gzip has its own */
	bool in_place;      /* nothing to decode: the payload is the kernel */
	decoder_fn *decode; /* the guest's own, as compiled for the host */
	/* NULL: this build lacks the encoder. */
	int (*encode)(const uint8_t *in, size_t in_len, struct pack_bytes *out, const struct pack_progress *progress,
		      struct pb_error *err);
	struct {
		const uint8_t *start, *end;
	} program64, program32;
};
extern const struct pack_codec pack_codecs[]; /* ends with a NULL name */

/* The row, or NULL. */
const struct pack_codec *pack_codec_find(const char *name);

struct packing {
	struct pb_image *image;
	const struct pb_pack *request;
	const struct kernel *kernel;
	const struct pack_codec *codec;
	struct pack_bytes out;     /* the unpacked kernel with its relocations: what the decoder gives */
	struct reloc_table relocs; /* offsets in it */
	bool has_relocs;
	bool relocatable;
	uint32_t alignment;
	bool has_native; /* e_entry speaks the boot protocol; not so in a kernel for Xen PV alone */
	bool has_pv;     /* a PV domain can be built of the kernel, by its notes: */
	struct pv_notes pv;
	struct pack_bytes setup;       /* the 16-bit part, whole sectors */
	uint64_t notes_off, notes_len; /* in it: PT_NOTE */
	uint64_t served;               /* a bit for each subarchitecture */
	struct pack_bytes entries;     /* struct subarch_entry, for one of the notes */
	struct pack_bytes program;     /* the decompressor, with its page */
	struct pack_bytes payload;     /* the stream, without the size trailer */
	struct pack_page page;
};

/* The kernel and its relocation table, as the image carries them. */
int pack_kernel(struct packing *packing, struct pb_error *err);

/* Whether it starts in a PV domain, and what the page has to know for that. */
void pack_pv(struct packing *packing);
/* Where a PV domain sees what lies that far from the image's start. */
uint64_t pack_pv_va(const struct packing *packing, uint32_t off);

/* Where everything goes in the guest's window; the page is whole afterwards, but for its sum. */
int pack_layout(struct packing *packing, struct pb_error *err);

/* Decode the payload in a window such as the guest's, and see that the kernel comes out. */
int pack_readback(const struct packing *packing, struct pb_error *err);

/* With --elf: the notes to the 16-bit part's end, and then, when all lengths are known, the ELF header to its start. */
int pack_check_notes(const struct pb_pack *request, struct pb_error *err);
int pack_served(struct packing *packing, struct pb_error *err);
int pack_notes(struct packing *packing, struct pb_error *err);
void pack_elf_header(struct packing *packing, uint64_t prot_len);

/* What the kernel takes, without a NUL. */
uint64_t pack_cmdline_max(const struct packing *packing);

/* The 16-bit part with its header, and the version string behind it. */
int pack_setup(struct packing *packing, struct pb_error *err);

#endif
