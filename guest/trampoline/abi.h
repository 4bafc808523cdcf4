/* SPDX-License-Identifier: MIT */
/*
 * What the engine writes and the trampoline reads: the head of the program,
 * in which the engine finds and fills a few numbers, and the table behind it,
 * which says what machine was planned and how to leave. C on both sides and
 * the trampoline's assembly include this; the offsets that assembly needs are
 * asserted against the structs at the end.
 *
 * In guest memory, from a page that the engine chose (the home, in a hole
 * between the placements, as low above 1 MiB as it finds one):
 *
 *     home               +--------------------------+
 *                        | struct trampoline_head   |
 *     + head.entry_off   | code: PVH enters here    |
 *                        | constants, data, stack   |
 *     + head.image_len   +--------------------------+
 *                        | struct trampoline_table  |
 *                        | its ranges, its copies   |
 *                        +--------------------------+
 *
 * Nothing in the program is linked to an address: it runs at any home below
 * 4 GiB. It touches nothing else but what the table names, the structures
 * that the machine's loader handed over, and the serial port.
 */
#ifndef GUEST_TRAMPOLINE_ABI_H
#define GUEST_TRAMPOLINE_ABI_H

#define TRAMPOLINE_HEAD_MAGIC  0x54524250 /* "PBRT" */
#define TRAMPOLINE_TABLE_MAGIC 0x42415450 /* "PTAB" */
#define TRAMPOLINE_VERSION     1          /* of both structures; the engine refuses a program of another */

/* trampoline_table.mode; the numbers of enum pb_mode. */
#define TRAMPOLINE_REAL16 1
#define TRAMPOLINE_PROT32 2
#define TRAMPOLINE_LONG64 3

/* The trampoline's own GDT has this many slots; the last two are for its way down to real mode. */
#define TRAMPOLINE_GDT_SLOTS  32
#define TRAMPOLINE_SEL_CODE16 0xf0
#define TRAMPOLINE_SEL_DATA16 0xf8

/* Each refusal is one line that begins so; the qemu engine looks for it. */
#define TRAMPOLINE_REFUSED "paraboot-trampoline: refused: "

/* Offsets in struct trampoline_table, for assembly. */
#define TT_MODE     8
#define TT_OWN_GDTR 38
#define TT_GDTR     54
#define TT_IDTR     70
#define TT_CS       80
#define TT_DS       82
#define TT_ES       84
#define TT_FS       86
#define TT_GS       88
#define TT_SS       90
#define TT_TR       92
#define TT_LDT      94
#define TT_CR0      96
#define TT_CR3      104
#define TT_CR4      112
#define TT_EFER     120
#define TT_RIP      128
#define TT_RFLAGS   136
#define TT_RAX      144
#define TT_RBX      152
#define TT_RCX      160
#define TT_RDX      168
#define TT_RSI      176
#define TT_RDI      184
#define TT_RSP      192
#define TT_RBP      200
#define TT_R8       208
#define TT_R9       216
#define TT_R10      224
#define TT_R11      232
#define TT_R12      240
#define TT_R13      248
#define TT_R14      256
#define TT_R15      264

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

/* The program's first bytes. Offsets are from the home. */
struct trampoline_head {
	uint32_t magic, version;
	uint32_t entry_off; /* where PVH enters */
	uint32_t home_off;  /* of the 32-bit field in which the engine writes the home */
	uint32_t image_len; /* of the program in memory, a multiple of 16; the table follows */
};

/* RAM that the guest was planned to have; the machine must say that all of it is RAM. */
struct trampoline_range {
	uint64_t gpa, len;
};

/* Bytes for where the firmware still was when the domain was loaded: below 1 MiB. All below 4 GiB. */
struct trampoline_copy {
	uint32_t from_gpa, to_gpa, len;
};

/* What lgdt and lidt read, at `limit`; 6 bytes in 32-bit mode, 10 in 64-bit mode. */
struct trampoline_dtr {
	uint16_t pad[3];
	uint16_t limit;
	uint64_t base;
};

struct trampoline_cpu {
	struct trampoline_dtr gdtr, idtr; /* the guest's */
	uint16_t cs, ds, es, fs, gs, ss, tr, ldt;
	uint64_t cr0, cr3, cr4, efer; /* efer without LMA, which follows from the rest */
	uint64_t rip, rflags;
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8, r9, r10, r11, r12, r13, r14, r15;
};

struct trampoline_table {
	uint32_t magic, version;
	uint32_t mode;
	uint32_t rsdp_slot_gpa; /* where the guest looks for the RSDP's address, 8 bytes; 0: nowhere */
	uint32_t ranges_gpa, nr_ranges;
	uint32_t copies_gpa, nr_copies;
	struct trampoline_dtr own_gdtr; /* gdt below */
	struct trampoline_cpu cpu;
	uint64_t gdt[TRAMPOLINE_GDT_SLOTS]; /* descriptors of exactly the planned segments, at their selectors */
};

#define TT_ASSERT(name, field) _Static_assert(name == offsetof(struct trampoline_table, field), #field)
TT_ASSERT(TT_MODE, mode);
TT_ASSERT(TT_OWN_GDTR, own_gdtr.limit);
TT_ASSERT(TT_GDTR, cpu.gdtr.limit);
TT_ASSERT(TT_IDTR, cpu.idtr.limit);
TT_ASSERT(TT_CS, cpu.cs);
TT_ASSERT(TT_LDT, cpu.ldt);
TT_ASSERT(TT_CR0, cpu.cr0);
TT_ASSERT(TT_EFER, cpu.efer);
TT_ASSERT(TT_RIP, cpu.rip);
TT_ASSERT(TT_RAX, cpu.rax);
TT_ASSERT(TT_RSP, cpu.rsp);
TT_ASSERT(TT_R15, cpu.r15);
#undef TT_ASSERT

#endif
#endif
