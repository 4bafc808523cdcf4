/* SPDX-License-Identifier: MIT */
/* What events.c and fifo.c share: a port, and the two ABIs by which the guest hears of it. */
#ifndef PARAVISOR_EVENTS_H
#define PARAVISOR_EVENTS_H

#include "paravisor.h"

#define PORTS (WORD_BITS * WORD_BITS)

struct port {
	uint8_t state, vcpu;
	uint16_t other; /* LOOPBACK: the port at the other end; VIRQ: its number; UNBOUND: whose it may become */
	bool pending;   /* raised when the FIFO ABI had no word for it yet */
	uint8_t priority, queue_vcpu, queue_priority; /* FIFO: wanted, and where it was queued last */
};

/* ---- events.c ---- */
void event_switch(bool fifo); /* to the other ABI */
void event_raise_again(unsigned from, unsigned to);

/* ---- fifo.c ---- */
extern bool fifo_on;
void fifo_raise(struct port *p, unsigned port);
bool fifo_pending(unsigned port);
void fifo_clear(unsigned port);
void fifo_unmask(struct port *p, unsigned port);
void fifo_reset(void);
int fifo_init_control(struct vcpu *v, void *arg);
int fifo_expand_array(struct vcpu *v, void *arg);

#endif
