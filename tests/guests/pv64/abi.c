/* SPDX-License-Identifier: MIT */
/*
 * A PV guest that asks for all that the public headers offer a domain without
 * devices, and compares each answer, result or errno, with what Xen 4.17 says.
 * Each thing is one line of TAP. Here: the calls whose answer is all of them.
 */
#include "abi.h"

#include <xen/callback.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/nmi.h>
#include <xen/physdev.h>

#define UNMAPPED 0x10ul
#define NOBODY   77 /* a domain that there is not */
#define NOT_OURS 0x8000000000000000ul

uint8_t spare[4][4096] __attribute__((aligned(4096)));

void ask_all(const struct asked *rows, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		check(rows[i].what, call(rows[i].nr, rows[i].a, rows[i].b, rows[i].c, rows[i].d, 0), rows[i].want);
}

/* ---- Calls that only look at their arguments ---- */

static char text[1024];
static struct callback_register bad_callback = { CALLBACKTYPE_event, 0, NOT_OURS }, odd_callback = { 9, 0, 0 };
static struct callback_register syscall32_callback = { CALLBACKTYPE_syscall32, 0, 0 };
static struct callback_unregister event_gone = { CALLBACKTYPE_event }, sysenter_gone = { CALLBACKTYPE_sysenter },
				  nmi_gone = { CALLBACKTYPE_nmi }, odd_gone = { 9 };
static struct sched_remote_shutdown end_self = { 0x7ff0, 0 }, end_dom0 = { 0, 0 };
static struct sched_watchdog no_dog = { 1, 0 }, dog_3 = { 3, 1 };
static struct physdev_set_iopl iopl_4 = { 4 };
static struct physdev_set_iobitmap many_ports = { .nr_ports = 65537 };
static struct physdev_irq_status_query irq_7 = { 7, 0 };
static struct physdev_apic apic;
static struct vcpu_set_periodic_timer fast = { 1000 };
static struct vcpu_set_singleshot_timer past = { 1, VCPU_SSHOTTMR_future };
static struct vcpu_register_vcpu_info wide_info = { .mfn = 0, .offset = 4090 };
static struct gnttab_set_version grants_3 = { 3 };

