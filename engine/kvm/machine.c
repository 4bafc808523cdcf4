/* SPDX-License-Identifier: MIT */
/*
 * The machine as a whole: KVM's objects in the order that it wants them, guest
 * memory, the plan and the firmware's tables in it, the processors' threads,
 * and its end. Unwinding is one function that takes a machine in any state.
 */
#include "machine.h"
#include "../tables.h"
#include "map.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define HUGE_PAGE   (2ull << 20)
#define STACK_LEN   (64 << 10) /* of a processor's thread; it never goes deep */
#define KICK_SIGNAL SIGRTMIN

static int vm_ioctl(struct machine *machine, unsigned long request, const void *arg, const char *what,
		    struct engine_error *err)
{
	return ioctl(machine->vm_fd, request, arg) < 0 ? engine_fail_errno(err, what) : 0;
}

/* The interrupt controllers come before any processor, and Intel's pages before those. */
static int create_vm(struct machine *machine, struct engine_error *err)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	uint64_t identity = MAP_IDENTITY;
	int run_len;

	machine->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (machine->kvm_fd < 0)
		return engine_fail_errno(err, "/dev/kvm");
	run_len = ioctl(machine->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (run_len < 0)
		return engine_fail_errno(err, "KVM_GET_VCPU_MMAP_SIZE");
	machine->run_len = (size_t)run_len;
	machine->vm_fd = ioctl(machine->kvm_fd, KVM_CREATE_VM, 0);
	if (machine->vm_fd < 0)
		return engine_fail_errno(err, "KVM_CREATE_VM");
	if (vm_ioctl(machine, KVM_SET_IDENTITY_MAP_ADDR, &identity, "KVM_SET_IDENTITY_MAP_ADDR", err))
		return -1;
	if (ioctl(machine->vm_fd, KVM_SET_TSS_ADDR, MAP_TSS) < 0)
		return engine_fail_errno(err, "KVM_SET_TSS_ADDR");
	if (vm_ioctl(machine, KVM_CREATE_IRQCHIP, NULL, "KVM_CREATE_IRQCHIP", err))
		return -1;
	return vm_ioctl(machine, KVM_CREATE_PIT2, &pit, "KVM_CREATE_PIT2", err);
}

