/* SPDX-License-Identifier: MIT */
/*
 * A processor of the paravisor's: its segments, gates, task state and MSRs;
 * and the CPU that the guest is told of. The guest sees what Xen marks fit
 * for PV guests ('A' in <xen/arch-x86/cpufeatureset.h>) and the machine has.
 * Its processes execute cpuid themselves, so CR4 and XCR0 really are what
 * the guest was told; where the CPU can fault on cpuid, it does.
 */
#include "asm.h"
#include "paravisor.h"

#include <xen/arch-x86/cpufeatureset.h>
#include <xen/arch-x86/cpuid.h>

#define SAME(field, off) _Static_assert(offsetof(struct vcpu, field) == (off), #field)
SAME(kernel_mode, V_KERNEL_MODE);
SAME(kernel_cr3, V_KERNEL_CR3);
SAME(user_cr3, V_USER_CR3);
SAME(kernel_sp, V_KERNEL_SP);
SAME(syscall_rip, V_SYSCALL_RIP);
SAME(info, V_INFO);
SAME(masks, V_MASKS);
SAME(scratch, V_SCRATCH);
SAME(irets, V_IRETS);
SAME(pf_short, V_PF_SHORT);
SAME(traps[TRAP_PF].address, V_PF_RIP);
SAME(counts[__HYPERVISOR_mmu_update], V_MMU_UPDATES);
_Static_assert(offsetof(guest_vcpu_info, evtchn_upcall_mask) == INFO_MASK, "vcpu_info");
_Static_assert(offsetof(guest_vcpu_info, arch.cr2) == INFO_CR2, "vcpu_info");
_Static_assert(sizeof(struct vcpu) <= VCPU_DATA_LEN, "struct vcpu");
_Static_assert(sizeof(struct regs) == R_LEN, "struct regs");
_Static_assert(offsetof(struct regs, cs) == R_CS && offsetof(struct regs, vector) == R_VEC, "struct regs");

extern char trap_debug[], trap_stubs[], sysenter_entry[];
#if ROOT_LEVEL == 4
extern char syscall_stubs[], syscall32_stubs[];
#endif

/* ---- Segments and gates ---- */

struct gate {
	uint16_t low, selector;
	uint8_t ist, type;
	uint16_t mid;
	uint32_t high, reserved;
};
static struct gate idt[256];

struct table_reg {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

/* The ring that may use a gate by an instruction of its own. */
static unsigned gate_ring(unsigned vector)
{
	if (vector == TRAP_BP || vector == TRAP_OF || (ROOT_LEVEL == 3 && vector == VEC_SYSCALL32))
		return 3;
	return ROOT_LEVEL == 3 && vector == VEC_HYPERCALL32 ? 1 : 0;
}

static void idt_init(void)
{
	for (unsigned i = 0; i < ARRAY(idt); i++) {
		uint64_t stub = i == TRAP_DB ? (uint64_t)trap_debug : (uint64_t)trap_stubs + 16ul * i;

		idt[i] = (struct gate){ (uint16_t)stub,
					SEL_HV_CS,
					0,
					(uint8_t)(0x8e | gate_ring(i) << 5),
					(uint16_t)(stub >> 16),
					(uint32_t)(stub >> 32),
					0 };
	}
	idt[TRAP_DB].ist = 2;
	idt[TRAP_NMI].ist = idt[TRAP_DF].ist = idt[TRAP_MC].ist = 1;
}

/* A 16-byte system descriptor. */
static void system_desc(uint64_t *at, uint64_t base, uint64_t limit, uint64_t type)
{
	at[0] = (limit & 0xffff) | (base & 0xffffff) << 16 | type << 40 | (base >> 24 & 0xff) << 56;
	at[1] = base >> 32;
}

static void segments_init(struct vcpu *v)
{
	uint64_t *gdt = gdt_of(v);
	struct table_reg gdtr = { GDT_PAGES * PAGE - 1, (uint64_t)gdt };
	struct table_reg idtr = { sizeof(idt) - 1, (uint64_t)idt };

	gdt[SEL_HV_CS / 8] = 0x00af9b000000ffff;
	gdt[SEL_HV_DS / 8] = 0x00cf93000000ffff;
	gdt[SEL_CS32 / 8] = 0x00cffb000000ffff;
	gdt[SEL_DS / 8] = 0x00cff3000000ffff;
#if ROOT_LEVEL == 4
	gdt[SEL_CS64 / 8] = 0x00affb000000ffff;
#else
	gdt[SEL_CS / 8] = 0x00cfbb000000ffff;
	gdt[SEL_SS / 8] = 0x00cfb3000000ffff;
#endif
	v->tss.rsp[0] = (uint64_t)v + STACK_SP;
	v->tss.ist[0] = (uint64_t)v + CRASH_STACK_SP;
	v->tss.ist[1] = (uint64_t)v + DEBUG_STACK_SP;
	v->tss.iomap = sizeof(v->tss);
	system_desc(gdt + SEL_TSS / 8, (uint64_t)&v->tss, sizeof(v->tss) - 1, 0x89);
	__asm__ volatile("lgdt %0; lidt %1" ::"m"(gdtr), "m"(idtr));
	__asm__ volatile("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:" ::"i"(SEL_HV_CS) : "rax", "memory");
	__asm__ volatile("mov %0, %%ss; mov %1, %%ds; mov %1, %%es; mov %1, %%fs; mov %1, %%gs" ::"r"(SEL_HV_DS),
			 "r"(0));
	__asm__ volatile("ltr %w0; lldt %w1" ::"r"(SEL_TSS), "r"(0));
}

#if ROOT_LEVEL == 4

static void syscall_init(struct vcpu *v)
{
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 0x801); /* NXE, SCE */
	wrmsr(MSR_STAR, (uint64_t)SYSRET_BASE << 48 | (uint64_t)SEL_HV_CS << 32);
	wrmsr(MSR_LSTAR, (uint64_t)syscall_stubs + v->id * 32);
	wrmsr(MSR_CSTAR, (uint64_t)syscall32_stubs + v->id * 32);
	wrmsr(MSR_FMASK, 0x44700); /* TF IF DF NT AC */
}

