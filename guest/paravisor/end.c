/* SPDX-License-Identifier: MIT */
/* How the machine stops: by power-off, reset, or a triple fault that its engine calls a crash. */
#include "asm.h"
#include "paravisor.h"

#include <xen/sched.h>

/* Of QEMU's microvm: the sleep and reset registers of its event device. */
#define GED_SLEEP   0x200
#define SLEEP_TO_S5 0x34 /* SLP_EN, and SLP_TYP 5 */
#define GED_RESET   0x202
#define RESET_NOW   0x42

/* ACPI S5: by the PM1a control block of QEMU's pc and q35 and of Bochs, or microvm's register. */
static void power_off(void)
{
	outw(0x604, 0x2000);
	outw(0xb004, 0x2000);
	*(volatile uint8_t *)(GED_VA + GED_SLEEP) = SLEEP_TO_S5;
}

/* No handler for a fault: the processor gives up, and the engine says "crashed". */
static void triple_fault(void)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = { 0, 0 };

	__asm__ volatile("lidt %0; int3" ::"m"(none));
}

static void reset(void)
{
	outb(0xcf9, 0x02);
	outb(0xcf9, 0x06);
	for (unsigned i = 0; i < 100000; i++)
		inb(0x80);
	outb(0x64, 0xfe);
	for (unsigned i = 0; i < 100000; i++)
		inb(0x80);
	*(volatile uint8_t *)(GED_VA + GED_RESET) = RESET_NOW;
	triple_fault();
}

/* What each reason is called and what it makes of the machine: nobody could resume a guest that suspends. */
static const struct {
	const char *name;
	void (*end)(void);
} ends[] = {
	[SHUTDOWN_poweroff] = { "powered off", power_off },
	[SHUTDOWN_reboot] = { "rebooted", reset },
	[SHUTDOWN_suspend] = { "suspended", power_off },
	[SHUTDOWN_crash] = { "crashed", triple_fault },
	[SHUTDOWN_watchdog] = { "ended by a watchdog", triple_fault },
	[SHUTDOWN_soft_reset] = { "asked for a reset", reset },
};

void machine_off(unsigned reason)
{
	bool known = reason < ARRAY(ends);

	if (facts.flags & PV_FLAG_VERBOSE)
		hypercall_counts();
	say("paravisor: the guest %s (%u)\n", known ? ends[reason].name : "shut down", reason);
	if (nr_vcpus > 1)
		apic_stop_others();
	(known ? ends[reason].end : power_off)();
	for (;;)
		__asm__ volatile("cli; hlt");
}
