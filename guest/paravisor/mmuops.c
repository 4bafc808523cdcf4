/* SPDX-License-Identifier: MIT */
/*
 * The page-table hypercalls: mmu_update, update_va_mapping and mmuext_op.
 * The checks behind them are mmu.c's.
 */
#include "asm.h"
#include "shape.h"

/* Here the guest may not name itself by its number: that means somebody else's frames. */
static bool is_own(uint64_t domid)
{
	return (domid & 0xffff) == DOMID_SELF;
}

static inline int one_update(uint64_t ptr, uint64_t val)
{
	uint64_t mfn = ptr >> PAGE_SHIFT, old;
	unsigned index = (unsigned)(ptr & (PAGE - 1)) / 8;

	switch (ptr & 3) {
	case MMU_NORMAL_PT_UPDATE:
	case MMU_PT_UPDATE_NO_TRANSLATE:
		return entry_set(mfn, index, val, ENTRY_SET, &old);
	case MMU_PT_UPDATE_PRESERVE_AD:
		return entry_set(mfn, index, val, ENTRY_KEEP_AD, &old);
	default: /* MMU_MACHPHYS_UPDATE */
		if (!frame_is_guest(mfn))
			return -XEN_EINVAL;
		m2p_table[mfn] = (guest_word)val;
		return 0;
	}
}

/* Of a list that is the guest's. */
static inline int update_at(uint64_t at)
{
	uint64_t ptr, val;

	if (!load_guest(at + offsetof(struct mmu_update, ptr), &ptr) ||
	    !load_guest(at + offsetof(struct mmu_update, val), &val))
		return -XEN_EFAULT;
	return one_update(ptr, val);
}

#define MANY    (1u << 20)
#define PREEMPT (1u << 31) /* of the count, in calls that Xen had interrupted */

static __attribute__((noinline)) long update_list(uint64_t list, uint32_t n, uint64_t done_va)
{
	int rc = 0;
	uint32_t i;

	if (n > MANY)
		return -XEN_EINVAL;
	if (!guest_range_ok(list, n * sizeof(struct mmu_update)))
		return -XEN_EFAULT;
	for (i = 0; i < n && !rc; i += !rc)
		rc = update_at(list + i * sizeof(struct mmu_update));
	if (done_va && copy_to_guest(done_va, &i, sizeof(i)))
		rc = -XEN_EFAULT;
	return rc;
}

/* Nearly always it is one, and nobody wants to know how many were done. */
long hc_mmu_update(struct vcpu *v, uint64_t list, uint64_t count, uint64_t done_va, uint64_t domid, uint64_t e)
{
	(void)v, (void)e;
	if (!is_own(domid))
		return -XEN_ESRCH;
	if (likely((uint32_t)count == 1 && !done_va && guest_range_ok(list, sizeof(struct mmu_update))))
		return update_at(list);
	return update_list(list, (uint32_t)count & ~PREEMPT, done_va);
}

/* ---- TLB flushes that the calls ask for ---- */

static int read_mask(uint64_t va, uint64_t *mask)
{
	*mask = 0;
	return copy_from_guest(mask, va, (nr_vcpus + 7) / 8);
}

static long uvm_flush(uint64_t va, uint64_t flags)
{
	uint64_t type = flags & UVMF_FLUSHTYPE_MASK, whom = flags & ~UVMF_FLUSHTYPE_MASK, mask = 0;

	if (type == UVMF_NONE)
		return 0;
	if (whom == UVMF_LOCAL) {
		if (type == UVMF_INVLPG)
			invlpg(va);
		else
			flush_tlb_local();
		return 0;
	}
	if (whom == UVMF_ALL)
		mask = ~0ull;
	else if (read_mask(whom, &mask))
		return -XEN_EFAULT;
	flush_tlb(mask);
	return 0;
}

long hc_update_va_mapping(struct vcpu *v, uint64_t va, uint64_t entry, uint64_t flags, uint64_t d, uint64_t e)
{
	uint64_t mfn, old;
	int rc;

	(void)d, (void)e;
	if (!walk(v->kernel_mfn, va, 1, &mfn))
		return -XEN_EINVAL;
	rc = entry_set(mfn, (unsigned)(va >> PAGE_SHIFT) & 511, entry, ENTRY_SET, &old);
	return rc ? rc : uvm_flush(va, flags);
}

long hc_update_va_mapping_otherdomain(struct vcpu *v, uint64_t va, uint64_t entry, uint64_t flags, uint64_t domid,
				      uint64_t e)
{
	return is_own(domid) ? hc_update_va_mapping(v, va, entry, flags, domid, e) : -XEN_ESRCH;
}

/* ---- mmuext_op: a row a command ---- */

typedef int ext_fn(struct vcpu *v, const struct mmuext_op *op);

static int ext_pin(struct vcpu *v, const struct mmuext_op *op)
{
	int rc;

	(void)v;
	lock(&mmu_lock);
	rc = table_pin(op->arg1.mfn, op->cmd - MMUEXT_PIN_L1_TABLE + 1);
	unlock(&mmu_lock);
	return rc;
}

