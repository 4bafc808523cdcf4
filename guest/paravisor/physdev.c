/* SPDX-License-Identifier: MIT */
/*
 * physdev_op: what a kernel asks about devices, of which this guest has none.
 * Its port I/O level and bitmap decide whether a port instruction faults in the
 * guest or does nothing (emulate.c); the rest is refused as Xen refuses it to a
 * domain without devices.
 */
#include "shape.h"

#include <xen/physdev.h>

#define MAX_PORTS    65536u
#define PORT_BYTES   (MAX_PORTS / 8)
#define DYNAMIC_IRQS 256u /* interrupts that Xen would know by number */

static uint64_t eoi_mfn; /* a bit an interrupt that wants an end-of-interrupt call: none does */

static long set_iopl(struct vcpu *v, const void *arg)
{
	const struct physdev_set_iopl *op = arg;

	if (op->iopl > 3)
		return -XEN_EINVAL;
	v->iopl = op->iopl;
	return 0;
}

static long set_bitmap(struct vcpu *v, const void *arg)
{
	const struct physdev_set_iobitmap *op = arg;
	uint64_t va = (uint64_t)op->bitmap.p;

	if (op->nr_ports > MAX_PORTS || !guest_range_ok(va, PORT_BYTES))
		return -XEN_EINVAL;
	v->port_bitmap = va;
	v->port_bits = op->nr_ports;
	return 0;
}

static long set_eoi_page(struct vcpu *v, const void *arg)
{
	const struct physdev_pirq_eoi_gmfn *op = arg;

	(void)v;
	if (!frame_is_guest(op->gmfn) || (frame(op->gmfn)->word & FRAME_OWN) || frame_level(op->gmfn))
		return -XEN_EINVAL;
	if (eoi_mfn)
		return -XEN_EBUSY;
	eoi_mfn = op->gmfn;
	return 0;
}

/* The argument begins with the number of an interrupt, and none is the guest's. */
static long no_interrupt(struct vcpu *v, const void *arg)
{
	(void)v, (void)arg;
	return -XEN_EINVAL;
}

static long irq_status(struct vcpu *v, const void *arg)
{
	const struct physdev_irq_status_query *op = arg;

	(void)v;
	return op->irq < DYNAMIC_IRQS ? 0 : -XEN_EINVAL;
}

static long map_interrupt(struct vcpu *v, const void *arg)
{
	int rc = domain_check(*(const domid_t *)arg);

	(void)v;
	return rc ? rc : -XEN_EPERM;
}

static long denied(struct vcpu *v, const void *arg)
{
	(void)v, (void)arg;
	return -XEN_EPERM;
}

static const struct {
	long (*fn)(struct vcpu *v, const void *arg);
	shape_t shape; /* 0: its argument is not looked at */
} ops[] = {
	[PHYSDEVOP_eoi] = { no_interrupt, SAME(physdev_eoi) },
	[PHYSDEVOP_pirq_eoi_gmfn_v1] = { set_eoi_page, SHAPE(physdev_pirq_eoi_gmfn) },
	[PHYSDEVOP_pirq_eoi_gmfn_v2] = { set_eoi_page, SHAPE(physdev_pirq_eoi_gmfn) },
	[PHYSDEVOP_irq_status_query] = { irq_status, SAME(physdev_irq_status_query) },
	[PHYSDEVOP_set_iopl] = { set_iopl, SAME(physdev_set_iopl) },
	[PHYSDEVOP_set_iobitmap] = { set_bitmap, SHAPE(physdev_set_iobitmap) },
	[PHYSDEVOP_apic_read] = { denied, SAME(physdev_apic) },
	[PHYSDEVOP_apic_write] = { denied, SAME(physdev_apic) },
	[PHYSDEVOP_alloc_irq_vector] = { denied, SAME(physdev_irq) },
	[PHYSDEVOP_map_pirq] = { map_interrupt, SAME(physdev_map_pirq) },
	[PHYSDEVOP_unmap_pirq] = { map_interrupt, SAME(physdev_unmap_pirq) },
	[PHYSDEVOP_manage_pci_add] = { denied, 0 },
	[PHYSDEVOP_manage_pci_remove] = { denied, 0 },
	[PHYSDEVOP_manage_pci_add_ext] = { denied, 0 },
	[PHYSDEVOP_pci_device_add] = { denied, 0 },
	[PHYSDEVOP_pci_device_remove] = { denied, 0 },
	[PHYSDEVOP_restore_msi] = { denied, 0 },
	[PHYSDEVOP_restore_msi_ext] = { denied, 0 },
	[PHYSDEVOP_prepare_msix] = { denied, 0 },
	[PHYSDEVOP_release_msix] = { denied, 0 },
	[PHYSDEVOP_setup_gsi] = { denied, 0 },
	[PHYSDEVOP_pci_mmcfg_reserved] = { denied, 0 },
	[PHYSDEVOP_dbgp_op] = { denied, 0 },
};

/* A domain for which Xen has no interrupt numbers free, as none was made for it. */
static long get_free_pirq(uint64_t arg)
{
	struct physdev_get_free_pirq op;

	return copy_from_guest(&op, arg, sizeof(op)) ? -XEN_EFAULT : -XEN_ENOSPC;
}

long hc_physdev_op(struct vcpu *v, uint64_t cmd, uint64_t arg, uint64_t c, uint64_t d, uint64_t e)
{
	uint64_t buf[6];

	(void)c, (void)d, (void)e;
	if (cmd == PHYSDEVOP_get_free_pirq)
		return get_free_pirq(arg);
	if (cmd == PHYSDEVOP_IRQ_UNMASK_NOTIFY)
		return 0;
	if (cmd >= ARRAY(ops) || !ops[cmd].fn)
		return -XEN_ENOSYS;
	if (ops[cmd].shape && get_arg(buf, arg, ops[cmd].shape))
		return -XEN_EFAULT;
	return ops[cmd].fn(v, buf);
}

/* The call of before Xen 3.2: the command stands before its argument in memory, which is aligned to a word. */
long hc_physdev_op_compat(struct vcpu *v, uint64_t arg, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	uint32_t cmd;

	if (copy_from_guest(&cmd, arg, sizeof(cmd)))
		return -XEN_EFAULT;
	if (cmd > PHYSDEVOP_alloc_irq_vector)
		return -XEN_ENOSYS;
	return hc_physdev_op(v, cmd, arg + sizeof(guest_word), b, c, d | e);
}
