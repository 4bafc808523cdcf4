/* SPDX-License-Identifier: MIT */
/*
 * The guest's page tables. They are the tables the processor walks (all but
 * the top level, shadow.c), so every entry is looked at before it can go
 * live: the frame must be the guest's, and the user bit is added, because
 * the guest's kernel runs in ring 3.
 *
 * There are no type counts. A frame carries the level at which it was
 * admitted as a table ("live") and whether it is pinned. A table is admitted
 * when it is pinned, linked or loaded, with all below it; it stops being live
 * when the guest maps it writable, which Xen's rules let it do only after the
 * last use. A guest that breaks them wrecks its own tables.
 */
#include "asm.h"
#include "paravisor.h"

/* What no entry may carry; cache attributes belong to domains that have devices. */
#define L1_REFUSED (PTE_PWT | PTE_PCD | PTE_PS | PTE_G)
#define LX_REFUSED (PTE_PWT | PTE_PCD | PTE_PS | PTE_G)

#if ROOT_LEVEL == 4

static bool own_slot(uint64_t mfn, unsigned level, unsigned index)
{
	(void)mfn;
	return level == 4 && index >= HV_FIRST && index < HV_END;
}

static unsigned entries_of(unsigned level)
{
	(void)level;
	return 512;
}

static bool pae_root(unsigned level)
{
	(void)level;
	return false;
}

/* The guest's kernel runs in ring 3, so it needs the user bit wherever it may go. */
#define USER_BIT PTE_U

#else

static bool own_slot(uint64_t mfn, unsigned level, unsigned index)
{
	return level == 2 && (*frame(mfn) & FRAME_LAST) && index >= HV_FIRST_L2;
}

static bool pae_root(unsigned level)
{
	return level == 3;
}

static unsigned entries_of(unsigned level)
{
	return level == ROOT_LEVEL ? LAST_L3 + 1 : 512;
}

/* Its kernel is in ring 1, which to page tables is the supervisor: who may go where is the guest's own business. */
#define USER_BIT 0ull

#endif

int frame_writable(uint64_t mfn)
{
	uint8_t *f = frame(mfn);

	if (*f & FRAME_PINNED)
		return -XEN_EBUSY;
	if ((*f & FRAME_LEVEL) == ROOT_LEVEL)
		shadow_drop(mfn);
	*f &= (uint8_t) ~(FRAME_LEVEL | FRAME_LAST);
	return 0;
}

/* Check an entry of a table of that level, and make it fit for ring 3. */
static int entry_admit(unsigned level, unsigned index, uint64_t *entry)
{
	uint64_t e = *entry, mfn = pte_mfn(e);
	int rc = 0;

	if (!(e & PTE_P))
		return 0;
	if (unlikely(e & (level == 1 ? L1_REFUSED : LX_REFUSED)))
		return -XEN_EINVAL;
	if (unlikely(!frame_is_guest(mfn)))
		return mfn < max_mfn ? -XEN_EINVAL : -XEN_EPERM;
	if (level > 1)
		rc = table_admit(mfn, level - 1);
	if (ROOT_LEVEL == 3 && level == 3 && index == LAST_L3 && !rc)
		*frame(mfn) |= FRAME_LAST;
	if (level == 1 && (e & PTE_W) && (*frame(mfn) & FRAME_LEVEL))
		rc = frame_writable(mfn);
	*entry = e | USER_BIT;
	return rc;
}

int table_admit(uint64_t mfn, unsigned level)
{
	uint64_t *table = frame_va(mfn);
	uint8_t *f = frame(mfn);
	int rc = 0;

	if (!frame_is_guest(mfn) || (*f & FRAME_OWN) || level > ROOT_LEVEL)
		return -XEN_EINVAL;
	if ((*f & FRAME_LEVEL) == level)
		return 0;
	if (*f & FRAME_LEVEL)
		return -XEN_EINVAL;
	*f |= (uint8_t)level; /* first: a table that links to itself ends the recursion */
	for (unsigned i = 0; i < entries_of(level) && !rc; i++) {
		uint64_t e = table[i];

		if (!(e & PTE_P) || own_slot(mfn, level, i))
			continue;
		rc = entry_admit(level, i, &e);
		if (!rc && e != table[i])
			table[i] = e;
	}
	if (rc)
		*f &= (uint8_t)~FRAME_LEVEL;
	else if (level == ROOT_LEVEL)
		shadow_refresh(mfn);
	return rc;
}

