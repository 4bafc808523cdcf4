/* SPDX-License-Identifier: MIT */
/*
 * The PV guests' small library, for both classes: hypercalls, lines of TAP,
 * the guest's own page tables (guest.c), and what each class's assembly offers
 * (traps.S of pv32, start.S of pv64). arch.h is the class's own.
 */
#ifndef TEST_PV_GUEST_H
#define TEST_PV_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define __XEN_INTERFACE_VERSION__ 0x00040e00
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/io/console.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/xen.h>

#include "arch.h"

#define PAGE      4096ul
#define PTE_P     1ull
#define PTE_W     2ull
#define PTE_U     4ull
#define PTE_PS    0x80ull
#define ARRAY(x)  (sizeof(x) / sizeof((x)[0]))
#define P(x)      ((unsigned long)&(x))
#define TRAPS     33 /* the processor's, and one more: int $BACK of a process ends in_user() */
#define TRAP_UD   6
#define TRAP_NM   7
#define TRAP_GP   13
#define TRAP_PF   14

#define PARAVISOR 0x200000ull /* a machine address of its own */

/* ---- The class's assembly ---- */
extern const unsigned long trap_entries[TRAPS];
extern unsigned long trap_seen, trap_error, trap_ip, trap_cs, trap_flags;
/* Call fn(a, b), in the guest's kernel or as a process: 0, or the vector of the trap that ended it. */
typedef void (*tried)(unsigned long a, unsigned long b);
unsigned long try(tried fn, unsigned long a, unsigned long b);
unsigned long in_user(tried fn, unsigned long a, unsigned long b);
extern char event_entry[], failsafe_entry[], syscall_entry[], second_entry[], second_stack_end[];
extern volatile uint8_t *event_flag; /* that the event callback clears */
extern volatile unsigned long events_seen, syscalls_seen, second_alive;

/* ---- arch.c ---- */
long call(unsigned long nr, unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e);
long map_at(const void *va, uint64_t pte);

/* ---- guest.c ---- */
extern const struct start_info *start_info;
extern xen_pfn_t *p2m;
void guest_start(const struct start_info *si) __attribute__((noreturn));
void guest_main(void); /* each guest's own */
long set_traps(void);
bool asked_for(const char *key, const char *name);
bool stands_in(const char *line, const char *key, const char *name);
size_t length(const char *s);
bool same(const char *a, const char *b);
struct xencons_interface *console_ring(void);
extern void (*print)(const char *s);
void print_number(long value);
void check(const char *what, long got, long want);
bool all_held(void);
void shut_down(unsigned reason);
unsigned long pfn_of(const void *va);
uint64_t mfn_of(const void *va);
unsigned slot_of(const void *va, unsigned level);
uint64_t *table_at(const void *va, unsigned level);
uint64_t *leaf_of(const void *va);
uint64_t pte_of(const void *va);
long update(uint64_t maddr, uint64_t value);
long ext(unsigned cmd, uint64_t mfn);

#endif
