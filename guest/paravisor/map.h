/* SPDX-License-Identifier: MIT */
/*
 * The paravisor's addresses, drawn once, for C and assembly alike.
 *
 * Xen's ABI gives the hypervisor top-level slots 256 to 271. The guest owns
 * every other slot of its tables; the tables a CPU really runs on are the
 * paravisor's own copies of the guest's top level, with these slots put in
 * (shadow.c). Of all this the guest can see only the first row.
 *
 *  ffff8800_00000000 +--------------------------------+ the guest's again
 *                    | nothing                        |
 *  ffff8100_c0000000 +--------------------------------+
 *                    | frame table: struct frame each | FRAMES_VA    what mmu.c knows of each machine frame
 *  ffff8100_80000000 +--------------------------------+
 *                    | devices, uncached: a page each | MMIO_VA      local APIC, I/O APIC, HPET
 *  ffff8100_60000000 +--------------------------------+
 *                    | descriptor tables, per vCPU    | TABLES_VA    TABLES_SIZE each:
 *                    |   16 pages GDT, 16 pages LDT   |
 *  ffff8100_40000000 +--------------------------------+
 *                    | vCPU areas                     | VCPUS_VA     VCPU_SIZE each, drawn below
 *  ffff8100_20000000 +--------------------------------+
 *                    | nothing                        |
 *  ffff8100_00200000 +--------------------------------+
 *                    | the image: text, rodata, data  | IMAGE_VA     linked here; 2 MiB at most
 *  ffff8100_00000000 +--------------------------------+
 *                    | all machine memory, writable   | DIRECT_VA    up to 512 GiB
 *  ffff8080_00000000 +--------------------------------+
 *                    | machine-to-physical table      | M2P_VA       read-only for the guest too
 *  ffff8000_00000000 +--------------------------------+ non-canonical below
 *
 * A vCPU's area. Its base is what %rsp masked with -VCPU_SIZE gives, on either
 * stack, and the system call stubs reach it relative to %rip.
 *
 *  +0x10000 +---------------------+ top: the guest's registers (struct regs)
 *           | stack               |
 *  +0xc000  +---------------------+
 *           | nothing: overflow   |
 *  +0xb000  +---------------------+
 *           | crash stack (IST 1) | double fault, NMI, machine check, a fault of the paravisor's own
 *  +0x9000  +---------------------+
 *           | debug stack (IST 2) | #DB, until it is known where it hit
 *  +0x8000  +---------------------+
 *           | nothing             |
 *  +0x4000  +---------------------+
 *           | struct vcpu         |
 *  +0x0000  +---------------------+
 *
 * Machine memory: the image lies at the start of the block that the plan gave
 * the paravisor; boot.c carves its tables from the rest of that block, once.
 * The first MiB is never the guest's; AP_START in it holds the code that the
 * other processors start in.
 */
#ifndef PARAVISOR_MAP_H
#define PARAVISOR_MAP_H

#ifdef __ASSEMBLY__
#define VA(x) x
#else
#define VA(x) x##ul
#endif

#define M2P_VA    VA(0xffff800000000000)
#define DIRECT_VA VA(0xffff808000000000)
#define IMAGE_VA  VA(0xffff810000000000)
#define VCPUS_VA  VA(0xffff810020000000)
#define TABLES_VA VA(0xffff810040000000)
#define MMIO_VA   VA(0xffff810060000000)
#define FRAMES_VA VA(0xffff810080000000)

/* A 32-bit guest sees the machine-to-physical table here, in its last GiB (arch-x86/xen-x86_32.h). */
#define M2P32_VA     VA(0xf5800000)
#define HV_FIRST_L2  428 /* the first slot of that GiB's level 2 that is not the guest's */
#define LAST_L3      3   /* of the four entries of a PAE root */

#define IMAGE_MAX    0x200000
#define HV_FIRST     256 /* top-level slots */
#define HV_END       272
#define DIRECT_SLOTS 1 /* so machine addresses end at 512 GiB */

/* An address belongs to the paravisor exactly if these bits of it are HV_TAG. */
#define HV_SHIFT       43
#define HV_TAG         0x1ffff0

#define VCPU_SIZE      0x10000
#define VCPU_DATA_LEN  0x4000
#define DEBUG_STACK    0x8000
#define DEBUG_STACK_SP 0x9000
#define CRASH_STACK_SP 0xb000
#define STACK          0xc000
#define STACK_SP       0x10000
#define MAX_VCPUS      32 /* as many as shared_info has places for */

#define TABLES_SIZE    0x20000
#define LDT_OFF        0x10000
#define GDT_PAGES      16
#define GDT_GUEST      14 /* pages; the 15th is the paravisor's */

#define AP_START       0x8000

#define LAPIC_VA       (MMIO_VA)
#define IOAPIC_VA      (MMIO_VA + 0x1000)
#define HPET_VA        (MMIO_VA + 0x2000)
#define GED_VA         (MMIO_VA + 0x3000)

/* Selectors. The guest's are Xen's ABI (xen-x86_64.h, xen-x86_32.h); the paravisor's own stand beside them. */
#define SEL_HV_CS 0xe008
#define SEL_HV_DS 0xe010
#define SEL_TSS   0xe040
#define SEL_LDT   0xe050
#ifdef LGUEST
/* The kernel's and its processes' own, which it has at its first instruction: its GDT says the same of them. */
#define SEL_CS   0x61
#define SEL_SS   0x69
#define SEL_CS32 0x73
#define SEL_DS   0x7b
#elif defined(PV32)
#define SEL_CS   0xe019
#define SEL_SS   0xe021
#define SEL_CS32 0xe02b
#define SEL_DS   0xe033
#else
#define SEL_CS32    0xe023
#define SEL_DS      0xe02b
#define SEL_CS64    0xe033
#define SEL_CS      SEL_CS64
#define SEL_SS      SEL_DS
#define SYSRET_BASE 0xe023
#endif

/* Vectors of the paravisor's own; the guest never sees one. */
#define VEC_TIMER    0xf0
#define VEC_IPI      0xf1
#define VEC_UART     0xf2
#define VEC_SPURIOUS 0xff

/* Vectors that a 32-bit guest calls: its kernel the paravisor, its processes their kernel. */
#ifdef LGUEST
#define VEC_HYPERCALL32 0x1f
#else
#define VEC_HYPERCALL32 0x82
#endif
#define VEC_SYSCALL32 0x80

/* struct regs, as the entry code pushes it. */
#define R_R15 0
#define R_R11 48
#define R_RAX 80
#define R_RCX 88
#define R_RDX 96
#define R_ERR 120
#define R_VEC 124
#define R_RIP 128
#define R_CS  136
#define R_FLG 144
#define R_RSP 152
#define R_SS  160
#define R_LEN 168

/* struct vcpu: what the entry code reads; cpu.c asserts each. */
#define V_KERNEL_MODE 0
#define V_KERNEL_CR3  8
#define V_USER_CR3    16
#define V_KERNEL_SP   24
#define V_SYSCALL_RIP 32
#define V_INFO        40
#define V_MASKS       48
#define V_SCRATCH     56
#define V_IRETS       64
#define V_PF_SHORT    72
#define V_PF_RIP      312
#define V_MMU_UPDATES 5704

/* vcpu_info, xen.h. */
#define INFO_MASK 1
#ifdef PV32
#define INFO_CR2 8
#else
#define INFO_CR2 16
#endif

#endif
