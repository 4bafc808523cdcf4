/* SPDX-License-Identifier: MIT */
/*
 * The copy of a 64-bit guest's level 4: the guest's but for slots 256 to 271.
 * Its processes have a top level of their own beside the kernel's.
 */
#include "../shadow.h"

void root_init(void)
{
}

void root_prepare(struct shadow *s)
{
	memcpy(s->copy + HV_FIRST, hv_root + HV_FIRST, (HV_END - HV_FIRST) * 8);
}

void root_fill(struct shadow *s)
{
	const uint64_t *from = frame_va(s->mfn);

	memcpy(s->copy, from, HV_FIRST * 8);
	memcpy(s->copy + HV_END, from + HV_END, (512 - HV_END) * 8);
}

void root_entry(struct shadow *s, unsigned index, uint64_t entry)
{
	if (index < HV_FIRST || index >= HV_END)
		s->copy[index] = entry;
}

int set_user_root(struct vcpu *v, uint64_t mfn)
{
	struct shadow *root = NULL;
	int rc;

	lock(&mmu_lock);
	rc = mfn ? root_get(mfn, &root) : 0;
	if (!rc) {
		root_put(v->user_root);
		v->user_root = root;
		v->user_mfn = mfn;
		if (root)
			root_show_m2p(root, !m2p_strict || root == v->kernel_root);
	}
	unlock(&mmu_lock);
	short_ways(v);
	return rc;
}
