/* SPDX-License-Identifier: MIT */
/* What the guest whose exits are counted does as a 64-bit one. */
#include "exits.h"

#include <xen/callback.h>

static uint8_t page[PAGE] __attribute__((aligned(4096)));
static uint8_t kernel_stack[2 * PAGE] __attribute__((aligned(4096)));

void iret_here(void)
{
	__asm__ volatile("	movq %%rsp, %%rdx\n"
			 "	leaq 1f(%%rip), %%rax\n"
			 "	pushq %0\n"
			 "	pushq %%rdx\n"
			 "	pushfq\n"
			 "	pushq %1\n"
			 "	pushq %%rax\n"
			 "	pushq $0\n"
			 "	pushq %%rcx\n"
			 "	pushq %%r11\n"
			 "	pushq %%rax\n"
			 "	movl %2, %%eax\n"
			 "	syscall\n"
			 "	ud2\n"
			 "1:"
			 :
			 : "i"(FLAT_KERNEL_SS & ~3), "i"(FLAT_KERNEL_CS & ~3), "i"(__HYPERVISOR_iret)
			 : "rax", "rcx", "rdx", "r11", "memory", "cc");
}

long switch_process(void)
{
	long ret = call(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS, (unsigned long)kernel_stack + sizeof(kernel_stack),
			0, 0, 0);

	ret |= call(__HYPERVISOR_set_segment_base, SEGBASE_FS, (unsigned long)page, 0, 0, 0);
	return ret | ext(MMUEXT_NEW_BASEPTR, mfn_of((void *)start_info->pt_base));
}

long set_timer(uint64_t ns)
{
	return call(__HYPERVISOR_set_timer_op, ns, 0, 0, 0, 0);
}

void call_first(vcpu_guest_context_t *ctx, void (*fn)(unsigned long n), unsigned long n)
{
	ctx->user_regs.rip = (unsigned long)fn;
	ctx->user_regs.rdi = n;
	ctx->user_regs.rsp = ctx->kernel_sp - 8; /* as if there were somewhere to return to */
}

void prepare(void)
{
	struct callback_register on_syscall = { CALLBACKTYPE_syscall, 0, (unsigned long)syscall_entry };

	call(__HYPERVISOR_callback_op, CALLBACKOP_register, P(on_syscall), 0, 0, 0);
	call(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS, (unsigned long)kernel_stack + sizeof(kernel_stack), 0, 0, 0);
	check("processes run on the kernel's tables", ext(MMUEXT_NEW_USER_BASEPTR, mfn_of((void *)start_info->pt_base)),
	      0);
}
