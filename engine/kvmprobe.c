/* SPDX-License-Identifier: MIT */
/*
 * Measures the host's KVM with a guest of a few instructions in ring 0: one
 * BMI2 instruction where the host's processor has it, a counted loop, and an
 * `out` that tells that all of that was done; see kvmprobe.h.
 *
 * The time that counts is this thread's own: a busy host must not look like a slow KVM.
 */
#include "kvmprobe.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
	LOOPS = 4000, /* of 2 instructions: 2 us on a processor, 4 ms and more where ring 0 is interpreted */
	SLOW_NS = 1500000,
	CODE_GPA = 0x1000,
	MEM_LEN = 0x2000,
	DONE_PORT = 0xf4,
	ATTEMPTS = 5,   /* where somebody takes time away from a processor that is virtual itself, and hides it */
	EXITS_MAX = 64, /* a signal makes KVM_RUN come back early */
	CPUID_MAX = 256,
};

/* 32-bit, flat. The BMI2 instruction is left out where the processor lacks it. */
static const uint8_t loop_code[] = {
	0xb9, LOOPS & 0xff, LOOPS >> 8, 0, 0, /* mov ecx, LOOPS */
	0x49,                                 /* 1: dec ecx */
	0x75, 0xfd,                           /* jnz 1b */
};
static const uint8_t bmi2_code[] = { 0xc4, 0xe3, 0x7b, 0xf0, 0xc3, 0x01 }; /* rorx eax, ebx, 1 */
static const uint8_t done_code[] = { 0xe6, DONE_PORT };                    /* out DONE_PORT, al */

struct probe {
	int kvm, vm, vcpu;
	uint8_t *mem;
	struct kvm_run *run;
	size_t run_len;
};

static bool host_has_bmi2(void)
{
	unsigned eax, ebx, ecx, edx;

	return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && ebx & 1u << 8;
}

static uint8_t *put(uint8_t *to, const uint8_t *code, size_t len)
{
	memcpy(to, code, len);
	return to + len;
}

/* The BMI2 instruction first: where it fails, nothing has to be measured. After the `out`, all over again. */
static void put_code(uint8_t *begin)
{
	uint8_t *to = begin;

	if (host_has_bmi2())
		to = put(to, bmi2_code, sizeof(bmi2_code));
	to = put(to, loop_code, sizeof(loop_code));
	to = put(to, done_code, sizeof(done_code));
	to[0] = 0xeb; /* jmp begin */
	to[1] = (uint8_t)(begin - (to + 2));
}

static int make_memory(struct probe *probe)
{
	struct kvm_userspace_memory_region region = { .memory_size = MEM_LEN };

	probe->mem = mmap(NULL, MEM_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (probe->mem == MAP_FAILED)
		return -1;
	put_code(probe->mem + CODE_GPA);
	region.userspace_addr = (uintptr_t)probe->mem;
	return ioctl(probe->vm, KVM_SET_USER_MEMORY_REGION, &region);
}

/* The guest may use what KVM can give. */
static int set_cpuid(struct probe *probe)
{
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + CPUID_MAX * sizeof(cpuid->entries[0]));
	int ret = -1;

	if (!cpuid)
		return -1;
	cpuid->nent = CPUID_MAX;
	if (ioctl(probe->kvm, KVM_GET_SUPPORTED_CPUID, cpuid) == 0)
		ret = ioctl(probe->vcpu, KVM_SET_CPUID2, cpuid);
	free(cpuid);
	return ret;
}

static struct kvm_segment flat(uint16_t selector, uint8_t type)
{
	return (struct kvm_segment){
		.selector = selector, .limit = UINT32_MAX, .type = type, .present = 1, .db = 1, .s = 1, .g = 1
	};
}

static int set_registers(struct probe *probe)
{
	struct kvm_regs regs = { .rip = CODE_GPA, .rflags = 2 };
	struct kvm_sregs sregs;

	if (ioctl(probe->vcpu, KVM_GET_SREGS, &sregs) < 0)
		return -1;
	sregs.cs = flat(8, 11);
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = flat(16, 3);
	sregs.cr0 |= 1;
	if (ioctl(probe->vcpu, KVM_SET_SREGS, &sregs) < 0)
		return -1;
	return ioctl(probe->vcpu, KVM_SET_REGS, &regs);
}

