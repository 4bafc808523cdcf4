/* SPDX-License-Identifier: MIT */
/*
 * The paravisor's clock: the TSC, counted from its start and scaled to
 * nanoseconds. Its rate is measured against the PM timer, else the HPET, else
 * the PIT, three times, and the middle counts; the local APIC's timer is
 * measured along with it. Here too: what day it is, by the machine's CMOS,
 * and setting the one timer that each processor has.
 */
#include "asm.h"
#include "paravisor.h"

#define NS     1000000000ull
#define ROUNDS 3
#define WINDOW 5000000ull /* ns a round */

struct clock_scale clock_scale;

uint64_t now_ns(void)
{
	uint64_t delta = rdtsc() - clock_scale.start;

	delta = clock_scale.shift < 0 ? delta >> -clock_scale.shift : delta << clock_scale.shift;
	return (uint64_t)((u128)delta * clock_scale.mul >> 32);
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
	clock_scale.hz = hz;
	clock_scale.shift = 0;
	while (hz > 2 * NS) {
		hz >>= 1;
		clock_scale.shift--;
	}
	while (hz <= NS) {
		hz <<= 1;
		clock_scale.shift++;
	}
	clock_scale.mul = (uint32_t)((NS << 32) / hz);
}

void time_init(void)
{
	struct reference ref = find_reference();
	struct rates r[ROUNDS];

	for (unsigned i = 0; i < ROUNDS; i++)
		r[i] = measure(&ref);
	r[0] = middle(r);
	clock_scale.start = rdtsc();
	set_scale(facts.tsc_khz ? facts.tsc_khz * 1000 : r[0].tsc);
	apic_calibrated(r[0].apic);
	if (facts.flags & PV_FLAG_VERBOSE)
		say("paravisor: TSC %lu kHz, APIC timer %lu kHz, by %s\n", r[0].tsc / 1000, r[0].apic / 1000, ref.name);
}

/* ---- The time of day ---- */

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

uint64_t rtc_seconds(void)
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

/* ---- The timer ---- */

/* Below a second or two only. */
static uint64_t ns_to_tsc(uint64_t ns)
{
	uint64_t ticks = (ns << 32) / clock_scale.mul;

	return clock_scale.shift < 0 ? ticks << -clock_scale.shift : ticks >> clock_scale.shift;
}

/* Let VEC_TIMER come at that time; a long wait is cut. 0: never. */
void timer_arm(uint64_t at)
{
	uint64_t now = now_ns(), wait;

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
