/* SPDX-License-Identifier: MIT */
/*
 * Interrupts, the clock and waiting. The guest's interrupt flag is a word of
 * lguest_data, which it changes without a call; interrupts that are pending
 * meanwhile are told in another, so that it makes a call when it has turned
 * them on again. Kernels before 2.6.30 lack that word, and some after it miss
 * to look: so what could not be delivered is tried again after RETRY_NS.
 */
#include "../asm.h"
#include "lguest.h"

#define NS       1000000000ull
#define RETRY_NS 1000000ull

void deliver_upcall(struct regs *r);

static uint64_t rtc_ns; /* the time of day when now_ns() was 0 */
static uint64_t retry_ns;

/* ---- The clock ---- */

void clock_init(void)
{
	rtc_ns = rtc_seconds() * NS - now_ns();
}

void clock_tell(void)
{
	uint64_t now = rtc_ns + now_ns();

	data_set(LGUEST_TIME, (uint32_t)(now / NS));
	data_set(LGUEST_TIME + 4, (uint32_t)(now % NS));
}

void timer_set(struct vcpu *v)
{
	timer_arm(retry_ns && (!v->timer_ns || retry_ns < v->timer_ns) ? retry_ns : v->timer_ns);
}

void clock_event(struct vcpu *v, uint32_t ns)
{
	v->timer_ns = ns ? now_ns() + ns : 0;
	timer_set(v);
}

void timer_fired(struct vcpu *v)
{
	uint64_t now = now_ns();

	retry_ns = 0;
	if (v->timer_ns && v->timer_ns <= now) {
		v->timer_ns = 0;
		irq_raise(0);
	}
	timer_set(v);
}

/* ---- Interrupts ---- */

void irq_raise(unsigned irq)
{
	lg.pending |= 1u << irq;
	vcpu_at(0)->info->evtchn_upcall_pending = 1;
}

static uint32_t wanted(void)
{
	return lg.ready ? lg.pending & ~data_get(LGUEST_BLOCKED) : 0;
}

/* In the few instructions between turning interrupts on and iret it wants none. */
static bool at_iret(const struct regs *r)
{
	return (r->cs & 3) == 1 && r->rip >= lg.noirq_start && r->rip < lg.noirq_end;
}

static void tell_pending(bool pending)
{
	if (lg.dialect.has_pending)
		data_set(LGUEST_IRQ_PENDING, pending ? (uint32_t)FLAG_IF : 0);
}

static void try_again(struct vcpu *v)
{
	if (retry_ns)
		return;
	retry_ns = now_ns() + RETRY_NS;
	timer_set(v);
}

/* Not now: it has them all off, or is about to leave for where it was. Of blocked ones it is told nothing. */
static void put_off(struct vcpu *v, bool unblocked)
{
	if (unblocked)
		tell_pending(true);
	try_again(v);
}

/* An interrupt waits, and the guest is about to go on. */
void deliver_upcall(struct regs *r)
{
	struct vcpu *v = this_vcpu();
	uint32_t irqs = wanted();
	const struct trap_info *t;
	unsigned irq;

	if (!irqs || at_iret(r) || !(data_get(LGUEST_IRQ_ENABLED) & FLAG_IF)) {
		put_off(v, irqs);
		return;
	}
	irq = (unsigned)__builtin_ctz(irqs);
	lg.pending &= ~(1u << irq);
	v->info->evtchn_upcall_pending = lg.pending != 0;
	tell_pending(wanted());
	clock_tell();
	t = &v->traps[LGUEST_FIRST_VECTOR + irq];
	if (t->address)
		bounce(v, r, handler_of(t), t->flags & 4, NULL);
}

/* An interrupt ends it whatever the flag said, and finds the flag set. */
void irq_halt(struct vcpu *v)
{
	v->halted = true;
	while (!wanted())
		sti_hlt_cli();
	v->halted = false;
	data_set(LGUEST_IRQ_ENABLED, (uint32_t)FLAG_IF);
}
