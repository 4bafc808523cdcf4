/* SPDX-License-Identifier: MIT */
/*
 * One processor: the state that the plan gives it at entry, and a thread that
 * runs it and answers what it exits for. Ports behave as on a PC (bus.c); an
 * access to memory that is not there, which no system does on purpose since
 * nothing is said to be there, ends the machine, as do the exits that mean that
 * the processor cannot go on.
 */
#include "machine.h"
#include "map.h"

#include <paraboot-kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MSR_MTRR_DEF_TYPE 0x2ff
#define MSR_MISC_ENABLE   0x1a0

/*
 * What firmware leaves in each processor and Linux relies on: memory is
 * write-back by default (without, Linux takes PAT for broken), and string
 * operations are fast (without, it stops using them; Intel only: others
 * refuse the register, hence one at a time).
 */
static void set_msrs(const struct vcpu *vcpu)
{
	static const struct kvm_msr_entry values[] = {
		{ .index = MSR_MTRR_DEF_TYPE, .data = 1 << 11 | 6 },
		{ .index = MSR_MISC_ENABLE, .data = 1 },
	};

	_Alignas(struct kvm_msrs) uint8_t buf[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
	struct kvm_msrs *msrs = (struct kvm_msrs *)buf;

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		*msrs = (struct kvm_msrs){ .nmsrs = 1 };
		memcpy(msrs->entries, &values[i], sizeof(values[i]));
		ioctl(vcpu->fd, KVM_SET_MSRS, msrs);
	}
}

/* The others wait for the first one to start them. */
static int set_entry_state(const struct vcpu *vcpu, struct engine_error *err)
{
	struct pb_cpu cpu = PB_INIT(cpu);
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	if (vcpu->index > 0)
		return 0;
	if (pb_plan_cpu(vcpu->machine->job->plan, 0, &cpu))
		return engine_fail(err, ENGINE_BAD_INPUT, "the plan has no state for a processor to enter with");
	if (ioctl(vcpu->fd, KVM_GET_SREGS, &sregs) < 0)
		return engine_fail_errno(err, "KVM_GET_SREGS");
	pb_cpu_to_kvm(&cpu, &regs, &sregs);
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &sregs) < 0)
		return engine_fail_errno(err, "KVM_SET_SREGS");
	if (ioctl(vcpu->fd, KVM_SET_REGS, &regs) < 0)
		return engine_fail_errno(err, "KVM_SET_REGS");
	return 0;
}

/* With every exit KVM then tells the general registers: the only trace of a processor that it resets (crash.c). */
static void ask_for_registers(const struct vcpu *vcpu)
{
	int can = ioctl(vcpu->machine->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_SYNC_REGS);

	if (can > 0)
		vcpu->run->kvm_valid_regs = (unsigned)can & KVM_SYNC_X86_REGS;
}

int vcpu_create(struct vcpu *vcpu, struct machine *machine, unsigned index, struct engine_error *err)
{
	void *run;

	*vcpu = (struct vcpu){ .machine = machine, .index = index };
	vcpu->fd = ioctl(machine->vm_fd, KVM_CREATE_VCPU, (unsigned long)index);
	if (vcpu->fd < 0)
		return engine_fail_errno(err, "KVM_CREATE_VCPU");
	run = mmap(NULL, machine->run_len, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (run == MAP_FAILED)
		return engine_fail_errno(err, "mapping a processor's kvm_run");
	vcpu->run = run;
	if (cpuid_set(vcpu, err))
		return -1;
	set_msrs(vcpu);
	ask_for_registers(vcpu);
	return set_entry_state(vcpu, err);
}

void vcpu_destroy(struct vcpu *vcpu)
{
	if (vcpu->run)
		munmap(vcpu->run, vcpu->machine->run_len);
	if (vcpu->fd >= 0)
		close(vcpu->fd);
}

/* ---- Exits; the lock is held ---------------------------------------------- */

/* count accesses (a string instruction's) of size bytes each, at one port. */
static void exit_io(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	uint8_t *data = (uint8_t *)run + run->io.data_offset;
	uint64_t len = (uint64_t)run->io.count * run->io.size;

	for (uint64_t i = 0; i < len; i++) {
		uint16_t port = (uint16_t)(run->io.port + i % run->io.size);

		if (run->io.direction == KVM_EXIT_IO_OUT)
			bus_write(vcpu->machine, port, data[i]);
		else
			data[i] = bus_read(vcpu->machine, port);
	}
}

static void exit_mmio(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
	machine_end(vcpu->machine, ENDING_CRASH, "CPU %u %s %u bytes at 0x%llx, where nothing is", vcpu->index,
		    run->mmio.is_write ? "wrote" : "read", run->mmio.len, (unsigned long long)run->mmio.phys_addr);
}

static void exit_shutdown(struct vcpu *vcpu)
{
	machine_end(vcpu->machine, ENDING_TRIPLE_FAULT, "CPU %u", vcpu->index);
}

static void exit_internal_error(struct vcpu *vcpu)
{
	machine_end(vcpu->machine, ENDING_CRASH, "KVM cannot go on with CPU %u (%s, %u)", vcpu->index,
		    vcpu->run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION ? "an instruction it cannot emulate"
										 : "internal error",
		    vcpu->run->internal.suberror);
}

static void exit_fail_entry(struct vcpu *vcpu)
{
	machine_end(vcpu->machine, ENDING_CRASH, "the processor refuses the state of CPU %u (reason 0x%llx)",
		    vcpu->index, (unsigned long long)vcpu->run->fail_entry.hardware_entry_failure_reason);
}

static void exit_nothing(struct vcpu *vcpu)
{
	(void)vcpu;
}

static void (*const exits[])(struct vcpu *vcpu) = {
	[KVM_EXIT_IO] = exit_io,
	[KVM_EXIT_MMIO] = exit_mmio,
	[KVM_EXIT_SHUTDOWN] = exit_shutdown,
	[KVM_EXIT_INTERNAL_ERROR] = exit_internal_error,
	[KVM_EXIT_FAIL_ENTRY] = exit_fail_entry,
	[KVM_EXIT_INTR] = exit_nothing,
};

static void handle_exit(struct vcpu *vcpu)
{
	uint32_t reason = vcpu->run->exit_reason;

	if (reason != KVM_EXIT_SHUTDOWN)
		vcpu->seen_rip = vcpu->run->s.regs.regs.rip;
	if (reason < sizeof(exits) / sizeof(*exits) && exits[reason])
		exits[reason](vcpu);
	else
		machine_end(vcpu->machine, ENDING_MACHINE, "CPU %u left KVM for reason %u", vcpu->index, reason);
}

/*
 * EINTR is the kick, or another signal; EAGAIN a processor that was waiting to
 * be started. Anything else is a state that KVM cannot run: EFAULT where the
 * host has no page for the guest's, such as of a file that was shortened.
 */
static void handle_failure(struct vcpu *vcpu)
{
	if (errno != EINTR && errno != EAGAIN)
		machine_end(vcpu->machine, ENDING_MACHINE, "KVM cannot run CPU %u: %s", vcpu->index, strerror(errno));
}

void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	struct machine *machine = vcpu->machine;

	pthread_mutex_lock(&machine->lock);
	while (!machine->ended) {
		int failed;

		pthread_mutex_unlock(&machine->lock);
		failed = ioctl(vcpu->fd, KVM_RUN, 0);
		pthread_mutex_lock(&machine->lock);
		if (failed)
			handle_failure(vcpu);
		else
			handle_exit(vcpu);
	}
	pthread_mutex_unlock(&machine->lock);
	return NULL;
}
