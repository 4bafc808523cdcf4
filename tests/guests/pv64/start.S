/* SPDX-License-Identifier: MIT */
/*
 * The start of the hostile PV guest: its Xen notes, entry point, hypercall
 * page and trap handlers. A trap that the guest expects goes on at `recovery`,
 * if that is set, with the vector in trap_seen; any other ends it.
 */
#define VIRT_BASE 0xffffffff80000000

.macro NOTE type, size, desc:vararg
	.balign 4
	.long 4, \size, \type
	.asciz "Xen"
	\desc
.endm

	.section .note.xen, "a", @note
	NOTE 6, 6, .asciz "linux"
	NOTE 5, 8, .asciz "xen-3.0"
	NOTE 8, 8, .asciz "generic"
	NOTE 3, 8, .quad VIRT_BASE
	NOTE 4, 8, .quad 0
	NOTE 1, 8, .quad start
	NOTE 2, 8, .quad hypercall_page
	NOTE 10, 21, .ascii "!writable_page_tables"
	.balign 4

	.text
	.globl start
start:
	cld
	movq %rsi, %rdi
	call hostile
	ud2

	.macro HANDLER vector, error
	.globl trap_\vector
trap_\vector:
	movq $\vector, trap_seen(%rip)
	popq %rcx
	popq %r11
	.if \error
	popq trap_error(%rip)
	.endif
	cmpq $0, recovery(%rip)
	je 1f
	movq recovery(%rip), %rcx
	movq %rcx, (%rsp)		/* rip */
	movq recovery_rsp(%rip), %rcx
	movq %rcx, 24(%rsp)
	orl $3, 8(%rsp)
	iretq
1:	ud2
	.endm
/* A debug trap just goes on. */
	.globl trap_1
trap_1:
	popq %rcx
	popq %r11
	orl $3, 8(%rsp)
	iretq

	HANDLER 6, 0
	HANDLER 13, 1
	HANDLER 14, 1

/* try(fn, a, b): call fn(a, b); 0, or the vector of the trap that ended it. */
	.globl try
try:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq $0, trap_seen(%rip)
	leaq 1f(%rip), %rax
	movq %rax, recovery(%rip)
	movq %rsp, recovery_rsp(%rip)
	movq %rdi, %rax
	movq %rsi, %rdi
	movq %rdx, %rsi
	call *%rax
1:	movq $0, recovery(%rip)
	movq trap_seen(%rip), %rax
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

	.bss
	.balign 4096
	.globl hypercall_page, trap_seen, trap_error
hypercall_page:
	.skip 4096
trap_seen:
	.skip 8
trap_error:
	.skip 8
recovery:
	.skip 8
recovery_rsp:
	.skip 8
	.section .note.GNU-stack, "", @progbits