static const struct asked calls[] = {
	{ "xen_version: version", __HYPERVISOR_xen_version, XENVER_version, 0, 0, 0, 4 << 16 | 17 },
	{ "xen_version: page size", __HYPERVISOR_xen_version, XENVER_pagesize, 0, 0, 0, 4096 },
	{ "xen_version: page size with an argument", __HYPERVISOR_xen_version, XENVER_pagesize, P(text), 0, 0,
	  -XEN_EINVAL },
	{ "xen_version: extraversion", __HYPERVISOR_xen_version, XENVER_extraversion, P(text), 0, 0, 0 },
	{ "xen_version: compile info", __HYPERVISOR_xen_version, XENVER_compile_info, P(text), 0, 0, 0 },
	{ "xen_version: changeset", __HYPERVISOR_xen_version, XENVER_changeset, P(text), 0, 0, 0 },
	{ "xen_version: handle", __HYPERVISOR_xen_version, XENVER_guest_handle, P(text), 0, 0, 0 },
	{ "xen_version: build id", __HYPERVISOR_xen_version, XENVER_build_id, 0, 0, 0, -XEN_EPERM },
	{ "xen_version: unknown", __HYPERVISOR_xen_version, 11, 0, 0, 0, -XEN_ENOSYS },
	{ "xen_version: nowhere to write", __HYPERVISOR_xen_version, XENVER_changeset, UNMAPPED, 0, 0, -XEN_EFAULT },
	{ "vm_assist: 4gb_segments", __HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_4gb_segments, 0, 0, 0 },
	{ "vm_assist: writable_pagetables", __HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables,
	  0, 0, 0 },
	{ "vm_assist: pae_extended_cr3", __HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_pae_extended_cr3, 0, 0,
	  0 },
	{ "vm_assist: runstate_update_flag off", __HYPERVISOR_vm_assist, VMASST_CMD_disable,
	  VMASST_TYPE_runstate_update_flag, 0, 0, 0 },
	{ "vm_assist: unknown type", __HYPERVISOR_vm_assist, VMASST_CMD_enable, 6, 0, 0, -XEN_EINVAL },
	{ "vm_assist: type out of range", __HYPERVISOR_vm_assist, VMASST_CMD_enable, 99, 0, 0, -XEN_EINVAL },
	{ "vm_assist: unknown command", __HYPERVISOR_vm_assist, 2, VMASST_TYPE_4gb_segments, 0, 0, -XEN_ENOSYS },
	{ "callback_op: address not canonical", __HYPERVISOR_callback_op, CALLBACKOP_register, P(bad_callback), 0, 0,
	  -XEN_EINVAL },
	{ "callback_op: unknown type", __HYPERVISOR_callback_op, CALLBACKOP_register, P(odd_callback), 0, 0,
	  -XEN_ENOSYS },
	{ "callback_op: syscall32 without an address", __HYPERVISOR_callback_op, CALLBACKOP_register,
	  P(syscall32_callback), 0, 0, 0 },
	{ "callback_op: the event callback stays", __HYPERVISOR_callback_op, CALLBACKOP_unregister, P(event_gone), 0, 0,
	  -XEN_EINVAL },
	{ "callback_op: so does that of sysenter", __HYPERVISOR_callback_op, CALLBACKOP_unregister, P(sysenter_gone), 0,
	  0, -XEN_EINVAL },
	{ "callback_op: that of NMIs can go", __HYPERVISOR_callback_op, CALLBACKOP_unregister, P(nmi_gone), 0, 0, 0 },
	{ "callback_op: an unknown one cannot", __HYPERVISOR_callback_op, CALLBACKOP_unregister, P(odd_gone), 0, 0,
	  -XEN_ENOSYS },
	{ "callback_op: no argument", __HYPERVISOR_callback_op, CALLBACKOP_register, UNMAPPED, 0, 0, -XEN_EFAULT },
	{ "callback_op: unknown", __HYPERVISOR_callback_op, 7, P(bad_callback), 0, 0, -XEN_ENOSYS },
	{ "nmi_op: no argument", __HYPERVISOR_nmi_op, XENNMI_register_callback, UNMAPPED, 0, 0, -XEN_EFAULT },
	{ "nmi_op: unregister", __HYPERVISOR_nmi_op, XENNMI_unregister_callback, 0, 0, 0, 0 },
	{ "nmi_op: unknown", __HYPERVISOR_nmi_op, 2, 0, 0, 0, -XEN_ENOSYS },
	{ "set_segment_base: fs", __HYPERVISOR_set_segment_base, SEGBASE_FS, 0x1000, 0, 0, 0 },
	{ "set_segment_base: not canonical", __HYPERVISOR_set_segment_base, SEGBASE_FS, NOT_OURS, 0, 0, -XEN_EINVAL },
	{ "set_segment_base: user gs", __HYPERVISOR_set_segment_base, SEGBASE_GS_USER, 0x1000, 0, 0, 0 },
	{ "set_segment_base: a bad selector is the null one", __HYPERVISOR_set_segment_base, SEGBASE_GS_USER_SEL,
	  0xfff8, 0, 0, 0 },
	{ "set_segment_base: unknown", __HYPERVISOR_set_segment_base, 4, 0, 0, 0, -XEN_EINVAL },
	{ "set_debugreg: an address of the hypervisor", __HYPERVISOR_set_debugreg, 0, 0xffff800000000000, 0, 0,
	  -XEN_EPERM },
	{ "set_debugreg: general detect", __HYPERVISOR_set_debugreg, 7, 0x2000, 0, 0, -XEN_EPERM },
	{ "set_debugreg: an I/O breakpoint", __HYPERVISOR_set_debugreg, 7, 0x20001, 0, 0, -XEN_EPERM },
	{ "set_debugreg: no such register", __HYPERVISOR_set_debugreg, 8, 0, 0, 0, -XEN_ENODEV },
	{ "get_debugreg: no such register", __HYPERVISOR_get_debugreg, 8, 0, 0, 0, -XEN_ENODEV },
	{ "get_debugreg: 6 at the start", __HYPERVISOR_get_debugreg, 6, 0, 0, 0, 0xffff0ff0 },
	{ "get_debugreg: 7 at the start", __HYPERVISOR_get_debugreg, 7, 0, 0, 0, 0x400 },
	{ "sched_op: yield", __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0 },
	{ "sched_op: shutdown without a reason", __HYPERVISOR_sched_op, SCHEDOP_shutdown, UNMAPPED, 0, 0, -XEN_EFAULT },
	{ "sched_op: remote shutdown of itself", __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, P(end_self), 0, 0,
	  -XEN_ESRCH },
	{ "sched_op: remote shutdown of domain 0", __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, P(end_dom0), 0, 0,
	  -XEN_EPERM },
	{ "sched_op: watchdog 1 is not running", __HYPERVISOR_sched_op, SCHEDOP_watchdog, P(no_dog), 0, 0,
	  -XEN_EINVAL },
	{ "sched_op: there is no watchdog 3", __HYPERVISOR_sched_op, SCHEDOP_watchdog, P(dog_3), 0, 0, -XEN_EINVAL },
	{ "sched_op: pin override", __HYPERVISOR_sched_op, SCHEDOP_pin_override, 0, 0, 0, -XEN_EPERM },
	{ "sched_op: unknown", __HYPERVISOR_sched_op, 8, 0, 0, 0, -XEN_ENOSYS },
	{ "physdev_op: I/O level 4", __HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, P(iopl_4), 0, 0, -XEN_EINVAL },
	{ "physdev_op: 65537 ports", __HYPERVISOR_physdev_op, PHYSDEVOP_set_iobitmap, P(many_ports), 0, 0,
	  -XEN_EINVAL },
	{ "physdev_op: no argument", __HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, UNMAPPED, 0, 0, -XEN_EFAULT },
	{ "physdev_op: status of interrupt 7", __HYPERVISOR_physdev_op, PHYSDEVOP_irq_status_query, P(irq_7), 0, 0, 0 },
	{ "physdev_op: the I/O APIC", __HYPERVISOR_physdev_op, PHYSDEVOP_apic_read, P(apic), 0, 0, -XEN_EPERM },
	{ "physdev_op: unknown", __HYPERVISOR_physdev_op, 63, P(apic), 0, 0, -XEN_ENOSYS },
	{ "vcpu_op: no such vCPU", __HYPERVISOR_vcpu_op, VCPUOP_is_up, 33, 0, 0, -XEN_ENOENT },
	{ "vcpu_op: this one is up", __HYPERVISOR_vcpu_op, VCPUOP_is_up, 0, 0, 0, 1 },
	{ "vcpu_op: a period of 1 us", __HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0, P(fast), 0, -XEN_EINVAL },
	{ "vcpu_op: a time that is past, whatever the flag", __HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0,
	  P(past), 0, 0 },
	{ "vcpu_op: vcpu_info across pages", __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, P(wide_info), 0,
	  -XEN_ENXIO },
	{ "vcpu_op: an NMI with an argument", __HYPERVISOR_vcpu_op, VCPUOP_send_nmi, 0, P(text), 0, -XEN_EINVAL },
	{ "vcpu_op: its processor", __HYPERVISOR_vcpu_op, VCPUOP_get_physid, 0, P(text), 0, -XEN_EINVAL },
	{ "vcpu_op: the time area", __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0, UNMAPPED, 0,
	  -XEN_EFAULT },
	{ "vcpu_op: unknown", __HYPERVISOR_vcpu_op, 14, 0, 0, 0, -XEN_ENOSYS },
	{ "grant_table_op: version 3", __HYPERVISOR_grant_table_op, GNTTABOP_set_version, P(grants_3), 1, 0,
	  -XEN_EINVAL },
	{ "grant_table_op: a count below 0", __HYPERVISOR_grant_table_op, GNTTABOP_query_size, P(text), 0x80000000, 0,
	  -XEN_EINVAL },
	{ "grant_table_op: unknown", __HYPERVISOR_grant_table_op, 63, P(text), 1, 0, -XEN_ENOSYS },
	{ "hypfs_op", __HYPERVISOR_hypfs_op, 0, 0, 0, 0, -XEN_EPERM },
	{ "xsm_op", __HYPERVISOR_xsm_op, 0, 0, 0, 0, -XEN_ENOSYS },
	{ "kexec_op", __HYPERVISOR_kexec_op, 0, 0, 0, 0, -XEN_EPERM },
	{ "platform_op without an argument", __HYPERVISOR_platform_op, 0, 0, 0, 0, -XEN_EFAULT },
	{ "sysctl of another version", __HYPERVISOR_sysctl, P(text), 0, 0, 0, -XEN_EACCES },
	{ "domctl of another version", __HYPERVISOR_domctl, P(text), 0, 0, 0, -XEN_EACCES },
	{ "stack_switch", __HYPERVISOR_stack_switch, FLAT_KERNEL_SS, 0, 0, 0, 0 },
	{ "fpu_taskswitch", __HYPERVISOR_fpu_taskswitch, 0, 0, 0, 0, 0 },
	{ "set_timer_op: none", __HYPERVISOR_set_timer_op, 0, 0, 0, 0, 0 },
};

