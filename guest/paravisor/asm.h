/* SPDX-License-Identifier: MIT */
/* Single instructions as functions. */
#ifndef PARAVISOR_ASM_H
#define PARAVISOR_ASM_H

#include <stdint.h>

#include "../port.h"

#define MSR_APIC_BASE      0x1b
#define MSR_PLATFORM_INFO  0xce
#define MSR_MISC_FEATURES  0x140
#define MSR_SYSENTER_CS    0x174
#define MSR_SYSENTER_ESP   0x175
#define MSR_SYSENTER_EIP   0x176
#define MSR_PAT            0x277
#define MSR_TSC_DEADLINE   0x6e0
#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_CSTAR          0xc0000083
#define MSR_FMASK          0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_TSC_AUX        0xc0000103

static inline void outw(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port));
}

static inline uint32_t inl(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return lo | (uint64_t)hi << 32;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi)::"memory");
	return lo | (uint64_t)hi << 32;
}

static inline void cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	__asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(sub));
}

#define CR_ACCESS(n)                                                                                                   \
	static inline uint64_t read_cr##n(void)                                                                        \
	{                                                                                                              \
		uint64_t value;                                                                                        \
		__asm__ volatile("mov %%cr" #n ", %0" : "=r"(value)::"memory");                                        \
		return value;                                                                                          \
	}                                                                                                              \
	static inline void write_cr##n(uint64_t value)                                                                 \
	{                                                                                                              \
		__asm__ volatile("mov %0, %%cr" #n ::"r"(value) : "memory");                                           \
	}
CR_ACCESS(0)
CR_ACCESS(2)
CR_ACCESS(3)
CR_ACCESS(4)

#define DR_ACCESS(n)                                                                                                   \
	static inline uint64_t read_dr##n(void)                                                                        \
	{                                                                                                              \
		uint64_t value;                                                                                        \
		__asm__ volatile("mov %%db" #n ", %0" : "=r"(value));                                                  \
		return value;                                                                                          \
	}                                                                                                              \
	static inline void write_dr##n(uint64_t value)                                                                 \
	{                                                                                                              \
		__asm__ volatile("mov %0, %%db" #n ::"r"(value));                                                      \
	}
DR_ACCESS(0)
DR_ACCESS(1)
DR_ACCESS(2)
DR_ACCESS(3)
DR_ACCESS(6)
DR_ACCESS(7)

static inline void invlpg(uint64_t va)
{
	__asm__ volatile("invlpg (%0)" ::"r"(va) : "memory");
}

static inline void swapgs(void)
{
	__asm__ volatile("swapgs" ::: "memory");
}

static inline void clts(void)
{
	__asm__ volatile("clts");
}

static inline void cpu_relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}

static inline void cli(void)
{
	__asm__ volatile("cli" ::: "memory");
}

/* Interrupts come in the hlt only: sti holds them off for one instruction. */
static inline void sti_hlt_cli(void)
{
	__asm__ volatile("sti; hlt; cli" ::: "memory");
}

#endif
