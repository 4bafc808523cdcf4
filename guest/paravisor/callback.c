/* SPDX-License-Identifier: MIT */
/*
 * Where the guest wants to be called: trap handlers, callbacks, and the
 * switches of its "virtual machine assists".
 */
#include "shape.h"

#include <xen/callback.h>
#include <xen/nmi.h>

/* <xen/arch-x86/xen.h>, struct trap_info: ends with a zero address; no list at all empties the table. */
long hc_set_trap_table(struct vcpu *v, uint64_t list, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	struct trap_info t;

	(void)b, (void)c, (void)d, (void)e;
	if (!list) {
		memset(v->traps, 0, sizeof(v->traps));
		short_ways(v);
		return 0;
	}
	for (unsigned i = 0; i < 256 + 1; i++) {
		if (get_arg(&t, list + (uint64_t)i * guest_len(SHAPE(trap_info)), SHAPE(trap_info)))
			return -XEN_EFAULT;
		if (!t.address)
			return 0;
		if (!is_address(t.address))
			return -XEN_EINVAL;
		v->traps[t.vector] = t;
		if (t.vector == TRAP_PF)
			short_ways(v);
	}
	return -XEN_EINVAL;
}

long set_callback(struct vcpu *v, unsigned type, uint64_t rip, bool mask)
{
	struct callback c = { rip, mask };

	if (ROOT_LEVEL == 3 && (type == CALLBACKTYPE_syscall || type == CALLBACKTYPE_syscall32))
		return -XEN_EINVAL;
	if (!is_address(ROOT_LEVEL == 3 ? (uint32_t)rip : rip))
		return -XEN_EINVAL;
	switch (type) {
	case CALLBACKTYPE_event:
		v->event = c;
		return 0;
	case CALLBACKTYPE_failsafe:
		v->failsafe = c;
		return 0;
	case CALLBACKTYPE_syscall:
		v->syscall = c;
		v->masks = mask;
		short_ways(v);
		return 0;
	case CALLBACKTYPE_syscall32:
		v->syscall32 = c;
		return 0;
	case CALLBACKTYPE_sysenter:
		v->sysenter = c;
		return 0;
	case CALLBACKTYPE_nmi: /* a row of the trap table, which masks events */
		v->traps[TRAP_NMI] = (struct trap_info){ TRAP_NMI, 4, SEL_CS, rip };
		return 0;
	}
	return -XEN_ENOSYS;
}

/* Those that stay, once there is one. */
static bool stays_registered(unsigned type)
{
	return type == CALLBACKTYPE_event || type == CALLBACKTYPE_failsafe || type == CALLBACKTYPE_syscall ||
	       type == CALLBACKTYPE_syscall32 || type == CALLBACKTYPE_sysenter;
}

long hc_callback_op(struct vcpu *v, uint64_t cmd, uint64_t arg, uint64_t c, uint64_t d, uint64_t e)
{
	struct callback_register reg;

	(void)c, (void)d, (void)e;
	switch (cmd) {
	case CALLBACKOP_register:
		if (get_arg(&reg, arg, SHAPE(callback_register)))
			return -XEN_EFAULT;
		return set_callback(v, reg.type, handler_at((uint16_t)(reg.address >> 32), reg.address),
				    reg.flags & CALLBACKF_mask_events);
	case CALLBACKOP_unregister:
		if (copy_from_guest(&reg, arg, sizeof(struct callback_unregister)))
			return -XEN_EFAULT;
		if (reg.type == CALLBACKTYPE_nmi)
			return set_callback(v, reg.type, 0, false);
		return stays_registered(reg.type) ? -XEN_EINVAL : -XEN_ENOSYS;
	}
	return -XEN_ENOSYS;
}

#if ROOT_LEVEL == 4
long hc_set_callbacks(struct vcpu *v, uint64_t event, uint64_t failsafe, uint64_t syscall, uint64_t d, uint64_t e)
{
	(void)d, (void)e;
	if (!is_address(event) || !is_address(failsafe) || !is_address(syscall))
		return -XEN_EINVAL;
	set_callback(v, CALLBACKTYPE_event, event, true);
	set_callback(v, CALLBACKTYPE_failsafe, failsafe, false);
	set_callback(v, CALLBACKTYPE_syscall, syscall, false);
	return 0;
}
#endif

long hc_nmi_op(struct vcpu *v, uint64_t cmd, uint64_t arg, uint64_t c, uint64_t d, uint64_t e)
{
	struct xennmi_callback cb;

	(void)c, (void)d, (void)e;
	switch (cmd) {
	case XENNMI_register_callback:
		if (get_arg(&cb, arg, SHAPE(xennmi_callback)))
			return -XEN_EFAULT;
		return set_callback(v, CALLBACKTYPE_nmi, cb.handler_address, false);
	case XENNMI_unregister_callback:
		return set_callback(v, CALLBACKTYPE_nmi, 0, false);
	}
	return -XEN_ENOSYS;
}

bool m2p_strict;

/* Page-table writes are always emulated, and segments of 4 GiB are a 32-bit guest's; of the rest each is a switch. */
long hc_vm_assist(struct vcpu *v, uint64_t cmd, uint64_t type, uint64_t c, uint64_t d, uint64_t e)
{
	bool on = cmd == VMASST_CMD_enable;

	(void)v, (void)c, (void)d, (void)e;
	if (type > VMASST_TYPE_runstate_update_flag && (ROOT_LEVEL == 3 || type != VMASST_TYPE_m2p_strict))
		return -XEN_EINVAL;
	if (cmd != VMASST_CMD_enable && cmd != VMASST_CMD_disable)
		return -XEN_ENOSYS;
	switch (type) {
	case VMASST_TYPE_runstate_update_flag:
		runstate_flagged = on;
		break;
	case VMASST_TYPE_m2p_strict:
		m2p_strict = on;
		break;
	case VMASST_TYPE_architectural_iopl:
		architectural_iopl = on;
		for (unsigned i = 0; i < nr_vcpus; i++)
			short_ways(vcpu_at(i));
		break;
	}
	return 0;
}

/* Xen without vpmu= says this; guests then count in software. */
long hc_xenpmu_op(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	(void)v, (void)a, (void)b, (void)c, (void)d, (void)e;
	return -XEN_EOPNOTSUPP;
}
