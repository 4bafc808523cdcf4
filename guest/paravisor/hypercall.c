/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls by number. A number without a row gives -ENOSYS; every call is counted.
 */
#undef __STRICT_ANSI__ /* what the tools' headers ask for, of which only the versions are wanted here */
#define __XEN_TOOLS__
#include "paravisor.h"

#include <xen/arch-x86/xen-mca.h>
#include <xen/domctl.h>
#include <xen/platform.h>
#include <xen/sysctl.h>

static const struct {
	const char *name;
	hypercall_fn *fn;
} table[NR_HYPERCALLS] = {
#define ROW(n) [__HYPERVISOR_##n] = { #n, hc_##n }
/* A 32-bit guest has these arguments in more registers: pv32/calls.c. */
#if ROOT_LEVEL == 4
#define ROW_JOIN(n) ROW(n)
#else
#define ROW_JOIN(n) [__HYPERVISOR_##n] = { #n, hc32_##n }
#endif
	ROW(set_trap_table),
	ROW(mmu_update),
	ROW(set_gdt),
	ROW(stack_switch),
	ROW_JOIN(set_callbacks),
	ROW(fpu_taskswitch),
	ROW(sched_op_compat),
	ROW(platform_op),
	ROW(set_debugreg),
	ROW(get_debugreg),
	ROW_JOIN(update_descriptor),
	ROW(memory_op),
	ROW(multicall),
	ROW_JOIN(update_va_mapping),
	ROW_JOIN(set_timer_op),
	ROW(event_channel_op_compat),
	ROW(xen_version),
	ROW(console_io),
	ROW(physdev_op_compat),
	ROW(grant_table_op),
	ROW(vm_assist),
	ROW(iret),
	ROW(vcpu_op),
#if ROOT_LEVEL == 4
	ROW(set_segment_base),
#endif
	ROW(mmuext_op),
	ROW(nmi_op),
	ROW(sched_op),
	ROW(callback_op),
	ROW(event_channel_op),
	ROW(physdev_op),
	ROW(sysctl),
	ROW(domctl),
	ROW(xenpmu_op),
	ROW(dm_op),
	ROW_JOIN(update_va_mapping_otherdomain),
#undef ROW
#undef ROW_JOIN
	[__HYPERVISOR_kexec_op] = { "kexec_op", hc_denied },
	[__HYPERVISOR_hypfs_op] = { "hypfs_op", hc_denied },
	[__HYPERVISOR_mca] = { "mca", hc_denied },
};

/* ---- What only a privileged domain may ask ---- */

long hc_denied(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	(void)v, (void)a, (void)b, (void)c, (void)d, (void)e;
	return -XEN_EPERM;
}

/* Xen looks at the argument first: the command, and the version of the interface it was written for. */
static long denied_version(uint64_t arg, uint32_t version)
{
	uint32_t head[2];

	if (copy_from_guest(head, arg, sizeof(head)))
		return -XEN_EFAULT;
	return head[1] == version ? -XEN_EPERM : -XEN_EACCES;
}

long hc_platform_op(struct vcpu *v, uint64_t arg, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	(void)v, (void)b, (void)c, (void)d, (void)e;
	return denied_version(arg, XENPF_INTERFACE_VERSION);
}

long hc_sysctl(struct vcpu *v, uint64_t arg, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	(void)v, (void)b, (void)c, (void)d, (void)e;
	return denied_version(arg, XEN_SYSCTL_INTERFACE_VERSION);
}

long hc_domctl(struct vcpu *v, uint64_t arg, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	(void)v, (void)b, (void)c, (void)d, (void)e;
	return denied_version(arg, XEN_DOMCTL_INTERFACE_VERSION);
}

/* A device model's: of another domain, which a guest may not be for anybody. */
long hc_dm_op(struct vcpu *v, uint64_t domid, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	(void)v, (void)b, (void)c, (void)d, (void)e;
	return domid == 0 || domid == OWN_DOMID ? -XEN_EPERM : -XEN_ESRCH;
}

/* ---- Dispatch ---- */

long hypercall(struct vcpu *v, uint64_t nr, const uint64_t args[5])
{
	if (unlikely(nr >= NR_HYPERCALLS || !table[nr].fn)) {
		trace(v, '?', nr, args[0]);
		v->counts[nr < NR_HYPERCALLS ? nr : NR_HYPERCALLS - 1]++;
		return -XEN_ENOSYS;
	}
	v->counts[nr]++;
	trace(v, 'H', nr, args[0]);
	return table[nr].fn(v, args[0], args[1], args[2], args[3], args[4]);
}

void hypercall_counts(void)
{
	uint64_t privileged = 0;

	say("paravisor: hypercalls\n");
	for (unsigned n = 0; n < NR_HYPERCALLS; n++) {
		uint64_t sum = 0;

		for (unsigned i = 0; i < nr_vcpus; i++)
			sum += vcpu_at(i)->counts[n] + (n == __HYPERVISOR_iret ? vcpu_at(i)->irets : 0);
		if (sum)
			say("  %2u %s %lu%s\n", n, table[n].name ? table[n].name : "?", sum,
			    table[n].fn ? "" : " (-ENOSYS)");
	}
	for (unsigned i = 0; i < nr_vcpus; i++)
		privileged += vcpu_at(i)->privileged;
	say("paravisor: %lu privileged instructions\n", privileged);
}
