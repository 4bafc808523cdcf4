/* SPDX-License-Identifier: MIT */
/*
 * Single instructions, tried in a PV guest's kernel and in a process of its,
 * and what becomes of each: tables of struct instruction say what should. The
 * operand `a` is in %eax (%rax), and %dx holds a port.
 */
#ifndef TEST_PV_INSTRUCTIONS_H
#define TEST_PV_INSTRUCTIONS_H

#include "guest.h"

#define NONE (-1)

/* clang-format off */
#define INSTRUCTIONS(X) \
	X(do_nothing, "") \
	X(do_int3, "int3") \
	X(do_int_3, "int $3") \
	X(do_icebp, ".byte 0xf1") \
	X(do_int_1, "int $1") \
	X(do_int_20, "int $0x20") \
	X(do_int_21, "int $0x21") \
	X(do_int_80, "int $0x80") \
	X(do_int_82, "int $0x82") \
	X(do_into, ".byte 0xce") \
	X(do_ud2, "ud2") \
	X(do_forced_mov, "ud2a; .ascii \"xen\"; mov $1, %%ecx") \
	X(do_forced_cpuid, "xor %%eax, %%eax; ud2a; .ascii \"xen\"; cpuid") \
	X(do_divide, "xor %%ecx, %%ecx; xor %%edx, %%edx; div %%ecx") \
	X(do_load_ds, "mov %%ax, %%ds") \
	X(do_load_ss, "mov %%ax, %%ss") \
	X(do_read, "movb (%%" R(ax) "), %%cl") \
	X(do_write, "movb $1, (%%" R(ax) ")") \
	X(do_jump, "jmp *%%" R(ax)) \
	X(do_cli, "cli") \
	X(do_sti, "sti") \
	X(do_out, "out %%al, %%dx") \
	X(do_in, "in %%dx, %%eax") \
	X(do_hlt, "hlt") \
	X(do_invlpg, "invlpg (%%" R(ax) ")") \
	X(do_lgdt, "lgdt (%%" R(sp) ")") \
	X(do_ltr, "ltr %%ax") \
	X(do_mov_cr0, "mov %%cr0, %%" R(cx) "; xor %%" R(ax) ", %%" R(cx) "; mov %%" R(cx) ", %%cr0") \
	X(do_read_cr3, "mov %%cr3, %%" R(cx)) \
	X(do_clts, "clts") \
	X(do_fnop, "fnop") \
	X(do_write_dr7, "mov %%" R(ax) ", %%db7") \
	X(do_rdmsr, "mov %%eax, %%ecx; rdmsr") \
	X(do_wrmsr, "mov %%eax, %%ecx; xor %%eax, %%eax; xor %%edx, %%edx; wrmsr") \
	X(do_wbinvd, "wbinvd") \
	X(do_rdtsc, "rdtsc")
/* clang-format on */

#define DECLARE(name, insn) void name(unsigned long a, unsigned long b);
INSTRUCTIONS(DECLARE)
#undef DECLARE

/* The vector, 0 for none, and the error code, or NONE; NONE for a vector is not to be tried. */
struct instruction {
	const char *what;
	tried fn;
	unsigned long a;
	long kernel, kernel_error, user, user_error;
};

#define TRAP_DE (0 + 64) /* vector 0, as none is */

void check_instructions(const struct instruction *rows, size_t nr);

#endif
