/* SPDX-License-Identifier: MIT */
/*
 * The general registers of a processor, as every engine prints them.
 */
#ifndef PB_ENGINE_REGISTERS_H
#define PB_ENGINE_REGISTERS_H

#include <stdint.h>
#include <stdio.h>

#define REGISTERS 16

/* The values, in their order, of any structure that calls them so: kvm_regs, Xen's cpu_user_regs. */
#define REGISTERS_OF(regs)                                                                                             \
	((const uint64_t[REGISTERS]){ (regs)->rax, (regs)->rbx, (regs)->rcx, (regs)->rdx, (regs)->rsi, (regs)->rdi,    \
				      (regs)->rbp, (regs)->rsp, (regs)->r8, (regs)->r9, (regs)->r10, (regs)->r11,      \
				      (regs)->r12, (regs)->r13, (regs)->r14, (regs)->r15 })

/* In the order rax rbx rcx rdx rsi rdi rbp rsp r8 ... r15: four lines. */
void registers_print(FILE *out, const uint64_t values[REGISTERS]);

#endif
