/* SPDX-License-Identifier: MIT */
/*
 * What the decompressor's files share. It runs on whatever the machine's
 * loader left, at an address that nobody knew when it was built: no
 * relocations, no libc, no interrupts, and in a PV guest no privileged instruction.
 */
#ifndef GUEST_DECOMPRESSOR_H
#define GUEST_DECOMPRESSOR_H

#include <asm/bootparam.h>
#include <stdbool.h>

#include "abi.h"

/*
 * The page of the copy that is running. Hidden, or the compiler would ask a
 * global offset table for it, which the linker turns into an absolute address.
 */
extern struct pack_page pack_page __attribute__((visibility("hidden")));

/* Everything about this start, as the assembly hands it over. */
struct start {
	uint32_t kind; /* PACK_LINUX32 and so on */
	uintptr_t load, run;
	void *params; /* boot_params, hvm_start_info or (PACK_XEN_PV) start_info */
};

/* Where the kernel is entered, and with what in %esi or %rsi. */
struct leave {
	uintptr_t entry, params;
};

/* Begin anew, with a copy of the code in the window at `run`; head64.S, head32.S. */
_Noreturn void pack_restart(uint32_t kind, void *params, uintptr_t load, uintptr_t run);

/* memory.c */
void move_bytes(void *to, const void *from, size_t len);
void zero_bytes(void *to, size_t len);

/* paging.c: a map of the first 4 GiB, and of the GiB around anything else. A 32-bit image runs without paging. */
#ifdef __x86_64__
void map_begin(void);
void map_also(uint64_t gpa);
void map_use(void);
#else
static inline void map_begin(void)
{
}

static inline void map_also(uint64_t gpa)
{
	(void)gpa;
}

static inline void map_use(void)
{
}
#endif

/* pvh.c: boot_params out of PVH's hvm_start_info. */
struct boot_params *params_from_pvh(const void *start_info);

/* cmdline.c */
uint64_t cmdline_of(const struct boot_params *params);
bool cmdline_has(const struct boot_params *params, const char *word);
void cmdline_take_own(const struct start *start);                 /* before anything moves */
void cmdline_add_own(struct boot_params *params, uintptr_t base); /* base: where address 0 is seen */
bool cmdline_add_to_xen(void *start_info);                        /* false: no room */

/* place.c: a random place and a random virtual base, or what there was. */
uintptr_t place_choose(const struct boot_params *params, const struct start *start);
uint32_t place_virt_delta(struct boot_params *params, const struct start *start);

/* say.c: where a person can see it, if the machine has such a place. */
_Noreturn void stop(const struct start *start, const struct boot_params *params, const char *why);

#endif
