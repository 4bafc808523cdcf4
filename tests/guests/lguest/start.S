/* SPDX-License-Identifier: MIT */
/*
 * An lguest test guest's start, as a kernel of that hypervisor's has it: one to
 * one, without a stack, told by %esi where boot_params are; it says where its
 * lguest_data is, hands over its page tables and goes on where it was linked.
 * And its trap handlers: one that is expected ends what try() began.
 */
#include "guest.h"
#include "notes.inc"

	.section .note.xen, "a", @note
	OWN_NOTE 1, 4, .long 0b10
	.balign 4

#ifdef BY_VMCALL
#define CALL .byte 0x0f, 0x01, 0xc1
#else
#define CALL int $0x1f
#endif
#ifdef OLD_REGISTERS
#define FIRST %edx
#else
#define FIRST %ebx
#endif

	.text
	.globl start
start:
	movl %esp, entry_state - VIRT_BASE + 24
	movl %esi, entry_state - VIRT_BASE + 20
	movl %cs, %eax
	movl %eax, entry_state - VIRT_BASE
	movl %ds, %eax
	movl %eax, entry_state - VIRT_BASE + 4
	movl %es, %eax
	movl %eax, entry_state - VIRT_BASE + 8
	movl %ss, %eax
	movl %eax, entry_state - VIRT_BASE + 12
	movl $stack_end - VIRT_BASE, %esp
	pushfl
	popl entry_state - VIRT_BASE + 16
	movl $-1, %eax			/* what kernels do here that look for OLPC's firmware, or microcode */
	movl %cr3, %eax
	movl %eax, early_words - VIRT_BASE
	movl $-1, %eax
	movl $-1, %edx
	movl $0x17, %ecx
	rdmsr
	orl %eax, %edx
	movl %edx, early_words - VIRT_BASE + 4
	movl $0x8b, %ecx
	wrmsr
	cld
	movl $tables - VIRT_BASE, %edi
	movl $0x63, %eax
	movl $MAPPED_PAGES, %ecx
1:	stosl
#ifdef PAE
	movl $0, (%edi)
	addl $4, %edi
#endif
	addl $0x1000, %eax
	loop 1b
	movl first_call - VIRT_BASE, %eax
	movl %eax, call_bytes - VIRT_BASE
	movl across_pages - VIRT_BASE, %eax
	movl %eax, call_bytes - VIRT_BASE + 4
	movl $1, %eax
	movl $lguest_data - VIRT_BASE, FIRST
first_call:
	CALL
#ifndef HAS_PGDIR
	movl $4, %eax
	movl $top_table - VIRT_BASE, FIRST
	CALL
#elif WORDS == 4
	movl lguest_data - VIRT_BASE + PGDIR_AT, %esi /* kernels before 2.6.31: the same above as below */
	leal VIRT_BASE >> 20(%esi), %edi
	movl $32, %ecx
	rep movsl
#endif
	movl $stack_end, %esp
	movl $main, %eax
	call *%eax
	ud2

/* A call whose bytes lie in two pages, in every guest. */
	.section .text.across, "ax"
	.balign 4096
	.skip 4094, 0x90
across_pages:
	.byte 0x0f, 0x01, 0xc1, 0x90
	.text

/* ---- Traps ---- */

	.macro HANDLER vector, error, dpl
	.pushsection .rodata.handlers, "a"
	.long \vector, \dpl, trap_\vector
	.popsection
trap_\vector:
	.if !\error
	pushl $0
	.endif
	movl $\vector, trap
	jmp trapped
	.endm

	.section .rodata.handlers, "a"
	.globl handlers, handlers_end
handlers:
	.text
	HANDLER 1, 0, 0
	HANDLER 3, 0, 3
	HANDLER 6, 0, 0
	HANDLER 7, 0, 0
	HANDLER 13, 1, 0
	HANDLER 14, 1, 0
	HANDLER 128, 0, 3
	.section .rodata.handlers, "a"
	.long 32, 0, tick
	.long 33, 0, console_interrupt
	.long 34, 0, console_interrupt
handlers_end:
	.text

/* The processor's frame, behind an error code. */
trapped:
	pushl %ss			/* a process's segments are not the kernel's */
	popl %ds
	popl trap + 4
	popl trap + 8
	popl trap + 12
	popl trap + 16
	movl %esp, trap + 20
	cmpl $0, recovery
	je 1f
	movl recovery_esp, %esp
	jmp *recovery
