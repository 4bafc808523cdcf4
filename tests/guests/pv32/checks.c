/* SPDX-License-Identifier: MIT */
/*
 * A 32-bit PV guest that checks what it finds: the state it was entered with,
 * its tables, each hypercall it uses, traps, ring 3, events and time, and that
 * nothing it may not have can be had. Each thing is one line of TAP on the
 * console. It is written against the public headers as a 32-bit program sees
 * them, so the shapes of all structures are the compiler's, not the
 * paravisor's.
 */
#include "instructions.h"

#include <xen/callback.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/physdev.h>

static uint8_t page[4096] __attribute__((aligned(4096)));
static uint8_t other[4096] __attribute__((aligned(4096)));
static struct shared_info *shared = (struct shared_info *)page;
static struct vcpu_info *own_info = ((struct shared_info *)page)->vcpu_info; /* the first vCPU's */

static uint64_t entry_of(const void *va, uint64_t flags)
{
	return mfn_of(va) << 12 | flags;
}

/* ---- The entry ---- */

static void entry(void)
{
	uint32_t cr0;

	check("privilege level 1", entry_state.cs & 3, 1);
	check("the flat code segment", entry_state.cs, FLAT_KERNEL_CS);
	check("the flat stack segment", entry_state.ss, FLAT_KERNEL_SS);
	check("the flat data segments", entry_state.ds == FLAT_KERNEL_DS && entry_state.es == FLAT_KERNEL_DS, 1);
	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	check("paging is on", cr0 >> 31, 1);
	check("%esi is start_info", same(start_info->magic, "xen-3.0-x86_32p"), 1);
	check("frames there are", start_info->nr_pages > 1024, 1);
	check("the first vCPU's events are masked", event_flag[1], 1);
	check("a stack", entry_state.esp > VIRT_BASE && entry_state.esp % 4 == 0, 1);
}

static void mapping(void)
{
	uint64_t *root = (uint64_t *)start_info->pt_base;

	check("the root leads to this page", table_at(page, 1) != NULL, 1);
	check("by its frame in the list", pte_of(other) >> 12 == mfn_of(other), 1);
	check("the root's last entry is there", (long)(root[3] & PTE_P), 1);
	check("page tables are read-only", (long)(pte_of(root) & PTE_W), 0);
	check("the machine-to-physical table says whose a frame is", ((uint32_t *)M2P)[mfn_of(page)] == pfn_of(page),
	      1);
	check("a frame not the guest's is nobody's", ((uint32_t *)M2P)[0] == UINT32_MAX, 1);
}

/* ---- Plain calls ---- */

static void versions(void)
{
	xen_capabilities_info_t capabilities;
	struct xen_platform_parameters params;
	struct xen_feature_info features = { 0, 0 };

	check("Xen's major version", call(__HYPERVISOR_xen_version, XENVER_version, 0, 0, 0, 0) >> 16, 4);
	check("capabilities", call(__HYPERVISOR_xen_version, XENVER_capabilities, (uint32_t)capabilities, 0, 0, 0), 0);
	check("are PAE's", same(capabilities, "xen-3.0-x86_32p "), 1);
	call(__HYPERVISOR_xen_version, XENVER_platform_parameters, (uint32_t)&params, 0, 0, 0);
	check("the hypervisor begins at the machine-to-physical table", params.virt_start == M2P, 1);
	call(__HYPERVISOR_xen_version, XENVER_get_features, (uint32_t)&features, 0, 0, 0);
	check("page tables may lie above 4 GiB", features.submap >> XENFEAT_pae_pgdir_above_4gb & 1, 1);
	check("an unknown hypercall", call(62, 0, 0, 0, 0, 0), -XEN_ENOSYS);
	check("kexec is not for guests", call(__HYPERVISOR_kexec_op, 0, 0, 0, 0, 0), -XEN_EPERM);
}

static void memory(void)
{
	xen_pfn_t list[2] = { mfn_of(other), mfn_of(other) };
	struct xen_memory_reservation res = { .nr_extents = 2, .domid = DOMID_SELF };
	struct {
		uint64_t addr, size;
		uint32_t type;
	} __attribute__((packed)) ram;
	struct xen_memory_map map = { .nr_entries = 1 };
	domid_t self = DOMID_SELF;
	long pages = call(__HYPERVISOR_memory_op, XENMEM_current_reservation, (uint32_t)&self, 0, 0, 0);
	uint64_t pte = pte_of(other);

	check("the reservation", pages, (long)start_info->nr_pages);
	set_xen_guest_handle(map.buffer, &ram);
	check("a memory map", call(__HYPERVISOR_memory_op, XENMEM_memory_map, (uint32_t)&map, 0, 0, 0), 0);
	check("of one range", map.nr_entries == 1 && ram.addr == 0 && ram.size >> 12 == start_info->nr_pages, 1);
	map_at(other, 0);
	set_xen_guest_handle(res.extent_start, list);
	check("a frame is given back once",
	      call(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, (uint32_t)&res, 0, 0, 0), 1);
	check("it cannot be mapped", map_at(other, pte) < 0, 1);
	list[0] = pfn_of(other);
	res.nr_extents = 1;
	check("and taken again", call(__HYPERVISOR_memory_op, XENMEM_populate_physmap, (uint32_t)&res, 0, 0, 0), 1);
	p2m[pfn_of(other)] = (uint32_t)list[0];
	check("with its number", ((uint32_t *)M2P)[list[0]] == pfn_of(other), 1);
	check("and mapped", map_at(other, entry_of(other, PTE_P | PTE_W)), 0);
}

