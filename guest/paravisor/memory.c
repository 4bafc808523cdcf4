/* SPDX-License-Identifier: MIT */
/*
 * memory_op: what memory the guest has, and its giving some back and taking
 * it again (the balloon), or trading it for other. Frames given back stay
 * marked free in the frame table; nobody else uses them.
 */
#define __XEN_TOOLS__ /* for the names of what a guest is refused */
#include "shape.h"

#include <xen/memory.h>

static uint64_t pages_now; /* what the guest has */
static uint64_t hand;      /* where the search for a free frame goes on */
static struct lock memory_lock;

struct e820 {
	uint64_t addr, size;
	uint32_t type;
} __attribute__((packed));

static long memory_map(uint64_t arg)
{
	struct xen_memory_map map;
	struct e820 ram = { 0, facts.nr_pages << PAGE_SHIFT, 1 };

	if (get_arg(&map, arg, SHAPE(xen_memory_map)))
		return -XEN_EFAULT;
	if (map.nr_entries < 1)
		return -XEN_EINVAL;
	map.nr_entries = 1;
	if (copy_to_guest((uint64_t)map.buffer.p, &ram, sizeof(ram)) || put_arg(arg, &map, SHAPE(xen_memory_map)))
		return -XEN_EFAULT;
	return 0;
}

static long machphys_mapping(uint64_t arg)
{
	struct xen_machphys_mapping m = { M2P_START, M2P_END, max_mfn - 1 };

	return put_arg(arg, &m, SHAPE(xen_machphys_mapping));
}

/* What still maps it writable goes on counting: nobody gets it until that has ended. */
static bool give_back(uint64_t mfn)
{
	struct frame *f = frame(mfn);
	bool ok;

	lock(&mmu_lock);
	ok = frame_is_guest(mfn) && !(f->word & FRAME_OWN) && !frame_level(mfn);
	if (ok)
		f->word ^= FRAME_GUEST | FRAME_FREE;
	unlock(&mmu_lock);
	if (ok) {
		m2p_table[mfn] = (guest_word)PV_NONE;
		pages_now--;
	}
	return ok;
}

/* ---- Extents: 2^order frames in a row, on a boundary of their size ---- */

#define MAX_ORDER 9 /* what Xen gives a domain without devices */

static bool run_is_free(uint64_t mfn, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		if (!(frame(mfn + i)->word & FRAME_FREE) || (frame(mfn + i)->word & FRAME_COUNT))
			return false;
	return true;
}

/* The guest's again. */
static void make_guests(uint64_t mfn, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		frame(mfn + i)->word = (frame(mfn + i)->word & ~FRAME_FREE) | FRAME_GUEST;
	pages_now += count;
}

/* With mmu_lock, because an entry that goes may be the last that counts on a frame. */
static bool take_run(uint64_t mfn, uint64_t count)
{
	bool ok;

	lock(&mmu_lock);
	ok = run_is_free(mfn, count);
	if (ok) {
		memset(frame_va(mfn), 0, count * PAGE);
		make_guests(mfn, count);
	}
	unlock(&mmu_lock);
	return ok;
}

/* The search goes round from where the last one ended. */
static uint64_t take_free(unsigned order)
{
	uint64_t count = 1ul << order, runs = max_mfn >> order;

	for (uint64_t n = 0; n < runs; n++) {
		uint64_t mfn = (hand >> order) % runs << order;

		hand = mfn + count;
		if ((frame(mfn)->word & FRAME_FREE) && take_run(mfn, count))
			return mfn;
	}
	return PV_NONE;
}

static bool give_extent(uint64_t mfn, unsigned order)
{
	for (uint64_t i = 0; i < 1ul << order; i++)
		if (!give_back(mfn + i))
			return false;
	return true;
}

static void name_extent(uint64_t mfn, uint64_t pfn, unsigned order)
{
	for (uint64_t i = 0; i < 1ul << order; i++)
		m2p_table[mfn + i] = (guest_word)(pfn + i);
}

