/* SPDX-License-Identifier: MIT */
/*
 * What C and assembler of the lguest test guests share. One source gives
 * guests of several years: YEAR picks the layout of lguest_data and how a call
 * is made (guest/paravisor/lguest/abi.h), PAE the page tables.
 */
#ifndef TEST_LGUEST_GUEST_H
#define TEST_LGUEST_GUEST_H

#define VIRT_BASE    0xc0000000
#define MAPPED_PAGES 4096 /* from 0, and again from VIRT_BASE */
#define DEVICE_VA    (VIRT_BASE + (MAPPED_PAGES + 64) * 4096)

/* The guest's own segments, with its ring. */
#define KERNEL_CS 0x61
#define KERNEL_DS 0x69
#define USER_CS   0x73
#define USER_DS   0x7b

#include "data.h"

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern struct lguest_data lguest_data;

#ifdef PAE
typedef uint64_t pte_t;
#define TABLE_ENTRIES 512u
#else
typedef uint32_t pte_t;
#define TABLE_ENTRIES 1024u
#endif

#define PTE_P   0x001u
#define PTE_W   0x002u
#define PTE_U   0x004u
#define PTE_A   0x020u
#define PTE_D   0x040u
#define PAGE    4096u

#define FLAG_IF 0x200u

/* ---- start.S ---- */
struct entry_state {
	uint32_t cs, ds, es, ss, flags, esi, esp;
};
extern struct entry_state entry_state;
extern uint32_t early_words[2]; /* CR3 and an MSR before LGUEST_INIT */
extern uint32_t call_bytes[2];  /* the call of LGUEST_INIT before it was made, and a vmcall */
extern pte_t tables[MAPPED_PAGES], top_table[TABLE_ENTRIES];
#ifdef PAE
extern pte_t middle_table[TABLE_ENTRIES];
#endif
/* fn(a, b): 0, or the vector of the trap that ended it, whose frame is then in `trap`. */
uint32_t try(void (*fn)(uint32_t a, uint32_t b), uint32_t a, uint32_t b);
/* The same for code in ring 3, which `int $0x80` ends too. */
uint32_t try_user(void (*fn)(void));
struct trap_state {
	uint32_t vector, error, eip, cs, flags, esp;
};
extern volatile struct trap_state trap;
extern volatile uint32_t ticks;              /* of interrupt 0 */
extern volatile uint32_t console_interrupts; /* 1 and 2 */
extern volatile uint32_t user_word;
void user_read_device(void), user_system_call(void), user_read_kernel(void), user_privileged(void),
	user_hypercall(void), user_breakpoint(void);
void interrupts_on_for_iret(void);      /* as a return from an interrupt does it, with the flag set in its frame */
extern char handlers[], handlers_end[]; /* struct handler each */
struct handler {
	uint32_t vector, dpl, address;
};

/* ---- guest.c ---- */
void call(uint32_t nr, uint32_t a, uint32_t b, uint32_t c, uint32_t d);
void call_later(uint32_t nr, uint32_t a, uint32_t b, uint32_t c, uint32_t d); /* by the ring */
void print(const char *text);
void check(const char *what, bool holds);
__attribute__((noreturn)) void finish(void);
static inline uint32_t physical(const volatile void *at)
{
	return (uint32_t)at - VIRT_BASE;
}
/* Give va that entry in the tables that run, and tell of it; where it stands. */
pte_t *set_pte(uint32_t va, pte_t pte, bool tell);
void tables_prepare(void);
/* Leave the tables that the guest was given, if its year is one in which it was, for its own. */
void tables_begin(void);

/* ---- console.c ---- */
void check_console(void);
void console_echo(void);

/* ---- given.c: before the guest has tables of its own ---- */
void check_given(void);

/* ---- checks.c, hostile.c ---- */
void checks(void);
void attack(const char *name);
void main(void) __attribute__((noreturn));

#endif
#endif
