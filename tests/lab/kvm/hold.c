/* SPDX-License-Identifier: MIT */
/*
 * Keeps KVM in use for as long as the lab lives, so that its kernel does not
 * patch itself while jobs run.
 *
 * The first machine to come and the last to go switch static keys: the
 * scheduler's preemption notifiers, KVM's "an APIC is switched off" and "a
 * processor has no APIC". Linux does that by a breakpoint in the middle of the
 * code. QEMU's TCG, with a thread for each processor, now and then keeps the
 * breakpoint translated when it is gone from memory; the processor then takes it
 * for ever, in __schedule() with the run queue locked. Here are two machines
 * that never run, one with APICs and one without: whoever comes later is not
 * the first, and goes as not the last.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int must(int result, const char *what)
{
	if (result >= 0)
		return result;
	perror(what);
	exit(1);
}

static void hold_machine(int kvm, int apics)
{
	int vm = must(ioctl(kvm, KVM_CREATE_VM, 0), "KVM_CREATE_VM");

	if (apics)
		must(ioctl(vm, KVM_CREATE_IRQCHIP, 0), "KVM_CREATE_IRQCHIP");
	must(ioctl(vm, KVM_CREATE_VCPU, 0), "KVM_CREATE_VCPU");
}

/* Whoever started it goes on when the machines are there; a child keeps them. */
int main(void)
{
	int kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");

	hold_machine(kvm, 1);
	hold_machine(kvm, 0);
	must(daemon(0, 0), "daemon");
	for (;;)
		pause();
}
