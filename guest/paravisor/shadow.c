/* SPDX-License-Identifier: MIT */
/*
 * The top-level tables that processors run on: a copy for each of the
 * guest's, in which slots 256 to 271 are the paravisor's. So a guest that
 * wrecks its own top level cannot take the paravisor's mappings away.
 *
 * Copies are kept, not made at each switch: a process's table is loaded far
 * more often than its top level changes, and a change goes through
 * shadow_entry(). There are more copies than vCPUs can have loaded, so one
 * that nobody uses is always there to be taken.
 */
#include "asm.h"
#include "paravisor.h"

#define COPIES  512
#define BUCKETS 256
#define NOBODY  0xffff

static struct shadow copies[COPIES];
static uint16_t buckets[BUCKETS];
static unsigned hand; /* where the search for a victim goes on */
static struct lock shadow_lock;

void shadow_init(void)
{
	uint64_t *pages = boot_alloc(COPIES);

	for (unsigned i = 0; i < BUCKETS; i++)
		buckets[i] = NOBODY;
	for (unsigned i = 0; i < COPIES; i++) {
		struct shadow *s = &copies[i];

		s->copy = pages + i * 512ul;
		s->cr3 = va_frame(s->copy) << PAGE_SHIFT;
		s->mfn = PV_NONE;
		memcpy(s->copy + HV_FIRST, hv_root + HV_FIRST, (HV_END - HV_FIRST) * 8);
	}
}

static uint16_t *bucket(uint64_t mfn)
{
	return &buckets[mfn % BUCKETS];
}

static struct shadow *find(uint64_t mfn)
{
	for (unsigned i = *bucket(mfn); i != NOBODY; i = copies[i].next)
		if (copies[i].mfn == mfn)
			return &copies[i];
	return NULL;
}

static void unlink_copy(struct shadow *s)
{
	uint16_t *at = bucket(s->mfn);

	while (*at != NOBODY && &copies[*at] != s)
		at = &copies[*at].next;
	if (*at != NOBODY)
		*at = s->next;
	s->mfn = PV_NONE;
}

static void fill(struct shadow *s)
{
	const uint64_t *from = frame_va(s->mfn);

	memcpy(s->copy, from, HV_FIRST * 8);
	memcpy(s->copy + HV_END, from + HV_END, (512 - HV_END) * 8);
}

static struct shadow *take(uint64_t mfn)
{
	for (unsigned n = 0; n < COPIES; n++) {
		struct shadow *s = &copies[hand++ % COPIES];

		if (s->users)
			continue;
		if (s->mfn != PV_NONE)
			unlink_copy(s);
		s->mfn = mfn;
		s->next = *bucket(mfn);
		*bucket(mfn) = (uint16_t)(s - copies);
		fill(s);
		return s;
	}
	panic("no copy of a top-level table is free");
}

struct shadow *shadow_get(uint64_t mfn)
{
	struct shadow *s;

	lock(&shadow_lock);
	s = find(mfn);
	if (!s)
		s = take(mfn);
	s->users++;
	unlock(&shadow_lock);
	return s;
}

void shadow_put(struct shadow *s)
{
	if (s)
		__atomic_fetch_sub(&s->users, 1, __ATOMIC_SEQ_CST);
}

void shadow_entry(uint64_t mfn, unsigned index, uint64_t entry)
{
	struct shadow *s;

	lock(&shadow_lock);
	s = find(mfn);
	if (s && (index < HV_FIRST || index >= HV_END))
		s->copy[index] = entry;
	unlock(&shadow_lock);
}

/* The table was admitted anew: what it held before does not count. */
void shadow_refresh(uint64_t mfn)
{
	struct shadow *s;

	lock(&shadow_lock);
	s = find(mfn);
	if (s)
		fill(s);
	unlock(&shadow_lock);
}

/* It is no table any more. A vCPU that runs on it keeps the copy until it loads another. */
void shadow_drop(uint64_t mfn)
{
	struct shadow *s;

	lock(&shadow_lock);
	s = find(mfn);
	if (s && !s->users)
		unlink_copy(s);
	unlock(&shadow_lock);
}

static int replace(uint64_t mfn, struct shadow **which, uint64_t *which_mfn, uint64_t *cr3)
{
	struct shadow *old = *which;
	int rc = table_admit(mfn, 4);

	if (rc)
		return rc;
	*which = shadow_get(mfn);
	*which_mfn = mfn;
	*cr3 = (*which)->cr3;
	shadow_put(old);
	return 0;
}

/* The machine-to-physical table, which any ring 3 could read, is in the kernel's address space, and in others if
 * wanted. */
static void set_m2p(struct shadow *s, bool there)
{
	s->copy[HV_FIRST] = there ? hv_root[HV_FIRST] : 0;
}

int set_kernel_root(struct vcpu *v, uint64_t mfn)
{
	int rc = replace(mfn, &v->kernel_root, &v->kernel_mfn, &v->kernel_cr3);

	if (!rc)
		set_m2p(v->kernel_root, true);
	if (!rc && v->up && v == this_vcpu())
		write_cr3(v->kernel_cr3);
	return rc;
}

int set_user_root(struct vcpu *v, uint64_t mfn)
{
	uint64_t cr3;
	int rc = 0;

	if (mfn)
		rc = replace(mfn, &v->user_root, &v->user_mfn, &cr3);
	else {
		shadow_put(v->user_root);
		v->user_root = NULL;
		v->user_mfn = 0;
	}
	if (!rc && mfn)
		set_m2p(v->user_root, !m2p_strict || v->user_root == v->kernel_root);
	short_ways(v);
	return rc;
}
