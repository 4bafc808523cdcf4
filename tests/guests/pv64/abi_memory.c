/* SPDX-License-Identifier: MIT */
/* memory_op and the page-table calls: what they do when all is well, and each errno. */
#include "abi.h"

#define UNMAPPED 0x10ul
#define NOBODY   77

static long memory(unsigned cmd, void *arg)
{
	return call(__HYPERVISOR_memory_op, cmd, (uint64_t)arg, 0, 0, 0);
}

/* ---- Questions ---- */

static void questions(void)
{
	domid_t self = DOMID_SELF, nobody = NOBODY;
	struct xen_machphys_mapping m2p;
	uint64_t frames[4] = { 0 };
	struct xen_machphys_mfn_list list = { .max_extents = 4, .extent_start = { frames } };
	struct {
		uint64_t at, len;
		uint32_t type;
	} __attribute__((packed)) e820[4];
	struct xen_memory_map map = { 4, { e820 } };
	struct xen_add_to_physmap add = { .domid = DOMID_SELF };

	check("memory_op: what it has", memory(XENMEM_current_reservation, &self), (long)start_info->nr_pages);
	check("memory_op: what it may have", memory(XENMEM_maximum_reservation, &self) >= (long)start_info->nr_pages,
	      1);
	check("memory_op: what nobody has", memory(XENMEM_current_reservation, &nobody), -XEN_ESRCH);
	check("memory_op: no argument", memory(XENMEM_current_reservation, (void *)UNMAPPED), -XEN_EFAULT);
	check("memory_op: the last frame", memory(XENMEM_maximum_ram_page, NULL) > 1000, 1);
	check("memory_op: the table", memory(XENMEM_machphys_mapping, &m2p), 0);
	check("memory_op: where it is", (long)m2p.v_start, (long)0xffff800000000000);
	check("memory_op: the table's frames", memory(XENMEM_machphys_mfn_list, &list), 0);
	check("memory_op: one at least", list.nr_extents >= 1 && frames[0], 1);
	check("memory_op: the map", memory(XENMEM_memory_map, &map), 0);
	check("memory_op: it begins with memory", map.nr_entries >= 1 && e820[0].at == 0 && e820[0].type == 1, 1);
	check("memory_op: the machine's is not for guests", memory(XENMEM_machine_memory_map, &map), -XEN_EPERM);
	check("memory_op: nothing is added to a PV guest's map", memory(XENMEM_add_to_physmap, &add), -XEN_EACCES);
	check("memory_op: unknown", memory(40, &self), -XEN_ENOSYS);
}

/* ---- Giving and taking ---- */

static struct xen_memory_reservation of_frames(uint64_t *list, unsigned nr)
{
	struct xen_memory_reservation r = { .extent_start = { list }, .nr_extents = nr, .domid = DOMID_SELF };

	return r;
}

static void balloon(void)
{
	uint64_t pte = pte_of(spare[2]), mfn = mfn_of(spare[2]), pfn = pfn_of(spare[2]);
	struct xen_memory_reservation r = of_frames(&mfn, 1), wide = of_frames(&mfn, 1);
	domid_t self = DOMID_SELF;

	check("balloon: unmap a page", map_at(spare[2], 0), 0);
	check("balloon: give it", memory(XENMEM_decrease_reservation, &r), 1);
	check("balloon: it is not to be given twice", memory(XENMEM_decrease_reservation, &r), 0);
	check("balloon: nor to be mapped", map_at(spare[2], pte) < 0, 1);
	check("balloon: one less", memory(XENMEM_current_reservation, &self), (long)start_info->nr_pages - 1);
	mfn = pfn;
	check("balloon: take one", memory(XENMEM_populate_physmap, &r), 1);
	wide.extent_order = 20;
	check("balloon: nothing that large", memory(XENMEM_populate_physmap, &wide), 0);
	p2m[pfn] = mfn;
	check("balloon: its number stands in the table", (long)((uint64_t *)0xffff800000000000)[mfn], (long)pfn);
	check("balloon: it can be mapped", map_at(spare[2], mfn << 12 | 7), 0);
}

