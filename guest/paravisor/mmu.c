/* SPDX-License-Identifier: MIT */
/*
 * The guest's page tables. They are the tables the processor walks (all but
 * what shadow.c copies), so the guest must never be able to write one itself,
 * and every entry is looked at before it can go live: the frame must be the
 * guest's, and a 64-bit guest's entries get the user bit, because its kernel
 * runs in ring 3.
 *
 * As with Xen, each frame is one thing at a time, and counts who needs it to
 * be that: a table of one level (entries that lead to it, vCPUs that run on
 * it, its pin), or writable (entries that map it so, and the paravisor where
 * it keeps writing to it). It can become another when nobody counts on it. A
 * table is checked when its count leaves zero, with all below it, and lets go
 * of all below it when the count comes back to zero.
 *
 * A processor remembers translations beyond their end. So each frame also
 * keeps the time of its last one, and before it becomes another thing, every
 * vCPU flushes its TLB that has not done so since.
 *
 * All of this changes under one lock. Whoever waits for it answers flushes
 * (smp.c), so it may be held while others are made to flush.
 */
#include "asm.h"
#include "paravisor.h"

struct lock mmu_lock;

/* ---- Entries ---- */

/* What no entry may carry; cache attributes belong to domains that have devices. */
#define REFUSED (PTE_PWT | PTE_PCD | PTE_PS | PTE_G)

#if ROOT_LEVEL == 4

/* Slots of a table that are no entries: the processor never looks at the guest's. */
static bool hidden_slot(unsigned level, unsigned index)
{
	return level == 4 && index >= HV_FIRST && index < HV_END;
}

