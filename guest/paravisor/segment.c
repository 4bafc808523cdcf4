/* SPDX-License-Identifier: MIT */
/*
 * The guest's segments: its GDT and LDT, stack, segment bases, and debug
 * registers. The tables the processor reads are the paravisor's copies, so
 * that a guest cannot make itself a gate into ring 0 by writing to its own.
 */
#include "asm.h"
#include "shape.h"

#define PAGE_ENTRIES 512u

/* ---- GDT ---- */

static bool gdt_page_ok(uint64_t mfn)
{
	const uint64_t *from;

	if (!frame_is_guest(mfn) || (frame(mfn)->word & FRAME_OWN))
		return false;
	from = frame_va(mfn);
	for (unsigned i = 0; i < PAGE_ENTRIES; i++) {
		uint64_t desc = from[i];

		if (!descriptor_admit(&desc))
			return false;
	}
	return true;
}

static void gdt_copy_page(uint64_t *to, uint64_t mfn)
{
	const uint64_t *from = frame_va(mfn);

	for (unsigned i = 0; i < PAGE_ENTRIES; i++) {
		uint64_t desc = from[i];

		to[i] = descriptor_admit(&desc) ? desc : 0;
	}
}

int segment_load_gdt(struct vcpu *v, const uint64_t *mfns, unsigned ents)
{
	unsigned pages = (ents + PAGE_ENTRIES - 1) / PAGE_ENTRIES;

	for (unsigned i = 0; i < pages; i++)
		if (!gdt_page_ok(mfns[i]))
			return -XEN_EINVAL;
	for (unsigned i = 0; i < GDT_GUEST; i++) {
		v->gdt_mfn[i] = i < pages ? mfns[i] : PV_NONE;
		if (i < pages)
			gdt_copy_page(gdt_of(v) + i * PAGE_ENTRIES, mfns[i]);
		else
			memset(gdt_of(v) + i * PAGE_ENTRIES, 0, PAGE);
	}
	v->gdt_ents = ents;
	return 0;
}

long hc_set_gdt(struct vcpu *v, uint64_t list, uint64_t ents, uint64_t c, uint64_t d, uint64_t e)
{
	uint64_t mfns[GDT_GUEST];

	(void)c, (void)d, (void)e;
	if (ents > GDT_GUEST * PAGE_ENTRIES)
		return -XEN_EINVAL;
	for (unsigned i = 0; i * PAGE_ENTRIES < ents; i++)
		if (get_word(&mfns[i], list, i))
			return -XEN_EFAULT;
	return segment_load_gdt(v, mfns, (unsigned)ents);
}

/* ---- LDT ---- */

static void ldt_use(struct vcpu *v, unsigned ents)
{
	uint64_t base = (uint64_t)ldt_of(v), limit = ents * 8ull - 1, *at = gdt_of(v) + SEL_LDT / 8;

	at[0] = (limit & 0xffff) | (base & 0xffffff) << 16 | 0x82ull << 40 | (base >> 24 & 0xff) << 56;
	at[1] = base >> 32;
	__asm__ volatile("lldt %w0" ::"r"(ents ? SEL_LDT : 0));
}

/*
 * Pages of the LDT are copied when the processor first looks at them, as Xen
 * maps them then: until that, the copy's page is not present. A page that the
 * guest has not mapped is a fault at its own address.
 */
static void ldt_hide(struct vcpu *v, unsigned i)
{
	uint64_t va = (uint64_t)ldt_of(v) + i * PAGE;

	if (v->ldt_mfn[i] == PV_NONE)
		return;
	v->ldt_mfn[i] = PV_NONE;
	*boot_entry(va) &= ~PTE_P;
	invlpg(va);
}

static bool ldt_show(struct vcpu *v, unsigned i)
{
	uint64_t mfn, *to = ldt_of(v) + i * PAGE_ENTRIES, *e = walk(v->kernel_mfn, v->ldt_va + i * PAGE, 1, &mfn);

	if (!e || !(*e & PTE_P) || !frame_is_guest(pte_mfn(*e)))
		return false;
	*boot_entry((uint64_t)to) |= PTE_P;
	invlpg((uint64_t)to);
	v->ldt_mfn[i] = pte_mfn(*e);
	memcpy(to, frame_va(v->ldt_mfn[i]), PAGE);
	for (unsigned n = 0; n < PAGE_ENTRIES; n++)
		if (!descriptor_admit(&to[n]))
			to[n] = 0;
	return true;
}

/* A fault at va: 0 not the LDT's; 1 its page is there now; -1 the guest's, and *va where in its memory. */
int segment_fault(struct vcpu *v, uint64_t *va, uint32_t error)
{
	uint64_t off = *va - (uint64_t)ldt_of(v);

	if (off >= v->ldt_ents * 8ul || (error & (PF_USER | PF_PRESENT)))
		return 0;
	if (ldt_show(v, (unsigned)(off / PAGE)))
		return 1;
	*va = v->ldt_va + off;
	return -1;
}

int segment_load_ldt(struct vcpu *v, uint64_t va, unsigned ents)
{
	if (ents > 8192 || (va & (PAGE - 1)))
		return -XEN_EINVAL;
	for (unsigned i = 0; i < ARRAY(v->ldt_mfn); i++)
		ldt_hide(v, i);
	v->ldt_va = va;
	v->ldt_ents = ents;
	ldt_use(v, ents);
	return 0;
}

/* ---- One descriptor, in whatever tables its frame is part of ---- */

