/* SPDX-License-Identifier: MIT */
/* 64-bit PV guests: ring 3, four levels of page tables, all of what the kernel has is open to its processes. */
#ifndef TEST_PV64_ARCH_H
#define TEST_PV64_ARCH_H

#define VIRT_BASE 0xffffffff80000000
#define BACK      0x20
#define LEVELS    4
#define M2P       0xffff800000000000
#define M2P_LEVEL 4 /* of the table in which the hypervisor's slots are */

#ifndef __ASSEMBLER__
#define R(name) "r" #name

extern unsigned long debug_hits;
extern unsigned long user_flags, user_cs, user_ss; /* that in_user() starts with */
extern char nmi_entry[], hypercall_page[];
extern volatile unsigned long failsafes_seen, nmis_seen, nmi_again, nmis_nested;

/* Of a process: its kernel answers with twice the number. */
static inline unsigned long system_call(unsigned long nr)
{
	__asm__ volatile("syscall" : "+a"(nr) : : "rcx", "r11", "memory");
	return nr;
}
#endif

#endif
