/* SPDX-License-Identifier: MIT */
/*
 * memory_op: what memory the guest has, and its giving some back and taking
 * it again (the balloon). Frames given back stay marked free in the frame
 * table; nobody else uses them.
 */
#include "paravisor.h"

#include <xen/memory.h>

#define FRAME_FREE 0x10

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

	if (copy_from_guest(&map, arg, sizeof(map)))
		return -XEN_EFAULT;
	if (map.nr_entries < 1)
		return -XEN_EINVAL;
	map.nr_entries = 1;
	if (copy_to_guest((uint64_t)map.buffer.p, &ram, sizeof(ram)) || copy_to_guest(arg, &map, sizeof(map)))
		return -XEN_EFAULT;
	return 0;
}

static long machphys_mapping(uint64_t arg)
{
	struct xen_machphys_mapping m = { MACH2PHYS_VIRT_START, MACH2PHYS_VIRT_END, max_mfn - 1 };

	return copy_to_guest(arg, &m, sizeof(m));
}

static bool give_back(uint64_t mfn)
{
	if (!frame_is_guest(mfn) || *frame(mfn) != FRAME_GUEST)
		return false;
	*frame(mfn) = FRAME_FREE;
	m2p_table[mfn] = PV_NONE;
	pages_now--;
	return true;
}

static uint64_t take_free(void)
{
	for (uint64_t n = 0; n < max_mfn; n++) {
		uint64_t mfn = hand++ % max_mfn;

		if (*frame(mfn) != FRAME_FREE)
			continue;
		memset(frame_va(mfn), 0, PAGE);
		*frame(mfn) = FRAME_GUEST;
		pages_now++;
		return mfn;
	}
	return PV_NONE;
}

/* One page of a decrease or a populate; false ends the loop, as Xen does at the first that fails. */
static bool reserve_one(unsigned cmd, uint64_t at)
{
	uint64_t frame_nr, mfn;

	if (cmd != XENMEM_increase_reservation && copy_from_guest(&frame_nr, at, sizeof(frame_nr)))
		return false;
	if (cmd == XENMEM_decrease_reservation)
		return give_back(frame_nr);
	mfn = take_free();
	if (mfn == PV_NONE)
		return false;
	if (cmd == XENMEM_populate_physmap)
		m2p_table[mfn] = frame_nr;
	return !at || !copy_to_guest(at, &mfn, sizeof(mfn));
}

static long reservation(unsigned cmd, uint64_t arg)
{
	struct xen_memory_reservation res;
	uint64_t n = 0;

	if (copy_from_guest(&res, arg, sizeof(res)))
		return -XEN_EFAULT;
	if (res.extent_order) /* frames come one by one here */
		return 0;
	lock(&memory_lock);
	while (n < res.nr_extents && n < max_mfn && reserve_one(cmd, (uint64_t)res.extent_start.p + n * 8))
		n++;
	unlock(&memory_lock);
	return (long)n;
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
	case XENMEM_maximum_ram_page:
		return (long)max_mfn;
	case XENMEM_current_reservation:
		return (long)pages_now;
	case XENMEM_maximum_reservation:
		return (long)facts.nr_pages;
	case XENMEM_maximum_gpfn:
		return (long)facts.nr_pages - 1;
	}
	return -XEN_ENOSYS;
}