/* Slots that the guest may not write. */
static bool own_slot(const struct frame *f, unsigned level, unsigned index)
{
	(void)f;
	return hidden_slot(level, index);
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

static bool hidden_slot(unsigned level, unsigned index)
{
	(void)level, (void)index;
	return false;
}

static bool own_slot(const struct frame *f, unsigned level, unsigned index)
{
	return level == 2 && (f->word & FRAME_LAST) && index >= HV_FIRST_L2;
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

/* ---- What a frame is ---- */

static bool in_use(const struct frame *f)
{
	return f->word & FRAME_COUNT;
}

static int table_check(uint64_t mfn, unsigned level);
static void table_let_go(uint64_t mfn, unsigned level, unsigned entries);

/* Nobody counts on what it was; but a TLB may still know it as that. */
static void become(struct frame *f, unsigned type)
{
	if (FRAME_TYPE(f->word) != TYPE_NONE)
		flush_since(f->left);
	f->word = (f->word & ~(FRAME_TYPES | FRAME_LAST)) | type << FRAME_TYPE_SHIFT;
}

/* One more use of a frame as what it is in use as. False: that it is not, or the count is full. */
static inline bool use_again(struct frame *f, unsigned type)
{
	uint32_t word = f->word + 1, least = type == TYPE_WRITABLE ? 1 : 2;

	if (unlikely(FRAME_TYPE(word) != type || (word & FRAME_COUNT) < least))
		return false;
	f->word = word;
	return true;
}

/* One use less; how many are left. A pin alone leads no processor there. */
static inline uint32_t use_less(struct frame *f)
{
	uint32_t left = --f->word & FRAME_COUNT;

	if (left == !!(f->word & FRAME_PINNED))
		f->left = flush_time;
	return left;
}

static int type_get(uint64_t mfn, unsigned type)
{
	struct frame *f = frame(mfn);
	int rc = 0;

	if (likely(use_again(f, type)))
		return 0;
	if (unlikely(FRAME_TYPE(f->word) != type)) {
		if (in_use(f))
			return -XEN_EBUSY;
		become(f, type);
	}
	if (unlikely((f->word & FRAME_COUNT) == FRAME_COUNT))
		return -XEN_EBUSY;
	f->word++;
	if (type == TYPE_WRITABLE)
		return 0;
	rc = table_check(mfn, type); /* counted already: what it maps must not be itself */
	f->word -= !!rc;
	return rc;
}

static void type_put(uint64_t mfn, unsigned type)
{
	if (!use_less(frame(mfn)) && type != TYPE_WRITABLE)
		table_let_go(mfn, type, entries_of(type));
}

static int writable_get(uint64_t mfn)
{
	return frame_is_guest(mfn) ? type_get(mfn, TYPE_WRITABLE) : -XEN_EINVAL;
}

static void writable_put(uint64_t mfn)
{
	type_put(mfn, TYPE_WRITABLE);
}

int table_get(uint64_t mfn, unsigned level)
{
	if (!frame_is_guest(mfn) || (frame(mfn)->word & FRAME_OWN) || level > ROOT_LEVEL)
		return -XEN_EINVAL;
	return type_get(mfn, level) ? -XEN_EINVAL : 0;
}

void table_put(uint64_t mfn, unsigned level)
{
	type_put(mfn, level);
}

/* A pin is one more use, which the guest ends. */
int table_pin(uint64_t mfn, unsigned level)
{
	int rc = frame_is_guest(mfn) && (frame(mfn)->word & FRAME_PINNED) ? -XEN_EINVAL : table_get(mfn, level);

	if (!rc)
		frame(mfn)->word |= FRAME_PINNED;
	return rc;
}

int table_unpin(uint64_t mfn)
{
	struct frame *f = frame(mfn);

	if (!frame_is_guest(mfn) || !(f->word & FRAME_PINNED))
		return -XEN_EINVAL;
	f->word &= ~FRAME_PINNED;
	if (!(--f->word & FRAME_COUNT))
		table_let_go(mfn, FRAME_TYPE(f->word), entries_of(FRAME_TYPE(f->word)));
	return 0;
}

/* The paravisor writes there from now on, so it must not become a table; false: it is one, or not the guest's to give.
 */
bool frame_hold(uint64_t mfn)
{
	bool ok;

	lock(&mmu_lock);
	ok = frame_is_guest(mfn) && !(frame(mfn)->word & FRAME_OWN) && !writable_get(mfn);
	unlock(&mmu_lock);
	return ok;
}

void frame_release(uint64_t mfn)
{
	lock(&mmu_lock);
	writable_put(mfn);
	unlock(&mmu_lock);
}

/* Write to a frame of the guest's, zeros for NULL: nothing that the processor may walk. */
bool guest_frame_fill(uint64_t mfn, unsigned offset, const void *from, size_t len)
{
	void *to = (uint8_t *)frame_va(mfn) + offset;

	if (!frame_hold(mfn))
		return false;
	if (from)
		memmove(to, from, len);
	else
		memset(to, 0, len);
	frame_release(mfn);
	return true;
}

/* ---- What an entry counts on ---- */

/* Memory that has another owner: the paravisor, or for now nobody. All else that is not the guest's is devices. */
static bool is_others_ram(uint64_t mfn)
{
	return mfn - (facts.own_gpa >> PAGE_SHIFT) < facts.own_len >> PAGE_SHIFT || (mfn < max_mfn && frame(mfn)->word);
}

/*
 * A table that is its own level below, read-only: so a guest sees its page
 * tables as an array. It counts nothing. Not so a PAE root, of which only four
 * entries are looked at.
 */
static bool is_linear(uint64_t table_mfn, unsigned level, uint64_t e)
{
	return level > 1 && !pae_root(level) && pte_mfn(e) == table_mfn && !(e & PTE_W);
}

/* Check an entry that is to be in a table of that level, count it, and make it fit for the guest's ring. */
static int entry_admit(uint64_t table_mfn, unsigned level, unsigned index, uint64_t *entry)
{
	uint64_t e = *entry, mfn = pte_mfn(e);
	int rc = 0;

	if (!(e & PTE_P))
		return 0;
	if (unlikely(e & REFUSED))
		return -XEN_EINVAL;
	if (unlikely(!frame_is_guest(mfn)))
		return level > 1 ? -XEN_EINVAL : is_others_ram(mfn) ? -XEN_EBUSY : -XEN_EPERM;
	if (unlikely(is_linear(table_mfn, level, e)))
		rc = 0;
	else if (level > 1)
		rc = table_get(mfn, level - 1);
	else if (e & PTE_W)
		rc = type_get(mfn, TYPE_WRITABLE);
	if (ROOT_LEVEL == 3 && level == 3 && index == LAST_L3 && !rc)
		frame(mfn)->word |= FRAME_LAST;
	*entry = e | USER_BIT;
	return rc;
}

/* Of level 1: memory counts who may write it, and nothing else. */
static inline void page_let_go(uint64_t entry)
{
	if ((entry & (PTE_P | PTE_W)) == (PTE_P | PTE_W))
		use_less(frame(pte_mfn(entry)));
}

static void entry_let_go(uint64_t table_mfn, unsigned level, uint64_t entry)
{
	if (level == 1)
		page_let_go(entry);
	else if ((entry & PTE_P) && !is_linear(table_mfn, level, entry))
		table_put(pte_mfn(entry), level - 1);
}

/* The next slot from i on that holds an entry, or n. Tables are all but empty: eight slots at once. */
static unsigned next_entry(const uint64_t *t, unsigned level, unsigned i, unsigned n)
{
	while (i < n) {
		if (!(i % 8) && n - i >= 8 &&
		    !(t[i] | t[i + 1] | t[i + 2] | t[i + 3] | t[i + 4] | t[i + 5] | t[i + 6] | t[i + 7])) {
			i += 8;
			continue;
		}
		if ((t[i] & PTE_P) && !hidden_slot(level, i))
			break;
		i++;
	}
	return i;
}

/* The guest cannot write the table any more, and no vCPU walks it yet. */
static int table_check(uint64_t mfn, unsigned level)
{
	unsigned n = entries_of(level);
	uint64_t *table = frame_va(mfn);

	/* Through a table that is its own level below, the processor would look at these too. */
	for (unsigned i = HV_FIRST; ROOT_LEVEL == 4 && level == 4 && i < HV_END; i++)
		table[i] = 0;
	for (unsigned i = next_entry(table, level, 0, n); i < n; i = next_entry(table, level, i + 1, n)) {
		uint64_t e = table[i];
		int rc = entry_admit(mfn, level, i, &e);

		if (rc) {
			table_let_go(mfn, level, i);
			return rc;
		}
		if (e != table[i])
			table[i] = e;
	}
	return 0;
}

static void table_let_go(uint64_t mfn, unsigned level, unsigned entries)
{
	const uint64_t *table = frame_va(mfn);

	if (level == ROOT_LEVEL)
		shadow_drop(mfn);
	for (unsigned i = next_entry(table, level, 0, entries); i < entries;
	     i = next_entry(table, level, i + 1, entries))
		entry_let_go(mfn, level, table[i]);
}

/* ---- Changing an entry ---- */

/* What the processor walks may be a copy. */
static void entry_written(uint64_t table_mfn, unsigned level, unsigned index, uint64_t entry)
{
	if (level == ROOT_LEVEL)
		shadow_entry(table_mfn, index, entry);
	if (ROOT_LEVEL == 3 && level == 2 && (frame(table_mfn)->word & FRAME_LAST))
		shadow_last_l2_entry(table_mfn, index, entry);
}

/* The processor may set the accessed and dirty bits at any time. False: *old is not what stands there, but now is. */
static inline bool entry_store(uint64_t *at, uint64_t entry, enum entry_how how, uint64_t *old)
{
	switch (how) {
	case ENTRY_IF_OLD:
		return __atomic_compare_exchange_n(at, old, entry, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
	case ENTRY_KEEP_AD:
		*old = *(volatile uint64_t *)at;
		while (!__atomic_compare_exchange_n(at, old, entry | (*old & (PTE_A | PTE_D)), false, __ATOMIC_SEQ_CST,
						    __ATOMIC_SEQ_CST))
			;
		return true;
	default:
		*old = __atomic_exchange_n(at, entry, __ATOMIC_SEQ_CST);
		return true;
	}
}

static int live_entry_set(uint64_t mfn, unsigned level, unsigned index, uint64_t entry, enum entry_how how,
			  uint64_t *old)
{
	uint64_t *at = (uint64_t *)frame_va(mfn) + index;
	int rc;

	if (unlikely(own_slot(frame(mfn), level, index)))
		return -XEN_EINVAL;
	rc = entry_admit(mfn, level, index, &entry);
	if (unlikely(rc))
		return rc;
	if (unlikely(!entry_store(at, entry, how, old))) {
		entry_let_go(mfn, level, entry);
		return -XEN_EAGAIN;
	}
	if (unlikely(level > 1))
		entry_written(mfn, level, index, *at);
	if (*old & PTE_P)
		entry_let_go(mfn, level, *old);
	return 0;
}

/* What an entry of a frame that is no live table becomes is the guest's business; but live it must not become
 * meanwhile. */
static int dead_entry_set(uint64_t mfn, unsigned index, uint64_t entry, enum entry_how how, uint64_t *old)
{
	int rc = writable_get(mfn);

	if (rc)
		return rc;
	rc = entry_store((uint64_t *)frame_va(mfn) + index, entry, how, old) ? 0 : -XEN_EAGAIN;
	writable_put(mfn);
	return rc;
}

#define NOT_PLAIN 1

/*
 * What nearly all changes are, without a call: an entry of a live level 1,
 * which maps nothing, or memory that has to become nothing else for it.
 * NOT_PLAIN: it is none of that, and nothing was done.
 */
static inline int plain_entry_set(uint64_t *at, uint64_t entry, enum entry_how how, uint64_t *old)
{
	if (entry & PTE_P) {
		uint64_t mfn = pte_mfn(entry);

		if ((entry & REFUSED) || !frame_is_guest(mfn) ||
		    ((entry & PTE_W) && !use_again(frame(mfn), TYPE_WRITABLE)))
			return NOT_PLAIN;
		entry |= USER_BIT;
	}
	if (unlikely(!entry_store(at, entry, how, old))) {
		page_let_go(entry);
		return -XEN_EAGAIN;
	}
	page_let_go(*old);
	return 0;
}

static __attribute__((noinline)) int any_entry_set(uint64_t table_mfn, unsigned index, uint64_t entry,
						   enum entry_how how, uint64_t *old)
{
	unsigned level = frame_level(table_mfn);
	int rc = level ? live_entry_set(table_mfn, level, index, entry, how, old)
		       : dead_entry_set(table_mfn, index, entry, how, old);

	if (rc && rc != -XEN_EAGAIN)
		trace(this_vcpu(), 'u', table_mfn << PAGE_SHIFT | index * 8, entry);
	return rc;
}

int entry_set(uint64_t table_mfn, unsigned index, uint64_t entry, enum entry_how how, uint64_t *old)
{
	int rc = NOT_PLAIN;

	if (unlikely(!frame_is_guest(table_mfn)))
		return -XEN_EINVAL;
	lock(&mmu_lock);
	if (likely(frame_level(table_mfn) == 1))
		rc = plain_entry_set((uint64_t *)frame_va(table_mfn) + index, entry, how, old);
	if (unlikely(rc == NOT_PLAIN))
		rc = any_entry_set(table_mfn, index, entry, how, old);
	unlock(&mmu_lock);
	return rc;
}

/* ---- Reading tables ---- */

/* The entry for va in the table of that level. Others may change the tables meanwhile: it is a hint, never a proof. */
uint64_t *walk(uint64_t root_mfn, uint64_t va, unsigned level, uint64_t *ret_mfn)
{
	unsigned shift = PAGE_SHIFT + 9 * (ROOT_LEVEL - 1), last = PAGE_SHIFT + 9 * (level - 1);
	uint64_t mfn = root_mfn;

	if (is_paravisors(va))
		return NULL;
	for (;; shift -= 9) {
		uint64_t *at, e;

		if (!frame_is_guest(mfn))
			return NULL;
		at = (uint64_t *)frame_va(mfn) + (va >> shift & 511);
		if (shift == last) {
			*ret_mfn = mfn;
			return at;
		}
		e = *(volatile uint64_t *)at;
		if ((e & (PTE_P | PTE_PS)) != PTE_P)
			return NULL;
		mfn = pte_mfn(e);
	}
}

/*
 * The guest's kernel faulted, and no entry forbids what it did: its TLB was
 * stale, or another vCPU was faster. True: let it try again, once.
 */
bool fault_is_stale(struct vcpu *v, uint64_t va, uint32_t error)
{
	uint64_t mfn;

	for (unsigned level = ROOT_LEVEL; level; level--) {
		const volatile uint64_t *at = walk(v->kernel_mfn, va, level, &mfn);
		uint64_t need = PTE_P | USER_BIT | ((error & PF_WRITE) && !pae_root(level) ? PTE_W : 0);
		uint64_t e = at ? *at : 0;

		if ((e & need) != need || ((error & PF_FETCH) && (e & PTE_NX)))
			return false;
	}
	invlpg(va);
	if (v->repaired_va == va && v->repaired_rip == guest_regs(v)->rip) {
		v->repaired_va = 0;
		return false;
	}
	v->repaired_va = va;
	v->repaired_rip = guest_regs(v)->rip;
	return true;
}
