/* SPDX-License-Identifier: MIT */
/*
 * The guest's class. The paravisor is always a 64-bit program, as Xen is; it
 * is built once for 64-bit guests (ring 3) and once, with PV32 defined, for
 * 32-bit ones (ring 1, PAE). This header names what differs in memory that
 * guest and paravisor share, and the few numbers behind it; what differs in
 * arguments is shape.h's, and what in registers pv32/calls.c's.
 */
#ifndef PARAVISOR_GUEST_H
#define PARAVISOR_GUEST_H

/* The ABI as of Xen 4.17. */
#define __XEN_INTERFACE_VERSION__ 0x00040e00
#include <xen/xen.h>

#ifdef PV32

#include <xen/foreign/x86_32.h>

typedef uint32_t guest_word; /* xen_ulong_t */
typedef struct shared_info_x86_32 guest_shared_info;
typedef struct vcpu_info_x86_32 guest_vcpu_info;
typedef struct vcpu_time_info_x86_32 guest_time_info;
typedef struct start_info_x86_32 guest_start_info;
typedef struct vcpu_guest_context_x86_32 guest_context;
#define wc_sec_hi_of(shared) ((shared)->arch.wc_sec_hi)
#define guest_cr3(mfn)       ((uint64_t)xen_pfn_to_cr3_x86_32(mfn))
#define guest_cr3_mfn(cr3)   ((uint64_t)xen_cr3_to_pfn_x86_32(cr3))

#define ROOT_LEVEL           3
#define HV_START             M2P32_VA
#define M2P_START            M2P32_VA
#define M2P_END              0xfffff000u

#else

typedef uint64_t guest_word;
typedef shared_info_t guest_shared_info;
typedef vcpu_info_t guest_vcpu_info;
typedef vcpu_time_info_t guest_time_info;
typedef struct start_info guest_start_info;
typedef struct vcpu_guest_context guest_context;
#define wc_sec_hi_of(shared) ((shared)->wc_sec_hi)
#define guest_cr3(mfn)       xen_pfn_to_cr3(mfn)
#define guest_cr3_mfn(cr3)   xen_cr3_to_pfn(cr3)

#define ROOT_LEVEL           4
#define HV_START             HYPERVISOR_VIRT_START
#define M2P_START            MACH2PHYS_VIRT_START
#define M2P_END              MACH2PHYS_VIRT_END

#endif

/*
 * Does the guest ask the paravisor what CPU it has? An lguest guest executes
 * cpuid itself and leaves out what it cannot use.
 */
#ifdef LGUEST
#define cpu_is_told false
#else
#define cpu_is_told true
#endif

#define WORD_BITS (8 * sizeof(guest_word))

_Static_assert(sizeof(guest_vcpu_info) == 64, "struct vcpu_info");

#endif