static void features(void)
{
	struct xen_feature_info fi = { 0 }, odd = { 1, 0 };
	struct xen_platform_parameters platform;
	unsigned wanted = 1u << XENFEAT_mmu_pt_update_preserve_ad | 1u << XENFEAT_highmem_assist |
			  1u << XENFEAT_gnttab_map_avail_bits;

	check("features can be asked for", call(__HYPERVISOR_xen_version, XENVER_get_features, P(fi), 0, 0, 0), 0);
	check("those that every PV guest has", fi.submap & wanted, wanted);
	check("tables are not writable", fi.submap >> XENFEAT_writable_page_tables & 1, 0);
	check("there is one word of them", call(__HYPERVISOR_xen_version, XENVER_get_features, P(odd), 0, 0, 0),
	      -XEN_EINVAL);
	call(__HYPERVISOR_xen_version, XENVER_platform_parameters, P(platform), 0, 0, 0);
	check("the hypervisor's part begins where it does", (long)platform.virt_start, (long)HYPERVISOR_VIRT_START);
	call(__HYPERVISOR_xen_version, XENVER_capabilities, P(text), 0, 0, 0);
	check("a 64-bit PV guest is among the capabilities", *(uint64_t *)text == 0x2d302e332d6e6578, 1);
	call(__HYPERVISOR_xen_version, XENVER_commandline, P(text), 0, 0, 0);
	check("the hypervisor's command line is denied", *(uint64_t *)text == 0x3e6465696e65643c, 1);
}

