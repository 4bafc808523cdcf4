/* SPDX-License-Identifier: MIT */
/*
 * What the packer writes and the decompressor reads. The protected-mode part
 * of a packed image begins so (boot.rst fixes the two entries, the rest is ours):
 *
 *     + 0x000   startup_32: a jump
 *     + 0x010   struct pack_page, filled by the packer
 *     + 0x200   startup_64: a jump (64-bit images)
 *     ...       the decompressor's code and data, with one decoder
 *     + payload_off   the payload
 *
 * The packer has looked at the kernel already: the page says in plain numbers
 * where each segment goes and where the relocations stand, so the guest
 * parses no ELF file. lib/pack/layout.c computes them; the guest's memory is
 * the window [run, run + window_len), which is what init_size promises:
 *
 *     run                +---------------------------------+
 *     + out_at           | where the payload is decoded to |  (0 where segments can move down in place)
 *                        |   - the kernel's segments then  |
 *                        |     move to where they belong   |
 *     + payload_at       |   - the payload's copy ends a   |
 *                        |     little behind the output    |
 *     + code_at          +---------------------------------+
 *                        | copy of [startup_32, head_len)  |
 *                        | bss, page tables, stack         |  code_len in all
 *     + window_len       +---------------------------------+
 *
 * C on both sides and the decompressor's assembly include this; the offsets
 * that assembly needs are asserted against the struct.
 */
#ifndef GUEST_DECOMPRESSOR_ABI_H
#define GUEST_DECOMPRESSOR_ABI_H

#define PACK_PAGE_OFF      0x10
#define PACK_ENTRY64       0x200
#define PACK_MAGIC         0x4b504250 /* "PBPK" */
#define PACK_VERSION       2
#define PACK_SEGMENTS      16
#define PACK_PVH_HOME      3 /* from the PVH entry: the word that says where the image is loaded */
#define PACK_NOWHERE       0xffffffff
#define PACK_STACK_LEN     0x4000
#define PACK_HYPERCALL_LEN 0x1000
#define PACK_LINE_LEN      0x1000 /* room for both command lines and a NUL */
#define PACK_ALIGN_MIN                                                                                                 \
	0x200000 /* windows differ by multiples of this, or by nothing: so copies of the code don't meet */

/* pack_page.flags */
#define PACK_RELOCATABLE 1 /* runs where it was loaded, rounded up, and never below pref_gpa; else at pref_gpa */
#define PACK_PLAIN       2 /* the payload is the kernel as it is: nothing to decode */

/* How the CPU came in: the first argument of decompressor_main(). */
#define PACK_LINUX32     1
#define PACK_LINUX64     2
#define PACK_PVH         3
#define PACK_PV          0x80 /* no privileged instruction: a PV environment, */
#define PACK_XEN_PV      0x80 /*   by its own entry, */
#define PACK_SUBARCH     0x81 /*   or by the boot protocol's 32-bit one */
#define PACK_KIND_MASK   0xff
#define PACK_PLACE_TAKEN 0x100 /* the place was chosen at random: not again */

/* Offsets in struct pack_page, for assembly. */
#define PP_FLAGS         8
#define PP_ALIGNMENT     12
#define PP_PREF_GPA      16
#define PP_HEAD_LEN      24
#define PP_CODE_AT       32
#define PP_PVH_ENTRY_OFF 60

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

/* One PT_LOAD: bytes of the unpacked kernel, to an offset from run. */
struct pack_segment {
	uint32_t from, file_len;
	uint32_t to, mem_len;
};

/* The order in which the kernel's build writes them, backwards from the end; lib/reloc.h tells more. */
enum { PACK_ABS32, PACK_INVERSE32, PACK_ABS64, PACK_RELOC_GROUPS };

/* The same place in both classes: i386 aligns a uint64_t to 4. */
typedef uint64_t __attribute__((aligned(8))) pack_u64;

struct pack_page {
	uint32_t magic, version;
	uint32_t flags;
	uint32_t alignment;
	pack_u64 pref_gpa;
	uint32_t head_len; /* filled by the linker: the program in the file, */
	uint32_t code_len; /* and in memory */
	uint32_t code_at;
	uint32_t window_len;
	uint32_t payload_off, payload_len; /* in the image; without the size that the build appends */
	uint32_t payload_at;
	uint32_t out_at, out_len;
	uint32_t pvh_entry_off, pv_entry_off; /* filled by the linker: from startup_32; 0: none */
	uint32_t kernel_info_off;             /* likewise */
	uint32_t hypercall_off;               /* likewise: a page of the copy's for Xen's hypercalls */
	uint32_t kernel_hypercall_off;        /* from run: where the kernel wants it; PACK_NOWHERE: it does not */
	pack_u64 pv_base;                     /* the virtual address of a PV domain's frame 0 */
	pack_u64 payload_sum;                 /* pack_sum() of the payload, as loaded */
	pack_u64 link_vaddr;                  /* the virtual address of what runs at `run` */
	pack_u64 link_gpa;                    /* where that was linked to run */
	uint32_t entry_off;                   /* e_entry, from run; PACK_NOWHERE: for Xen PV alone */
	uint32_t pv_kernel_off;               /* the kernel's own Xen ENTRY, from run, or PACK_NOWHERE */
	uint32_t span_len;                    /* the kernel's segments, from run */
	uint32_t virt_room;                   /* how far the virtual base may be moved up */
	uint32_t cmdline_off, cmdline_len;    /* compiled in, from startup_32; its NUL not counted */
	uint32_t nr_segments;
	struct {
		uint32_t off, count; /* of the words in the unpacked kernel */
	} relocs[PACK_RELOC_GROUPS];
	struct pack_segment segments[PACK_SEGMENTS];
	pack_u64 page_sum; /* pack_sum() of everything before it */
};

_Static_assert(offsetof(struct pack_page, flags) == PP_FLAGS, "flags");
_Static_assert(offsetof(struct pack_page, alignment) == PP_ALIGNMENT, "alignment");
_Static_assert(offsetof(struct pack_page, pref_gpa) == PP_PREF_GPA, "pref_gpa");
_Static_assert(offsetof(struct pack_page, head_len) == PP_HEAD_LEN, "head_len");
_Static_assert(offsetof(struct pack_page, code_at) == PP_CODE_AT, "code_at");
_Static_assert(offsetof(struct pack_page, pvh_entry_off) == PP_PVH_ENTRY_OFF, "pvh_entry_off");
_Static_assert(offsetof(struct pack_page, page_sum) == 424, "the same in both classes");
_Static_assert(PACK_PAGE_OFF + sizeof(struct pack_page) <= PACK_ENTRY64, "the page ends before startup_64");

/*
 * The damage check, of four words of 8 bytes at a time. For each word that
 * is a permutation of the state, so one wrong word is always seen; and it costs the
 * guest little more than an instruction a word, where a CRC would cost as much as
 * decoding. It is no signature.
 */
#define PACK_SUM_STEP 32

static inline uint64_t pack_sum_word(const uint8_t *at)
{
	uint64_t word;

	__builtin_memcpy(&word, at, sizeof(word));
	return word;
}

static inline uint64_t pack_sum_step(uint64_t sum, const uint8_t *at)
{
	sum += pack_sum_word(at);
	sum ^= pack_sum_word(at + 8);
	sum += pack_sum_word(at + 16);
	sum ^= pack_sum_word(at + 24);
	return sum << 7 | sum >> 57;
}

uint64_t pack_sum(const void *bytes, size_t len);

#endif
#endif
