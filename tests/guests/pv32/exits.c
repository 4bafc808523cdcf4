/* SPDX-License-Identifier: MIT */
/* What the guest whose exits are counted does as a 32-bit one. */
#include "exits.h"

void iret_here(void)
{
	__asm__ volatile("	pushfl\n"
			 "	pushl %0\n"
			 "	pushl $1f\n"
			 "	pushl %%eax\n"
			 "	movl %1, %%eax\n"
			 "	int $0x82\n"
			 "	ud2\n"
			 "1:"
			 :
			 : "i"(FLAT_KERNEL_CS), "i"(__HYPERVISOR_iret)
			 : "eax", "memory", "cc");
}

long switch_process(void)
{
	long ret = call(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS, (unsigned long)trap_stack_end, 0, 0, 0);

	return ret | ext(MMUEXT_NEW_BASEPTR, mfn_of((void *)start_info->pt_base));
}

long set_timer(uint64_t ns)
{
	return call(__HYPERVISOR_set_timer_op, (uint32_t)ns, (uint32_t)(ns >> 32), 0, 0, 0);
}

/* The argument, and above it nowhere to return to. */
void call_first(vcpu_guest_context_t *ctx, void (*fn)(unsigned long n), unsigned long n)
{
	unsigned long *sp = (unsigned long *)ctx->kernel_sp;

	*--sp = n;
	*--sp = 0;
	ctx->user_regs.eip = (unsigned long)fn;
	ctx->user_regs.esp = (unsigned long)sp;
}

void prepare(void)
{
	prepare_processes();
}
