/* SPDX-License-Identifier: MIT */
/*
 * What shadow.c, which keeps the copies of top-level tables, and root.c of
 * either class, which knows what a copy consists of, have of each other.
 */
#ifndef PARAVISOR_SHADOW_H
#define PARAVISOR_SHADOW_H

#include "paravisor.h"

#if ROOT_LEVEL == 4
#define COPIES     512
#define COPY_PAGES 1
#else
#define COPIES     160
#define COPY_PAGES 3
#endif

/* ---- shadow.c ---- */
extern struct shadow shadow_copies[COPIES];
int root_get(uint64_t mfn, struct shadow **ret); /* for a vCPU to run on: the copy, and the guest's table */
void root_put(struct shadow *s);

/* ---- pv64/root.c, or pv32/root.c ---- */
void root_init(void);
void root_prepare(struct shadow *s);                               /* once: what is the paravisor's in it */
void root_fill(struct shadow *s);                                  /* with what stands in the guest's table */
void root_entry(struct shadow *s, unsigned index, uint64_t entry); /* one of the guest's changed */

/*
 * The machine-to-physical table, which any ring 3 could read, is in the
 * kernel's address space, and in others if wanted. 32-bit guests have it in
 * all of theirs.
 */
static inline void root_show_m2p(struct shadow *s, bool there)
{
	if (ROOT_LEVEL == 4)
		s->copy[HV_FIRST] = there ? hv_root[HV_FIRST] : 0;
}

#endif
