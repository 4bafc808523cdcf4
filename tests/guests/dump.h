/* SPDX-License-Identifier: MIT */
/*
 * The order in which tests/guests/dump.S prints the processor's state.
 */
#ifndef TESTS_GUESTS_DUMP_H
#define TESTS_GUESTS_DUMP_H

#define DUMP_RAX       0
#define DUMP_RBX       1
#define DUMP_RCX       2
#define DUMP_RDX       3
#define DUMP_RSI       4
#define DUMP_RDI       5
#define DUMP_RSP       6
#define DUMP_RBP       7
#define DUMP_R8        8
#define DUMP_R9        9
#define DUMP_R10       10
#define DUMP_R11       11
#define DUMP_R12       12
#define DUMP_R13       13
#define DUMP_R14       14
#define DUMP_R15       15
#define DUMP_RFLAGS    16
#define DUMP_CS        17
#define DUMP_DS        18
#define DUMP_ES        19
#define DUMP_FS        20
#define DUMP_GS        21
#define DUMP_SS        22
#define DUMP_CR0       23
#define DUMP_CR3       24
#define DUMP_CR4       25
#define DUMP_EFER      26
#define DUMP_GDT_LIMIT 27
#define DUMP_GDT_BASE  28
#define DUMP_IDT_LIMIT 29
#define DUMP_IDT_BASE  30
#define DUMP_SLOTS     31

#endif
