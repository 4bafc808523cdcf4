/* SPDX-License-Identifier: MIT */
/* Copies between guest and paravisor: of what the guest may name, and surviving what it did not map. */
#include "paravisor.h"

#if ROOT_LEVEL == 4

/* Neither the paravisor's, nor wrapping. What is not canonical or not mapped faults, and survives it. */
bool guest_range_seldom_ok(uint64_t va, uint64_t len)
{
	uint64_t last = va + (len ? len - 1 : 0);

	return last >= va && !is_paravisors(va) && !is_paravisors(last) &&
	       !(va < HYPERVISOR_VIRT_START && last >= HYPERVISOR_VIRT_END);
}

#else

/* What 32 bits reach, and this vCPU's widened arguments: their address is never one that the guest gave. */
bool guest_range_seldom_ok(uint64_t va, uint64_t len)
{
	uint64_t last = va + (len ? len - 1 : 0), xlat = (uint64_t)this_vcpu() + XLAT_OFF;

	return last >= va && (last >> 32 == 0 || (va >= xlat && last < xlat + XLAT_LEN));
}

#endif

int copy_from_guest(void *to, uint64_t va, size_t len)
{
	if (unlikely(!guest_range_ok(va, len)))
		return -XEN_EFAULT;
	return raw_copy(to, (const void *)va, len) ? -XEN_EFAULT : 0;
}

int copy_to_guest(uint64_t va, const void *from, size_t len)
{
	if (unlikely(!guest_range_ok(va, len)))
		return -XEN_EFAULT;
	return raw_copy((void *)va, from, len) ? -XEN_EFAULT : 0;
}
