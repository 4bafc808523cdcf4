/* SPDX-License-Identifier: MIT */
/* The kernel of several starts: what its parts have of each other. */
#ifndef TEST_SUBARCH_STARTS_H
#define TEST_SUBARCH_STARTS_H

#include "instructions.h"

#include <asm/bootparam.h>

/* start.S calls these. */
void start_by_notes(const struct start_info *si) __attribute__((noreturn));
void start_on_xen(const struct boot_params *params) __attribute__((noreturn));
void start_on_a_pc(const struct boot_params *params) __attribute__((noreturn));
void start_on_lguest(const struct boot_params *params) __attribute__((noreturn));

extern uint32_t page_directory[1024], entry_cr0;
void load_tables(const void *gdtr, const void *idtr, uint32_t cs, uint32_t ds, uint32_t tr);
void plain_iret(void);
void tick_entry(void);
void lguest_tick_entry(void);

void holds(const char *what, bool does);
void tell_cmdline(const char *line);

/* What every start has to show, each by its own means. */
struct environment {
	unsigned ring;
	unsigned long cs, ds;
	unsigned long unmapped;               /* an address without a page */
	unsigned long (*fault_address)(void); /* of the last page fault */
	void (*wait_for_timer)(void);         /* sets one, and comes back when it has come */
};

void check_environment(const struct environment *env);
void check_setup_header(const struct boot_params *params, uint32_t subarch);

#endif