static void exchange(void)
{
	uint64_t in = mfn_of(spare[2]), out = pfn_of(spare[2]);
	struct xen_memory_exchange x = { of_frames(&in, 1), of_frames(&out, 1), 0 };

	map_at(spare[2], 0);
	check("exchange: a page", memory(XENMEM_exchange, &x), 0);
	check("exchange: one was", (long)x.nr_exchanged, 1);
	p2m[pfn_of(spare[2])] = out;
	check("exchange: the new one can be mapped", map_at(spare[2], out << 12 | 7), 0);
	x.nr_exchanged = 2;
	check("exchange: more than there are", memory(XENMEM_exchange, &x), -XEN_EINVAL);
	x.nr_exchanged = 0;
	x.out.nr_extents = 2;
	check("exchange: for more", memory(XENMEM_exchange, &x), -XEN_EINVAL);
	x.out.extent_order = 30;
	check("exchange: a size that is not for guests", memory(XENMEM_exchange, &x), -XEN_EPERM);
}

/* ---- mmu_update ---- */

static long updates(struct mmu_update *list, uint64_t count, uint32_t *done, uint64_t domid)
{
	return call(__HYPERVISOR_mmu_update, (uint64_t)list, count, (uint64_t)done, domid, 0);
}

static void mmu_updates(void)
{
	uint64_t *l1 = table_at(spare[0], 1), at = mfn_of(l1) << 12 | ((uint64_t)spare[0] >> 12 & 511) << 3;
	uint64_t pte = pte_of(spare[0]), name = mfn_of(spare[1]) << 12;
	struct mmu_update two[2] = { { at, pte }, { at, 0xfee00007 } };
	uint32_t done = 99;

	check("mmu_update: the second fails", updates(two, 2, &done, DOMID_SELF) < 0, 1);
	check("mmu_update: one was done", done, 1);
	check("mmu_update: of nobody's", updates(two, 1, NULL, NOBODY), -XEN_ESRCH);
	check("mmu_update: none", updates(two, 0, &done, DOMID_SELF), 0);
	check("mmu_update: none was done", done, 0);
	check("mmu_update: a list nowhere", updates((void *)UNMAPPED, 1, NULL, DOMID_SELF), -XEN_EFAULT);
	two[0].ptr = at | MMU_PT_UPDATE_PRESERVE_AD;
	two[0].val = pte & ~0x60ul;
	*(volatile uint8_t *)spare[0] = 1;
	check("mmu_update: keeping accessed and dirty", updates(two, 1, NULL, DOMID_SELF), 0);
	check("mmu_update: they are", (long)(pte_of(spare[0]) & 0x60), 0x60);
	two[0].ptr = at | MMU_PT_UPDATE_NO_TRANSLATE;
	two[0].val = pte;
	check("mmu_update: without translation", updates(two, 1, NULL, DOMID_SELF), 0);
	two[0].ptr = name | MMU_MACHPHYS_UPDATE;
	two[0].val = 0x1234;
	check("mmu_update: a frame's number", updates(two, 1, NULL, DOMID_SELF), 0);
	check("mmu_update: it is that", (long)((uint64_t *)0xffff800000000000)[name >> 12], 0x1234);
	two[0].val = pfn_of(spare[1]);
	updates(two, 1, NULL, DOMID_SELF);
	two[0].ptr = 0x200000 | MMU_MACHPHYS_UPDATE;
	check("mmu_update: not of another's frame", updates(two, 1, NULL, DOMID_SELF), -XEN_EINVAL);
}

/* ---- update_va_mapping ---- */