/* Trading two frames for two others, one list for each. */
static void exchange_frames(void)
{
	xen_pfn_t in[1] = { mfn_of(other) }, out[1] = { pfn_of(other) };
	struct xen_memory_exchange x = { .in = { .nr_extents = 1, .domid = DOMID_SELF },
					 .out = { .nr_extents = 1, .domid = DOMID_SELF } };

	map_at(other, 0);
	set_xen_guest_handle(x.in.extent_start, in);
	set_xen_guest_handle(x.out.extent_start, out);
	check("a frame is traded", call(__HYPERVISOR_memory_op, XENMEM_exchange, (uint32_t)&x, 0, 0, 0), 0);
	check("one", (long)x.nr_exchanged, 1);
	p2m[pfn_of(other)] = (uint32_t)out[0];
	check("for one with its number", ((uint32_t *)M2P)[out[0]] == pfn_of(other), 1);
	check("which can be mapped", map_at(other, entry_of(other, PTE_P | PTE_W)), 0);
}

static long grant(unsigned cmd, void *arg)
{
	return call(__HYPERVISOR_grant_table_op, cmd, (uint32_t)arg, 1, 0, 0);
}

static void copies(void)
{
	struct gnttab_copy op = { .len = 16 };

	op.dest.u.gmfn = mfn_of(other);
	op.source.domid = op.dest.domid = DOMID_SELF;
	op.dest.offset = 100;
	for (unsigned i = 0; i < 16; i++)
		other[100 + i] = 0xee;
	op.source.u.gmfn = mfn_of((void *)start_info);
	check("a grant copy", grant(GNTTABOP_copy, &op), 0);
	check("is done", op.status == GNTST_okay && same((char *)other + 100, "xen-3.0-x86_32p"), 1);
}

static void several(void)
{
	multicall_entry_t calls[2] = { { .op = __HYPERVISOR_xen_version, .args = { XENVER_version } },
				       { .op = __HYPERVISOR_multicall } };

	check("multicall", call(__HYPERVISOR_multicall, (uint32_t)calls, 2, 0, 0, 0), 0);
	check("gives each its result", (long)calls[0].result >> 16, 4);
	check("and does not nest", (long)calls[1].result, -XEN_EINVAL);
}

static void grants(void)
{
	xen_pfn_t frame = 0;
	struct gnttab_setup_table op = { .dom = DOMID_SELF, .nr_frames = 1 };

	set_xen_guest_handle(op.frame_list, &frame);
	check("a grant table", grant(GNTTABOP_setup_table, &op), 0);
	check("of one frame", op.status == GNTST_okay && frame != 0, 1);
	check("that can be mapped", map_at(other, (uint64_t)frame << 12 | PTE_P | PTE_W), 0);
	check("back", map_at(other, entry_of(other, PTE_P | PTE_W)), 0);
}

static void map_frame(uint64_t frame)
{
	map_at(other, frame << 12 | PTE_P | PTE_W);
}

#define GRANT 8 /* the first that is not the tools' */

/* A grant to itself in a table of version 2, and a copy by it. */
static void grant_to_itself(void)
{
	volatile union grant_entry_v2 *entry = (union grant_entry_v2 *)other + GRANT;
	struct gnttab_copy op = { .len = 16, .flags = GNTCOPY_source_gref };

	entry->hdr.domid = DOMID_SELF;
	entry->full_page.frame = mfn_of((void *)start_info);
	entry->hdr.flags = GTF_permit_access | GTF_readonly;
	map_frame(mfn_of(other));
	op.source.u.ref = GRANT;
	op.dest.u.gmfn = mfn_of(other);
	op.source.domid = op.dest.domid = DOMID_SELF;
	check("a copy by a grant of that form", grant(GNTTABOP_copy, &op) || op.status, 0);
	check("comes", same((char *)other, "xen-3.0-x86_32p"), 1);
}

