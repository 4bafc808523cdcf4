/* SPDX-License-Identifier: MIT */
/*
 * The engine `kvm`: a virtual machine of our own on /dev/kvm, with what Linux
 * needs to boot, talk, see its processors and power off, and nothing else. This
 * file is its row in the table of engines; machine.h tells who does the rest.
 */
#include "machine.h"
#include "map.h"

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define API_VERSION 12 /* the only one there ever was */
#define MIN_MEM_LEN (2ull << 20)

static const struct {
	int number;
	const char *name;
} needed[] = {
	{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
	{ KVM_CAP_PIT2, "KVM_CAP_PIT2" },
	{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
	{ KVM_CAP_SET_TSS_ADDR, "KVM_CAP_SET_TSS_ADDR" },
	{ KVM_CAP_SET_IDENTITY_MAP_ADDR, "KVM_CAP_SET_IDENTITY_MAP_ADDR" },
	{ KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID" },
	{ KVM_CAP_MP_STATE, "KVM_CAP_MP_STATE" },
	{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
};

/* Who may open it, in the words that the user can act on. */
static int fail_forbidden(struct engine_error *err)
{
	struct group *group = NULL;
	struct stat st;

	if (stat("/dev/kvm", &st) == 0 && (st.st_mode & 0060) == 0060)
		group = getgrgid(st.st_gid);
	if (!group)
		return engine_fail(err, ENGINE_UNABLE, "/dev/kvm is there, but only its owner may open it");
	return engine_fail(err, ENGINE_UNABLE, "/dev/kvm is there, but only group %s may open it", group->gr_name);
}

static int open_kvm(struct engine_error *err)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	if (errno == EACCES || errno == EPERM)
		return fail_forbidden(err);
	return engine_fail(err, ENGINE_UNABLE, "no KVM here: /dev/kvm: %s", strerror(errno));
}

static int check_extensions(int fd, struct engine_error *err)
{
	if (ioctl(fd, KVM_GET_API_VERSION, 0) != API_VERSION)
		return engine_fail(err, ENGINE_UNABLE, "/dev/kvm does not speak KVM's API version %d", API_VERSION);
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (ioctl(fd, KVM_CHECK_EXTENSION, needed[i].number) <= 0)
			return engine_fail(err, ENGINE_UNABLE, "this host's KVM lacks %s", needed[i].name);
	return 0;
}

static int check_vcpus(int fd, uint32_t vcpus, struct engine_error *err)
{
	int host = ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);
	uint32_t limit = host > 0 && host < MACHINE_VCPUS ? (uint32_t)host : MACHINE_VCPUS;

	if (vcpus > limit)
		return engine_fail(err, ENGINE_UNABLE, "%u processors: engine kvm gives at most %u here", vcpus, limit);
	return 0;
}

static int check_memory(int fd, uint64_t mem_len, struct engine_error *err)
{
	uint64_t above = mem_len > MAP_HOLE ? mem_len - MAP_HOLE : 0;
	unsigned bits = cpuid_physical_bits(fd);

	if (mem_len < MIN_MEM_LEN)
		return engine_fail(err, ENGINE_BAD_INPUT, "%llu MiB of memory: engine kvm gives at least %llu",
				   (unsigned long long)mem_len >> 20, MIN_MEM_LEN >> 20);
	if (above && above > (1ull << bits) - MAP_ABOVE_4G)
		return engine_fail(err, ENGINE_UNABLE, "%llu MiB of memory: this host's guests have %u address bits",
				   (unsigned long long)mem_len >> 20, bits);
	return 0;
}

int kvm_usable(struct engine_options *options, struct engine_error *err)
{
	int fd, failed;

	if (options->icount)
		return engine_fail(err, ENGINE_BAD_INPUT, "icount: KVM counts no instructions");
	fd = open_kvm(err);
	if (fd < 0)
		return -1;
	failed = check_extensions(fd, err) || check_vcpus(fd, options->vcpus, err) ||
		 check_memory(fd, options->mem_len, err);
	close(fd);
	return failed ? -1 : 0;
}

static void add(struct engine_memory *memory, pb_gpa gpa, pb_gpa end, enum pb_ram_type type)
{
	if (gpa < end)
		memory->ram[memory->nr_ram++] = (struct pb_range){ gpa, end - gpa, type };
}

int kvm_memory(const struct engine_options *options, struct engine_memory *ret, struct engine_error *err)
{
	uint64_t low = options->mem_len < MAP_HOLE ? options->mem_len : MAP_HOLE;
	struct engine_memory memory = { .nr_ram = 0 };

	(void)err;
	add(&memory, 0, MAP_LOW_END, PB_E820_RAM);
	add(&memory, MAP_LOW_END, MAP_VGA, PB_E820_RESERVED);
	add(&memory, MAP_ACPI, MAP_HIGH_RAM, PB_E820_RESERVED);
	add(&memory, MAP_HIGH_RAM, low, PB_E820_RAM);
	add(&memory, MAP_ABOVE_4G, MAP_ABOVE_4G + (options->mem_len - low), PB_E820_RAM);
	memory.keep[memory.nr_keep++] = (struct pb_range){ 0, MAP_LOW_START, 0 };
	memory.rsdp_gpa = MAP_ACPI;
	*ret = memory;
	return 0;
}

/* ---- The run ------------------------------------------------------------ */

static void start_clock(struct machine *machine)
{
	uint64_t timeout_ms = machine->job->timeout_ms;

	watch_start(&machine->watch);
	machine->timeout_ns = timeout_ms ? machine->watch.start_ns + timeout_ms * 1000000 : UINT64_MAX;
}

static void tell(const struct machine *machine, struct engine_result *ret)
{
	watch_result(&machine->watch, machine->ending, machine->detail[0] ? machine->detail : NULL, ret);
	if (ret->status == ENGINE_CRASHED || ret->status == ENGINE_TIMED_OUT)
		ret->registers = crash_describe(machine);
}

static int run_machine(struct machine *machine, struct engine_result *ret, struct engine_error *err)
{
	struct signals signals;
	int failed;

	signals_catch(&signals);
	start_clock(machine);
	failed = machine_start(machine, err);
	if (!failed) {
		console_serve(machine, &signals);
		machine_join(machine);
		tell(machine, ret);
	}
	signals_release(&signals);
	return failed;
}

/* The others need firmware or a hypervisor of their own under them. */
static int check_entry(const pb_plan *plan, struct engine_error *err)
{
	static const enum pb_entry entries[] = { PB_LINUX32, PB_LINUX64, PB_PVH, PB_XEN_PV64, PB_XEN_PV32, PB_LGUEST };
	struct pb_plan_info info = PB_INIT(info);

	if (pb_plan_info(plan, &info) == 0)
		for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
			if (info.entry == entries[i])
				return 0;
	return engine_fail(err, ENGINE_UNABLE, "engine kvm cannot enter by %s", pb_entry_name(info.entry));
}

int kvm_run(const struct engine_run *run, struct engine_result *ret, struct engine_error *err)
{
	struct machine *machine;
	int failed;

	if (check_entry(run->plan, err))
		return -1;
	machine = malloc(sizeof(*machine));
	if (!machine)
		return engine_fail_errno(err, "a machine");
	failed = machine_create(machine, run, err);
	if (!failed) {
		failed = run_machine(machine, ret, err);
		machine_destroy(machine);
	}
	free(machine);
	return failed;
}
