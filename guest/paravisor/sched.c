/* SPDX-License-Identifier: MIT */
/*
 * Waiting and ending: sched_op, the idle loop (the one place where ring 0
 * takes interrupts), and how the machine stops.
 */
#include "asm.h"
#include "paravisor.h"

#include <xen/event_channel.h>
#include <xen/sched.h>

static void wait_begin(struct vcpu *v)
{
	runstate(v, RUNSTATE_blocked);
	v->halted = true;
}

static void wait_end(struct vcpu *v)
{
	v->halted = false;
	runstate(v, RUNSTATE_running);
}

void idle(struct vcpu *v)
{
	v->info->evtchn_upcall_mask = 0;
	if (v->info->evtchn_upcall_pending)
		return;
	wait_begin(v);
	while (!v->info->evtchn_upcall_pending)
		sti_hlt_cli();
	wait_end(v);
}

/* ---- Poll: until one of some ports is pending, whatever its mask ---- */

#define POLL_PORTS 128

static bool any_pending(const evtchn_port_t *ports, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (event_pending(ports[i]))
			return true;
	return false;
}

static long poll(struct vcpu *v, uint64_t arg)
{
	evtchn_port_t ports[POLL_PORTS];
	struct sched_poll op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -XEN_EFAULT;
	if (op.nr_ports > POLL_PORTS)
		return -XEN_EINVAL;
	if (copy_from_guest(ports, (uint64_t)op.ports.p, op.nr_ports * sizeof(ports[0])))
		return -XEN_EFAULT;
	for (unsigned i = 0; i < op.nr_ports; i++)
		if (ports[i] >= WORD_BITS * WORD_BITS)
			return -XEN_EINVAL;
	v->poll_ns = op.timeout;
	v->polling = true;
	timer_set(v);
	wait_begin(v);
	while (!any_pending(ports, op.nr_ports) && !upcall_due(v) && (!op.timeout || now_ns() < op.timeout))
		sti_hlt_cli();
	wait_end(v);
	v->polling = false;
	v->poll_ns = 0;
	timer_set(v);
	return 0;
}

/* ---- The end ---- */

static const char *const reasons[] = { "powered off",         "rebooted",         "suspended", "crashed",
				       "ended by a watchdog", "asked for a reset" };

/* ACPI S5, by the PM1a control block of QEMU's pc and q35 and of Bochs. */
static void power_off(void)
{
	outw(0x604, 0x2000);
	outw(0xb004, 0x2000);
}

/* No handler for a fault: the processor gives up, and the engine says "crashed". */
static void triple_fault(void)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = { 0, 0 };

	__asm__ volatile("lidt %0; int3" ::"m"(none));
}

static void reset(void)
{
	outb(0xcf9, 0x02);
	outb(0xcf9, 0x06);
	for (unsigned i = 0; i < 100000; i++)
		inb(0x80);
	outb(0x64, 0xfe);
	for (unsigned i = 0; i < 100000; i++)
		inb(0x80);
}

void machine_off(unsigned reason)
{
	if (facts.flags & PV_FLAG_VERBOSE)
		hypercall_counts();
	say("paravisor: the guest %s (%u)\n", reason < ARRAY(reasons) ? reasons[reason] : "shut down", reason);
	if (nr_vcpus > 1)
		apic_stop_others();
	if (reason == SHUTDOWN_poweroff)
		power_off();
	else if (reason != SHUTDOWN_crash)
		reset();
	if (reason != SHUTDOWN_poweroff)
		triple_fault();
	for (;;)
		__asm__ volatile("cli; hlt");
}

static long shutdown(uint64_t arg)
{
	struct sched_shutdown op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -XEN_EFAULT;
	machine_off(op.reason);
}

long hc_sched_op(struct vcpu *v, uint64_t cmd, uint64_t arg, uint64_t c, uint64_t d, uint64_t e)
{
	(void)c, (void)d, (void)e;
	switch (cmd) {
	case SCHEDOP_yield:
		cpu_relax();
		return 0;
	case SCHEDOP_block:
		idle(v);
		return 0;
	case SCHEDOP_shutdown:
		return shutdown(arg);
	case SCHEDOP_poll:
		return poll(v, arg);
	case SCHEDOP_shutdown_code:
		return 0;
	}
	return -XEN_ENOSYS;
}

/* The calls of before Xen 3.1: the argument is a number. */
long hc_sched_op_compat(struct vcpu *v, uint64_t cmd, uint64_t arg, uint64_t c, uint64_t d, uint64_t e)
{
	if (cmd == SCHEDOP_shutdown)
		machine_off((unsigned)arg);
	return cmd <= SCHEDOP_block ? hc_sched_op(v, cmd, arg, c, d, e) : -XEN_ENOSYS;
}