/* As Linux of about 3.3 to 3.16 asks for version 2, if it may. Its frames are one word each, those of states two. */
static void grants_v2(void)
{
	xen_pfn_t frame = 0;
	uint64_t status_frame = 0;
	struct gnttab_set_version to = { 2 };
	struct gnttab_setup_table table = { .dom = DOMID_SELF, .nr_frames = 1 };
	struct gnttab_get_status_frames status = { .dom = DOMID_SELF, .nr_frames = 1 };

	check("grants of version 2", grant(GNTTABOP_set_version, &to), 0);
	check("are the answer", to.version, 2);
	set_xen_guest_handle(status.frame_list, &status_frame);
	check("their states' frame", grant(GNTTABOP_get_status_frames, &status) || status.status || !status_frame, 0);
	map_frame(status_frame);
	check("is mapped, and empty", *(volatile uint16_t *)other, 0);
	set_xen_guest_handle(table.frame_list, &frame);
	check("and their table", grant(GNTTABOP_setup_table, &table) || table.status || !frame, 0);
	map_frame(frame);
	grant_to_itself();
	to.version = 1;
	check("back to version 1", grant(GNTTABOP_set_version, &to) || to.version != 1, 0);
}

/* ---- Page tables ---- */

static void tables(void)
{
	uint64_t *l1 = table_at(page, 1), *l2 = table_at(page, 2), *root = (uint64_t *)start_info->pt_base;
	uint64_t *entries = (uint64_t *)other;

	check("the first MiB cannot be mapped", map_at(other, 0x8000 | PTE_P), -XEN_EPERM);
	check("nor the paravisor", update(mfn_of(l1) << 12 | slot_of(other, 1) << 3, PARAVISOR | PTE_P), -XEN_EBUSY);
	check("a large page is refused", update(mfn_of(l2) << 12 | 8, PTE_P | PTE_PS), -XEN_EINVAL);
	check("the hypervisor's slots are refused", update(mfn_of(table_at((void *)0xc0000000, 2)) << 12 | 428 << 3, 0),
	      -XEN_EINVAL);
	check("no mapping there", map_at((void *)M2P, entry_of(page, PTE_P)), -XEN_EINVAL);
	check("a fourth level is none of its", ext(MMUEXT_PIN_L4_TABLE, mfn_of(root)) < 0, 1);
	for (unsigned i = 0; i < 512; i++)
		entries[i] = 0;
	entries[3] = PARAVISOR | PTE_P;
	check("a table that maps the paravisor is not pinned", ext(MMUEXT_PIN_L1_TABLE, mfn_of(other)), -XEN_EINVAL);
	entries[3] = 0;
	map_at(other, entry_of(other, PTE_P));
	check("an empty table is pinned", ext(MMUEXT_PIN_L1_TABLE, mfn_of(other)), 0);
	check("and cannot be mapped writable", map_at(other, entry_of(other, PTE_P | PTE_W)), -XEN_EBUSY);
	check("until it is unpinned", ext(MMUEXT_UNPIN_TABLE, mfn_of(other)), 0);
	check("the root can be loaded again", ext(MMUEXT_NEW_BASEPTR, mfn_of(root)), 0);
	check("a root of 4 entries only", root[4] == 0, 1);
	check("and then it is memory again", map_at(other, entry_of(other, PTE_P | PTE_W)), 0);
}

static void write_at(unsigned long va, unsigned long value)
{
	*(volatile uint32_t *)va = value;
}

static void exchange(unsigned long va, unsigned long flags)
{
	uint64_t old = *(volatile uint64_t *)va, new = flags ? entry_of(other, flags) : 0;

	__asm__ volatile("lock cmpxchg8b (%0)" ::"r"(va), "a"((uint32_t)old), "d"((uint32_t)(old >> 32)),
			 "b"((uint32_t) new), "c"((uint32_t)(new >> 32))
			 : "memory", "cc");
}

/* As compilers write to a table whose address they know: mov %eax, address; ret. */
static void write_absolute(unsigned long va, unsigned long value)
{
	static uint8_t code[] = { 0xa3, 0, 0, 0, 0, 0xc3 };

	*(uint32_t *)(code + 1) = va;
	__asm__ volatile("call *%1" ::"a"(value), "r"(code) : "memory");
}

/* What a fork does to an entry, a look for unused pages, and an unmapping. */
static void protect(unsigned long va, unsigned long b)
{
	(void)b;
	__asm__ volatile("lock andb $0xfd, (%0)" ::"r"(va) : "memory", "cc");
}

static void forget_use(unsigned long va, unsigned long b)
{
	(void)b;
	__asm__ volatile("lock btrl $5, (%0)" ::"r"(va) : "memory", "cc");
}

static void take(unsigned long va, unsigned long value)
{
	__asm__ volatile("xchg %0, (%1)" : "+r"(value) : "r"(va) : "memory");
}

/*
 * The roots that Linux makes itself before it has any memory to take: one with a copy of the level 2 of its last GiB,
 * to which the first gives way; and one more of that kind, loaded before it is pinned. What was a root is memory then.
 */
