/* SPDX-License-Identifier: MIT */
/* Event channels, timers, waiting, NMIs and a second vCPU. "events=fifo" on the command line: by the FIFO ABI. */
#include "abi.h"

#include <xen/callback.h>
#include <xen/nmi.h>

#define UNMAPPED 0x10ul
#define NOBODY   77

static shared_info_t *shared;

static long event_op(unsigned cmd, void *op)
{
	return call(__HYPERVISOR_event_channel_op, cmd, (uint64_t)op, 0, 0, 0);
}

static void unmask_port(unsigned port)
{
	struct evtchn_unmask op = { port };

	event_op(EVTCHNOP_unmask, &op);
}

/* ---- The two-level ABI by hand ---- */

static bool pending(unsigned port)
{
	return shared->evtchn_pending[port / 64] >> port % 64 & 1;
}

static void clear(unsigned port)
{
	__atomic_fetch_and(&shared->evtchn_pending[port / 64], ~(1ul << port % 64), __ATOMIC_SEQ_CST);
	shared->vcpu_info[0].evtchn_pending_sel = 0;
	shared->vcpu_info[0].evtchn_upcall_pending = 0;
}

static unsigned new_ipi(void)
{
	struct evtchn_bind_ipi op = { 0, 0 };

	return event_op(EVTCHNOP_bind_ipi, &op) ? 0 : op.port;
}

static long port_op(unsigned cmd, unsigned port)
{
	struct evtchn_close op = { port }; /* send and unmask have the same shape */

	return event_op(cmd, &op);
}

static void ports(void)
{
	struct evtchn_alloc_unbound alloc = { DOMID_SELF, DOMID_SELF, 0 }, foreign = { NOBODY, DOMID_SELF, 0 };
	struct evtchn_bind_interdomain bind = { 0 };
	struct evtchn_status status = { DOMID_SELF, 0 };
	struct evtchn_bind_virq virq = { VIRQ_DEBUG, 0, 0 }, odd = { NR_VIRQS, 0, 0 };
	struct evtchn_bind_ipi nowhere = { 40, 0 };
	struct evtchn_bind_pirq pirq = { 5, 0, 0 };
	struct evtchn_set_priority priority = { 1, 3 };

	check("events: a port for anyone of its own", event_op(EVTCHNOP_alloc_unbound, &alloc), 0);
	check("events: not for nobody", event_op(EVTCHNOP_alloc_unbound, &foreign), -XEN_ESRCH);
	bind.remote_dom = DOMID_SELF;
	bind.remote_port = alloc.port;
	check("events: bound to itself", event_op(EVTCHNOP_bind_interdomain, &bind), 0);
	check("events: but once", event_op(EVTCHNOP_bind_interdomain, &bind), -XEN_EINVAL);
	clear(bind.local_port);
	check("events: one end sends", port_op(EVTCHNOP_send, bind.local_port), 0);
	check("events: the other has it", pending(alloc.port), 1);
	clear(alloc.port);
	status.port = alloc.port;
	check("events: its state", event_op(EVTCHNOP_status, &status) || status.status != EVTCHNSTAT_interdomain, 0);
	check("events: closed", port_op(EVTCHNOP_close, bind.local_port), 0);
	event_op(EVTCHNOP_status, &status);
	check("events: then the other is unbound", (long)status.status, EVTCHNSTAT_unbound);
	check("events: closed too", port_op(EVTCHNOP_close, alloc.port), 0);
	check("events: not twice", port_op(EVTCHNOP_close, alloc.port), -XEN_EINVAL);
	check("events: nothing to send by", port_op(EVTCHNOP_send, alloc.port), -XEN_EINVAL);
	check("events: a port out of range", port_op(EVTCHNOP_send, 1u << 20), -XEN_EINVAL);
	check("events: a virtual interrupt", event_op(EVTCHNOP_bind_virq, &virq), 0);
	check("events: is bound once", event_op(EVTCHNOP_bind_virq, &virq), -XEN_EEXIST);
	check("events: and not sent", port_op(EVTCHNOP_send, virq.port), -XEN_EINVAL);
	port_op(EVTCHNOP_close, virq.port);
	check("events: one that there is not", event_op(EVTCHNOP_bind_virq, &odd), -XEN_EINVAL);
	check("events: on a vCPU that there is not", event_op(EVTCHNOP_bind_ipi, &nowhere), -XEN_ENOENT);
	check("events: an interrupt of a device", event_op(EVTCHNOP_bind_pirq, &pirq), -XEN_EPERM);
	check("events: priorities are not of two levels", event_op(EVTCHNOP_set_priority, &priority), -XEN_ENOSYS);
	check("events: no argument", event_op(EVTCHNOP_send, (void *)UNMAPPED), -XEN_EFAULT);
	check("events: unknown", event_op(40, &status), -XEN_ENOSYS);
}

