/* SPDX-License-Identifier: MIT */
/*
 * Waiting and ending: sched_op, and the idle loop, the one place where ring 0
 * takes interrupts.
 */
#include "asm.h"
#include "shape.h"

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
	if (v->info->evtchn_upcall_pending || v->attention)
		return;
	wait_begin(v);
	while (!v->info->evtchn_upcall_pending && !v->attention)
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

static long op_poll(struct vcpu *v, uint64_t arg)
{
	evtchn_port_t ports[POLL_PORTS];
	struct sched_poll op;

	if (get_arg(&op, arg, SHAPE(sched_poll)))
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
	while (!any_pending(ports, op.nr_ports) && !upcall_due(v) && !v->attention &&
	       (!op.timeout || now_ns() < op.timeout))
		sti_hlt_cli();
	wait_end(v);
	v->polling = false;
	v->poll_ns = 0;
	timer_set(v);
	return 0;
}

/* ---- The end ---- */

/* By SCHEDOP_shutdown_code; it counts more than the reason that comes with the end. -1: none. */
static int shutdown_code = -1;

static void __attribute__((noreturn)) guest_ends(unsigned reason)
{
	machine_off(shutdown_code < 0 ? reason : (unsigned)shutdown_code);
}

static long op_shutdown(struct vcpu *v, uint64_t arg)
{
	struct sched_shutdown op;

	(void)v;
	if (copy_from_guest(&op, arg, sizeof(op)))
		return -XEN_EFAULT;
	guest_ends(op.reason);
}

static long op_shutdown_code(struct vcpu *v, uint64_t arg)
{
	struct sched_shutdown op;

	(void)v;
	if (copy_from_guest(&op, arg, sizeof(op)))
		return -XEN_EFAULT;
	if (op.reason <= SHUTDOWN_MAX)
		shutdown_code = (int)op.reason;
	return 0;
}

/* ---- Watchdogs: a guest that does not set its timer anew in time has hung ---- */

#define WATCHDOGS 2

static uint64_t watchdog_ns[WATCHDOGS]; /* 0: free */
static struct lock watchdog_lock;

uint64_t watchdog_due(void)
{
	uint64_t a = watchdog_ns[0], b = watchdog_ns[1];

	return !a || (b && b < a) ? b : a;
}

/* A new one (id 0) with no time has expired when it is set, as on Xen; one that runs, with no time, is stopped. */
static long watchdog_set(uint32_t id, uint64_t at, bool stop)
{
	unsigned n = id - 1;

	if (!id) {
		for (n = 0; n < WATCHDOGS && watchdog_ns[n]; n++)
			;
		if (n == WATCHDOGS)
			return -XEN_ENOSPC;
	} else if (!watchdog_ns[n]) {
		return -XEN_EINVAL;
	}
	watchdog_ns[n] = id && stop ? 0 : at;
	return id ? 0 : (long)n + 1;
}

/* vCPU 0's processor keeps the time for all. */
static long op_watchdog(struct vcpu *v, uint64_t arg)
{
	struct sched_watchdog op;
	long rc;

	(void)v;
	if (copy_from_guest(&op, arg, sizeof(op)))
		return -XEN_EFAULT;
	if (op.id > WATCHDOGS)
		return -XEN_EINVAL;
	lock(&watchdog_lock);
	rc = watchdog_set(op.id, now_ns() + op.timeout * 1000000000ull, !op.timeout);
	unlock(&watchdog_lock);
	timer_change(vcpu_at(0));
	return rc;
}

/* ---- The operations ---- */

static long op_yield(struct vcpu *v, uint64_t arg)
{
	(void)v, (void)arg;
	cpu_relax();
	return 0;
}

static long op_block(struct vcpu *v, uint64_t arg)
{
	(void)arg;
	idle(v);
	return 0;
}

/* No domain is this one's to end; whether there is one, Xen tells. */
static long op_remote_shutdown(struct vcpu *v, uint64_t arg)
{
	struct sched_remote_shutdown op;

	(void)v;
	if (copy_from_guest(&op, arg, sizeof(op)))
		return -XEN_EFAULT;
	return op.domain_id == 0 || op.domain_id == OWN_DOMID ? -XEN_EPERM : -XEN_ESRCH;
}

static long op_pin_override(struct vcpu *v, uint64_t arg)
{
	(void)v, (void)arg;
	return -XEN_EPERM;
}

static long (*const ops[])(struct vcpu *v, uint64_t arg) = {
	[SCHEDOP_yield] = op_yield,
	[SCHEDOP_block] = op_block,
	[SCHEDOP_shutdown] = op_shutdown,
	[SCHEDOP_poll] = op_poll,
	[SCHEDOP_remote_shutdown] = op_remote_shutdown,
	[SCHEDOP_shutdown_code] = op_shutdown_code,
	[SCHEDOP_watchdog] = op_watchdog,
	[SCHEDOP_pin_override] = op_pin_override,
};

long hc_sched_op(struct vcpu *v, uint64_t cmd, uint64_t arg, uint64_t c, uint64_t d, uint64_t e)
{
	(void)c, (void)d, (void)e;
	return cmd < ARRAY(ops) ? ops[cmd](v, arg) : -XEN_ENOSYS;
}

/* The calls of before Xen 3.1: the argument is a number. */
long hc_sched_op_compat(struct vcpu *v, uint64_t cmd, uint64_t arg, uint64_t c, uint64_t d, uint64_t e)
{
	if (cmd == SCHEDOP_shutdown)
		guest_ends((unsigned)arg);
	return cmd <= SCHEDOP_block ? hc_sched_op(v, cmd, arg, c, d, e) : -XEN_ENOSYS;
}