static struct {
	uint64_t root[512], middle[512];
} roots[2] __attribute__((aligned(4096)));

static void prepare_root(unsigned n, const uint64_t *middle)
{
	for (unsigned i = 0; i < ARRAY(roots[n].middle); i++)
		roots[n].middle[i] = middle[i];
	roots[n].root[3] = entry_of(roots[n].middle, PTE_P);
	map_at(roots[n].middle, entry_of(roots[n].middle, PTE_P));
	map_at(roots[n].root, entry_of(roots[n].root, PTE_P));
}

static bool is_memory(unsigned n)
{
	return !map_at(roots[n].root, entry_of(roots[n].root, PTE_P | PTE_W)) &&
	       !map_at(roots[n].middle, entry_of(roots[n].middle, PTE_P | PTE_W)) &&
	       !try(write_at, (uint32_t)&roots[n].root[3], 0) && !try(write_at, (uint32_t)roots[n].middle, 0);
}

static void own_roots(void)
{
	const void *given = (void *)start_info->pt_base;

	prepare_root(0, table_at((void *)VIRT_BASE, 2));
	check("the root that it was given is unpinned", ext(MMUEXT_UNPIN_TABLE, mfn_of(given)), 0);
	check("its own is pinned", ext(MMUEXT_PIN_L3_TABLE, mfn_of(roots[0].root)), 0);
	check("and loaded", ext(MMUEXT_NEW_BASEPTR, mfn_of(roots[0].root)), 0);
	prepare_root(1, roots[0].middle);
	check("another is loaded", ext(MMUEXT_NEW_BASEPTR, mfn_of(roots[1].root)), 0);
	check("then pinned", ext(MMUEXT_PIN_L3_TABLE, mfn_of(roots[1].root)), 0);
	check("the one before unpinned", ext(MMUEXT_UNPIN_TABLE, mfn_of(roots[0].root)), 0);
	check("and memory again", is_memory(0), 1);
	check("the machine-to-physical table is still there", ((uint32_t *)M2P)[mfn_of(page)] == pfn_of(page), 1);
	check("back to the first", ext(MMUEXT_NEW_BASEPTR, mfn_of(given)), 0);
	check("which is pinned", ext(MMUEXT_PIN_L3_TABLE, mfn_of(given)), 0);
	check("none of its own is left", !ext(MMUEXT_UNPIN_TABLE, mfn_of(roots[1].root)) && is_memory(1), 1);
}

static void direct_writes(void)
{
	uint32_t at = (uint32_t)leaf_of(other);

	check("a live entry is cleared by cmpxchg8b", (long)try(exchange, at, 0), 0);
	ext(MMUEXT_TLB_FLUSH_LOCAL, 0);
	check("and the page is gone", (long)try(do_read, (uint32_t)other, 0), 14);
	check("its address in vcpu_info", own_info->arch.cr2 == (uint32_t)other, 1);
	check("and set again", (long)try(exchange, at, PTE_P | PTE_W), 0);
	check("the page is back", (long)try(do_read, (uint32_t)other, 0), 0);
	check("write-protected by and", !try(protect, at, 0) && !(*(volatile uint32_t *)at & PTE_W), 1);
	check("not used, by btr", !try(forget_use, at, 0) && !(*(volatile uint32_t *)at & 0x20), 1);
	check("taken by xchg", !try(take, at, 0) && !*(volatile uint32_t *)at, 1);
	check("and once more back", (long)try(exchange, at, PTE_P | PTE_W), 0);
	check("half an entry by mov", (long)try(write_at, at + 4, 0), 0);
	check("half of one where the instruction says", (long)try(write_absolute, at, 0), 0);
	check("that page is gone too", *(volatile uint32_t *)at == 0, 1);
	check("and back", (long)try(exchange, at, PTE_P | PTE_W), 0);
	check("not to what is not the guest's", (long)try(write_at, at, PARAVISOR | 1), 14);
	check("the machine-to-physical table cannot be written", (long)try(write_at, M2P + 4 * mfn_of(page), 0), 14);
}

/* ---- Traps and instructions ---- */

static void load_idt(unsigned long a, unsigned long b)
{
	static const uint8_t none[6];

	(void)a, (void)b;
	__asm__ volatile("lidt %0" ::"m"(none));
}

static void rewrite_cr4(unsigned long a, unsigned long b)
{
	(void)a, (void)b;
	__asm__ volatile("mov %%cr4, %%eax; mov %%eax, %%cr4" ::: "eax");
}

static void paravisors_vector(unsigned long a, unsigned long b)
{
	(void)a, (void)b;
	__asm__ volatile("int $0xf0");
}

