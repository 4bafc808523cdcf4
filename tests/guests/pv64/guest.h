/* SPDX-License-Identifier: MIT */
/* Helpers of the PV guests that test the paravisor (guest.c), and what start.S offers them. */
#ifndef TEST_PV64_GUEST_H
#define TEST_PV64_GUEST_H

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

#define PAGE      4096ul
#define VIRT_BASE 0xffffffff80000000ul
#define PTE_P     1ul
#define PTE_W     2ul
#define PTE_PS    0x80ul
#define ARRAY(x)  (sizeof(x) / sizeof((x)[0]))
#define TRAPS     33   /* the processor's, and one more: */
#define BACK      0x20 /* int $BACK of a process ends in_user() */

/* ---- start.S ---- */
extern const uint64_t trap_entries[TRAPS];
extern uint64_t trap_seen, trap_error, trap_rip, trap_cs, trap_flags, debug_hits;
/* Call fn(a, b), in the guest's kernel or as a process: 0, or the vector of the trap that ended it. */
uint64_t try(void (*fn)(uint64_t a, uint64_t b), uint64_t a, uint64_t b);
uint64_t in_user(void (*fn)(uint64_t a, uint64_t b), uint64_t a, uint64_t b);
extern uint64_t user_flags, user_cs, user_ss; /* that in_user() starts with */
extern char event_entry[], failsafe_entry[], nmi_entry[], syscall_entry[], second_entry[], hypercall_page[];
extern char second_stack_end[];
extern volatile uint8_t *event_flag; /* that the event callback clears */
extern volatile uint64_t events_seen, failsafes_seen, nmis_seen, nmi_again, nmis_nested, syscalls_seen, second_alive;

/* ---- guest.c ---- */
extern const struct start_info *start_info;
extern uint64_t *p2m;
void guest_start(const struct start_info *si) __attribute__((noreturn));
void guest_main(void); /* each guest's own */
void set_traps(void);
bool asked_for(const char *key, const char *name);
long call(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e);
size_t length(const char *s);
struct xencons_interface *console_ring(void);
void print(const char *s);
void print_number(long value);
void check(const char *what, long got, long want);
void shut_down(unsigned reason);
uint64_t pfn_of(const void *va);
uint64_t mfn_of(const void *va);
uint64_t *table_at(const void *va, unsigned level);
uint64_t pte_of(const void *va);
long map_at(const void *va, uint64_t pte);
long update(uint64_t maddr, uint64_t value);
long ext(unsigned cmd, uint64_t mfn);

#endif