1:	pushl $0
	pushl $unexpected
	call check
	call finish

	.globl try
try:
	pushl %ebx
	pushl %ebp
	pushl %esi
	pushl %edi
	movl $0, trap
	movl $2f, recovery
	movl %esp, recovery_esp
	movl 20(%esp), %eax
	pushl 28(%esp)
	pushl 28(%esp)
	call *%eax
	addl $8, %esp
2:	movl $0, recovery
	movl $KERNEL_DS, %eax
	movl %eax, %es
	movl trap, %eax
	popl %edi
	popl %esi
	popl %ebp
	popl %ebx
	ret

	.globl try_user
try_user:
	movl 4(%esp), %eax
	pushl $0
	pushl %eax
	pushl $into_user
	call try
	addl $12, %esp
	ret
into_user:
	movl 4(%esp), %eax
	pushl $USER_DS
	pushl $user_stack_end
	pushl $FLAGS_ON
	pushl $USER_CS
	pushl %eax
	iret
FLAGS_ON = 0x202

	.globl user_system_call, user_read_kernel, user_privileged, user_hypercall, user_breakpoint
	.section .text.user, "ax"
	.globl user_start, user_end
	.balign 4096
user_start:
user_system_call:
	int $0x80
user_read_kernel:
	movl main, %eax
	int $0x80
user_privileged:
	hlt
	.globl user_read_device
user_read_device:
	movb DEVICE_VA, %al
	int $0x80
user_hypercall:
	int $0x1f
user_breakpoint:
	int3
	.balign 4096
user_end:
	.text

/* Interrupts 0, and 1 and 2: the kernel masks nothing and only counts. */
	.macro COUNTER name, count
\name:
	incl \count
	pushl 8(%esp)
	popl lguest_data
	iret
	.endm
	COUNTER tick, ticks
	COUNTER console_interrupt, console_interrupts

/* The flag goes on one instruction before the iret: what is pending comes behind it, never between the two. */
	.globl interrupts_on_for_iret, noirq_start, noirq_end
interrupts_on_for_iret:
	pushl $FLAGS_ON
	pushl $KERNEL_CS
	pushl $1f
	pushl $FLAGS_ON
	popl lguest_data
noirq_start:
	iret
noirq_end:
1:	ret

	.section .rodata
unexpected:
	.asciz "no trap that nobody expected"

/* ---- Page tables that map MAPPED_PAGES at 0 and at VIRT_BASE ---- */

	.data
	.balign 4096
	.globl top_table, middle_table
#ifdef PAE
top_table:
	.long middle_table - VIRT_BASE + 1, 0, 0, 0, 0, 0, middle_table - VIRT_BASE + 1, 0
	.balign 4096
middle_table:
	.set n, 0
	.rept MAPPED_PAGES / 512
	.long tables - VIRT_BASE + n * 4096 + 0x67, 0
	.set n, n + 1
	.endr
	.balign 4096
#else
	.macro TOP_ENTRIES
	.set n, 0
	.rept MAPPED_PAGES / 1024
	.long tables - VIRT_BASE + n * 4096 + 0x67
	.set n, n + 1
	.endr
	.endm
top_table:
	TOP_ENTRIES
	.fill 768 - MAPPED_PAGES / 1024, 4, 0
	TOP_ENTRIES
	.balign 4096
#endif

	.bss
	.balign 4096
	.globl tables, entry_state, early_words, call_bytes, trap, ticks, console_interrupts, user_word
tables:
#ifdef PAE
	.skip MAPPED_PAGES * 8
#else
	.skip MAPPED_PAGES * 4
#endif
	.skip 8192
stack_end:
	.globl trap_stack_end, user_stack_end
	.skip 4096
trap_stack_end:
	.skip 4096
user_stack_end:
entry_state:
	.skip 28
early_words:
	.skip 8
call_bytes:
	.skip 8
trap:
	.skip 24
ticks:
	.skip 4
console_interrupts:
	.skip 4
user_word:
	.skip 4
recovery:
	.skip 4
recovery_esp:
	.skip 4
	.section .note.GNU-stack, "", @progbits
