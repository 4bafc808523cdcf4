/* SPDX-License-Identifier: MIT */
/*
 * The top-level tables that processors run on: a copy for each of the
 * guest's, in which the paravisor's slots are its own. So a guest that wrecks
 * its own top level cannot take the paravisor's mappings away. What a copy
 * consists of is pv64/root.c's and pv32/root.c's.
 *
 * Copies are kept, not made at each switch: a process's table is loaded far
 * more often than its top level changes, and a change goes through
 * shadow_entry(). There are more copies than vCPUs can have loaded, so one
 * that nobody uses is always there to be taken. All under mmu_lock.
 */
#include "shadow.h"

#include "asm.h"

#define BUCKETS 256
#define NOBODY  0xffff

struct shadow shadow_copies[COPIES];
static uint16_t buckets[BUCKETS];
static unsigned hand; /* where the search for a victim goes on */

void shadow_init(void)
{
	uint64_t *pages = boot_alloc(COPIES * COPY_PAGES);

	root_init();
	for (unsigned i = 0; i < BUCKETS; i++)
		buckets[i] = NOBODY;
	for (unsigned i = 0; i < COPIES; i++) {
		struct shadow *s = &shadow_copies[i];

		s->copy = pages + i * 512ul * COPY_PAGES;
		s->cr3 = va_frame(s->copy) << PAGE_SHIFT;
		s->mfn = s->low_mfn = PV_NONE;
		root_prepare(s);
	}
}

static uint16_t *bucket(uint64_t mfn)
{
	return &buckets[mfn % BUCKETS];
}

static struct shadow *find(uint64_t mfn)
{
	for (unsigned i = *bucket(mfn); i != NOBODY; i = shadow_copies[i].next)
		if (shadow_copies[i].mfn == mfn)
			return &shadow_copies[i];
	return NULL;
}

static void unlink_copy(struct shadow *s)
{
	uint16_t *at = bucket(s->mfn);

	while (*at != NOBODY && &shadow_copies[*at] != s)
		at = &shadow_copies[*at].next;
	if (*at != NOBODY)
		*at = s->next;
	s->mfn = s->low_mfn = PV_NONE;
}

static struct shadow *take(uint64_t mfn)
{
	for (unsigned n = 0; n < COPIES; n++) {
		struct shadow *s = &shadow_copies[hand++ % COPIES];

		if (s->users)
			continue;
		if (s->mfn != PV_NONE)
			unlink_copy(s);
		s->mfn = mfn;
		s->next = *bucket(mfn);
		*bucket(mfn) = (uint16_t)(s - shadow_copies);
		root_fill(s);
		return s;
	}
	panic("no copy of a top-level table is free");
}

static struct shadow *get(uint64_t mfn)
{
	struct shadow *s = find(mfn);

	if (!s)
		s = take(mfn);
	s->users++;
	return s;
}

void shadow_entry(uint64_t mfn, unsigned index, uint64_t entry)
{
	struct shadow *s = find(mfn);

	if (s)
		root_entry(s, index, entry);
}

/* It is no table any more, so no vCPU runs on it. */
void shadow_drop(uint64_t mfn)
{
	struct shadow *s = find(mfn);

	if (s)
		unlink_copy(s);
}

int root_get(uint64_t mfn, struct shadow **ret)
{
	int rc = table_get(mfn, ROOT_LEVEL);

	if (!rc)
		*ret = get(mfn);
	return rc;
}

void root_put(struct shadow *s)
{
	if (!s)
		return;
	s->users--;
	table_put(s->mfn, ROOT_LEVEL);
}

int set_kernel_root(struct vcpu *v, uint64_t mfn)
{
	struct shadow *old = v->kernel_root;
	int rc;

	lock(&mmu_lock);
	rc = root_get(mfn, &v->kernel_root);
	if (!rc) {
		v->kernel_mfn = mfn;
		v->kernel_cr3 = v->kernel_root->cr3;
		root_show_m2p(v->kernel_root, true);
		if (v->up && v == this_vcpu())
			write_cr3(v->kernel_cr3);
		root_put(old);
	}
	unlock(&mmu_lock);
	return rc;
}
