/* SPDX-License-Identifier: MIT */
/*
 * CPUID: what this host's KVM can give, all of it, and on top what only the
 * VMM knows: that there is a hypervisor, and the topology. The machine is one
 * package of as many cores as it has processors, one thread each; the leaves
 * that say so must agree with each other and with the APIC ids.
 */
#include "machine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define CPUID_ENTRIES 256

#define HYPERVISOR    (1u << 31) /* leaf 1, ecx */
#define TSC_DEADLINE  (1u << 24)
#define HTT_BIT       28        /* leaf 1, edx: the package has several logical processors */
#define CMP_LEGACY    (1u << 1) /* 0x80000001, ecx: AMD's word for HTT means cores */

enum { LEVEL_NONE, LEVEL_THREAD, LEVEL_CORE }; /* leaves 0xb and 0x1f, ecx bits 8 to 15 */

/* Of an APIC id, the bits that tell cores apart. */
static unsigned core_bits(unsigned cores)
{
	unsigned bits = 0;

	while (1u << bits < cores)
		bits++;
	return bits;
}

static void replace(uint32_t *word, unsigned shift, unsigned bits, uint32_t value)
{
	uint32_t mask = ((1u << bits) - 1) << shift;

	*word = (*word & ~mask) | (value << shift & mask);
}

static void fix_features(struct kvm_cpuid_entry2 *leaf, const struct vcpu *vcpu)
{
	unsigned cores = vcpu->machine->nr_vcpus;

	replace(&leaf->ebx, 24, 8, vcpu->index);
	replace(&leaf->ebx, 16, 8, cores);
	replace(&leaf->edx, HTT_BIT, 1, cores > 1);
	leaf->ecx |= HYPERVISOR;
	if (ioctl(vcpu->machine->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_TSC_DEADLINE_TIMER) > 0)
		leaf->ecx |= TSC_DEADLINE;
}

/* Intel's caches: the last level is the package's, the others a core's own. Type 0 ends the list. */
static void fix_caches(struct kvm_cpuid_entry2 *leaf, const struct vcpu *vcpu)
{
	unsigned level = leaf->eax >> 5 & 7;

	if (!(leaf->eax & 0x1f))
		return;
	replace(&leaf->eax, 14, 12, level >= 3 ? vcpu->machine->nr_vcpus - 1 : 0);
	replace(&leaf->eax, 26, 6, (1u << core_bits(vcpu->machine->nr_vcpus)) - 1);
}

static void fix_topology(struct kvm_cpuid_entry2 *leaf, const struct vcpu *vcpu)
{
	static const uint8_t kinds[] = { LEVEL_THREAD, LEVEL_CORE };
	unsigned cores = vcpu->machine->nr_vcpus;

	leaf->eax = leaf->index == 1 ? core_bits(cores) : 0;
	leaf->ebx = leaf->index == 0 ? 1 : leaf->index == 1 ? cores : 0;
	leaf->ecx = leaf->index | (leaf->index < sizeof(kinds) ? (uint32_t)kinds[leaf->index] << 8 : LEVEL_NONE);
	leaf->edx = vcpu->index;
}

static void fix_amd_features(struct kvm_cpuid_entry2 *leaf, const struct vcpu *vcpu)
{
	if (vcpu->machine->nr_vcpus == 1)
		leaf->ecx &= ~CMP_LEGACY;
}

static void fix_amd_size(struct kvm_cpuid_entry2 *leaf, const struct vcpu *vcpu)
{
	replace(&leaf->ecx, 0, 8, vcpu->machine->nr_vcpus - 1);
	replace(&leaf->ecx, 12, 4, core_bits(vcpu->machine->nr_vcpus));
}

static void fix_amd_caches(struct kvm_cpuid_entry2 *leaf, const struct vcpu *vcpu)
{
	if (leaf->eax & 0x1f)
		replace(&leaf->eax, 14, 12, (leaf->eax >> 5 & 7) >= 3 ? vcpu->machine->nr_vcpus - 1 : 0);
}

static void fix_amd_topology(struct kvm_cpuid_entry2 *leaf, const struct vcpu *vcpu)
{
	leaf->eax = vcpu->index;
	leaf->ebx = vcpu->index; /* the core; one thread in it */
	leaf->ecx = 0;           /* one node */
	leaf->edx = 0;
}

static const struct fix {
	uint32_t leaf;
	void (*apply)(struct kvm_cpuid_entry2 *leaf, const struct vcpu *vcpu);
} fixes[] = {
	{ 0x1, fix_features },
	{ 0x4, fix_caches },
	{ 0xb, fix_topology },
	{ 0x1f, fix_topology },
	{ 0x80000001, fix_amd_features },
	{ 0x80000008, fix_amd_size },
	{ 0x8000001d, fix_amd_caches },
	{ 0x8000001e, fix_amd_topology },
};

static void fix(struct kvm_cpuid_entry2 *leaf, const struct vcpu *vcpu)
{
	for (size_t i = 0; i < sizeof(fixes) / sizeof(*fixes); i++)
		if (fixes[i].leaf == leaf->function)
			fixes[i].apply(leaf, vcpu);
}

static bool has(const struct kvm_cpuid2 *cpuid, uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == function && cpuid->entries[i].index == index)
			return true;
	return false;
}

/* Where the host has one level only, or an empty list, the guest still gets both. */
static void add_topology(struct kvm_cpuid2 *cpuid)
{
	for (uint32_t index = 0; index < 3; index++)
		if (has(cpuid, 0xb, 0) && !has(cpuid, 0xb, index) && cpuid->nent < CPUID_ENTRIES)
			cpuid->entries[cpuid->nent++] = (struct kvm_cpuid_entry2){
				.function = 0xb, .index = index, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX
			};
}

/* What this host's KVM supports, or NULL; free() it. */
static struct kvm_cpuid2 *supported(int kvm_fd)
{
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + CPUID_ENTRIES * sizeof(cpuid->entries[0]));

	if (!cpuid)
		return NULL;
	cpuid->nent = CPUID_ENTRIES;
	if (ioctl(kvm_fd, KVM_GET_SUPPORTED_CPUID, cpuid) == 0)
		return cpuid;
	free(cpuid);
	return NULL;
}

unsigned cpuid_physical_bits(int kvm_fd)
{
	struct kvm_cpuid2 *cpuid = supported(kvm_fd);
	unsigned bits = 36; /* of a processor that does not say */

	for (uint32_t i = 0; cpuid && i < cpuid->nent; i++)
		if (cpuid->entries[i].function == 0x80000008 && cpuid->entries[i].eax & 0xff)
			bits = cpuid->entries[i].eax & 0xff;
	free(cpuid);
	return bits;
}

int cpuid_set(const struct vcpu *vcpu, struct engine_error *err)
{
	struct kvm_cpuid2 *cpuid = supported(vcpu->machine->kvm_fd);
	int failed;

	if (!cpuid)
		return engine_fail_errno(err, "KVM_GET_SUPPORTED_CPUID");
	add_topology(cpuid);
	for (uint32_t i = 0; i < cpuid->nent; i++)
		fix(&cpuid->entries[i], vcpu);
	failed = ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid);
	free(cpuid);
	return failed ? engine_fail_errno(err, "KVM_SET_CPUID2") : 0;
}