#else

/* syscall stays off: without a gate of its own for it, what it does in a 32-bit process differs from CPU to CPU. */
static void syscall_init(struct vcpu *v)
{
	(void)v;
	wrmsr(MSR_EFER, (rdmsr(MSR_EFER) | 0x800) & ~1ull);
}

#endif

static void msrs_init(struct vcpu *v)
{
	syscall_init(v);
	safe_wrmsr(MSR_SYSENTER_CS, SEL_HV_CS);
	safe_wrmsr(MSR_SYSENTER_ESP, (uint64_t)v + STACK_SP);
	safe_wrmsr(MSR_SYSENTER_EIP, (uint64_t)sysenter_entry);
	safe_wrmsr(MSR_PAT, 0x050100070406); /* Xen's, which its guests know: WB WT UC- UC WC WP UC UC */
	wrmsr(MSR_FS_BASE, 0);
	wrmsr(MSR_GS_BASE, 0);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
}

/* ---- What the guest is told ---- */

#define F(name) XEN_X86_FEATURE_##name
/* 'A' in the header, but for the Xen-special APIC, HTT and CMP_LEGACY, which guest_cpuid() treats. */
static const uint16_t pv_features[] = {
	F(FPU), F(DE), F(TSC), F(MSR), F(PAE), F(MCE), F(CX8), F(SEP), F(MCA), F(CMOV), F(PAT), F(CLFLUSH), F(ACPI),
	F(MMX), F(FXSR), F(SSE), F(SSE2), F(SS), F(APIC), F(HTT),
	/* 1.ecx */
	F(SSE3), F(PCLMULQDQ), F(SSSE3), F(FMA), F(CX16), F(SSE4_1), F(SSE4_2), F(MOVBE), F(POPCNT), F(AESNI), F(XSAVE),
	F(AVX), F(F16C), F(RDRAND),
	/* 0x80000001 */
	F(SYSCALL), F(NX), F(MMXEXT), F(FFXSR), F(RDTSCP), F(LM), F(3DNOWEXT), F(3DNOW), F(LAHF_LM), F(CMP_LEGACY),
	F(ABM), F(SSE4A), F(MISALIGNSSE), F(3DNOWPREFETCH), F(XOP), F(FMA4), F(TBM), F(DBEXT),
	/* 0xd.1 */
	F(XSAVEOPT), F(XSAVEC), F(XGETBV1),
	/* 7.0 */
	F(FSGSBASE), F(BMI1), F(AVX2), F(BMI2), F(ERMS), F(AVX512F), F(AVX512DQ), F(RDSEED), F(ADX), F(AVX512_IFMA),
	F(CLFLUSHOPT), F(CLWB), F(AVX512PF), F(AVX512ER), F(AVX512CD), F(SHA), F(AVX512BW), F(AVX512VL), F(PREFETCHWT1),
	F(AVX512_VBMI), F(AVX512_VBMI2), F(GFNI), F(VAES), F(VPCLMULQDQ), F(AVX512_VNNI), F(AVX512_BITALG),
	F(AVX512_VPOPCNTDQ), F(RDPID), F(CLDEMOTE), F(AVX512_4VNNIW), F(AVX512_4FMAPS), F(FSRM), F(MD_CLEAR),
	F(SERIALIZE),
	/* 7.1 */
	F(AVX_VNNI), F(AVX512_BF16), F(FZRM), F(FSRS), F(FSRCS),
	/* 0x80000008, 0x80000021 */
	F(CLZERO), F(RSTR_FP_ERR_PTRS), F(LFENCE_DISPATCH), F(NSCB)
};

