/* SPDX-License-Identifier: MIT */
/*
 * Model-specific registers, as Xen has them for a guest: its segment bases
 * are the processor's own, a few more have a meaning, some read as a constant,
 * and all others fault.
 */
#include "asm.h"
#include "insn.h"

#define MSR_TSC       0x10
#define MSR_HYPERCALL 0x40000000 /* that Xen's cpuid leaf 2 names */

/* What only says that there is nothing. */
static const struct constant {
	uint32_t first, last;
	bool amd, written; /* known on AMD's processors only; a write is ignored */
	uint32_t value;
} constants[] = {
	{ 0x17, 0x17, false, false, 0 }, /* platform id */
	{ 0x8b, 0x8b, false, true, 0 },  /* microcode revision */
	{ 0xce, 0xce, false, false,
	  0 }, /* platform information: whether cpuid can fault; the guest has no say in that */
	{ 0x140, 0x140, false, false, 0 }, /* and the switch for it */
	{ 0x179, 0x179, false, false, 0 }, /* machine checks: capabilities, no banks */
	{ 0x17a, 0x17b, false, true, 0 },  /* their status and control */
	{ 0x1a0, 0x1a0, false, true, 0 },  /* MISC_ENABLE */
	{ 0x345, 0x345, false, false, 0 }, /* PERF_CAPABILITIES */
	{ MSR_HYPERCALL, MSR_HYPERCALL, false, false, 0 },
	{ 0xc0010015, 0xc0010015, true, true, 1u << 24 }, /* HWCR: the TSC counts at the rate of P0 */
	{ 0xc001001f, 0xc001001f, true, true, 0 },        /* NB_CFG */
	{ 0xc0010041, 0xc0010042, true, true, 0 },        /* FID and VID */
	{ 0xc0010058, 0xc0010058, true, true, 0 },        /* where PCI's configuration space is */
	{ 0xc0010061, 0xc001006b, true, true, 0 },        /* P-states */
};

static bool is_amd(void)
{
	uint32_t out[4];

	cpuid(0, 0, out);
	return out[1] == 0x68747541; /* "Auth" */
}

static const struct constant *constant_of(uint32_t msr)
{
	for (unsigned i = 0; i < ARRAY(constants); i++)
		if (msr >= constants[i].first && msr <= constants[i].last)
			return !constants[i].amd || is_amd() ? &constants[i] : NULL;
	return NULL;
}

int msr_read(struct vcpu *v, uint32_t msr, uint64_t *ret)
{
	const struct constant *c;

	switch (msr) {
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE:
		*ret = rdmsr(msr);
		return ROOT_LEVEL == 3;
	case MSR_PAT:
		*ret = rdmsr(msr);
		return 0;
	case MSR_EFER:
		*ret = rdmsr(msr) & (ROOT_LEVEL == 4 ? 0xd01 : 0x801); /* SCE LME LMA NXE */
		return 0;
	case MSR_APIC_BASE:
		*ret = 0xfee00800 | (v->id ? 0 : 0x100);
		return 0;
	case MSR_TSC:
		*ret = rdtsc();
		return 0;
	case MSR_TSC_AUX:
		return !cpu_has_tsc_aux() || safe_rdmsr(msr, ret);
	}
	c = constant_of(msr);
	*ret = c ? c->value : 0;
	return !c;
}

/* The machine address of a page that is to become one of hypercalls; there is one kind of it. */
static int write_hypercall_page(uint64_t value)
{
	if ((value & (PAGE - 1)) || !frame_hold(value >> PAGE_SHIFT))
		return 1;
	hypercall_page_fill(frame_va(value >> PAGE_SHIFT));
	frame_release(value >> PAGE_SHIFT);
	return 0;
}

int msr_write(uint32_t msr, uint64_t value)
{
	const struct constant *c;

	switch (msr) {
	case MSR_FS_BASE:
	case MSR_GS_BASE:
	case MSR_KERNEL_GS_BASE:
		return ROOT_LEVEL == 3 || !is_canonical(value) || safe_wrmsr(msr, value);
	case MSR_PAT:
		return value != rdmsr(MSR_PAT);
	case MSR_TSC_AUX:
		return !cpu_has_tsc_aux() || value >> 32 || safe_wrmsr(msr, value);
	case MSR_HYPERCALL:
		return write_hypercall_page(value);
	}
	c = constant_of(msr);
	return !c || !c->written;
}
