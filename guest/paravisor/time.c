/* SPDX-License-Identifier: MIT */
/*
 * Time, as a Xen guest has it: how to scale the TSC itself (<xen/xen.h>,
 * struct vcpu_time_info), its timers, and how long its vCPUs ran.
 */
#include "shape.h"

#include <xen/sched.h>

#define NS 1000000000ull

bool runstate_flagged;

/* ---- What the guest reads ---- */

void time_publish(struct vcpu *v)
{
	guest_time_info *t = &v->info->time;

	t->version = (t->version | 1) + 2;
	barrier();
	t->tsc_timestamp = clock_scale.start;
	t->system_time = 0;
	t->tsc_to_system_mul = clock_scale.mul;
	t->tsc_shift = clock_scale.shift;
	barrier();
	t->version++;
}

void wallclock_publish(void)
{
	uint64_t ns = rtc_seconds() * NS - now_ns(), sec = ns / NS;

	shared_info->wc_version = 1;
	barrier();
	shared_info->wc_sec = (uint32_t)sec;
	shared_info->wc_nsec = (uint32_t)(ns % NS);
	wc_sec_hi_of(shared_info) = (uint32_t)(sec >> 32);
	barrier();
	shared_info->wc_version = 2;
}

/* ---- Timers ---- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return !a ? b : !b || a < b ? a : b;
}

/* Arm the processor's timer for the first of what is due; a long wait is cut, and armed again. */
void timer_set(struct vcpu *v)
{
	uint64_t at = sooner(sooner(v->timer_ns, v->poll_ns), v->period_ns ? v->next_period_ns : 0);

	v->rearm = false;
	if (!v->id)
		at = sooner(at, watchdog_due());
	timer_arm(at);
}

/* Of any vCPU: its timer is its own processor's. */
void timer_change(struct vcpu *v)
{
	if (v == this_vcpu()) {
		timer_set(v);
		return;
	}
	v->rearm = true;
	kick(v);
}

void timer_fired(struct vcpu *v)
{
	uint64_t now = now_ns();
	bool due = false;

	if (!v->id && watchdog_due() && watchdog_due() <= now)
		machine_off(SHUTDOWN_watchdog);
	if (v->timer_ns && v->timer_ns <= now) {
		v->timer_ns = 0;
		due = true;
	}
	if (v->period_ns && v->next_period_ns <= now) {
		v->next_period_ns += v->period_ns;
		if (v->next_period_ns <= now)
			v->next_period_ns = now + v->period_ns;
		due = true;
	}
	if (due)
		event_virq(v, VIRQ_TIMER);
	timer_set(v);
}

/* ---- Run states: <xen/vcpu.h>, struct vcpu_runstate_info ---- */

/* Where state_entry_time stands: 64-bit words are aligned to 4 bytes in a 32-bit guest. */
#define RUNSTATE_TIME_OFF (ROOT_LEVEL == 4 ? offsetof(vcpu_runstate_info_t, state_entry_time) : 4)

void runstate(struct vcpu *v, uint32_t state)
{
	vcpu_runstate_info_t *r = &v->runstate;
	uint64_t now = now_ns();

	r->time[r->state] += now - r->state_entry_time;
	r->state = (int)state;
	r->state_entry_time = now;
	if (!v->runstate_va || !v->kernel_mode)
		return;
	if (runstate_flagged) {
		uint64_t updating = now | XEN_RUNSTATE_UPDATE;

		copy_to_guest(v->runstate_va + RUNSTATE_TIME_OFF, &updating, sizeof(updating));
	}
	put_arg(v->runstate_va, r, SHAPE(vcpu_runstate_info));
}