static void mappings(void)
{
	uint64_t pte = pte_of(spare[0]), mask = 1;
	static const uint64_t flags[] = { UVMF_NONE, UVMF_TLB_FLUSH | UVMF_LOCAL, UVMF_TLB_FLUSH | UVMF_ALL,
					  UVMF_INVLPG | UVMF_LOCAL, UVMF_INVLPG | UVMF_ALL };

	for (unsigned i = 0; i < ARRAY(flags); i++)
		check("update_va_mapping: each way to flush",
		      call(__HYPERVISOR_update_va_mapping, (uint64_t)spare[0], pte, flags[i], 0, 0), 0);
	check("update_va_mapping: a mask of vCPUs",
	      call(__HYPERVISOR_update_va_mapping, (uint64_t)spare[0], pte, (uint64_t)&mask | UVMF_TLB_FLUSH, 0, 0), 0);
	check("update_va_mapping: no table there", map_at((void *)0x7f0000000000, pte), -XEN_EINVAL);
	check("update_va_mapping: nobody's",
	      call(__HYPERVISOR_update_va_mapping_otherdomain, (uint64_t)spare[0], pte, 0, NOBODY, 0), -XEN_ESRCH);
	check("update_va_mapping: as another domain, its own",
	      call(__HYPERVISOR_update_va_mapping_otherdomain, (uint64_t)spare[0], pte, 0, DOMID_SELF, 0), 0);
	check("update_va_mapping: write-combining is not for guests", map_at(spare[0], pte | 0x80), -XEN_EINVAL);
	check("update_va_mapping: back", map_at(spare[0], pte), 0);
}

/* ---- mmuext_op ---- */

static long extended(unsigned cmd, uint64_t arg1, uint64_t arg2)
{
	struct mmuext_op op = { .cmd = cmd, .arg1.linear_addr = arg1, .arg2.src_mfn = arg2 };

	return call(__HYPERVISOR_mmuext_op, (uint64_t)&op, 1, 0, DOMID_SELF, 0);
}

static void extended_ops(void)
{
	uint64_t mask = 1, root = mfn_of((void *)start_info->pt_base);
	struct mmuext_op three[3] = { { .cmd = MMUEXT_TLB_FLUSH_LOCAL },
				      { .cmd = 99 },
				      { .cmd = MMUEXT_TLB_FLUSH_LOCAL } };
	uint32_t done = 99;

	check("mmuext_op: load the kernel's tables", extended(MMUEXT_NEW_BASEPTR, root, 0), 0);
	check("mmuext_op: load a page that is none", extended(MMUEXT_NEW_BASEPTR, mfn_of(spare[0]), 0), -XEN_EINVAL);
	check("mmuext_op: a process's tables", extended(MMUEXT_NEW_USER_BASEPTR, root, 0), 0);
	check("mmuext_op: none for processes", extended(MMUEXT_NEW_USER_BASEPTR, 0, 0), 0);
	check("mmuext_op: flush", extended(MMUEXT_TLB_FLUSH_LOCAL, 0, 0), 0);
	check("mmuext_op: flush everywhere", extended(MMUEXT_TLB_FLUSH_ALL, 0, 0), 0);
	check("mmuext_op: flush some", extended(MMUEXT_TLB_FLUSH_MULTI, 0, (uint64_t)&mask), 0);
	check("mmuext_op: flush a page", extended(MMUEXT_INVLPG_LOCAL, (uint64_t)spare[0], 0), 0);
	check("mmuext_op: flush a page everywhere", extended(MMUEXT_INVLPG_ALL, (uint64_t)spare[0], 0), 0);
	check("mmuext_op: flush a page on some", extended(MMUEXT_INVLPG_MULTI, (uint64_t)spare[0], (uint64_t)&mask), 0);
	check("mmuext_op: flush some, but which", extended(MMUEXT_TLB_FLUSH_MULTI, 0, UNMAPPED), -XEN_EINVAL);
	check("mmuext_op: an address that is none", extended(MMUEXT_INVLPG_LOCAL, 0x8000000000000000, 0), 0);
	check("mmuext_op: the cache is not for guests", extended(MMUEXT_FLUSH_CACHE, 0, 0), -XEN_EACCES);
	spare[0][5] = 17;
	check("mmuext_op: copy a page", extended(MMUEXT_COPY_PAGE, mfn_of(spare[1]), mfn_of(spare[0])), 0);
	check("mmuext_op: it is copied", spare[1][5], 17);
	check("mmuext_op: clear a page", extended(MMUEXT_CLEAR_PAGE, mfn_of(spare[1]), 0), 0);
	check("mmuext_op: it is clear", spare[1][5], 0);
	check("mmuext_op: copy from what is not its own", extended(MMUEXT_COPY_PAGE, mfn_of(spare[1]), 0x200),
	      -XEN_EINVAL);
	check("mmuext_op: large pages of a tool's", extended(MMUEXT_MARK_SUPER, mfn_of(spare[1]), 0), -XEN_EOPNOTSUPP);
	check("mmuext_op: unpin what is not pinned", extended(MMUEXT_UNPIN_TABLE, mfn_of(spare[1]), 0), -XEN_EINVAL);
	check("mmuext_op: an LDT that begins inside a page", extended(MMUEXT_SET_LDT, (uint64_t)spare[1] + 8, 1),
	      -XEN_EINVAL);
	check("mmuext_op: an LDT of 8193 entries", extended(MMUEXT_SET_LDT, (uint64_t)spare[1], 8193), -XEN_EINVAL);
	check("mmuext_op: no LDT", extended(MMUEXT_SET_LDT, 0, 0), 0);
	check("mmuext_op: unknown", extended(14, 0, 0), -XEN_ENOSYS);
	check("mmuext_op: the second of three fails",
	      call(__HYPERVISOR_mmuext_op, (uint64_t)three, 3, (uint64_t)&done, DOMID_SELF, 0), -XEN_ENOSYS);
	check("mmuext_op: one was done", done, 1);
	check("mmuext_op: of nobody's", call(__HYPERVISOR_mmuext_op, (uint64_t)three, 1, 0, NOBODY, 0), -XEN_ESRCH);
}