/* ---- Upcalls ---- */

static void upcalls(void)
{
	unsigned port = new_ipi();
	uint64_t before = events_seen;

	check("upcalls: a port", port != 0, 1);
	check("upcalls: callbacks",
	      call(__HYPERVISOR_set_callbacks, (uint64_t)event_entry, (uint64_t)failsafe_entry, (uint64_t)syscall_entry,
		   0, 0),
	      0);
	shared->vcpu_info[0].evtchn_upcall_mask = 1;
	port_op(EVTCHNOP_send, port);
	check("upcalls: none while masked", (long)(events_seen - before), 0);
	check("upcalls: but the flag", shared->vcpu_info[0].evtchn_upcall_pending, 1);
	shared->vcpu_info[0].evtchn_upcall_mask = 0;
	call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
	check("upcalls: the callback came", events_seen > before, 1);
	shared->vcpu_info[0].evtchn_upcall_mask = 1;
	clear(port);
	shared->evtchn_mask[port / 64] |= 1ul << port % 64;
	port_op(EVTCHNOP_send, port);
	check("upcalls: none of a masked port", shared->vcpu_info[0].evtchn_upcall_pending, 0);
	unmask_port(port);
	check("upcalls: it comes when that is unmasked", shared->vcpu_info[0].evtchn_upcall_pending, 1);
	clear(port);
	port_op(EVTCHNOP_close, port);
}

/* ---- Time ---- */

static uint64_t now(void)
{
	const vcpu_time_info_t *t = &shared->vcpu_info[0].time;
	uint32_t lo, hi;
	uint64_t delta;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	delta = ((uint64_t)hi << 32 | lo) - t->tsc_timestamp;
	delta = t->tsc_shift < 0 ? delta >> -t->tsc_shift : delta << t->tsc_shift;
	return t->system_time + (uint64_t)((__extension__(unsigned __int128) delta * t->tsc_to_system_mul) >> 32);
}

static void timers(void)
{
	struct evtchn_bind_virq virq = { VIRQ_TIMER, 0, 0 };
	struct vcpu_set_singleshot_timer once = { 0, 0 };
	struct vcpu_set_periodic_timer often = { 2000000 };
	struct sched_poll poll = { .nr_ports = 1 };
	evtchn_port_t list[1];
	uint64_t start = now();

	check("time: the wall clock is later than 2020", shared->wc_sec > 1577836800u, 1);
	check("time: a port for the timer", event_op(EVTCHNOP_bind_virq, &virq), 0);
	list[0] = virq.port;
	poll.ports.p = list;
	poll.timeout = start + 3000000;
	check("poll: nothing comes", call(__HYPERVISOR_sched_op, SCHEDOP_poll, P(poll), 0, 0, 0), 0);
	check("poll: until its time", now() >= start + 3000000, 1);
	once.timeout_abs_ns = now() + 2000000;
	poll.timeout = 0;
	check("timer: once", call(__HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, 0, P(once), 0, 0), 0);
	check("poll: for it", call(__HYPERVISOR_sched_op, SCHEDOP_poll, P(poll), 0, 0, 0), 0);
	check("timer: it came", pending(virq.port), 1);
	clear(virq.port);
	check("timer: set_timer_op", call(__HYPERVISOR_set_timer_op, now() + 1000000, 0, 0, 0, 0), 0);
	call(__HYPERVISOR_sched_op, SCHEDOP_poll, P(poll), 0, 0, 0);
	check("timer: that came too", pending(virq.port), 1);
	clear(virq.port);
	check("timer: again and again", call(__HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0, P(often), 0, 0), 0);
	for (unsigned i = 0; i < 3; i++) { /* it runs: Xen has no periodic timer for who waits */
		uint64_t end = now() + 500000000;

		while (!pending(virq.port) && now() < end)
			call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
		check("timer: one more", pending(virq.port), 1);
		clear(virq.port);
	}
	check("timer: until it is stopped", call(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 0, 0, 0, 0), 0);
	clear(virq.port);
	poll.timeout = now() + 6000000;
	call(__HYPERVISOR_sched_op, SCHEDOP_poll, P(poll), 0, 0, 0);
	check("timer: it is stopped", pending(virq.port), 0);
	poll.nr_ports = 129;
	check("poll: too many ports", call(__HYPERVISOR_sched_op, SCHEDOP_poll, P(poll), 0, 0, 0), -XEN_EINVAL);
	list[0] = 1u << 20;
	poll.nr_ports = 1;
	check("poll: a port that is none", call(__HYPERVISOR_sched_op, SCHEDOP_poll, P(poll), 0, 0, 0), -XEN_EINVAL);
	port_op(EVTCHNOP_close, virq.port);
}