/* Of these, what a 32-bit guest cannot use. */
static const uint16_t only_64[] = { F(LM), F(SYSCALL), F(FSGSBASE), F(CX16), F(LAHF_LM) };
#undef F

#define WORDS 14
static uint32_t pv_mask[WORDS];

/* Where each word of a feature set stands: leaf, subleaf, register (0 eax .. 3 edx). */
static const struct {
	uint32_t leaf, sub;
	uint8_t reg, word;
} word_of[] = {
	{ 1, 0, 3, 0 },  { 1, 0, 2, 1 },           { 0x80000001, 0, 3, 2 }, { 0x80000001, 0, 2, 3 }, { 0xd, 1, 0, 4 },
	{ 7, 0, 1, 5 },  { 7, 0, 2, 6 },           { 0x80000007, 0, 3, 7 }, { 0x80000008, 0, 1, 8 }, { 7, 0, 3, 9 },
	{ 7, 1, 0, 10 }, { 0x80000021, 0, 0, 11 }, { 7, 1, 1, 12 },         { 7, 2, 3, 13 },
};
static uint32_t machine_word[WORDS];

static bool machine_has(unsigned feature)
{
	return machine_word[feature / 32] >> feature % 32 & 1;
}

static bool guest_has(unsigned feature)
{
	return machine_has(feature) && (pv_mask[feature / 32] >> feature % 32 & 1);
}

/* AMD's processors, and Hygon's after them, know sysenter outside of long mode only; Xen hides it there. */
static bool has_long_sysenter(const uint32_t leaf_0[4])
{
	static const char without[][13] = { "AuthenticAMD", "HygonGenuine" };
	const uint32_t vendor[3] = { leaf_0[1], leaf_0[3], leaf_0[2] };

	return memcmp(vendor, without[0], sizeof(vendor)) != 0 && memcmp(vendor, without[1], sizeof(vendor)) != 0;
}

void cpu_features_init(void)
{
	uint32_t out[4], top[4], ext[4];

	cpuid(0, 0, top);
	cpuid(0x80000000, 0, ext);
	for (unsigned i = 0; i < ARRAY(word_of); i++) {
		uint32_t max = word_of[i].leaf >> 31 ? ext[0] : top[0];

		if (word_of[i].leaf > max)
			continue;
		cpuid(word_of[i].leaf, word_of[i].sub, out);
		machine_word[word_of[i].word] = out[word_of[i].reg];
	}
	for (unsigned i = 0; i < ARRAY(pv_features); i++)
		pv_mask[pv_features[i] / 32] |= 1u << pv_features[i] % 32;
	if (ROOT_LEVEL == 3)
		for (unsigned i = 0; i < ARRAY(only_64); i++)
			pv_mask[only_64[i] / 32] &= ~(1u << only_64[i] % 32);
	if (!has_long_sysenter(top))
		pv_mask[XEN_X86_FEATURE_SEP / 32] &= ~(1u << XEN_X86_FEATURE_SEP % 32);
	/* Bits of 0x80000001.edx that repeat 1.edx on AMD. */
	pv_mask[2] |= pv_mask[0] & 0x0183f3ff;
	idt_init();
}

bool cpu_has_xsave(void)
{
	return guest_has(XEN_X86_FEATURE_XSAVE);
}

bool cpu_has_tsc_aux(void)
{
	return guest_has(XEN_X86_FEATURE_RDTSCP) || guest_has(XEN_X86_FEATURE_RDPID);
}