static int make_vcpu(struct probe *probe)
{
	int len = ioctl(probe->kvm, KVM_GET_VCPU_MMAP_SIZE, 0);

	probe->vcpu = ioctl(probe->vm, KVM_CREATE_VCPU, 0);
	if (probe->vcpu < 0 || len < (int)sizeof(*probe->run))
		return -1;
	probe->run_len = (size_t)len;
	probe->run = mmap(NULL, probe->run_len, PROT_READ | PROT_WRITE, MAP_SHARED, probe->vcpu, 0);
	if (probe->run == MAP_FAILED)
		return -1;
	return set_cpuid(probe) < 0 ? -1 : set_registers(probe);
}

static int make_guest(struct probe *probe)
{
	probe->vm = ioctl(probe->kvm, KVM_CREATE_VM, 0);
	if (probe->vm < 0 || make_memory(probe) < 0)
		return -1;
	return make_vcpu(probe);
}

static void free_guest(struct probe *probe)
{
	if (probe->run != MAP_FAILED)
		munmap(probe->run, probe->run_len);
	if (probe->vcpu >= 0)
		close(probe->vcpu);
	if (probe->vm >= 0)
		close(probe->vm);
	if (probe->mem != MAP_FAILED)
		munmap(probe->mem, MEM_LEN);
}

static uint64_t thread_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* Did the guest get to its `out`? */
static bool run_guest(struct probe *probe)
{
	for (int i = 0; i < EXITS_MAX; i++) {
		if (ioctl(probe->vcpu, KVM_RUN, 0) < 0 && errno != EINTR)
			return false;
		if (probe->run->exit_reason == KVM_EXIT_IO)
			return probe->run->io.port == DONE_PORT;
		if (probe->run->exit_reason != KVM_EXIT_INTR)
			return false;
	}
	return false;
}

__attribute__((format(printf, 2, 3))) static struct kvm_verdict verdict(enum kvm_quality quality, const char *fmt, ...)
{
	struct kvm_verdict ret = { quality, "" };
	va_list args;

	va_start(args, fmt);
	vsnprintf(ret.text, sizeof(ret.text), fmt, args);
	va_end(args);
	return ret;
}

static uint64_t time_one(struct probe *probe)
{
	uint64_t begin_ns = thread_clock();

	run_guest(probe);
	return thread_clock() - begin_ns;
}

/* The fastest of some: what is slow once may have been unlucky. */
static uint64_t time_guest(struct probe *probe)
{
	uint64_t best_ns = UINT64_MAX;

	for (int i = 0; i < ATTEMPTS && best_ns > SLOW_NS; i++) {
		uint64_t took_ns = time_one(probe);

		if (took_ns < best_ns)
			best_ns = took_ns;
	}
	return best_ns;
}

static struct kvm_verdict measure(struct probe *probe)
{
	uint64_t took_ns;

	if (make_guest(probe) < 0)
		return verdict(KVM_SLOW, "/dev/kvm makes no virtual machine: %s", strerror(errno));
	/* The first time through makes the guest's pages present; then it is measured. */
	if (!run_guest(probe))
		return verdict(KVM_SLOW, "/dev/kvm does not run ordinary ring-0 code (exit reason %u)",
			       probe->run->exit_reason);
	took_ns = time_guest(probe);
	if (took_ns > SLOW_NS)
		return verdict(KVM_SLOW, "/dev/kvm interprets ring-0 code: %.2f million instructions a second",
			       2e3 * LOOPS / (double)took_ns);
	return verdict(KVM_GOOD, "/dev/kvm runs ring-0 code at full speed");
}

struct kvm_verdict kvm_probe(void)
{
	struct probe probe = { open("/dev/kvm", O_RDWR | O_CLOEXEC), -1, -1, MAP_FAILED, MAP_FAILED, 0 };
	struct kvm_verdict ret;

	if (probe.kvm < 0)
		return errno == ENOENT || errno == ENXIO || errno == ENODEV
			       ? verdict(KVM_ABSENT, "there is no /dev/kvm")
			       : verdict(KVM_FORBIDDEN, "/dev/kvm: %s", strerror(errno));
	ret = measure(&probe);
	free_guest(&probe);
	close(probe.kvm);
	return ret;
}
