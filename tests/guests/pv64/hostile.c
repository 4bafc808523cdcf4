/* SPDX-License-Identifier: MIT */
/* What only a 64-bit guest can try: addresses that are none, the paravisor's own, and `syscall` with a trap held back.
 */
#include "hostile.h"

static const unsigned long wild[] = { 0x10,
				      0xdead000000000000,
				      0xffff800000000000,
				      0xffff810000000000,
				      0xffff810020000000,
				      0xffff87ffffffffff,
				      0xfffffffffffffff8 };
static const unsigned long counts[] = { 1u << 31, UINT32_MAX, 1ul << 32, UINT64_MAX };
static const unsigned long edges[] = { 0x00007fffffffeff8, 0x00007ffffffffffc, 0xffff7ffffffffff8, 0xffff87fffffffffc,
				       0xfffffffffffffffc };

const struct hostile hostile = {
	.wild = WORDS(wild),
	.counts = WORDS(counts),
	.edges = WORDS(edges),
	.nowhere = 0x1234567000,
	.stack = 0xffff810020010000,
	.hypervisor = (void *)0xffff810000000000,
};

/* A breakpoint on what is loaded into %ss is taken after the next instruction: in ring 0, if that is a syscall. */
static void held_breakpoint(void)
{
	static uint16_t stack_segment = FLAT_KERNEL_SS;
	long ret = __HYPERVISOR_xen_version;

	call(__HYPERVISOR_set_debugreg, 0, (uint64_t)&stack_segment, 0, 0, 0);
	call(__HYPERVISOR_set_debugreg, 7, 0x70001, 0, 0, 0);
	__asm__ volatile("mov %1, %%ss; syscall"
			 : "+a"(ret)
			 : "m"(stack_segment), "D"((uint64_t)XENVER_version), "S"(0ul)
			 : "rcx", "r11", "memory");
	call(__HYPERVISOR_set_debugreg, 7, 0, 0, 0, 0);
	check("a breakpoint held back by mov ss hits nobody in ring 0", ret >> 16, 4);
}

void own_attempts(void)
{
	held_breakpoint();
	check("the paravisor cannot be read", (long)try(do_read, 0xffff810000000000, 0), TRAP_PF);
	check("nor the direct map", (long)try(do_read, 0xffff808000100000, 0), TRAP_PF);
}