/* ---- Watchdogs ---- */

static long watchdog(uint32_t id, uint32_t seconds)
{
	struct sched_watchdog op = { id, seconds };

	return call(__HYPERVISOR_sched_op, SCHEDOP_watchdog, P(op), 0, 0, 0);
}

static void watchdogs(void)
{
	check("a watchdog is number 1", watchdog(0, 60), 1);
	check("another is number 2", watchdog(0, 60), 2);
	check("there is no third", (int)watchdog(0, 60), -XEN_ENOSPC); /* 32 bits of it, on Xen */
	check("one can be set anew", watchdog(1, 60), 0);
	check("and be stopped", watchdog(1, 0), 0);
	check("and not be set then", watchdog(1, 60), -XEN_EINVAL);
	check("the other can be stopped", watchdog(2, 0), 0);
}

/* ---- Multicalls ---- */

static void multicalls(void)
{
	static struct multicall_entry calls2[4] = {
		{ __HYPERVISOR_xen_version, 99, { XENVER_version } },
		{ 62, 99, { 0 } },
		{ __HYPERVISOR_multicall, 99, { 0 } },
		{ __HYPERVISOR_sched_op, 99, { SCHEDOP_yield } },
	};

	check("a multicall", call(__HYPERVISOR_multicall, P(calls2), 4, 0, 0, 0), 0);
	check("each has its result", (long)calls2[0].result, 4 << 16 | 17);
	check("an unknown call in it", (long)calls2[1].result, -XEN_ENOSYS);
	check("a multicall in it", (long)calls2[2].result, -XEN_EINVAL);
	check("it goes on after errors", (long)calls2[3].result, 0);
	check("of none", call(__HYPERVISOR_multicall, P(calls2), 0, 0, 0, 0), 0);
	check("with a list nowhere", call(__HYPERVISOR_multicall, UNMAPPED, 1, 0, 0, 0), -XEN_EFAULT);
	check("with a list in the hypervisor's part", call(__HYPERVISOR_multicall, 0xffff810000000000, 1, 0, 0, 0),
	      -XEN_EFAULT);
}

/* ---- Grants ---- */

static long grant(unsigned cmd, void *op)
{
	return call(__HYPERVISOR_grant_table_op, cmd, (uint64_t)op, 1, 0, 0);
}

static int16_t copy_own(uint64_t from, uint64_t to, uint16_t offset, uint16_t len)
{
	struct gnttab_copy op = { .source = { { .gmfn = from }, DOMID_SELF, 0 },
				  .dest = { { .gmfn = to }, DOMID_SELF, offset },
				  .len = len };

	check("grant_table_op: copy", grant(GNTTABOP_copy, &op), 0);
	return op.status;
}