/* Reserved, not committed: a page costs something when the guest first touches it. Aligned so that huge pages fit. */
static void *reserve(uint64_t len)
{
	uint8_t *map =
		mmap(NULL, len + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t before;

	if (map == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)map & (HUGE_PAGE - 1);
	if (before)
		munmap(map, before);
	munmap(map + before + len, HUGE_PAGE - before);
	return map + before;
}

static int add_memory(struct machine *machine, pb_gpa gpa, uint64_t len, struct engine_error *err)
{
	struct kvm_userspace_memory_region slot = { .slot = (uint32_t)machine->rams,
						    .guest_phys_addr = gpa,
						    .memory_size = len };
	struct pb_ram *ram = &machine->ram[machine->rams];

	*ram = (struct pb_ram){
		.gpa = gpa, .len = len, .host = reserve(len), .flags = PB_RAM_ZEROED | PB_RAM_MAP_SEALED
	};
	if (!ram->host)
		return engine_fail_errno(err, "reserving the guest's memory");
	machine->rams++;
	slot.userspace_addr = (uintptr_t)ram->host;
	return vm_ioctl(machine, KVM_SET_USER_MEMORY_REGION, &slot, "KVM_SET_USER_MEMORY_REGION", err);
}

static int create_memory(struct machine *machine, struct engine_error *err)
{
	uint64_t len = machine->job->options->mem_len;
	uint64_t low = len < MAP_HOLE ? len : MAP_HOLE;

	cmos_init(&machine->cmos, low, len - low);
	if (add_memory(machine, 0, low, err))
		return -1;
	return len > low ? add_memory(machine, MAP_ABOVE_4G, len - low, err) : 0;
}

void *machine_memory(const struct machine *machine, pb_gpa gpa, uint64_t *len)
{
	for (size_t i = 0; i < machine->rams; i++) {
		const struct pb_ram *ram = &machine->ram[i];

		if (gpa < ram->gpa || gpa - ram->gpa >= ram->len)
			continue;
		if (*len > ram->len - (gpa - ram->gpa))
			*len = ram->len - (gpa - ram->gpa);
		return (uint8_t *)ram->host + (gpa - ram->gpa);
	}
	return NULL;
}

/*
 * The image's own file may stand in guest memory, an uncompressed kernel then
 * costs nothing to load, as long as nothing of ours touches those pages: if the
 * file is shortened, what it lost is SIGBUS to us and an error of KVM_RUN to
 * the guest. Relocating would touch them.
 */
static void allow_mapping(struct machine *machine)
{
	struct pb_plan_info info = PB_INIT(info);

	if (pb_plan_info(machine->job->plan, &info) || info.phys_delta || info.virt_delta)
		return;
	for (size_t i = 0; i < machine->rams; i++)
		machine->ram[i].flags |= PB_RAM_MAP_FILE;
}

static int place(struct machine *machine, struct engine_error *err)
{
	uint8_t *low = machine->ram[0].host;
	struct pb_error why = PB_INIT(why);

	allow_mapping(machine);
	if (pb_place(machine->job->plan, machine->ram, machine->rams, &why))
		return engine_fail_pb(err, "placing the kernel", &why);
	const struct acpi_machine acpi = { .gpa = MAP_ACPI, .vcpus = machine->nr_vcpus };

	if (!acpi_build(low + MAP_ACPI, MAP_ACPI_LEN, &acpi) ||
	    !mptable_build(low + MAP_MPTABLE, MAP_MPTABLE_LEN, machine->nr_vcpus))
		return engine_fail(err, ENGINE_UNABLE, "%u processors do not fit into the firmware's tables",
				   machine->nr_vcpus);
	return 0;
}

static int create_vcpus(struct machine *machine, unsigned wanted, struct engine_error *err)
{
	for (unsigned i = 0; i < wanted; i++)
		if (vcpu_create(&machine->vcpus[i], machine, i, err))
			return -1;
	return 0;
}

int machine_create(struct machine *machine, const struct engine_run *job, struct engine_error *err)
{
	memset(machine, 0, sizeof(*machine));
	machine->job = job;
	machine->kvm_fd = machine->vm_fd = machine->console.wake_fd = -1;
	machine->nr_vcpus = job->options->vcpus ? job->options->vcpus : 1;
	pthread_mutex_init(&machine->lock, NULL);
	uart_init(&machine->uart, &console_line, machine);
	for (unsigned i = 0; i < machine->nr_vcpus; i++)
		machine->vcpus[i].fd = -1;
	if (create_vm(machine, err) || create_memory(machine, err) || place(machine, err) ||
	    create_vcpus(machine, machine->nr_vcpus, err) || console_open(machine, err)) {
		machine_destroy(machine);
		return -1;
	}
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void machine_destroy(struct machine *machine)
{
	console_close(machine);
	for (unsigned i = 0; i < machine->nr_vcpus; i++)
		vcpu_destroy(&machine->vcpus[i]);
	close_fd(machine->vm_fd);
	close_fd(machine->kvm_fd);
	for (size_t i = 0; i < machine->rams; i++)
		munmap(machine->ram[i].host, machine->ram[i].len);
	pthread_mutex_destroy(&machine->lock);
}

void machine_interrupt(struct machine *machine, bool level)
{
	struct kvm_irq_level line = { .irq = IRQ_COM1, .level = level };

	ioctl(machine->vm_fd, KVM_IRQ_LINE, &line);
}

/* ---- Threads ------------------------------------------------------------ */

/* The signal only has to interrupt KVM_RUN. */
static void kicked(int signal)
{
	(void)signal;
}

/* Signals are the caller's thread's business; all but the kick stay blocked in the others. */
static int create_threads(struct machine *machine)
{
	struct sigaction kick = { .sa_handler = kicked };
	sigset_t blocked, before;
	pthread_attr_t attr;
	int failed = 0;

	sigemptyset(&kick.sa_mask);
	sigaction(KICK_SIGNAL, &kick, NULL);
	sigfillset(&blocked);
	sigdelset(&blocked, KICK_SIGNAL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_LEN);
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	for (unsigned i = 0; i < machine->nr_vcpus && !failed; i++) {
		struct vcpu *vcpu = &machine->vcpus[i];

		failed = pthread_create(&vcpu->thread, &attr, vcpu_thread, vcpu);
		vcpu->running = !failed;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return failed;
}

/* Each thread first takes the lock: none runs its processor before all of them exist. */
int machine_start(struct machine *machine, struct engine_error *err)
{
	int failed;

	pthread_mutex_lock(&machine->lock);
	failed = create_threads(machine);
	if (failed)
		machine_end(machine, ENDING_MACHINE, "no thread for each processor");
	pthread_mutex_unlock(&machine->lock);
	if (!failed)
		return 0;
	machine_join(machine);
	errno = failed;
	return engine_fail_errno(err, "a thread for each processor");
}

void machine_join(struct machine *machine)
{
	for (unsigned i = 0; i < machine->nr_vcpus; i++) {
		if (machine->vcpus[i].running)
			pthread_join(machine->vcpus[i].thread, NULL);
		machine->vcpus[i].running = false;
	}
}

/* Before the signal, so that a thread on its way into KVM_RUN comes straight back. */
static void kick(struct vcpu *vcpu)
{
	vcpu->run->immediate_exit = 1;
	if (vcpu->running)
		pthread_kill(vcpu->thread, KICK_SIGNAL);
}

void machine_end(struct machine *machine, enum ending ending, const char *fmt, ...)
{
	va_list args;

	if (machine->ended)
		return;
	va_start(args, fmt);
	vsnprintf(machine->detail, sizeof(machine->detail), fmt, args);
	va_end(args);
	machine->ending = ending;
	machine->ended = true;
	for (unsigned i = 0; i < machine->nr_vcpus; i++)
		kick(&machine->vcpus[i]);
	pthread_cond_broadcast(&machine->console.room);
	console_wake(machine);
}
