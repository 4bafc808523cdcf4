/* SPDX-License-Identifier: MIT */
/*
 * A Xen PV domain, once: its frames, shared_info and hypercall page, its
 * initial page tables, which are admitted as those that it makes later, and
 * its first vCPU's registers.
 */
#include "asm.h"
#include "paravisor.h"

guest_shared_info *shared_info;
uint64_t shared_info_mfn;

static void *guest_page(uint64_t pfn, const char *what)
{
	uint64_t mfn = pfn_to_mfn(pfn);

	if (mfn == PV_NONE)
		panic("the guest has no frame %lx for its %s", pfn, what);
	return frame_va(mfn);
}

/* One that the paravisor goes on writing to: it must never become a page table. */
static void *shared_page(uint64_t pfn, const char *what)
{
	void *page = guest_page(pfn, what);

	if (!frame_hold(va_frame(page)))
		panic("the guest's %s is one of its page tables", what);
	return page;
}

static void give_frames(void)
{
	for (unsigned i = 0; i < facts.nr_extents; i++) {
		const struct pv_extent *x = &facts.extents[i];

		for (uint64_t n = 0; n < x->count; n++) {
			frame(x->mfn + n)->word = FRAME_GUEST;
			m2p_table[x->mfn + n] = x->pfn + n;
		}
	}
}

/* xen.h, struct start_info: what only the hypervisor knows. */
static void fill_start_info(void)
{
	guest_start_info *si = guest_page(facts.start_info_pfn, "start_info");

	si->shared_info = shared_info_mfn << PAGE_SHIFT;
	si->store_mfn = pfn_to_mfn(facts.xenstore_pfn);
	si->store_evtchn = PORT_XENSTORE;
	si->console.domU.mfn = pfn_to_mfn(facts.console_pfn);
	si->console.domU.evtchn = PORT_CONSOLE;
}

/* Xen's public hypercall page: 32 bytes a call. */
#if ROOT_LEVEL == 4

void hypercall_page_fill(uint8_t *page)
{
	static const uint8_t head[] = { 0x51, 0x41, 0x53, 0xb8 };             /* push %rcx; push %r11; mov $N, %eax */
	static const uint8_t tail[] = { 0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3 }; /* syscall; pop; pop; ret */
	static const uint8_t iret[] = { 0x51, 0x41, 0x53, 0x50, 0xb8, 23, 0, 0, 0, 0x0f, 0x05 };

	memset(page, 0xcc, PAGE);
	for (uint32_t n = 0; n < NR_HYPERCALLS; n++) {
		uint8_t *p = page + n * 32;

		memcpy(p, head, sizeof(head));
		memcpy(p + sizeof(head), &n, sizeof(n));
		memcpy(p + sizeof(head) + sizeof(n), tail, sizeof(tail));
	}
	memcpy(page + 32 * __HYPERVISOR_iret, iret, sizeof(iret));
}

#else

void hypercall_page_fill(uint8_t *page)
{
	static const uint8_t tail[] = { 0xcd, VEC_HYPERCALL32, 0xc3 };                    /* int; ret */
	static const uint8_t iret[] = { 0x50, 0xb8, 23, 0, 0, 0, 0xcd, VEC_HYPERCALL32 }; /* push %eax; mov; int */

	memset(page, 0xcc, PAGE);
	for (uint32_t n = 0; n < NR_HYPERCALLS; n++) {
		uint8_t *p = page + n * 32;

		*p = 0xb8; /* mov $N, %eax */
		memcpy(p + 1, &n, sizeof(n));
		memcpy(p + 1 + sizeof(n), tail, sizeof(tail));
	}
	memcpy(page + 32 * __HYPERVISOR_iret, iret, sizeof(iret));
}

#endif

void guest_init(void)
{
	struct vcpu *v = vcpu_at(0);
	uint64_t root = pfn_to_mfn(facts.pt_pfn);
	int rc;

	shadow_init();
	shared_info = boot_alloc(1);
	shared_info_mfn = va_frame(shared_info);
	frame(shared_info_mfn)->word = FRAME_GUEST | FRAME_OWN;
	for (unsigned i = 0; i < XEN_LEGACY_MAX_VCPUS; i++)
		shared_info->vcpu_info[i].evtchn_upcall_mask = 1;
	give_frames();
	fill_start_info();
	if (facts.hypercall_pfn != PV_NONE)
		hypercall_page_fill(guest_page(facts.hypercall_pfn, "hypercall page"));
	for (unsigned i = 0; i < facts.nr_vcpus; i++)
		vcpu_at(i)->info = &shared_info->vcpu_info[i];
	rc = root == PV_NONE ? -XEN_EINVAL : set_kernel_root(v, root);
	if (rc)
		panic("the initial page tables are refused: %d", rc);
	table_pin(root, ROOT_LEVEL);
	event_init();
	grant_init();
	console_init(shared_page(facts.console_pfn, "console"));
	xenstore_init(shared_page(facts.xenstore_pfn, "xenstore"));
}

void start_guest(void)
{
	struct vcpu *v = vcpu_at(0);
	struct regs *r = guest_regs(v);

	memset(r, 0, sizeof(*r));
	r->rip = facts.rip;
	r->rsp = facts.rsp;
	r->rsi = facts.start_info_va;
	r->cs = SEL_CS;
	r->ss = SEL_SS;
	r->rflags = FLAG_IF | 2;
	v->kernel_mode = 1;
	v->kernel_ss = SEL_SS;
	v->kernel_sp = facts.rsp;
	v->ds = v->es = SEL_SS;
	v->up = v->initialised = true;
	runstate(v, RUNSTATE_running);
	time_publish(v);
	wallclock_publish();
	write_cr3(v->kernel_cr3);
	vcpu_load_segments(v);
	enter_guest();
}