/* One extent of a decrease or a populate; false ends the loop, as Xen does at the first that fails. */
static bool reserve_one(unsigned cmd, uint64_t list, uint64_t index, unsigned order)
{
	uint64_t frame_nr = 0, mfn;

	if (cmd != XENMEM_increase_reservation && get_word(&frame_nr, list, index))
		return false;
	if (cmd == XENMEM_decrease_reservation)
		return give_extent(frame_nr, order);
	if (pages_now + (1ul << order) > facts.nr_pages)
		return false;
	mfn = take_free(order);
	if (mfn == PV_NONE)
		return false;
	if (cmd == XENMEM_populate_physmap)
		name_extent(mfn, frame_nr, order);
	return !list || !put_word(list, index, mfn);
}

/* The count of what was done is the result; an error there is only for an argument that cannot be read. */
static long reservation(unsigned cmd, uint64_t arg)
{
	struct xen_memory_reservation res;
	uint64_t n = 0;

	if (get_arg(&res, arg, SHAPE(xen_memory_reservation)))
		return -XEN_EFAULT;
	if (res.extent_order > MAX_ORDER || !is_self(res.domid))
		return 0;
	lock(&memory_lock);
	while (n < res.nr_extents && n < max_mfn && reserve_one(cmd, (uint64_t)res.extent_start.p, n, res.extent_order))
		n++;
	unlock(&memory_lock);
	return (long)n;
}

/* ---- Exchange: a chunk of one size for as much in another ---- */

struct chunk {
	uint64_t from, to; /* lists of frames in the guest */
	unsigned ins, in_order;
	unsigned outs, out_order;
};

#define CHUNK_MAX (1u << MAX_ORDER)
static uint64_t chunk_mfns[CHUNK_MAX], chunk_pfns[CHUNK_MAX];

/* The frames given are taken back if there is nothing for them. */
static int take_chunk(const struct chunk *c)
{
	uint64_t pfn, mfn;

	for (unsigned i = 0; i < c->outs; i++) {
		if (get_word(&pfn, c->to, i))
			return -XEN_EFAULT;
		mfn = take_free(c->out_order);
		if (mfn == PV_NONE)
			return -XEN_ENOMEM;
		name_extent(mfn, pfn, c->out_order);
		if (put_word(c->to, i, mfn))
			return -XEN_EFAULT;
	}
	return 0;
}

static bool chunk_given(const struct chunk *c)
{
	for (unsigned i = 0; i < c->ins; i++)
		for (uint64_t n = 0; n < 1ul << c->in_order; n++)
			if (!frame_is_guest(chunk_mfns[i] + n) ||
			    (frame(chunk_mfns[i] + n)->word & (FRAME_OWN | FRAME_COUNT)))
				return false;
	return true;
}

static int trade_chunk(const struct chunk *c)
{
	int rc;

	for (unsigned i = 0; i < c->ins; i++)
		if (get_word(&chunk_mfns[i], c->from, i))
			return -XEN_EFAULT;
	if (!chunk_given(c))
		return -XEN_EINVAL;
	for (unsigned i = 0; i < c->ins; i++) {
		chunk_pfns[i] = m2p_table[chunk_mfns[i]];
		give_extent(chunk_mfns[i], c->in_order);
	}
	hand = chunk_mfns[0];
	rc = take_chunk(c);
	for (unsigned i = 0; rc == -XEN_ENOMEM && i < c->ins; i++) {
		lock(&mmu_lock);
		make_guests(chunk_mfns[i], 1ul << c->in_order);
		unlock(&mmu_lock);
		name_extent(chunk_mfns[i], chunk_pfns[i], c->in_order);
	}
	return rc;
}

static int trade_all(struct xen_memory_exchange *x)
{
	unsigned in = x->in.extent_order, out = x->out.extent_order, more = in < out ? out - in : 0;
	uint64_t chunks = x->in.nr_extents >> more;
	int rc = 0;

	for (uint64_t i = x->nr_exchanged >> more; i < chunks && !rc; i++) {
		struct chunk c = {
			.ins = 1u << more, .in_order = in, .outs = 1u << (in + more - out), .out_order = out
		};

		c.from = (uint64_t)x->in.extent_start.p + i * c.ins * sizeof(guest_word);
		c.to = (uint64_t)x->out.extent_start.p + i * c.outs * sizeof(guest_word);
		rc = trade_chunk(&c);
		if (!rc)
			x->nr_exchanged = (i + 1) << more;
	}
	return rc;
}