/* ---- Areas ---- */

static void areas(void)
{
	static vcpu_runstate_info_t state, area;
	static vcpu_time_info_t time;
	struct vcpu_register_runstate_memory_area reg = { .addr.v = &area };
	struct vcpu_register_time_memory_area clock = { .addr.v = &time };

	check("runstate: asked for", call(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, P(state), 0, 0), 0);
	check("runstate: it runs", state.state, RUNSTATE_running);
	check("runstate: an area", call(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, P(reg), 0, 0),
	      0);
	check("runstate: it says so there", area.state == RUNSTATE_running && area.state_entry_time, 1);
	reg.addr.p = 0xffff810000000000;
	check("runstate: not in the hypervisor's part",
	      call(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, P(reg), 0, 0), -XEN_EFAULT);
	check("time: an area", call(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0, P(clock), 0, 0), 0);
	check("time: its scale", (long)time.tsc_to_system_mul, (long)shared->vcpu_info[0].time.tsc_to_system_mul);
	clock.addr.v = NULL;
	check("time: no area", call(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0, P(clock), 0, 0), 0);
}

/* ---- NMIs ---- */

static long send_nmi(unsigned vcpu)
{
	return call(__HYPERVISOR_vcpu_op, VCPUOP_send_nmi, vcpu, 0, 0, 0);
}

static void nmis(void)
{
	struct xennmi_callback cb = { (unsigned long)nmi_entry, 0 };

	call(__HYPERVISOR_nmi_op, XENNMI_unregister_callback, 0, 0, 0, 0);
	check("NMI: lost without a handler", send_nmi(0), 0);
	check("NMI: a handler", call(__HYPERVISOR_nmi_op, XENNMI_register_callback, P(cb), 0, 0, 0), 0);
	check("NMI: that one does not come late", (long)nmis_seen, 0);
	check("NMI: to itself", send_nmi(0), 0);
	check("NMI: it came", (long)nmis_seen, 1);
	nmi_again = 1;
	send_nmi(0);
	check("NMI: one sent by the handler", (long)nmis_seen, 3);
	check("NMI: came after the handler's iret", (long)nmis_nested, 2);
}

/* ---- A second vCPU ---- */

static void wait_alive(bool alive)
{
	struct sched_poll poll = { .nr_ports = 0 };
	uint64_t last = second_alive;

	for (unsigned i = 0; i < 500; i++) {
		poll.timeout = now() + 2000000;
		call(__HYPERVISOR_sched_op, SCHEDOP_poll, P(poll), 0, 0, 0);
		if ((second_alive != last) == alive)
			return;
		last = second_alive;
	}
}

