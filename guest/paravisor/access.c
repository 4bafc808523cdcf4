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

/* Whatever 32 bits reach. */
bool guest_range_seldom_ok(uint64_t va, uint64_t len)
{
	uint64_t last = va + (len ? len - 1 : 0);

	return last >= va && last >> 32 == 0;
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