static long exchange(uint64_t arg)
{
	struct xen_memory_exchange x;
	int rc;

	if (get_arg(&x, arg, SHAPE(xen_memory_exchange)))
		return -XEN_EFAULT;
	if (x.nr_exchanged > x.in.nr_extents)
		return -XEN_EINVAL;
	if (x.in.extent_order > MAX_ORDER || x.out.extent_order > MAX_ORDER)
		return -XEN_EPERM;
	if (x.in.nr_extents > max_mfn || x.in.nr_extents << x.in.extent_order != x.out.nr_extents << x.out.extent_order)
		return -XEN_EINVAL;
	rc = domain_check(x.in.domid);
	if (rc)
		return rc;
	lock(&memory_lock);
	rc = trade_all(&x);
	unlock(&memory_lock);
	if (put_arg(arg, &x, SHAPE(xen_memory_exchange)))
		rc = -XEN_EFAULT;
	return rc;
}

/* ---- Questions ---- */

/* The frames that hold the machine-to-physical table, one number for each 2 MiB of it. */
static long machphys_mfn_list(uint64_t arg)
{
	struct xen_machphys_mfn_list list;
	uint64_t pages = (max_mfn * sizeof(*m2p_table) + PAGE - 1) / PAGE, n = 0;

	if (get_arg(&list, arg, SHAPE(xen_machphys_mfn_list)))
		return -XEN_EFAULT;
	for (; n < list.max_extents && n * 512 < pages; n++)
		if (put_word((uint64_t)list.extent_start.p, n, va_frame(m2p_table) + n * 512))
			return -XEN_EFAULT;
	list.nr_extents = (unsigned)n;
	return put_arg(arg, &list, SHAPE(xen_machphys_mfn_list));
}

/* What a domain has, may have, and where its frame numbers end; of itself only. */
static long of_domain(uint64_t arg, uint64_t value)
{
	domid_t domid;
	int rc;

	if (copy_from_guest(&domid, arg, sizeof(domid)))
		return -XEN_EFAULT;
	rc = domain_check(domid);
	return rc ? rc : (long)value;
}

/* Of a guest's physical map, which only translated domains have. */
static long translated_only(uint64_t arg)
{
	domid_t domid;
	int rc;

	if (copy_from_guest(&domid, arg, sizeof(domid)))
		return -XEN_EFAULT;
	rc = domain_check(domid);
	return rc ? rc : -XEN_EACCES;
}

long hc_memory_op(struct vcpu *v, uint64_t cmd, uint64_t arg, uint64_t c, uint64_t d, uint64_t e)
{
	(void)v, (void)c, (void)d, (void)e;
	if (!pages_now)
		pages_now = facts.nr_pages;
	switch (cmd & 0x3f) { /* above: where Xen would continue an interrupted call */
	case XENMEM_increase_reservation:
	case XENMEM_decrease_reservation:
	case XENMEM_populate_physmap:
		return reservation((unsigned)cmd & 0x3f, arg);
	case XENMEM_memory_map:
		return memory_map(arg);
	case XENMEM_machphys_mapping:
		return machphys_mapping(arg);
	case XENMEM_machphys_mfn_list:
		return machphys_mfn_list(arg);
	case XENMEM_exchange:
		return exchange(arg);
	case XENMEM_maximum_ram_page:
		return (long)max_mfn;
	case XENMEM_current_reservation:
		return of_domain(arg, pages_now);
	case XENMEM_maximum_reservation:
		return of_domain(arg, facts.nr_pages);
	case XENMEM_maximum_gpfn:
		return of_domain(arg, (shared_info->arch.max_pfn ?: 1) - 1);
	case XENMEM_add_to_physmap:
	case XENMEM_add_to_physmap_batch:
		return translated_only(arg);
	case XENMEM_machine_memory_map:
	case XENMEM_set_memory_map:
	case XENMEM_set_pod_target:
	case XENMEM_get_pod_target:
	case XENMEM_claim_pages:
	case XENMEM_reserved_device_memory_map:
		return -XEN_EPERM;
	case XENMEM_get_vnumainfo:
		return -XEN_EOPNOTSUPP;
	}
	return -XEN_ENOSYS;
}