static void grants(void)
{
	uint64_t frames[8] = { 0 };
	struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1, .frame_list = { frames } };
	struct gnttab_query_size size = { .dom = DOMID_SELF };
	struct gnttab_get_version version = { .dom = DOMID_SELF };
	struct gnttab_set_version to = { 2 };
	struct gnttab_get_status_frames status = { .nr_frames = 1, .dom = DOMID_SELF, .frame_list = { frames } };
	struct gnttab_map_grant_ref map = { .flags = GNTMAP_host_map, .dom = NOBODY };
	struct gnttab_unmap_grant_ref unmap = { .handle = 3 };

	check("grants: set up", grant(GNTTABOP_setup_table, &setup) || setup.status, 0);
	check("grants: the table can be mapped", map_at(spare[3], frames[0] << 12 | 7), 0);
	*(volatile uint32_t *)spare[3] = 0;
	setup.nr_frames = 100000;
	grant(GNTTABOP_setup_table, &setup);
	check("grants: too many frames", setup.status, GNTST_general_error);
	setup.dom = NOBODY;
	grant(GNTTABOP_setup_table, &setup);
	check("grants: nobody's table", setup.status, GNTST_bad_domain);
	check("grants: their size", grant(GNTTABOP_query_size, &size) || size.status || !size.nr_frames, 0);
	check("grants: version 1", grant(GNTTABOP_get_version, &version) || version.version != 1, 0);
	grant(GNTTABOP_get_status_frames, &status);
	check("grants: no status frames in version 1", status.status, GNTST_general_error);
	check("grants: to version 2", grant(GNTTABOP_set_version, &to), 0);
	check("grants: version 2 is the answer", to.version, 2);
	check("grants: the status frame of version 2", grant(GNTTABOP_get_status_frames, &status) || status.status, 0);
	to.version = 1;
	check("grants: back to version 1", grant(GNTTABOP_set_version, &to), 0);
	grant(GNTTABOP_map_grant_ref, &map);
	check("grants: nobody's grant", map.status, GNTST_bad_domain);
	grant(GNTTABOP_unmap_grant_ref, &unmap);
	check("grants: a handle that is none", unmap.status, GNTST_bad_handle);
	spare[0][7] = 42;
	check("grants: within the guest", copy_own(mfn_of(spare[0]), mfn_of(spare[1]), 1, 16), GNTST_okay);
	check("grants: the bytes came", spare[1][8], 42);
	check("grants: beyond the page", copy_own(mfn_of(spare[0]), mfn_of(spare[1]), 4090, 16), GNTST_bad_copy_arg);
	check("grants: not its own page", copy_own(mfn_of(spare[0]), 0x200, 0, 16) < 0, 1);
}

/* ---- What the start gives ---- */

static void start(void)
{
	const char *magic = start_info->magic;

	check("start_info: magic", magic[0] == 'x' && magic[3] == '-' && magic[4] == '3', 1);
	check("start_info: pages", start_info->nr_pages > 1000, 1);
	check("start_info: not privileged", (long)(start_info->flags & (SIF_PRIVILEGED | SIF_INITDOMAIN)), 0);
	check("start_info: xenstore's and the console's ports",
	      start_info->store_evtchn && start_info->console.domU.evtchn &&
		      start_info->store_evtchn != start_info->console.domU.evtchn,
	      1);
	check("start_info: shared_info is a page", (long)(start_info->shared_info & 4095), 0);
	check("p2m: it says what the machine-to-physical table says",
	      (long)((uint64_t *)0xffff800000000000)[start_info->console.domU.mfn],
	      (long)pfn_of(
		      (void *)(VIRT_BASE + ((uint64_t *)0xffff800000000000)[start_info->console.domU.mfn] * 4096)));
	check("the hypercall page calls",
	      ((long (*)(uint64_t, uint64_t))(hypercall_page + 32 * __HYPERVISOR_xen_version))(XENVER_version, 0),
	      4 << 16 | 17);
}

/* "end=REASON" on the command line: end at once, for that reason. */
static void ends(void)
{
	static const char *const reasons[] = { "poweroff", "reboot", "suspend", "crash", "watchdog", "soft_reset" };
	struct sched_shutdown crash = { SHUTDOWN_crash };

	for (unsigned i = 0; i < ARRAY(reasons); i++)
		if (asked_for("end", reasons[i]))
			shut_down(i);
	if (asked_for("end", "code")) { /* it counts more than the reason that follows */
		call(__HYPERVISOR_sched_op, SCHEDOP_shutdown_code, P(crash), 0, 0, 0);
		shut_down(SHUTDOWN_poweroff);
	}
	if (asked_for("end", "compat"))
		call(__HYPERVISOR_sched_op_compat, SCHEDOP_shutdown, SHUTDOWN_reboot, 0, 0, 0);
	if (asked_for("end", "bark"))
		watchdog(0, 1);
	while (asked_for("end", "bark"))
		call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
}

void guest_main(void)
{
	ends();
	start();
	ask_all(calls, ARRAY(calls));
	features();
	watchdogs();
	multicalls();
	grants();
	check_memory();
	check_events();
	check_traps();
}