static bool runs(void)
{
	uint64_t last = second_alive;
	struct sched_poll poll = { .timeout = now() + 50000000 };

	call(__HYPERVISOR_sched_op, SCHEDOP_poll, P(poll), 0, 0, 0);
	return second_alive != last;
}

/* Each of them alone keeps the vCPU from being initialised. */
static void refuses_addresses(vcpu_guest_context_t *ctx)
{
	const struct {
		const char *what;
		unsigned long *address;
	} rows[] = {
		{ "vCPU 1: rip not canonical", &ctx->user_regs.rip },
		{ "vCPU 1: rsp not canonical", &ctx->user_regs.rsp },
		{ "vCPU 1: kernel_sp not canonical", &ctx->kernel_sp },
		{ "vCPU 1: fs_base not canonical", &ctx->fs_base },
		{ "vCPU 1: gs_base_kernel not canonical", &ctx->gs_base_kernel },
		{ "vCPU 1: gs_base_user not canonical", &ctx->gs_base_user },
		{ "vCPU 1: event callback not canonical", &ctx->event_callback_eip },
		{ "vCPU 1: failsafe callback not canonical", &ctx->failsafe_callback_eip },
		{ "vCPU 1: syscall callback not canonical", &ctx->syscall_callback_eip },
		{ "vCPU 1: a trap handler not canonical", &ctx->trap_ctxt[255].address },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned long good = *rows[i].address;

		*rows[i].address = 1ul << 47;
		check(rows[i].what, call(__HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, (uint64_t)ctx, 0, 0), -XEN_EINVAL);
		*rows[i].address = good;
	}
}

static void second_vcpu(void)
{
	static vcpu_guest_context_t ctx;
	struct vcpu_set_periodic_timer often = { 5000000 };

	ctx.flags = VGCF_in_kernel;
	ctx.user_regs.rip = (uint64_t)second_entry;
	ctx.user_regs.rsp = (uint64_t)second_stack_end;
	ctx.user_regs.cs = FLAT_KERNEL_CS;
	ctx.user_regs.ss = FLAT_KERNEL_SS;
	ctx.kernel_ss = FLAT_KERNEL_SS;
	ctx.kernel_sp = (uint64_t)second_stack_end;
	ctx.ctrlreg[3] = xen_pfn_to_cr3(mfn_of((void *)start_info->pt_base));
	ctx.trap_ctxt[2] = (struct trap_info){ 2, 4, FLAT_KERNEL_CS, (unsigned long)nmi_entry };
	if (call(__HYPERVISOR_vcpu_op, VCPUOP_is_up, 1, 0, 0, 0) == -XEN_ENOENT)
		return;
	check("vCPU 1: not up before it is initialised", call(__HYPERVISOR_vcpu_op, VCPUOP_up, 1, 0, 0, 0),
	      -XEN_EINVAL);
	check("vCPU 1: a context nowhere", call(__HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, UNMAPPED, 0, 0),
	      -XEN_EFAULT);
	refuses_addresses(&ctx);
	check("vCPU 1: initialised", call(__HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, P(ctx), 0, 0), 0);
	check("vCPU 1: once", call(__HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, P(ctx), 0, 0), -XEN_EEXIST);
	check("vCPU 1: brought up", call(__HYPERVISOR_vcpu_op, VCPUOP_up, 1, 0, 0, 0), 0);
	wait_alive(true);
	check("vCPU 1: it runs", runs(), 1);
	nmis_seen = 0;
	check("vCPU 1: gets an NMI", send_nmi(1), 0);
	wait_alive(true);
	check("vCPU 1: it came", (long)nmis_seen, 1);
	check("vCPU 1: taken down by another", call(__HYPERVISOR_vcpu_op, VCPUOP_down, 1, 0, 0, 0), 0);
	wait_alive(false);
	check("vCPU 1: it is down", call(__HYPERVISOR_vcpu_op, VCPUOP_is_up, 1, 0, 0, 0), 0);
	check("vCPU 1: it runs no more", runs(), 0);
	call(__HYPERVISOR_vcpu_op, VCPUOP_up, 1, 0, 0, 0);
	wait_alive(true);
	check("vCPU 1: it goes on where it was", runs(), 1);
	check("vCPU 1: a timer of its own", call(__HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 1, P(often), 0, 0),
	      0);
	check("vCPU 1: and of its own only", call(__HYPERVISOR_vcpu_op, VCPUOP_stop_singleshot_timer, 1, 0, 0, 0),
	      -XEN_EINVAL);
	call(__HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, 1, 0, 0, 0);
	call(__HYPERVISOR_vcpu_op, VCPUOP_down, 1, 0, 0, 0);
}

