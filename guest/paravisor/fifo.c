/* SPDX-License-Identifier: MIT */
/*
 * Event channels by the FIFO ABI (<xen/event_channel.h>, "FIFO ABI"): a word
 * per port in pages of the guest's, linked into a queue per vCPU and priority
 * whose head stands in the vCPU's control block. Offered only if the plan asks
 * for it (PV_FLAG_FIFO); without it a guest falls back to two levels.
 *
 * The words are the guest's memory: a link that leads nowhere is the end of a
 * queue, and nothing read from one is used before it was checked.
 */
#include "paravisor.h"

#include <xen/event_channel.h>

#include "events.h"

#define PAGE_WORDS (PAGE / sizeof(event_word_t))
#define PAGES      ((PORTS + PAGE_WORDS - 1) / PAGE_WORDS)
#define BIT(n)     (1u << (n))
#define TRIES      1000 /* the guest changes words too, but not for ever */

static event_word_t *pages[PAGES];
static unsigned nr_pages;
static struct evtchn_fifo_control_block *control[MAX_VCPUS];
static uint16_t tails[MAX_VCPUS][EVTCHN_FIFO_MAX_QUEUES];
static struct lock queue_lock;
bool fifo_on;

static event_word_t *word_of(unsigned port)
{
	return port / PAGE_WORDS < nr_pages ? &pages[port / PAGE_WORDS][port % PAGE_WORDS] : NULL;
}

/* The last word of a queue gets its link, unless the guest has taken that word out meanwhile. */
static bool append(unsigned tail, unsigned port)
{
	event_word_t *word = word_of(tail), old;

	if (!tail || !word)
		return false;
	old = *(volatile event_word_t *)word;
	for (unsigned i = 0; i < TRIES && (old & BIT(EVTCHN_FIFO_LINKED)); i++)
		if (__atomic_compare_exchange_n(word, &old, (old & ~(event_word_t)EVTCHN_FIFO_LINK_MASK) | port, false,
						__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return true;
	return false;
}

static void link_port(struct port *p, unsigned port)
{
	struct evtchn_fifo_control_block *c = control[p->vcpu];
	uint16_t *old = &tails[p->queue_vcpu][p->queue_priority], *tail = &tails[p->vcpu][p->priority];
	struct vcpu *v = vcpu_at(p->vcpu);
	bool linked;

	if (*old == port) /* it was the last of its old queue, which is empty now */
		*old = 0;
	p->queue_vcpu = p->vcpu;
	p->queue_priority = p->priority;
	linked = append(*tail, port);
	*tail = (uint16_t)port;
	if (linked)
		return;
	__atomic_store_n(&c->head[p->priority], port, __ATOMIC_SEQ_CST);
	if (__atomic_fetch_or(&c->ready, BIT(p->priority), __ATOMIC_SEQ_CST) & BIT(p->priority))
		return;
	v->info->evtchn_upcall_pending = 1;
	kick(v);
}

/* A port whose page, or whose vCPU's control block, is not there yet stays pending in its struct. */
void fifo_raise(struct port *p, unsigned port)
{
	event_word_t *word = word_of(port);

	lock(&queue_lock);
	if (!word || !control[p->vcpu]) {
		p->pending = true;
	} else {
		event_word_t old = __atomic_fetch_or(word, BIT(EVTCHN_FIFO_PENDING), __ATOMIC_SEQ_CST);

		if (!(old & BIT(EVTCHN_FIFO_MASKED)) &&
		    !(__atomic_fetch_or(word, BIT(EVTCHN_FIFO_LINKED), __ATOMIC_SEQ_CST) & BIT(EVTCHN_FIFO_LINKED)))
			link_port(p, port);
	}
	unlock(&queue_lock);
}

bool fifo_pending(unsigned port)
{
	const event_word_t *word = word_of(port);

	return word && (*(const volatile event_word_t *)word & BIT(EVTCHN_FIFO_PENDING));
}

void fifo_clear(unsigned port)
{
	event_word_t *word = word_of(port);

	if (word)
		__atomic_fetch_and(word, ~BIT(EVTCHN_FIFO_PENDING), __ATOMIC_SEQ_CST);
}

void fifo_unmask(struct port *p, unsigned port)
{
	event_word_t *word = word_of(port);

	if (word && (__atomic_fetch_and(word, ~BIT(EVTCHN_FIFO_MASKED), __ATOMIC_SEQ_CST) & BIT(EVTCHN_FIFO_PENDING)))
		fifo_raise(p, port);
}

/* ---- The operations; the caller holds the lock of the ports ---- */

int fifo_init_control(struct vcpu *v, void *arg)
{
	struct evtchn_init_control *op = arg;

	(void)v;
	if (!(facts.flags & PV_FLAG_FIFO))
		return -XEN_ENOSYS;
	if (op->vcpu >= nr_vcpus)
		return -XEN_ENOENT;
	if (op->offset > PAGE - sizeof(struct evtchn_fifo_control_block) || op->offset % 8 || control[op->vcpu] ||
	    !frame_hold(op->control_gfn))
		return -XEN_EINVAL;
	control[op->vcpu] = (void *)((uint8_t *)frame_va(op->control_gfn) + op->offset);
	if (!fifo_on)
		event_switch(true);
	op->link_bits = EVTCHN_FIFO_LINK_BITS;
	return 0;
}

int fifo_expand_array(struct vcpu *v, void *arg)
{
	struct evtchn_expand_array *op = arg;

	(void)v;
	if (!(facts.flags & PV_FLAG_FIFO))
		return -XEN_ENOSYS;
	if (!fifo_on)
		return -XEN_EOPNOTSUPP;
	if (nr_pages == PAGES)
		return -XEN_ENOSPC;
	if (!frame_hold(op->array_gfn))
		return -XEN_EINVAL;
	pages[nr_pages++] = frame_va(op->array_gfn);
	event_raise_again((nr_pages - 1) * PAGE_WORDS, nr_pages * PAGE_WORDS);
	return 0;
}

void fifo_reset(void)
{
	while (nr_pages)
		frame_release(va_frame(pages[--nr_pages]));
	for (unsigned i = 0; i < ARRAY(control); i++)
		if (control[i])
			frame_release(va_frame(control[i]));
	memset(control, 0, sizeof(control));
	memset(tails, 0, sizeof(tails));
	if (fifo_on)
		event_switch(false);
}
