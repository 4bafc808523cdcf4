/* SPDX-License-Identifier: MIT */
/* 32-bit PV guests: ring 1, PAE, processes in ring 3 that see of the kernel what has the user bit. */
#ifndef TEST_PV32_ARCH_H
#define TEST_PV32_ARCH_H

#define VIRT_BASE 0xc0000000
#define BACK      0x20
#define LEVELS    3
#define M2P       0xf5800000
#define M2P_LEVEL 2 /* of the table in which the hypervisor's slots are */

#ifndef __ASSEMBLER__
#define R(name) "e" #name

struct entry_state {
	unsigned long esp, cs, ss, ds, es, flags;
};
extern struct entry_state entry_state;             /* that the guest was entered with */
extern unsigned long user_flags, user_cs, user_ss; /* that in_user() starts with, by way of: */
extern void (*to_user)(void);
extern void (*on_surprise)(void); /* what an unexpected trap ends in */
extern char trap_stack_end[];
extern volatile unsigned long second_cs;
extern volatile unsigned long sysenter_stack, sysenter_cs; /* what sysenter's handler found */
extern char sysenter_entry[];

void open_to_processes(const void *va);
void prepare_processes(void);

/* Of a process: its kernel answers with twice the number. */
static inline unsigned long system_call(unsigned long nr)
{
	__asm__ volatile("int $0x80" : "+a"(nr) : : "memory");
	return nr;
}
#endif

#endif
