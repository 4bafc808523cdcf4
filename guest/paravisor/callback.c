/* SPDX-License-Identifier: MIT */
/*
 * Where the guest wants to be called: trap handlers, callbacks, and the
 * switches of its "virtual machine assists".
 */
#include "paravisor.h"

#include <xen/callback.h>
#include <xen/nmi.h>
#include <xen/physdev.h>

/* An address that can be entered in ring 3: canonical, and not the paravisor's. */
static bool code_ok(uint64_t va)
{
	uint64_t top = va >> 47;

	return (!top || top == 0x1ffff) && va >> HV_SHIFT != HV_TAG;
}

/* <xen/arch-x86/xen.h>, struct trap_info: ends with a zero address; no list at all empties the table. */
long hc_set_trap_table(struct vcpu *v, uint64_t list, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	struct trap_info t;

	(void)b, (void)c, (void)d, (void)e;
	if (!list) {
		memset(v->traps, 0, sizeof(v->traps));
		return 0;
	}
	for (unsigned i = 0; i < 256 + 1; i++) {
		if (copy_from_guest(&t, list + i * sizeof(t), sizeof(t)))
			return -XEN_EFAULT;
		if (!t.address)
			return 0;
		if (!code_ok(t.address))
			return -XEN_EINVAL;
		v->traps[t.vector] = t;
	}
	return -XEN_EINVAL;
}

static long set_callback(struct vcpu *v, unsigned type, uint64_t rip, bool mask)
{
	struct callback c = { rip, mask };

	if (!code_ok(rip))
		return -XEN_EINVAL;
	switch (type) {
	case CALLBACKTYPE_event:
		v->event = c;
		return 0;
	case CALLBACKTYPE_failsafe:
		v->failsafe = c;
		return 0;
	case CALLBACKTYPE_syscall:
		v->syscall_rip = rip;
		v->masks = mask;
		return 0;
	case CALLBACKTYPE_syscall32:
		v->syscall32 = c;
		return 0;
	case CALLBACKTYPE_sysenter:
		v->sysenter = c;
		return 0;
	case CALLBACKTYPE_nmi:
		v->nmi = c;
		return 0;
	}
	return -XEN_ENOSYS;
}

long hc_callback_op(struct vcpu *v, uint64_t cmd, uint64_t arg, uint64_t c, uint64_t d, uint64_t e)
{
	struct callback_register reg;

	(void)c, (void)d, (void)e;
	switch (cmd) {
	case CALLBACKOP_register:
		if (copy_from_guest(&reg, arg, sizeof(reg)))
			return -XEN_EFAULT;
		return set_callback(v, reg.type, reg.address, reg.flags & CALLBACKF_mask_events);
	case CALLBACKOP_unregister:
		if (copy_from_guest(&reg, arg, sizeof(struct callback_unregister)))
			return -XEN_EFAULT;
		if (reg.type == CALLBACKTYPE_event || reg.type == CALLBACKTYPE_failsafe ||
		    reg.type == CALLBACKTYPE_syscall)
			return -XEN_EINVAL;
		return set_callback(v, reg.type, 0, false);
	}
	return -XEN_ENOSYS;
}

long hc_set_callbacks(struct vcpu *v, uint64_t event, uint64_t failsafe, uint64_t syscall, uint64_t d, uint64_t e)
{
	(void)d, (void)e;
	if (!code_ok(event) || !code_ok(failsafe) || !code_ok(syscall))
		return -XEN_EINVAL;
	set_callback(v, CALLBACKTYPE_event, event, true);
	set_callback(v, CALLBACKTYPE_failsafe, failsafe, false);
	set_callback(v, CALLBACKTYPE_syscall, syscall, false);
	return 0;
}

long hc_nmi_op(struct vcpu *v, uint64_t cmd, uint64_t arg, uint64_t c, uint64_t d, uint64_t e)
{
	struct xennmi_callback cb;

	(void)c, (void)d, (void)e;
	switch (cmd) {
	case XENNMI_register_callback:
		if (copy_from_guest(&cb, arg, sizeof(cb)))
			return -XEN_EFAULT;
		return set_callback(v, CALLBACKTYPE_nmi, cb.handler_address, false);
	case XENNMI_unregister_callback:
		return set_callback(v, CALLBACKTYPE_nmi, 0, false);
	}
	return -XEN_ENOSYS;
}

/* Page-table writes are always emulated, and 64-bit guests have no use for the rest; so there is nothing to switch. */
long hc_vm_assist(struct vcpu *v, uint64_t cmd, uint64_t type, uint64_t c, uint64_t d, uint64_t e)
{
	(void)v, (void)c, (void)d, (void)e;
	if (cmd != VMASST_CMD_enable && cmd != VMASST_CMD_disable)
		return -XEN_ENOSYS;
	switch (type) {
	case VMASST_TYPE_writable_pagetables:
	case VMASST_TYPE_pae_extended_cr3:
		return 0;
	case VMASST_TYPE_runstate_update_flag:
		runstate_flagged = cmd == VMASST_CMD_enable;
		return 0;
	}
	return -XEN_EINVAL;
}

long hc_physdev_op(struct vcpu *v, uint64_t cmd, uint64_t arg, uint64_t c, uint64_t d, uint64_t e)
{
	struct physdev_set_iopl iopl;

	(void)c, (void)d, (void)e;
	switch (cmd) {
	case PHYSDEVOP_set_iopl:
		if (copy_from_guest(&iopl, arg, sizeof(iopl)))
			return -XEN_EFAULT;
		if (iopl.iopl > 3)
			return -XEN_EINVAL;
		v->iopl = iopl.iopl;
		return 0;
	case PHYSDEVOP_set_iobitmap: /* no port is the guest's, so no bitmap changes anything */
		return 0;
	}
	return -XEN_ENOSYS;
}

/* Xen without vpmu= says this; guests then count in software. */
long hc_xenpmu_op(struct vcpu *v, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	(void)v, (void)a, (void)b, (void)c, (void)d, (void)e;
	return -XEN_EOPNOTSUPP;
}