/* ---- A top level that maps itself, as some kernels have it to see their tables ---- */

#define LINEAR_SLOT 200ul
#define LINEAR(va)  (LINEAR_SLOT << 39 | ((uint64_t)(va) >> 9 & 0x7ffffffff8))

/* In a slot that is free in the tables of this guest's. */
static void linear_table(unsigned level, const volatile uint64_t *seen, unsigned slot)
{
	static char line[] = "a table of level  ";
	uint64_t *table = table_at(spare[1], level), at = mfn_of(table) << 12 | slot << 3;

	line[17] = (char)('0' + level);
	check(line, update(at, mfn_of(table) << 12 | PTE_P | PTE_U), 0);
	check("may map itself read-only, and so shows an entry of a page", (long)*seen, (long)pte_of(spare[1]));
	check("it may not do so writable", update(at, mfn_of(table) << 12 | PTE_P | PTE_W | PTE_U), -XEN_EINVAL);
	check("it can be taken out again", update(at, 0), 0);
}

/* Where that slot shows the entry of an address: as many levels as it skips, the walk ends early. */
static const volatile uint64_t *shown(const void *va, unsigned level, unsigned slot)
{
	uint64_t a = (uint64_t)va, bits = 12 + 9 * (level - 1), top = a >> (bits + 9) << (bits + 9);

	return (void *)(top | (uint64_t)slot << bits | (a >> 9 & ((1ull << bits) - 8)));
}

static void linear_tables(void)
{
	linear_table(4, (void *)LINEAR(spare[1]), LINEAR_SLOT);
	linear_table(3, shown(spare[1], 3, 300), 300);
	linear_table(2, shown(spare[1], 2, 300), 300);
}

void check_memory(void)
{
	questions();
	balloon();
	exchange();
	mmu_updates();
	mappings();
	extended_ops();
	linear_tables();
}
