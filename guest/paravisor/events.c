/* SPDX-License-Identifier: MIT */
/*
 * Event channels, by the two-level ABI: a bit per port in shared_info, a
 * selector word and an upcall flag per vCPU (<xen/xen.h>, struct shared_info).
 * Who is at the other end of a port: nobody yet, the guest itself (IPIs,
 * loopback), a virtual interrupt, or one of the paravisor's two services. The
 * FIFO ABI, where the plan offers it, is fifo.c's.
 */
#include "paravisor.h"

#include <xen/event_channel.h>

#include "events.h"

enum port_state { FREE, UNBOUND, LOOPBACK, VIRQ, IPI, SERVICE };

static struct port ports[PORTS];
static uint16_t virq_port[MAX_VCPUS][NR_VIRQS];
static struct lock event_lock;

void event_init(void)
{
	ports[0].state = SERVICE; /* never given out */
	ports[PORT_XENSTORE].state = ports[PORT_CONSOLE].state = SERVICE;
}

/* ---- Raising ---- */

static bool test_and_set(guest_word *words, unsigned bit)
{
	return __atomic_fetch_or(&words[bit / WORD_BITS], (guest_word)1 << bit % WORD_BITS, __ATOMIC_SEQ_CST) >>
		       bit % WORD_BITS &
	       1;
}

static void upcall(struct vcpu *v, unsigned word)
{
	if (__atomic_fetch_or(&v->info->evtchn_pending_sel, (guest_word)1 << word, __ATOMIC_SEQ_CST) >> word & 1)
		return;
	v->info->evtchn_upcall_pending = 1;
	kick(v);
}

static void wake_pollers(void)
{
	for (unsigned i = 0; i < nr_vcpus; i++)
		if (vcpu_at(i)->polling)
			kick(vcpu_at(i));
}

void event_raise(unsigned port)
{
	struct vcpu *v = vcpu_at(ports[port].vcpu);

	if (fifo_on) {
		fifo_raise(&ports[port], port);
		wake_pollers();
		return;
	}
	if (test_and_set(shared_info->evtchn_pending, port))
		return;
	if (!(shared_info->evtchn_mask[port / WORD_BITS] >> port % WORD_BITS & 1))
		upcall(v, port / WORD_BITS);
	wake_pollers();
}

static bool pending_2l(unsigned port)
{
	return shared_info->evtchn_pending[port / WORD_BITS] >> port % WORD_BITS & 1;
}

bool event_pending(unsigned port)
{
	return port < PORTS && (fifo_on ? fifo_pending(port) : pending_2l(port));
}

static void clear_pending(unsigned port)
{
	if (fifo_on)
		fifo_clear(port);
	else
		__atomic_fetch_and(&shared_info->evtchn_pending[port / WORD_BITS], ~((guest_word)1 << port % WORD_BITS),
				   __ATOMIC_SEQ_CST);
	ports[port].pending = false;
}

static void unmask(unsigned port)
{
	if (fifo_on) {
		fifo_unmask(&ports[port], port);
		return;
	}
	__atomic_fetch_and(&shared_info->evtchn_mask[port / WORD_BITS], ~((guest_word)1 << port % WORD_BITS),
			   __ATOMIC_SEQ_CST);
	if (pending_2l(port))
		upcall(vcpu_at(ports[port].vcpu), port / WORD_BITS);
}

/* What was pending by two levels is raised anew when its word comes; the way back begins with all ports closed. */
void event_switch(bool fifo)
{
	for (unsigned p = 0; fifo && p < PORTS; p++) {
		ports[p].pending = pending_2l(p);
		ports[p].priority = ports[p].queue_priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
		ports[p].queue_vcpu = ports[p].vcpu;
	}
	fifo_on = fifo;
}

void event_raise_again(unsigned from, unsigned to)
{
	for (unsigned p = from; p < to && p < PORTS; p++)
		if (ports[p].pending) {
			ports[p].pending = false;
			event_raise(p);
		}
}

void event_virq(struct vcpu *v, unsigned virq)
{
	if (virq_port[v->id][virq])
		event_raise(virq_port[v->id][virq]);
}

/* ---- The operations ---- */

static int new_port(enum port_state state, unsigned vcpu, unsigned other)
{
	for (unsigned p = 1; p < PORTS; p++) {
		if (ports[p].state != FREE)
			continue;
		ports[p] = (struct port){ .state = (uint8_t)state,
					  .vcpu = (uint8_t)vcpu,
					  .other = (uint16_t)other,
					  .priority = EVTCHN_FIFO_PRIORITY_DEFAULT,
					  .queue_vcpu = ports[p].queue_vcpu,
					  .queue_priority = ports[p].queue_priority };
		return (int)p;
	}
	return -XEN_ENOSPC;
}

