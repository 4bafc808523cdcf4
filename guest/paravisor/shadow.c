/* SPDX-License-Identifier: MIT */
/*
 * The top-level tables that processors run on: a copy for each of the
 * guest's, in which slots 256 to 271 are the paravisor's. So a guest that
 * wrecks its own top level cannot take the paravisor's mappings away.
 *
 * Copies are kept, not made at each switch: a process's table is loaded far
 * more often than its top level changes, and a change goes through
 * shadow_entry(). There are more copies than vCPUs can have loaded, so one
 * that nobody uses is always there to be taken. All under mmu_lock.
 */
#include "asm.h"
#include "paravisor.h"

#define COPIES  512
#define BUCKETS 256
#define NOBODY  0xffff

static struct shadow copies[COPIES];
static uint16_t buckets[BUCKETS];
static unsigned hand; /* where the search for a victim goes on */

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

	if (s && (index < HV_FIRST || index >= HV_END))
		s->copy[index] = entry;
}

/* It is no table any more, so no vCPU runs on it. */
void shadow_drop(uint64_t mfn)
{
	struct shadow *s = find(mfn);

	if (s)
		unlink_copy(s);
}

/* A root that a vCPU runs on: the copy, and the guest's table that it is made of. */
static int root_get(uint64_t mfn, struct shadow **ret)
{
	int rc = table_get(mfn, ROOT_LEVEL);

	if (!rc)
		*ret = get(mfn);
	return rc;
}

static void root_put(struct shadow *s)
{
	if (!s)
		return;
	s->users--;
	table_put(s->mfn, ROOT_LEVEL);
}

/* The machine-to-physical table, which any ring 3 could read, is in the kernel's address space, and in others if
 * wanted. */
static void set_m2p(struct shadow *s, bool there)
{
	s->copy[HV_FIRST] = there ? hv_root[HV_FIRST] : 0;
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
		set_m2p(v->kernel_root, true);
		if (v->up && v == this_vcpu())
			write_cr3(v->kernel_cr3);
		root_put(old);
	}
	unlock(&mmu_lock);
	return rc;
}

int set_user_root(struct vcpu *v, uint64_t mfn)
{
	struct shadow *root = NULL;
	int rc;

	lock(&mmu_lock);
	rc = mfn ? root_get(mfn, &root) : 0;
	if (!rc) {
		root_put(v->user_root);
		v->user_root = root;
		v->user_mfn = mfn;
		if (root)
			set_m2p(root, !m2p_strict || root == v->kernel_root);
	}
	unlock(&mmu_lock);
	short_ways(v);
	return rc;
}