static int ext_unpin(struct vcpu *v, const struct mmuext_op *op)
{
	int rc;

	(void)v;
	lock(&mmu_lock);
	rc = table_unpin(op->arg1.mfn);
	unlock(&mmu_lock);
	return rc;
}

static int ext_new_base(struct vcpu *v, const struct mmuext_op *op)
{
	return set_kernel_root(v, op->arg1.mfn);
}

static int ext_new_user_base(struct vcpu *v, const struct mmuext_op *op)
{
	return set_user_root(v, op->arg1.mfn);
}

static int ext_flush_local(struct vcpu *v, const struct mmuext_op *op)
{
	(void)v, (void)op;
	flush_tlb_local();
	return 0;
}

static int ext_invlpg_local(struct vcpu *v, const struct mmuext_op *op)
{
	(void)v;
	invlpg(op->arg1.linear_addr);
	return 0;
}

static int ext_flush_multi(struct vcpu *v, const struct mmuext_op *op)
{
	uint64_t mask;

	(void)v;
	if (read_mask((uint64_t)op->arg2.vcpumask.p, &mask))
		return -XEN_EINVAL;
	flush_tlb(mask);
	return 0;
}

static int ext_flush_all(struct vcpu *v, const struct mmuext_op *op)
{
	(void)v, (void)op;
	flush_tlb(~0ull);
	return 0;
}

/* Only a domain with devices may know of the cache. */
static int ext_flush_cache(struct vcpu *v, const struct mmuext_op *op)
{
	(void)v, (void)op;
	return -XEN_EACCES;
}

/* Large pages in superpage tables: no PV guest has them. */
static int ext_super(struct vcpu *v, const struct mmuext_op *op)
{
	(void)v, (void)op;
	return -XEN_EOPNOTSUPP;
}

static int ext_set_ldt(struct vcpu *v, const struct mmuext_op *op)
{
	return segment_load_ldt(v, op->arg1.linear_addr, op->arg2.nr_ents);
}

static int ext_clear_page(struct vcpu *v, const struct mmuext_op *op)
{
	(void)v;
	return guest_frame_fill(op->arg1.mfn, 0, NULL, PAGE) ? 0 : -XEN_EINVAL;
}

static int ext_copy_page(struct vcpu *v, const struct mmuext_op *op)
{
	(void)v;
	if (!frame_is_guest(op->arg2.src_mfn))
		return -XEN_EINVAL;
	return guest_frame_fill(op->arg1.mfn, 0, frame_va(op->arg2.src_mfn), PAGE) ? 0 : -XEN_EINVAL;
}

static ext_fn *const ext_ops[] = {
	[MMUEXT_PIN_L1_TABLE] = ext_pin,
	[MMUEXT_PIN_L2_TABLE] = ext_pin,
	[MMUEXT_PIN_L3_TABLE] = ext_pin,
	[MMUEXT_PIN_L4_TABLE] = ext_pin,
	[MMUEXT_UNPIN_TABLE] = ext_unpin,
	[MMUEXT_NEW_BASEPTR] = ext_new_base,
	[MMUEXT_NEW_USER_BASEPTR] = ext_new_user_base,
	[MMUEXT_TLB_FLUSH_LOCAL] = ext_flush_local,
	[MMUEXT_INVLPG_LOCAL] = ext_invlpg_local,
	[MMUEXT_TLB_FLUSH_MULTI] = ext_flush_multi,
	[MMUEXT_INVLPG_MULTI] = ext_flush_multi,
	[MMUEXT_TLB_FLUSH_ALL] = ext_flush_all,
	[MMUEXT_INVLPG_ALL] = ext_flush_all,
	[MMUEXT_FLUSH_CACHE] = ext_flush_cache,
	[MMUEXT_FLUSH_CACHE_GLOBAL] = ext_flush_cache,
	[MMUEXT_MARK_SUPER] = ext_super,
	[MMUEXT_UNMARK_SUPER] = ext_super,
	[MMUEXT_SET_LDT] = ext_set_ldt,
	[MMUEXT_CLEAR_PAGE] = ext_clear_page,
	[MMUEXT_COPY_PAGE] = ext_copy_page,
};

long hc_mmuext_op(struct vcpu *v, uint64_t list, uint64_t count, uint64_t done_va, uint64_t domid, uint64_t e)
{
	uint32_t n = (uint32_t)count & ~PREEMPT, i;
	struct mmuext_op op;
	long rc = 0;

	(void)e;
	if (!is_own(domid))
		return -XEN_ESRCH;
	if (n > MANY)
		return -XEN_EINVAL;
	for (i = 0; i < n; i++) {
		rc = get_arg(&op, list + (uint64_t)i * guest_len(SHAPE(mmuext_op)), SHAPE(mmuext_op));
		if (!rc)
			rc = op.cmd < ARRAY(ext_ops) && ext_ops[op.cmd] ? ext_ops[op.cmd](v, &op) : -XEN_ENOSYS;
		if (rc) {
			trace(v, 'x', op.cmd, op.arg1.mfn);
			break;
		}
	}
	if (done_va && copy_to_guest(done_va, &i, sizeof(i)))
		rc = -XEN_EFAULT;
	return rc;
}
