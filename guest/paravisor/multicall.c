/* SPDX-License-Identifier: MIT */
/* Several hypercalls in one: <xen/xen.h>, struct multicall_entry, which is all words. */
#include "paravisor.h"

struct call {
	guest_word op, result, args[6];
};

static guest_word one_call(struct vcpu *v, const struct call *call)
{
	uint64_t args[5];

	if (call->op == __HYPERVISOR_multicall || call->op == __HYPERVISOR_iret)
		return (guest_word)-XEN_EINVAL;
	if (sizeof(args[0]) == sizeof(call->args[0]))
		return (guest_word)hypercall(v, call->op, (const void *)call->args);
	for (unsigned i = 0; i < ARRAY(args); i++)
		args[i] = call->args[i];
	return (guest_word)hypercall(v, call->op, args);
}

/* As many as the count, of 32 bits, says; the list must lie where a guest's memory can. */
long hc_multicall(struct vcpu *v, uint64_t list, uint64_t count, uint64_t c, uint64_t d, uint64_t e)
{
	struct call call;
	uint32_t n = (uint32_t)count;

	(void)c, (void)d, (void)e;
	if (!guest_range_ok(list, n * sizeof(call)))
		return -XEN_EFAULT;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = list + i * sizeof(call);

		if (copy_from_guest(&call, at, sizeof(call)))
			return -XEN_EFAULT;
		call.result = one_call(v, &call);
		if (copy_to_guest(at + offsetof(struct call, result), &call.result, sizeof(call.result)))
			return -XEN_EFAULT;
	}
	return 0;
}