static int op_alloc_unbound(struct vcpu *v, void *arg)
{
	struct evtchn_alloc_unbound *op = arg;
	int port, rc = domain_check(op->dom);

	(void)v;
	if (rc)
		return rc;
	port = new_port(UNBOUND, 0, is_self(op->remote_dom));
	op->port = (evtchn_port_t)port;
	return port < 0 ? port : 0;
}

static int op_bind_interdomain(struct vcpu *v, void *arg)
{
	struct evtchn_bind_interdomain *op = arg;
	int port;

	if (domain_check(op->remote_dom) == -XEN_ESRCH)
		return -XEN_ESRCH;
	if (!is_self(op->remote_dom) || op->remote_port >= PORTS || ports[op->remote_port].state != UNBOUND ||
	    !ports[op->remote_port].other)
		return -XEN_EINVAL;
	port = new_port(LOOPBACK, v->id, op->remote_port);
	if (port < 0)
		return port;
	ports[op->remote_port].state = LOOPBACK;
	ports[op->remote_port].other = (uint16_t)port;
	op->local_port = (evtchn_port_t)port;
	event_raise((unsigned)port);
	return 0;
}

static bool virq_is_global(uint32_t virq)
{
	return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF && virq != VIRQ_XENPMU;
}

static int op_bind_virq(struct vcpu *v, void *arg)
{
	struct evtchn_bind_virq *op = arg;
	int port;

	(void)v;
	if (op->virq >= NR_VIRQS || (virq_is_global(op->virq) && op->vcpu))
		return -XEN_EINVAL;
	if (op->vcpu >= nr_vcpus)
		return -XEN_ENOENT;
	if (virq_port[op->vcpu][op->virq])
		return -XEN_EEXIST;
	port = new_port(VIRQ, op->vcpu, op->virq);
	if (port < 0)
		return port;
	virq_port[op->vcpu][op->virq] = (uint16_t)port;
	op->port = (evtchn_port_t)port;
	return 0;
}

static int op_bind_ipi(struct vcpu *v, void *arg)
{
	struct evtchn_bind_ipi *op = arg;
	int port;

	(void)v;
	if (op->vcpu >= nr_vcpus)
		return -XEN_ENOENT;
	port = new_port(IPI, op->vcpu, 0);
	op->port = (evtchn_port_t)port;
	return port < 0 ? port : 0;
}

static int close_port(unsigned port)
{
	struct port *p = &ports[port];

	if (!port || port >= PORTS || p->state == FREE)
		return -XEN_EINVAL;
	if (p->state == VIRQ)
		virq_port[virq_is_global(p->other) ? 0 : p->vcpu][p->other] = 0;
	if (p->state == LOOPBACK) {
		ports[p->other].state = UNBOUND;
		ports[p->other].other = 1;
	}
	p->state = FREE;
	clear_pending(port);
	return 0;
}

static int op_close(struct vcpu *v, void *arg)
{
	struct evtchn_close *op = arg;
	(void)v;
	return close_port(op->port);
}

static int op_status(struct vcpu *v, void *arg)
{
	struct evtchn_status *op = arg;
	static const uint8_t status[] = { EVTCHNSTAT_closed, EVTCHNSTAT_unbound, EVTCHNSTAT_interdomain,
					  EVTCHNSTAT_virq,   EVTCHNSTAT_ipi,     EVTCHNSTAT_interdomain };
	const struct port *p;
	int rc = domain_check(op->dom);

	(void)v;
	if (rc)
		return rc;
	if (op->port >= PORTS)
		return -XEN_EINVAL;
	p = &ports[op->port];
	op->status = op->port ? status[p->state] : EVTCHNSTAT_closed;
	op->vcpu = p->vcpu;
	if (p->state == UNBOUND)
		op->u.unbound.dom = p->other ? 1 : 0;
	else if (p->state == VIRQ)
		op->u.virq = p->other;
	else if (p->state == LOOPBACK || p->state == SERVICE) {
		op->u.interdomain.dom = p->state == LOOPBACK;
		op->u.interdomain.port = p->state == LOOPBACK ? p->other : op->port;
	}
	return 0;
}

static int op_bind_vcpu(struct vcpu *v, void *arg)
{
	struct evtchn_bind_vcpu *op = arg;
	(void)v;
	if (op->vcpu >= nr_vcpus)
		return -XEN_ENOENT;
	if (op->port >= PORTS)
		return -XEN_EINVAL;
	switch (ports[op->port].state) {
	case VIRQ:
		if (!virq_is_global(ports[op->port].other))
			return -XEN_EINVAL;
		break;
	case UNBOUND:
	case LOOPBACK:
	case SERVICE:
		break;
	default:
		return -XEN_EINVAL;
	}
	ports[op->port].vcpu = (uint8_t)op->vcpu;
	return 0;
}