/* ---- The FIFO ABI ---- */

static uint8_t fifo_page[4096] __attribute__((aligned(4096))), fifo_control[4096] __attribute__((aligned(4096)));

static void fifo(void)
{
	struct evtchn_init_control control = { .control_gfn = mfn_of(fifo_control), .offset = 64 };
	struct evtchn_expand_array array = { .array_gfn = mfn_of(fifo_page) };
	struct evtchn_fifo_control_block *block = (void *)(fifo_control + 64);
	event_word_t *words = (event_word_t *)fifo_page;
	struct evtchn_set_priority priority = { 0, 3 };
	unsigned a = new_ipi(), b = new_ipi();

	if (!asked_for("events", "fifo")) {
		check("FIFO: not offered", event_op(EVTCHNOP_init_control, &control), -XEN_ENOSYS);
		return;
	}
	check("FIFO: no array without a control block", event_op(EVTCHNOP_expand_array, &array), -XEN_EOPNOTSUPP);
	control.offset = 4;
	check("FIFO: a block not on 8 bytes", event_op(EVTCHNOP_init_control, &control), -XEN_EINVAL);
	control.offset = 64;
	check("FIFO: a control block", event_op(EVTCHNOP_init_control, &control), 0);
	check("FIFO: the width of its links", control.link_bits, EVTCHN_FIFO_LINK_BITS);
	check("FIFO: one a vCPU", event_op(EVTCHNOP_init_control, &control), -XEN_EINVAL);
	check("FIFO: a page of words", event_op(EVTCHNOP_expand_array, &array), 0);
	/* The console's port is in the usual queue, so these have one to themselves. */
	priority.priority = 5;
	priority.port = a;
	check("FIFO: a priority", event_op(EVTCHNOP_set_priority, &priority), 0);
	priority.port = b;
	event_op(EVTCHNOP_set_priority, &priority);
	port_op(EVTCHNOP_send, a);
	port_op(EVTCHNOP_send, b);
	check("FIFO: both are pending", (words[a] >> EVTCHN_FIFO_PENDING) + (words[b] >> EVTCHN_FIFO_PENDING), 2);
	check("FIFO: the first is its queue's head", (long)block->head[5], a);
	check("FIFO: the second is linked to it", (long)(words[a] & EVTCHN_FIFO_LINK_MASK), b);
	check("FIFO: the queue is ready", (long)(block->ready >> 5 & 1), 1);
	words[a] = words[b] = 0;
	block->ready = 0;
	priority.priority = 3;
	event_op(EVTCHNOP_set_priority, &priority);
	port_op(EVTCHNOP_send, b);
	check("FIFO: with another priority it is in that queue", block->head[3] == b && (block->ready >> 3 & 1), 1);
	priority.priority = 16;
	check("FIFO: there are 16 of them", event_op(EVTCHNOP_set_priority, &priority), -XEN_EINVAL);
	words[a] = 1u << EVTCHN_FIFO_MASKED;
	port_op(EVTCHNOP_send, a);
	check("FIFO: masked, it is not linked", (long)(words[a] >> EVTCHN_FIFO_LINKED), 6);
	unmask_port(a);
	check("FIFO: unmasked, it is", (long)(words[a] >> EVTCHN_FIFO_LINKED & 1), 1);
}

void check_events(void)
{
	shared = (shared_info_t *)spare[3];
	check("shared_info can be mapped", map_at(spare[3], start_info->shared_info | 7), 0);
	event_flag = &shared->vcpu_info[0].evtchn_upcall_pending;
	ports();
	upcalls();
	timers();
	areas();
	nmis();
	second_vcpu();
	fifo();
}
