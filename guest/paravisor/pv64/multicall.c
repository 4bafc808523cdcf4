/* SPDX-License-Identifier: MIT */
/* Several hypercalls in one: <xen/xen.h>, struct multicall_entry. */
#include "../paravisor.h"

/* As many as the count, of 32 bits, says; the list must lie where a guest's memory can. */
long hc_multicall(struct vcpu *v, uint64_t list, uint64_t count, uint64_t c, uint64_t d, uint64_t e)
{
	struct multicall_entry call;
	uint32_t n = (uint32_t)count;

	(void)c, (void)d, (void)e;
	if (!guest_range_ok(list, n * sizeof(call)))
		return -XEN_EFAULT;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = list + i * sizeof(call);

		if (copy_from_guest(&call, at, sizeof(call)))
			return -XEN_EFAULT;
		if (call.op == __HYPERVISOR_multicall || call.op == __HYPERVISOR_iret)
			call.result = (xen_ulong_t)-XEN_EINVAL;
		else
			call.result = (xen_ulong_t)hypercall(v, call.op, call.args);
		if (copy_to_guest(at + offsetof(struct multicall_entry, result), &call.result, sizeof(call.result)))
			return -XEN_EFAULT;
	}
	return 0;
}