static int op_unmask(struct vcpu *v, void *arg)
{
	struct evtchn_unmask *op = arg;

	(void)v;
	if (op->port >= PORTS)
		return -XEN_EINVAL;
	unmask(op->port);
	return 0;
}

static int op_reset(struct vcpu *v, void *arg)
{
	struct evtchn_reset *op = arg;
	int rc = domain_check(op->dom);

	(void)v;
	if (rc)
		return rc;
	for (unsigned p = 1; p < PORTS; p++)
		close_port(p);
	fifo_reset();
	return 0;
}

/* Two levels know no priorities. */
static int op_set_priority(struct vcpu *v, void *arg)
{
	struct evtchn_set_priority *op = arg;

	(void)v;
	if (op->port >= PORTS || ports[op->port].state == FREE || op->priority > EVTCHN_FIFO_PRIORITY_MIN)
		return -XEN_EINVAL;
	if (!fifo_on)
		return -XEN_ENOSYS;
	ports[op->port].priority = (uint8_t)op->priority;
	return 0;
}

/* No interrupt of a device is the guest's. */
static int op_bind_pirq(struct vcpu *v, void *arg)
{
	const struct evtchn_bind_pirq *op = arg;

	(void)v;
	return op->pirq < 256 ? -XEN_EPERM : -XEN_EINVAL;
}

/* The lock is not held while a service answers: it may raise events itself. */
static long op_send(uint64_t arg)
{
	struct evtchn_send op;
	struct port *p;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -XEN_EFAULT;
	if (!op.port || op.port >= PORTS)
		return -XEN_EINVAL;
	p = &ports[op.port];
	switch (p->state) {
	case IPI:
		event_raise(op.port);
		return 0;
	case LOOPBACK:
		event_raise(p->other);
		return 0;
	case UNBOUND: /* nobody hears it */
		return 0;
	case SERVICE:
		if (op.port == PORT_XENSTORE)
			xenstore_kick();
		else
			console_kick();
		return 0;
	}
	return -XEN_EINVAL;
}

/* Each operation copies its argument in, works on it, and copies it out. */
#define OP(name)                                                                                                       \
	{                                                                                                              \
		op_##name, sizeof(struct evtchn_##name)                                                                \
	}
static const struct {
	int (*fn)(struct vcpu *v, void *arg);
	size_t size;
} ops[] = {
	[EVTCHNOP_bind_interdomain] = OP(bind_interdomain),
	[EVTCHNOP_bind_virq] = OP(bind_virq),
	[EVTCHNOP_bind_pirq] = OP(bind_pirq),
	[EVTCHNOP_close] = OP(close),
	[EVTCHNOP_status] = OP(status),
	[EVTCHNOP_alloc_unbound] = OP(alloc_unbound),
	[EVTCHNOP_bind_ipi] = OP(bind_ipi),
	[EVTCHNOP_bind_vcpu] = OP(bind_vcpu),
	[EVTCHNOP_unmask] = OP(unmask),
	[EVTCHNOP_reset] = OP(reset),
	[EVTCHNOP_init_control] = { fifo_init_control, sizeof(struct evtchn_init_control) },
	[EVTCHNOP_expand_array] = { fifo_expand_array, sizeof(struct evtchn_expand_array) },
	[EVTCHNOP_set_priority] = OP(set_priority),
};

long hc_event_channel_op(struct vcpu *v, uint64_t cmd, uint64_t arg, uint64_t c, uint64_t d, uint64_t e)
{
	uint64_t buf[4];
	int rc;

	(void)c, (void)d, (void)e;
	if (cmd == EVTCHNOP_send)
		return op_send(arg);
	if (cmd >= ARRAY(ops) || !ops[cmd].fn)
		return -XEN_ENOSYS;
	if (copy_from_guest(buf, arg, ops[cmd].size))
		return -XEN_EFAULT;
	lock(&event_lock);
	rc = ops[cmd].fn(v, buf);
	unlock(&event_lock);
	if (!rc && copy_to_guest(arg, buf, ops[cmd].size))
		rc = -XEN_EFAULT;
	return rc;
}

/* The call of before Xen 3.2: the command stands before its argument in memory. */
long hc_event_channel_op_compat(struct vcpu *v, uint64_t arg, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	uint32_t cmd;

	if (copy_from_guest(&cmd, arg, sizeof(cmd)))
		return -XEN_EFAULT;
	if (cmd > EVTCHNOP_unmask)
		return -XEN_ENOSYS;
	return hc_event_channel_op(v, cmd, arg + offsetof(struct evtchn_op, u), b, c, d | e);
}