#define CR4_TSD      0x4ull
#define CR4_DE       0x8ull
#define CR4_PAE      0x20ull
#define CR4_FXSR     0x600ull /* OSFXSR, OSXMMEXCPT */
#define CR4_FSGSBASE 0x10000ull
#define CR4_OSXSAVE  0x40000ull

uint64_t guest_cr4_mask(void)
{
	return CR4_TSD | CR4_DE | (guest_has(XEN_X86_FEATURE_FSGSBASE) ? CR4_FSGSBASE : 0) |
	       (cpu_has_xsave() ? CR4_OSXSAVE : 0);
}

uint64_t real_cr4(const struct vcpu *v)
{
	return CR4_PAE | CR4_FXSR | (v->cr4 & guest_cr4_mask());
}

/* State components that the guest may switch on: x87, SSE, AVX, AVX-512, as its CPU has them. */
bool xcr0_fits(uint64_t xcr0)
{
	uint64_t may = 3 | (guest_has(XEN_X86_FEATURE_AVX) ? 4 : 0) | (guest_has(XEN_X86_FEATURE_AVX512F) ? 0xe0 : 0);

	return cpu_has_xsave() && (xcr0 & 1) && !(xcr0 & ~may);
}

/* <xen/arch-x86/cpuid.h>: the hypervisor's own leaves. */
static void xen_leaf(struct vcpu *v, uint32_t leaf, uint32_t out[4])
{
	memset(out, 0, 16);
	switch (leaf - XEN_CPUID_FIRST_LEAF) {
	case 0:
		out[0] = XEN_CPUID_FIRST_LEAF + 5;
		out[1] = XEN_CPUID_SIGNATURE_EBX;
		out[2] = XEN_CPUID_SIGNATURE_ECX;
		out[3] = XEN_CPUID_SIGNATURE_EDX;
		break;
	case 1:
		out[0] = 4 << 16 | 17;
		break;
	case 2:
		out[0] = 1;
		out[1] = 0x40000000;
		out[2] = XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD;
		break;
	case 3:
		out[2] = v->info ? v->info->time.tsc_to_system_mul : 0;
		break;
	case 5:
		out[1] = 40; /* width of a machine address */
		break;
	}
}

void guest_cpuid(struct vcpu *v, uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	if (leaf - XEN_CPUID_FIRST_LEAF < 0x100) {
		xen_leaf(v, leaf, out);
		return;
	}
	cpuid(leaf, sub, out);
	for (unsigned i = 0; i < ARRAY(word_of); i++)
		if (word_of[i].leaf == leaf && (word_of[i].sub == sub || (leaf != 7 && leaf != 0xd)))
			out[word_of[i].reg] &= pv_mask[word_of[i].word];
	switch (leaf) {
	case 1:
		out[1] &= 0xffffff; /* the APIC number of a PV vCPU is 0 on Xen too */
		out[2] |= 1u << 31; /* HYPERVISOR */
		if (v->cr4 & CR4_OSXSAVE)
			out[2] |= 1u << 27;
		break;
	case 5:    /* monitor, mwait */
	case 6:    /* power */
	case 0xa:  /* performance counters */
	case 0xb:  /* topology, which goes with the x2APIC */
	case 0x14: /* trace */
	case 0x8000000a:
	case 0x8000001b:
	case 0x8000001c:
	case 0x8000001e:
		memset(out, 0, 16);
		break;
	case 0xd:
		if (!cpu_has_xsave())
			memset(out, 0, 16);
		else if (sub == 0)
			out[0] &= 0xe7, out[3] = 0;
		else if (sub == 1)
			out[2] = out[3] = 0;
		break;
	}
}

void cpu_init(struct vcpu *v)
{
	uint64_t platform;

	segments_init(v);
	msrs_init(v);
	v->cr0 = 0x8005003b; /* PG AM WP NE ET TS MP PE, as a CPU is after its boot */
	v->cr4 = CR4_PAE | CR4_FXSR |
		 (cpu_is_told && cpu_has_xsave() ? CR4_OSXSAVE : 0); /* guests look for OSXSAVE, and do not set it */
	write_cr0(0x80050033);
	write_cr4(real_cr4(v));
	if (cpu_is_told && !safe_rdmsr(MSR_PLATFORM_INFO, &platform) && (platform >> 31 & 1))
		safe_wrmsr(MSR_MISC_FEATURES, 1);
	v->dr[6] = DR6_RESET;
	v->dr[7] = DR7_RESET;
	write_dr7(DR7_RESET);
}
