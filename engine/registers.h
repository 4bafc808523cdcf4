/* SPDX-License-Identifier: MIT */
/*
 * The general registers of a processor, as every engine prints them.
 */
#ifndef PB_ENGINE_REGISTERS_H
#define PB_ENGINE_REGISTERS_H

#include <stdint.h>
#include <stdio.h>

#define REGISTERS 16

/* In the order rax rbx rcx rdx rsi rdi rbp rsp r8 ... r15: four lines. */
void registers_print(FILE *out, const uint64_t values[REGISTERS]);

#endif
