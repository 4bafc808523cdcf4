/* SPDX-License-Identifier: MIT */
/*
 * Time: the TSC, scaled the way the guest scales it too (<xen/xen.h>, struct
 * vcpu_time_info), counted from the paravisor's start. Its rate is measured
 * against the PM timer, else the HPET, else the PIT, three times, and the
 * middle counts; the local APIC's timer is measured along with it.
 */
#include "asm.h"
#include "paravisor.h"

#include <xen/sched.h>

#define NS     1000000000ull
#define ROUNDS 3
#define WINDOW 5000000ull /* ns a round */

static uint64_t tsc_start;
static uint32_t tsc_mul;
static int8_t tsc_shift;

bool runstate_flagged;

uint64_t now_ns(void)
{
	uint64_t delta = rdtsc() - tsc_start;

	delta = tsc_shift < 0 ? delta >> -tsc_shift : delta << tsc_shift;
	return (uint64_t)((u128)delta * tsc_mul >> 32);
}

/* ---- Reference clocks ---- */

#define PM_PORT 0x608 /* of the chipset of QEMU's pc */
#define PM_HZ   3579545ull

static uint32_t hpet_read(unsigned reg)
{
	return *(volatile uint32_t *)(HPET_VA + reg);
}

/* Ticks per second, or 0: there is no HPET. */
static uint64_t hpet_hz(void)
{
	uint32_t period_fs = hpet_read(4);

	if (!period_fs || period_fs > 100000000)
		return 0;
	*(volatile uint32_t *)(HPET_VA + 0x10) = hpet_read(0x10) | 1;
	return 1000000000000000ull / period_fs;
}

static uint64_t hpet_ticks(void)
{
	return hpet_read(0xf0);
}

static uint64_t pm_ticks(void)
{
	return inl(PM_PORT) & 0xffffff;
}

/* It counts at all: it moves within some reads. */
static bool pm_alive(void)
{
	uint64_t first = pm_ticks();

	for (unsigned i = 0; i < 1000; i++)
		if (pm_ticks() != first)
			return true;
	return false;
}

/* The PIT's channel 2, counting down from 65536 and round again; its gate is bit 0 of port 0x61. */
#define PIT_HZ 1193182ull

static void pit_start(void)
{
	outb(0x61, (inb(0x61) & 0xfc) | 1);
	outb(0x43, 0xb4);
	outb(0x42, 0);
	outb(0x42, 0);
}

static uint64_t pit_ticks(void)
{
	uint8_t low;

	outb(0x43, 0x80);
	low = inb(0x42);
	return 0xffff - (low | (uint64_t)inb(0x42) << 8);
}

struct reference {
	const char *name;
	uint64_t (*ticks)(void);
	uint64_t hz, mask;
};

/* Under KVM itself a page where nothing is may end the machine; so no HPET is looked for there. */
static bool may_probe_memory(void)
{
	uint32_t out[4];

	cpuid(0x40000000, 0, out);
	return out[1] != 0x4b4d564b; /* "KVMK" */
}

/* The best that this machine has. */
static struct reference find_reference(void)
{
	uint64_t hz;

	if (pm_alive())
		return (struct reference){ "PM timer", pm_ticks, PM_HZ, 0xffffff };
	hz = may_probe_memory() ? hpet_hz() : 0;
	if (hz)
		return (struct reference){ "HPET", hpet_ticks, hz, 0xffffffff };
	pit_start();
	return (struct reference){ "PIT", pit_ticks, PIT_HZ, 0xffff };
}

struct rates {
	uint64_t tsc, apic;
};

#define SPINS 100000000u /* a reference that stands still must not hang the start */

static struct rates measure(const struct reference *ref)
{
	uint64_t want = ref->hz * WINDOW / NS, from, to, tsc0, tsc1;
	uint32_t apic0, apic1, spins = 0;

	apic_timer_run();
	from = ref->ticks();
	tsc0 = rdtsc();
	apic0 = apic_timer_left();
	do
		to = ref->ticks();
	while (((to - from) & ref->mask) < want && ++spins < SPINS);
	tsc1 = rdtsc();
	apic1 = apic_timer_left();
	to = (to - from) & ref->mask;
	if (!to || spins == SPINS)
		panic("the %s stands still: the TSC cannot be measured", ref->name);
	return (struct rates){ (tsc1 - tsc0) * ref->hz / to, (uint64_t)(apic0 - apic1) * ref->hz / to };
}