static void traps(void)
{
	uint32_t a = 0x40000000, b, c = 0, d;
	bool amd;

	check("a trap table", set_traps(), 0);
	check("ud2 is #UD", (long)try(do_ud2, 0, 0), TRAP_UD);
	check("from ring 1", (long)(trap_cs & 3), 1);
	check("int3 is #BP", (long)try(do_int3, 0, 0), 3);
	check("lidt is a #GP", (long)try(load_idt, 0, 0), 13);
	check("CR4 is read and written", (long)try(rewrite_cr4, 0, 0), 0);
	check("the paravisor's vectors are closed", (long)try(paravisors_vector, 0, 0), 13);
	check("an unknown MSR is a #GP", (long)try(do_rdmsr, 0x12345, 0), 13);
	check("a page fault", (long)try(do_read, 0x1000, 0), 14);
	check("with its error code", (long)trap_error, 0);
	__asm__ volatile("ud2a; .ascii \"xen\"; cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	check("the forced cpuid is Xen's", b == 0x566e6558 && c == 0x65584d4d && d == 0x4d4d566e, 1);
	a = 0x80000001, c = 0;
	__asm__ volatile("ud2a; .ascii \"xen\"; cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	check("no long mode", (long)(d >> 29 & 1), 0);
	a = 0;
	__asm__ volatile("ud2a; .ascii \"xen\"; cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	amd = b == 0x68747541 && d == 0x69746e65 && c == 0x444d4163; /* AuthenticAMD */
	a = 1;
	__asm__ volatile("ud2a; .ascii \"xen\"; cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	check("no sysenter where long mode lacks it", amd && (d >> 11 & 1), 0);
}

/* ---- Ring 3 ---- */

static void do_sysenter(unsigned long a, unsigned long b)
{
	(void)a, (void)b;
	__asm__ volatile("sysenter");
}

/* As kernels from 2.6.24 on do it, where they are told of it. */
static void sysenters(void)
{
	static struct callback_register way = { .type = CALLBACKTYPE_sysenter,
						.address = { FLAT_KERNEL_CS, (uint32_t)sysenter_entry } };
	uint32_t a = 1, b, c = 0, d;

	__asm__ volatile("ud2a; .ascii \"xen\"; cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (!(d >> 11 & 1))
		return;
	map_at((void *)do_sysenter, pte_of((void *)do_sysenter) | PTE_U);
	check("a callback for sysenter", call(__HYPERVISOR_callback_op, CALLBACKOP_register, (uint32_t)&way, 0, 0, 0),
	      0);
	check("which it comes to", (long)in_user(do_sysenter, 0, 0), BACK);
	check("in ring 1, with five words on the stack",
	      (sysenter_cs & 3) == 1 && sysenter_stack == (uint32_t)second_stack_end, 1);
}

static void ring3(void)
{
	void *code = (void *)do_ud2;

	prepare_processes();
	check("the code's page for ring 3 too", map_at(code, pte_of(code) | PTE_U), 0);
	check("a stack for traps from there",
	      call(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS, (uint32_t)second_stack_end, 0, 0, 0), 0);
	in_user(do_int_80, 0, 0);
	check("int 0x80 in ring 3 comes to its handler", (long)syscalls_seen, 1);
	check("from ring 3", (long)trap_cs, 0xe02b);
	check("with events on", (long)(trap_flags >> 9 & 1), 1);
	sysenters();
	check("a hypercall from ring 3 is a #GP", (long)in_user(do_int_82, 0, 0), TRAP_GP);
	map_at(other, entry_of(other, PTE_P | PTE_W));
	check("the kernel's pages are closed to ring 3", (long)in_user(do_read, (unsigned long)other, 0), TRAP_PF);
	check("by protection, of a process", (long)trap_error, 5);
}

/* ---- Descriptors ---- */

static long set_descriptor(uint32_t mfn, unsigned index, uint64_t desc)
{
	uint64_t at = (uint64_t)mfn << 12 | index * 8;

	return call(__HYPERVISOR_update_descriptor, (uint32_t)at, (uint32_t)(at >> 32), (uint32_t)desc,
		    (uint32_t)(desc >> 32), 0);
}

static void load_es(unsigned long selector, unsigned long b)
{
	(void)b;
	__asm__ volatile("push %%es; mov %w0, %%es; pop %%es" ::"r"(selector));
}

static void descriptors(void)
{
	xen_ulong_t mfn = mfn_of(other);
	uint64_t *gdt = (uint64_t *)other;

	for (unsigned i = 0; i < 512; i++)
		gdt[i] = 0;
	gdt[1] = 0x0000ec00e0080000; /* a call gate into ring 0's code */
	check("a GDT with a call gate is refused", call(__HYPERVISOR_set_gdt, (uint32_t)&mfn, 512, 0, 0, 0),
	      -XEN_EINVAL);
	gdt[1] = 0;
	check("a descriptor before its page is a GDT's", set_descriptor(mfn, 1, 0x00cf93000000ffff), 0);
	check("is in the page", gdt[1] != 0, 1);
	gdt[1] = 0;
	check("an empty GDT is taken", call(__HYPERVISOR_set_gdt, (uint32_t)&mfn, 512, 0, 0, 0), 0);
	check("no 64-bit code", set_descriptor(mfn, 1, 0x00afbb000000ffff), -XEN_EINVAL);
	check("no call gate", set_descriptor(mfn, 1, 0x0000ec00e0080000), -XEN_EINVAL);
	check("a data segment of ring 0 is taken", set_descriptor(mfn, 1, 0x00cf93000000ffff), 0);
	check("and becomes ring 1's", (long)(gdt[1] >> 45 & 3), 1);
	check("which can be loaded", (long)try(load_es, 1 << 3 | 1, 0), 0);
	check("a free one cannot", (long)try(load_es, 2 << 3 | 1, 0), 13);
}

/* ---- Ports: none is the guest's, but it says which it wants to reach nothing by ---- */

static long physdev(unsigned cmd, const void *arg)
{
	return call(__HYPERVISOR_physdev_op, cmd, (unsigned long)arg, 0, 0, 0);
}

static void do_rep_insb(unsigned long at, unsigned long count)
{
	__asm__ volatile("rep insb" : "+D"(at), "+c"(count) : "d"(0x80) : "memory");
}

static void ports(void)
{
	static uint8_t bitmap[8192];
	struct physdev_set_iobitmap allowed = { .nr_ports = 0x100 };
	struct physdev_set_iopl level = { 1 };

	set_xen_guest_handle(allowed.bitmap, bitmap);
	check("a bitmap of ports", physdev(PHYSDEVOP_set_iobitmap, &allowed), 0);
	check("a process's out", (long)in_user(do_out, 0, 0), BACK);
	bitmap[0x10] = 1;
	check("not by a bit that is set", (long)in_user(do_out, 0, 0), TRAP_GP);
	check("nor the kernel's insb", (long)try(do_rep_insb, P(other), 2), TRAP_GP);
	check("I/O level 1", physdev(PHYSDEVOP_set_iopl, &level), 0);
	other[0] = other[1] = other[2] = 0;
	check("then it may", (long)try(do_rep_insb, P(other), 2), 0);
	check("two bytes of ones", other[0] == 0xff && other[1] == 0xff && !other[2], 1);
	level.iopl = 3;
	physdev(PHYSDEVOP_set_iopl, &level);
	check("a process's insb never", (long)in_user(do_rep_insb, P(other), 2), TRAP_GP);
	level.iopl = 0;
	physdev(PHYSDEVOP_set_iopl, &level);
	allowed.nr_ports = 0;
	check("no port again", physdev(PHYSDEVOP_set_iobitmap, &allowed), 0);
}

/* ---- Events and time ---- */

static bool is_pending(unsigned port)
{
	return shared->evtchn_pending[port / 32] >> port % 32 & 1;
}

/* The console's port ends a wait too. Events are masked but within block, so none is lost between the look and it. */
static void wait_event(unsigned port)
{
	unsigned tries = 100;

	do {
		call(__HYPERVISOR_sched_op, SCHEDOP_block, 0, 0, 0, 0);
		event_flag[1] = 1;
	} while (!is_pending(port) && --tries);
}

static void events(void)
{
	struct evtchn_bind_virq bind = { .virq = VIRQ_TIMER };
	struct vcpu_set_singleshot_timer timer = { .flags = 0 };

	check("callbacks",
	      call(__HYPERVISOR_set_callbacks, FLAT_KERNEL_CS, (uint32_t)event_entry, FLAT_KERNEL_CS,
		   (uint32_t)failsafe_entry, 0),
	      0);
	check("the timer's port", call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, (uint32_t)&bind, 0, 0, 0), 0);
	timer.timeout_abs_ns = 1;
	check("a timer of the past", call(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, (uint32_t)&timer, 0, 0),
	      0);
	wait_event(bind.port);
	check("comes by the callback", events_seen > 0, 1);
	check("and its bit is set", is_pending(bind.port), 1);
	shared->evtchn_pending[bind.port / 32] = 0;
	timer.flags = VCPU_SSHOTTMR_future;
	check("that is no error if only the future will do",
	      call(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, (uint32_t)&timer, 0, 0), 0);
	events_seen = 0;
	check("set_timer_op with both halves", call(__HYPERVISOR_set_timer_op, 1, 0, 0, 0, 0), 0);
	wait_event(bind.port);
	check("comes too", events_seen > 0, 1);
	check("the clock has a rate", shared->vcpu_info[0].time.tsc_to_system_mul != 0, 1);
}

/* As Linux' per-CPU data have them: where the compiler put it, which aligns 64 bits to 4 bytes. */
#define INFO_OFF(vcpu) (0x104 + (vcpu)*0x80u)
static uint8_t infos[4096] __attribute__((aligned(4096)));

static long place_info(unsigned vcpu)
{
	struct vcpu_register_vcpu_info op = { .mfn = mfn_of(infos), .offset = INFO_OFF(vcpu) };

	return call(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, vcpu, (uint32_t)&op, 0, 0);
}

static void info_moves(void)
{
	struct vcpu_register_vcpu_info odd = { .mfn = mfn_of(infos), .offset = INFO_OFF(0) + 2 };

	check("vcpu_info is not at an odd word",
	      call(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, (uint32_t)&odd, 0, 0), -XEN_ENXIO);
	check("it moves to one of 4 bytes", place_info(0), 0);
	own_info = (struct vcpu_info *)(infos + INFO_OFF(0));
	check("masked still", own_info->evtchn_upcall_mask, 1);
	check("with all ports to be looked at", own_info->evtchn_upcall_pending && !~own_info->evtchn_pending_sel, 1);
	check("the clock is there", own_info->time.tsc_to_system_mul && !(own_info->time.version & 1), 1);
	event_flag = (volatile uint8_t *)own_info;
	events_seen = 0;
	call(__HYPERVISOR_sched_op, SCHEDOP_block, 0, 0, 0, 0);
	event_flag[1] = 1;
	check("the callback comes by it", events_seen > 0 && !own_info->evtchn_upcall_pending, 1);
	check("but once", place_info(0), -XEN_EINVAL);
}

static void areas(void)
{
	struct vcpu_register_runstate_memory_area area;
	struct vcpu_runstate_info info = { .state = 99 }, *here = (struct vcpu_runstate_info *)other;

	here->state = 99;
	set_xen_guest_handle(area.addr.h, here);
	check("a runstate area",
	      call(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, (uint32_t)&area, 0, 0), 0);
	check("is written", here->state, RUNSTATE_running);
	check("runstate asked for", call(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, (uint32_t)&info, 0, 0), 0);
	check("is the same", info.state == RUNSTATE_running && info.state_entry_time == here->state_entry_time, 1);
}

/* ---- A second vCPU ---- */

/* Its GDT, with Linux' numbers: the kernel's segments are of ring 0 there, and selectors for them too. */
enum { LINUX_CS = 0x60, LINUX_DS = 0x68, LINUX_USER_DS = 0x7b, LINUX_PERCPU = 0xd8, LINUX_CANARY = 0xe0, ENTRIES = 32 };
#define CANARY_AT 20
static uint64_t second_gdt[512] __attribute__((aligned(4096)));
static uint32_t second_percpu = 0x5ec0d, second_canary[CANARY_AT / 4 + 1] = { [CANARY_AT / 4] = 0xca9a27 };
enum { SEEN_PERCPU, SEEN_CANARY, SEEN_SS, SEEN_DS, AGAIN_PERCPU, AGAIN_CANARY, AGAIN_RESULT, AGAIN_KEPT, SEEN_ALL };
#define KEPT 0x600d
uint32_t second_seen[SEEN_ALL];
volatile uint8_t *second_flag; /* of its vcpu_info */
void second_linux(void);

/*
 * What it finds; then it takes its events, of which one waits, and goes down. Up again, it is where it was, and goes on
 * as other guests' second vCPU.
 */
__asm__(".text\n"
	"second_linux:\n"
	"	movl %fs:0, %eax\n"
	"	movl %eax, second_seen\n"
	"	movl %gs:20, %eax\n"
	"	movl %eax, second_seen + 4\n"
	"	movw %ss, second_seen + 8\n"
	"	movw %ds, second_seen + 12\n"
	"	movl second_flag, %eax\n"
	"	movb $0, 1(%eax)\n"
	"	movl $17, %eax\n" /* xen_version */
	"	xorl %ebx, %ebx\n"
	"	int $0x82\n"
	"	movl $0x600d, %esi\n"
	"	movl $24, %eax\n" /* vcpu_op: down */
	"	movl $2, %ebx\n"
	"	movl $1, %ecx\n"
	"	xorl %edx, %edx\n"
	"	int $0x82\n"
	"	movl %eax, second_seen + 24\n"
	"	movl %esi, second_seen + 28\n"
	"	movl %fs:0, %eax\n"
	"	movl %eax, second_seen + 16\n"
	"	movl %gs:20, %eax\n"
	"	movl %eax, second_seen + 20\n"
	"	jmp second_entry\n");

static uint64_t segment_at(uint64_t desc, const void *base)
{
	uint64_t at = (uint32_t)base;

	return desc | (at & 0xffffff) << 16 | (at >> 24) << 56;
}

static void prepare_second_gdt(void)
{
	second_gdt[LINUX_CS / 8] = 0x00cf9a000000ffff;
	second_gdt[LINUX_DS / 8] = 0x00cf92000000ffff;
	second_gdt[LINUX_USER_DS / 8] = 0x00cff2000000ffff;
	second_gdt[LINUX_PERCPU / 8] = segment_at(0x008f92000000ffff, &second_percpu);
	second_gdt[LINUX_CANARY / 8] = segment_at(0x0040900000000018, second_canary);
	map_at(second_gdt, entry_of(second_gdt, PTE_P));
}

static void prepare_second(struct vcpu_guest_context *ctx)
{
	prepare_second_gdt();
	ctx->flags = VGCF_IN_KERNEL;
	ctx->gdt_frames[0] = mfn_of(second_gdt);
	ctx->gdt_ents = ENTRIES;
	ctx->user_regs.eip = (uint32_t)second_linux;
	ctx->user_regs.esp = (uint32_t)second_stack_end;
	ctx->user_regs.eflags = 0x1000;
	ctx->user_regs.cs = LINUX_CS;
	ctx->user_regs.ss = LINUX_DS;
	ctx->user_regs.ds = ctx->user_regs.es = LINUX_USER_DS;
	ctx->user_regs.fs = LINUX_PERCPU;
	ctx->user_regs.gs = LINUX_CANARY;
	ctx->kernel_ss = LINUX_DS;
	ctx->kernel_sp = (uint32_t)second_stack_end;
	ctx->event_callback_cs = ctx->failsafe_callback_cs = LINUX_CS;
	ctx->event_callback_eip = (uint32_t)event_entry;
	ctx->failsafe_callback_eip = (uint32_t)failsafe_entry;
	ctx->ctrlreg[3] = xen_pfn_to_cr3(mfn_of((void *)start_info->pt_base));
}

static void second_found(void)
{
	check("in ring 1", (long)(second_cs & 3), 1);
	check("by its own GDT",
	      second_cs >> 3 == LINUX_CS >> 3 && second_seen[SEEN_SS] >> 3 == LINUX_DS >> 3 &&
		      second_seen[SEEN_DS] == LINUX_USER_DS,
	      1);
	check("with its own data by fs", second_seen[SEEN_PERCPU] == second_percpu, 1);
	check("and the stack protector's by gs", second_seen[SEEN_CANARY] == second_canary[CANARY_AT / 4], 1);
	check("its callback comes, by its own vcpu_info", events_seen == 1 && !second_flag[0] && !second_flag[1], 1);
}

/* As Linux waits for a processor to die, and to come again. */
static void second_again(void)
{
	for (unsigned i = 0; i < 1000000 && call(__HYPERVISOR_vcpu_op, VCPUOP_is_up, 1, 0, 0, 0); i++)
		call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
	check("goes down by itself", call(__HYPERVISOR_vcpu_op, VCPUOP_is_up, 1, 0, 0, 0), 0);
	check("comes up again", call(__HYPERVISOR_vcpu_op, VCPUOP_up, 1, 0, 0, 0), 0);
	for (unsigned i = 0; i < 1000000 && !second_alive; i++)
		call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
	check("and runs on", second_alive && second_seen[AGAIN_KEPT] == KEPT, 1);
	check("behind its call", (long)second_seen[AGAIN_RESULT], 0);
	check("with its segments",
	      second_seen[AGAIN_PERCPU] == second_percpu && second_seen[AGAIN_CANARY] == second_canary[CANARY_AT / 4],
	      1);
}

/* In Linux' order, with what Linux hands over. */
static void second(void)
{
	static struct vcpu_guest_context ctx;
	long there = call(__HYPERVISOR_vcpu_op, VCPUOP_is_up, 1, 0, 0, 0);

	check("a vCPU that is not there", call(__HYPERVISOR_vcpu_op, VCPUOP_is_up, 31, 0, 0, 0), -XEN_ENOENT);
	if (there == -XEN_ENOENT)
		return;
	check("a second one's vcpu_info", place_info(1), 0);
	event_flag = second_flag = infos + INFO_OFF(1);
	check("begins masked", second_flag[1], 1);
	prepare_second(&ctx);
	check("a second vCPU", call(__HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, (uint32_t)&ctx, 0, 0), 0);
	check("not twice", call(__HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, (uint32_t)&ctx, 0, 0), -XEN_EEXIST);
	events_seen = 0;
	check("comes up", call(__HYPERVISOR_vcpu_op, VCPUOP_up, 1, 0, 0, 0), 0);
	second_again();
	second_found();
}

void guest_main(void)
{
	if (map_at(page, start_info->shared_info | PTE_P | PTE_W))
		check("shared_info can be mapped", 0, 1);
	event_flag = (volatile uint8_t *)&shared->vcpu_info[0];
	entry();
	versions();
	several();
	events();
	info_moves();
	areas();
	traps();
	mapping();
	tables();
	own_roots();
	direct_writes();
	ring3();
	ports();
	memory();
	exchange_frames();
	grants();
	grants_v2();
	copies();
	descriptors();
	second();
}
