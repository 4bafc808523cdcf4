/* SPDX-License-Identifier: MIT */
/*
 * The copy of a 32-bit guest's root (pv64/root.c has the 64-bit one's), which
 * is a PAE level 3 of four entries; the processor, in long mode, wants four
 * levels. So a copy is three pages: a level 4 with the paravisor's slots and
 * the guest's root at 0, that root, and the level 2 of the guest's last GiB,
 * in which the machine-to-physical table stands from M2P32_VA on. All other
 * tables are the guest's own. A 32-bit guest cannot address anything above, so
 * none of the paravisor's memory is in its reach.
 */
#include "../shadow.h"

#define LINK (PTE_P | PTE_W | PTE_U | PTE_A)

enum { L4, L3, L2, PAGES };
_Static_assert(PAGES == COPY_PAGES, "pages of a copy");

/* What the guest sees from M2P32_VA on; the same in every copy. */
static uint64_t m2p_entries[512 - HV_FIRST_L2];

static uint64_t *page_of(const struct shadow *s, unsigned which)
{
	return s->copy + 512ul * which;
}

/* The machine-to-physical table's own level 1. */
void root_init(void)
{
	uint64_t bytes = (max_mfn * sizeof(guest_word) + PAGE - 1) & -PAGE, first = va_frame(m2p_table);

	for (uint64_t at = 0; at < bytes && at >> 21 < ARRAY(m2p_entries); at += PAGE) {
		uint64_t *entry = &m2p_entries[at >> 21];

		if (!*entry)
			*entry = va_frame(boot_alloc(1)) << PAGE_SHIFT | LINK;
		((uint64_t *)frame_va(pte_mfn(*entry)))[at >> PAGE_SHIFT & 511] =
			(first + (at >> PAGE_SHIFT)) << PAGE_SHIFT | PTE_P | PTE_A | PTE_NX;
	}
}

void root_prepare(struct shadow *s)
{
	memcpy(page_of(s, L4) + HV_FIRST, hv_root + HV_FIRST, (HV_END - HV_FIRST) * 8);
	page_of(s, L4)[0] = va_frame(page_of(s, L3)) << PAGE_SHIFT | LINK;
	memcpy(page_of(s, L2) + HV_FIRST_L2, m2p_entries, sizeof(m2p_entries));
}

/* Of a PAE level 3 only the frame counts. The last one leads to the copied level 2. */
static void put_root_entry(struct shadow *s, unsigned index, uint64_t entry)
{
	uint64_t mfn = entry & PTE_P ? pte_mfn(entry) : PV_NONE;

	if (index == LAST_L3) {
		s->low_mfn = mfn;
		if (mfn == PV_NONE)
			memset(page_of(s, L2), 0, HV_FIRST_L2 * 8);
		else
			memcpy(page_of(s, L2), frame_va(mfn), HV_FIRST_L2 * 8);
		mfn = va_frame(page_of(s, L2));
	}
	page_of(s, L3)[index] = mfn == PV_NONE ? 0 : mfn << PAGE_SHIFT | LINK;
}

void root_fill(struct shadow *s)
{
	const uint64_t *from = frame_va(s->mfn);

	for (unsigned i = 0; i <= LAST_L3; i++)
		put_root_entry(s, i, from[i]);
}

void root_entry(struct shadow *s, unsigned index, uint64_t entry)
{
	if (index <= LAST_L3)
		put_root_entry(s, index, entry);
}

/* An entry of a level 2 that some root has for its last GiB. Such writes are rare, so every copy is looked at. */
void shadow_last_l2_entry(uint64_t mfn, unsigned index, uint64_t entry)
{
	if (index >= HV_FIRST_L2)
		return;
	for (unsigned i = 0; i < COPIES; i++)
		if (shadow_copies[i].low_mfn == mfn)
			page_of(&shadow_copies[i], L2)[index] = entry;
}

/* Kernel and processes share their tables. */
int set_user_root(struct vcpu *v, uint64_t mfn)
{
	(void)v, (void)mfn;
	return -XEN_EOPNOTSUPP;
}