static void update_copies(uint64_t mfn, unsigned index, uint64_t desc)
{
	for (unsigned n = 0; n < nr_vcpus; n++) {
		struct vcpu *v = vcpu_at(n);

		for (unsigned i = 0; i < GDT_GUEST && i * PAGE_ENTRIES < v->gdt_ents; i++)
			if (v->gdt_mfn[i] == mfn)
				gdt_of(v)[i * PAGE_ENTRIES + index] = desc;
		for (unsigned i = 0; i < ARRAY(v->ldt_mfn) && i * PAGE_ENTRIES < v->ldt_ents; i++)
			if (v->ldt_mfn[i] == mfn)
				ldt_of(v)[i * PAGE_ENTRIES + index] = desc;
	}
}

long hc_update_descriptor(struct vcpu *v, uint64_t maddr, uint64_t desc, uint64_t c, uint64_t d, uint64_t e)
{
	uint64_t mfn = maddr >> PAGE_SHIFT;
	unsigned index = (unsigned)(maddr & (PAGE - 1)) / 8;

	(void)v, (void)c, (void)d, (void)e;
	if (maddr % 8 || !descriptor_admit(&desc) || !guest_frame_fill(mfn, index * 8, &desc, sizeof(desc)))
		return -XEN_EINVAL;
	update_copies(mfn, index, desc);
	return 0;
}

/* ---- Bases and stacks ---- */

#if ROOT_LEVEL == 4
long hc_set_segment_base(struct vcpu *v, uint64_t which, uint64_t base, uint64_t c, uint64_t d, uint64_t e)
{
	(void)v, (void)c, (void)d, (void)e;
	if (which != SEGBASE_GS_USER_SEL && !is_canonical(base))
		return -XEN_EINVAL;
	switch (which) {
	case SEGBASE_FS:
		return safe_wrmsr(MSR_FS_BASE, base) ? -XEN_EINVAL : 0;
	case SEGBASE_GS_USER:
		return safe_wrmsr(MSR_KERNEL_GS_BASE, base) ? -XEN_EINVAL : 0;
	case SEGBASE_GS_KERNEL:
		return safe_wrmsr(MSR_GS_BASE, base) ? -XEN_EINVAL : 0;
	case SEGBASE_GS_USER_SEL:
		/* A selector that cannot be loaded becomes the null one, which is no error on Xen. */
		if (safe_load_gs((uint16_t)(base > 3 ? base | 3 : base)))
			safe_load_gs(0);
		return 0;
	}
	return -XEN_EINVAL;
}
#endif

long hc_stack_switch(struct vcpu *v, uint64_t ss, uint64_t sp, uint64_t c, uint64_t d, uint64_t e)
{
	(void)c, (void)d, (void)e;
	if (ROOT_LEVEL == 4)
		sp &= ~15ull;
	if (!guest_range_ok(sp - 64, 64))
		return -XEN_EINVAL;
	v->kernel_ss = guest_ring(ss);
	v->kernel_sp = sp;
	return 0;
}

long hc_fpu_taskswitch(struct vcpu *v, uint64_t set, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	(void)b, (void)c, (void)d, (void)e;
	v->cr0 = (v->cr0 & ~8ull) | (set ? 8 : 0);
	write_cr0((read_cr0() & ~8ull) | (set ? 8 : 0));
	return 0;
}

/* ---- Debug registers ---- */

static void load_dr(unsigned n, uint64_t value)
{
	switch (n) {
	case 0:
		write_dr0(value);
		break;
	case 1:
		write_dr1(value);
		break;
	case 2:
		write_dr2(value);
		break;
	case 3:
		write_dr3(value);
		break;
	case 6:
		write_dr6(value);
		break;
	default:
		write_dr7(value);
	}
}

#define CR4_DE         8ull
#define DR7_ACTIVE     0xffull
#define DR7_DETECT     0x2000ull /* faults on access to a debug register */
#define DR7_RESERVED_0 0xd800ull

/* 4 and 5 are other names of 6 and 7, until the guest asks for I/O breakpoints. */
static uint64_t debugreg_of(const struct vcpu *v, uint64_t n)
{
	return (n == 4 || n == 5) && !(v->cr4 & CR4_DE) ? n + 2 : n;
}

/* No I/O breakpoints: no port is the guest's. */
static bool dr7_ok(uint64_t value)
{
	if (value & DR7_DETECT)
		return false;
	for (unsigned i = 16; (value & DR7_ACTIVE) && i < 32; i += 4)
		if ((value >> i & 3) == 2)
			return false;
	return true;
}

/* -ENODEV: there is no such register; -EINVAL: a bit that is none; -EPERM: one that is not for guests. */
long hc_set_debugreg(struct vcpu *v, uint64_t n, uint64_t value, uint64_t c, uint64_t d, uint64_t e)
{
	(void)c, (void)d, (void)e;
	n = debugreg_of(v, n);
	switch (n) {
	case 0:
	case 1:
	case 2:
	case 3:
		if (!is_address(value))
			return -XEN_EPERM;
		break;
	case 6:
		if (value >> 32)
			return -XEN_EINVAL;
		value = (value & 0xffffefff) | DR6_RESET;
		break;
	case 7:
		if (value >> 32)
			return -XEN_EINVAL;
		if (!dr7_ok(value))
			return -XEN_EPERM;
		value = (value & ~DR7_RESERVED_0) | DR7_RESET;
		break;
	default:
		return -XEN_ENODEV;
	}
	if (v->dr[n] != value)
		load_dr((unsigned)n, value);
	v->dr[n] = value;
	return 0;
}

long hc_get_debugreg(struct vcpu *v, uint64_t n, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	(void)b, (void)c, (void)d, (void)e;
	n = debugreg_of(v, n);
	return n > 7 || n == 4 || n == 5 ? -XEN_ENODEV : (long)v->dr[n];
}
