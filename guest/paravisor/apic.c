/* SPDX-License-Identifier: MIT */
/*
 * The local APIC: inter-processor interrupts, the timer (deadline or one
 * shot), starting the other processors; and of the I/O APIC the one line that
 * is used, the serial port's. The old interrupt controllers are shut up.
 */
#include "asm.h"
#include "paravisor.h"

enum {
	APIC_ID = 0x20,
	APIC_TPR = 0x80,
	APIC_EOI = 0xb0,
	APIC_SVR = 0xf0,
	APIC_ICR_LOW = 0x300,
	APIC_ICR_HIGH = 0x310,
	APIC_LVT_TIMER = 0x320,
	APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360,
	APIC_TIMER_INITIAL = 0x380,
	APIC_TIMER_NOW = 0x390,
	APIC_TIMER_DIVIDE = 0x3e0
};
#define LVT_MASKED   0x10000u
#define LVT_DEADLINE 0x40000u
#define DIVIDE_BY_1  0xbu
#define ICR_BUSY     0x1000u
#define INIT_OTHERS  0xc4500u
#define SIPI_OTHERS  (0xc4600u | AP_START >> 12)

static bool deadline; /* the timer takes TSC values */
uint64_t apic_hz;

static uint32_t apic_read(unsigned reg)
{
	return *(volatile uint32_t *)(LAPIC_VA + reg);
}

static void apic_write(unsigned reg, uint32_t value)
{
	*(volatile uint32_t *)(LAPIC_VA + reg) = value;
}

uint32_t apic_id(void)
{
	return apic_read(APIC_ID) >> 24;
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

static void icr(uint32_t to, uint32_t command)
{
	while (apic_read(APIC_ICR_LOW) & ICR_BUSY)
		cpu_relax();
	apic_write(APIC_ICR_HIGH, to << 24);
	apic_write(APIC_ICR_LOW, command);
}

void apic_ipi(uint32_t to, uint8_t vector)
{
	icr(to, vector);
}

void apic_init_cpu(void)
{
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 0x800);
	apic_write(APIC_TPR, 0);
	apic_write(APIC_LVT_LINT0, LVT_MASKED);
	apic_write(APIC_LVT_LINT1, LVT_MASKED);
	apic_write(APIC_TIMER_DIVIDE, DIVIDE_BY_1);
	apic_write(APIC_LVT_TIMER, VEC_TIMER | (deadline ? LVT_DEADLINE : 0));
	apic_write(APIC_SVR, 0x100 | VEC_SPURIOUS);
}

static void ioapic_write(uint32_t reg, uint32_t value)
{
	*(volatile uint32_t *)IOAPIC_VA = reg;
	*(volatile uint32_t *)(IOAPIC_VA + 0x10) = value;
}

static uint32_t ioapic_read(uint32_t reg)
{
	*(volatile uint32_t *)IOAPIC_VA = reg;
	return *(volatile uint32_t *)(IOAPIC_VA + 0x10);
}

/* ISA interrupt 4, edge triggered, to this processor; all others masked. */
static void ioapic_init(void)
{
	uint32_t lines = (ioapic_read(1) >> 16 & 0xff) + 1;

	if (lines > 240)
		return; /* there is none */
	for (uint32_t i = 0; i < lines; i++)
		ioapic_write(0x10 + 2 * i, LVT_MASKED);
	ioapic_write(0x10 + 2 * 4 + 1, apic_id() << 24);
	ioapic_write(0x10 + 2 * 4, VEC_UART);
}

void apic_init(void)
{
	uint32_t out[4];

	cpuid(1, 0, out);
	deadline = out[2] >> 24 & 1;
	outb(0x21, 0xff);
	outb(0xa1, 0xff);
	apic_init_cpu();
	ioapic_init();
}

void apic_start_others(void)
{
	icr(0, INIT_OTHERS);
	for (uint64_t end = now_ns() + 10000000; now_ns() < end;)
		cpu_relax();
	for (unsigned i = 0; i < 2; i++) {
		icr(0, SIPI_OTHERS);
		for (uint64_t end = now_ns() + 1000000; now_ns() < end;)
			cpu_relax();
	}
}

/* For good: they wait for a SIPI that does not come. */
void apic_stop_others(void)
{
	icr(0, INIT_OTHERS);
}

/* ---- The timer ---- */

void apic_timer_run(void)
{
	apic_write(APIC_LVT_TIMER, LVT_MASKED | VEC_TIMER);
	apic_write(APIC_TIMER_INITIAL, 0xffffffff);
}

uint32_t apic_timer_left(void)
{
	return apic_read(APIC_TIMER_NOW);
}

void apic_calibrated(uint64_t hz)
{
	apic_hz = hz;
	apic_write(APIC_TIMER_INITIAL, 0);
	apic_write(APIC_LVT_TIMER, VEC_TIMER | (deadline ? LVT_DEADLINE : 0));
}

/* In so many ns, which are below a second; 0: off. tsc is the same moment. */
void apic_timer(uint64_t ns, uint64_t tsc)
{
	uint64_t ticks;

	if (deadline) {
		wrmsr(MSR_TSC_DEADLINE, ns ? tsc : 0);
		return;
	}
	ticks = ns * (apic_hz / 1000) / 1000000;
	apic_write(APIC_TIMER_INITIAL, !ns ? 0 : ticks > 0xffffffff ? 0xffffffff : ticks ? (uint32_t)ticks : 1);
}