static struct rates middle(struct rates r[ROUNDS])
{
	for (unsigned i = 0; i < ROUNDS; i++)
		for (unsigned j = i + 1; j < ROUNDS; j++)
			if (r[j].tsc < r[i].tsc) {
				struct rates swap = r[i];

				r[i] = r[j];
				r[j] = swap;
			}
	return r[ROUNDS / 2];
}

static void set_scale(uint64_t hz)
{
	tsc_shift = 0;
	while (hz > 2 * NS) {
		hz >>= 1;
		tsc_shift--;
	}
	while (hz <= NS) {
		hz <<= 1;
		tsc_shift++;
	}
	tsc_mul = (uint32_t)((NS << 32) / hz);
}

void time_init(void)
{
	struct reference ref = find_reference();
	struct rates r[ROUNDS];

	for (unsigned i = 0; i < ROUNDS; i++)
		r[i] = measure(&ref);
	r[0] = middle(r);
	tsc_start = rdtsc();
	set_scale(facts.tsc_khz ? facts.tsc_khz * 1000 : r[0].tsc);
	apic_calibrated(r[0].apic);
	if (facts.flags & PV_FLAG_VERBOSE)
		say("paravisor: TSC %lu kHz, APIC timer %lu kHz, by %s\n", r[0].tsc / 1000, r[0].apic / 1000, ref.name);
}

/* ---- What the guest reads ---- */

void time_publish(struct vcpu *v)
{
	guest_time_info *t = &v->info->time;

	t->version = (t->version | 1) + 2;
	barrier();
	t->tsc_timestamp = tsc_start;
	t->system_time = 0;
	t->tsc_to_system_mul = tsc_mul;
	t->tsc_shift = tsc_shift;
	barrier();
	t->version++;
}

static uint8_t cmos(uint8_t reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

static unsigned bcd(uint8_t value, bool binary)
{
	return binary ? value : (value >> 4) * 10u + (value & 15);
}

/* Days since 1970 of a date after 2000, by counting from March. */
static uint64_t days(unsigned year, unsigned month, unsigned day)
{
	year -= month <= 2;
	month = (month + 9) % 12;
	return 365ull * year + year / 4 - year / 100 + year / 400 + (month * 306 + 5) / 10 + day - 1 - 719468;
}

static uint64_t rtc_seconds(void)
{
	bool binary = cmos(0xb) & 4;
	unsigned year, month, day, hour, minute, second;

	for (unsigned i = 0; i < 100000 && (cmos(0xa) & 0x80); i++)
		;
	second = bcd(cmos(0), binary);
	minute = bcd(cmos(2), binary);
	hour = bcd(cmos(4) & 0x7f, binary);
	day = bcd(cmos(7), binary);
	month = bcd(cmos(8), binary);
	year = 2000 + bcd(cmos(9), binary);
	return days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
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

/* Below a second or two only. */
static uint64_t ns_to_tsc(uint64_t ns)
{
	uint64_t ticks = (ns << 32) / tsc_mul;

	return tsc_shift < 0 ? ticks << -tsc_shift : ticks >> tsc_shift;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return !a ? b : !b || a < b ? a : b;
}

/* Arm the processor's timer for the first of what is due; a long wait is cut, and armed again. */
void timer_set(struct vcpu *v)
{
	uint64_t at = sooner(sooner(v->timer_ns, v->poll_ns), v->period_ns ? v->next_period_ns : 0);
	uint64_t now = now_ns(), wait;

	v->rearm = false;
	if (!v->id)
		at = sooner(at, watchdog_due());
	if (!at) {
		apic_timer(0, 0);
		return;
	}
	wait = at <= now ? 1 : at - now;
	if (wait > NS)
		wait = NS;
	/* Rounded up, so as not to come too early: the guest would only set it again. */
	wait += 1000;
	apic_timer(wait, rdtsc() + ns_to_tsc(wait));
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

int runstate_to_guest(uint64_t va, const vcpu_runstate_info_t *r)
{
	size_t times = sizeof(*r) - offsetof(vcpu_runstate_info_t, state_entry_time);

	if (RUNSTATE_TIME_OFF == offsetof(vcpu_runstate_info_t, state_entry_time))
		return copy_to_guest(va, r, sizeof(*r));
	if (copy_to_guest(va, &r->state, sizeof(r->state)))
		return -XEN_EFAULT;
	return copy_to_guest(va + RUNSTATE_TIME_OFF, &r->state_entry_time, times);
}

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
	runstate_to_guest(v->runstate_va, r);
}