/* What an entry of a frame that is no live table becomes is the guest's business. */
static int entry_check(uint64_t table_mfn, unsigned index, uint64_t *entry, unsigned *level)
{
	if (!frame_is_guest(table_mfn))
		return -XEN_EINVAL;
	*level = *frame(table_mfn) & FRAME_LEVEL;
	if (!*level)
		return 0;
	if (own_slot(table_mfn, *level, index))
		return -XEN_EINVAL;
	return entry_admit(*level, index, entry);
}

/* What the processor walks may be a copy. */
static void entry_written(uint64_t table_mfn, unsigned level, unsigned index, uint64_t entry)
{
	if (level == ROOT_LEVEL)
		shadow_entry(table_mfn, index, entry);
	if (ROOT_LEVEL == 3 && level == 2 && (*frame(table_mfn) & FRAME_LAST))
		shadow_last_l2_entry(table_mfn, index, entry);
}

int entry_write(uint64_t table_mfn, unsigned index, uint64_t entry, bool keep_ad)
{
	uint64_t *at = (uint64_t *)frame_va(table_mfn) + index, old;
	unsigned level;
	int rc = entry_check(table_mfn, index, &entry, &level);

	if (rc)
		return rc;
	old = *(volatile uint64_t *)at;
	if (keep_ad) {
		while (!__atomic_compare_exchange_n(at, &old, entry | (old & (PTE_A | PTE_D)), false, __ATOMIC_SEQ_CST,
						    __ATOMIC_SEQ_CST))
			;
	} else {
		*(volatile uint64_t *)at = entry;
	}
	entry_written(table_mfn, level, index, *at);
	return 0;
}

int entry_replace(uint64_t table_mfn, unsigned index, uint64_t old, uint64_t entry, bool *done)
{
	uint64_t *at = (uint64_t *)frame_va(table_mfn) + index;
	unsigned level;
	int rc = entry_check(table_mfn, index, &entry, &level);

	if (rc)
		return rc;
	*done = __atomic_compare_exchange_n(at, &old, entry, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	if (*done)
		entry_written(table_mfn, level, index, entry);
	return 0;
}

uint64_t *walk(uint64_t root_mfn, uint64_t va, unsigned level, uint64_t *ret_mfn)
{
	uint64_t mfn = root_mfn;

	if (is_paravisors(va))
		return NULL;
	for (unsigned l = ROOT_LEVEL;; l--) {
		uint64_t *at;

		if (!frame_is_guest(mfn))
			return NULL;
		at = (uint64_t *)frame_va(mfn) + ((va >> (12 + 9 * (l - 1))) & 511);
		if (l == level) {
			*ret_mfn = mfn;
			return at;
		}
		if (!(*at & PTE_P) || (*at & PTE_PS))
			return NULL;
		mfn = pte_mfn(*at);
	}
}

/*
 * The guest's kernel faulted on a present entry. Where an entry on the way
 * lacks the user bit (it was written while the table was not live yet), add
 * it; where nothing forbids the access, the TLB was stale. 0: try again.
 */
int repair_user_bits(struct vcpu *v, uint64_t va, uint32_t error)
{
	bool changed = false;
	uint64_t mfn;

	for (unsigned level = ROOT_LEVEL; level; level--) {
		uint64_t *e = walk(v->kernel_mfn, va, level, &mfn);
		uint64_t need = PTE_P | ((error & PF_WRITE) && !pae_root(level) ? PTE_W : 0);

		if (!e || (*e & need) != need || ((error & PF_FETCH) && (*e & PTE_NX)) || !frame_is_guest(pte_mfn(*e)))
			return 1;
		if ((*e & USER_BIT) == USER_BIT)
			continue;
		*e |= USER_BIT;
		changed = true;
		if (level == ROOT_LEVEL)
			shadow_entry(mfn, (va >> 39) & 511, *e);
	}
	invlpg(va);
	if (changed || v->repaired_va != va || v->repaired_rip != guest_regs(v)->rip) {
		v->repaired_va = va;
		v->repaired_rip = guest_regs(v)->rip;
		return 0;
	}
	v->repaired_va = 0;
	return 1;
}
