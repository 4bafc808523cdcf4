/* SPDX-License-Identifier: MIT */
/* What the library has of 32-bit guests alone: how hypercalls are made, and which pages processes see. */
#include "guest.h"

long call(unsigned long nr, unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e)
{
	long ret;

	__asm__ volatile("int $0x82" : "=a"(ret), "+b"(a), "+c"(b), "+d"(c), "+S"(d), "+D"(e) : "0"(nr) : "memory");
	return ret;
}

long map_at(const void *va, uint64_t pte)
{
	return call(__HYPERVISOR_update_va_mapping, (unsigned long)va, (uint32_t)pte, (uint32_t)(pte >> 32),
		    UVMF_INVLPG, 0);
}

void open_to_processes(const void *va)
{
	map_at(va, pte_of(va) | PTE_U);
}

/*
 * Code and read-only data are theirs too, and a stack; their traps come on one
 * of the kernel's, and their system calls by a gate of their own.
 */
void prepare_processes(void)
{
	static const struct trap_info gate[] = { { 0x80, 3, FLAT_KERNEL_CS, (unsigned long)syscall_entry },
						 { 0, 0, 0, 0 } };
	extern char text_start[], text_end[], user_stack[];

	call(__HYPERVISOR_set_trap_table, (unsigned long)gate, 0, 0, 0, 0);
	for (char *at = text_start; at < text_end; at += PAGE)
		open_to_processes(at);
	open_to_processes(user_stack);
	call(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS, (unsigned long)trap_stack_end, 0, 0, 0);
}
