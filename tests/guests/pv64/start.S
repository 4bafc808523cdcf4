/* SPDX-License-Identifier: MIT */
/*
 * The start of the PV guests that test the paravisor: Xen notes, entry point,
 * hypercall page, trap handlers and callbacks, and the way into a process and
 * back. A trap that the guest expects goes on at `recovery`, if that is set,
 * with what its frame held in trap_*; any other ends the guest.
 */
#include "arch.h"
#include "notes.inc"

	.section .note.xen, "a", @note
	PV_NOTES
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
	call guest_start
	ud2

/* ---- Traps. The frame: rcx, r11, [error,] rip, cs, rflags, rsp, ss ---- */

	.balign 32
start_of_traps:
	.set vec, 0
	.rept 33
	.balign 32
	.if vec == 1		/* a debug trap just goes on */
	jmp trap_debug
	.else
	popq %rcx
	popq %r11
	.if vec == 8 || (vec >= 10 && vec <= 14) || vec == 17
	popq trap_error(%rip)
	.endif
	movl $vec, trap_seen(%rip)
	jmp trap_common
	.endif
	.set vec, vec + 1
	.endr
trap_common:
	popq trap_ip(%rip)
	popq trap_cs(%rip)
	popq trap_flags(%rip)
	cmpq $0, recovery(%rip)
	je 1f
	movq recovery_rsp(%rip), %rsp
	jmp *recovery(%rip)
1:	xorl %eax, %eax			/* set_trap_table: none. The crash block shows vector and address */
	xorl %edi, %edi
	syscall
	movq trap_seen(%rip), %rsi
	movq trap_ip(%rip), %rdx
	ud2

trap_debug:
	incq debug_hits(%rip)
	movq 16(%rsp), %rcx
	movq %rcx, trap_ip(%rip)
	popq %rcx
	popq %r11
	orl $3, 8(%rsp)
	iretq

/* ---- Callbacks: each counts, and goes back as a kernel does ---- */

	.globl event_entry, failsafe_entry, nmi_entry, syscall_entry
event_entry:
	incq events_seen(%rip)
	movq event_flag(%rip), %rcx
	movb $0, (%rcx)
	jmp callback_done
nmi_entry:
	incq nmis_seen(%rip)
	cmpq $0, nmi_again(%rip)
	je callback_done
	movq $0, nmi_again(%rip)
	pushq %rax
	pushq %rdi
	pushq %rsi
	pushq %rdx
	movl $24, %eax			/* vcpu_op, send_nmi: it must wait for this one's iret */
	movl $11, %edi
	xorl %esi, %esi
	xorl %edx, %edx
	syscall
	movq nmis_seen(%rip), %rax
	movq %rax, nmis_nested(%rip)
	popq %rdx
	popq %rsi
	popq %rdi
	popq %rax
callback_done:
	popq %rcx
	popq %r11
	subq $32, %rsp			/* rax, r11, rcx, flags: 0 */
	movq %rax, (%rsp)
	movq %r11, 8(%rsp)
	movq %rcx, 16(%rsp)
	movq $0, 24(%rsp)
	movl $23, %eax
	syscall
	ud2
/* The selectors that could not be loaded stand above the frame; what goes on is decided by recovery. */
failsafe_entry:
	incq failsafes_seen(%rip)
	addq $32, %rsp
	popq %rcx
	popq %r11
	movl $0xfa, trap_seen(%rip)
	jmp trap_common
/* A process's system call: counted, and answered with twice its number, by VGCF_in_syscall. */
syscall_entry:
	incq syscalls_seen(%rip)
	popq %rcx
	popq %r11
	subq $32, %rsp
	addq %rax, %rax
	movq %rax, (%rsp)
	movq %r11, 8(%rsp)
	movq %rcx, 16(%rsp)
	movq $0x100, 24(%rsp)
	movl $23, %eax
	syscall
	ud2

/* ---- Calls that a trap may end ---- */

.macro ENTER
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq $0, trap_seen(%rip)
	movq $-1, trap_error(%rip)
	leaq back(%rip), %rax
	movq %rax, recovery(%rip)
	movq %rsp, recovery_rsp(%rip)
	movq %rdi, %rax
	movq %rsi, %rdi
	movq %rdx, %rsi
.endm

	.globl try, in_user
try:
	ENTER
	call *%rax
back:	movq $0, recovery(%rip)
	movq trap_seen(%rip), %rax
	cld
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret

/* As a process: by the iret hypercall, on a stack of its own, and back by int $0x20. */
in_user:
	ENTER
	movq user_ss(%rip), %rcx
	pushq %rcx
	leaq user_stack_end - 8(%rip), %rcx
	pushq %rcx
	leaq user_back(%rip), %rdx
	movq %rdx, (%rcx)
	pushq user_flags(%rip)
	pushq user_cs(%rip)
	pushq %rax
	pushq $0
	pushq %rcx
	pushq %r11
	pushq %rax
	movl $23, %eax
	syscall
	ud2
user_back:
	int $0x20
	ud2

/* ---- Another vCPU: it counts for ever ---- */

	.globl second_entry
second_entry:
1:	incq second_alive(%rip)
	pause
	jmp 1b

	.section .rodata
	.globl trap_entries
	.balign 8
trap_entries:
	.set vec, 0
	.rept 33
	.quad start_of_traps + vec * 32
	.set vec, vec + 1
	.endr

	.data
	.globl user_flags, user_cs, user_ss
	.balign 8
user_flags:
	.quad 0x202
user_cs:
	.quad 0xe033
user_ss:
	.quad 0xe02b

	.bss
	.balign 4096
	.globl hypercall_page, trap_seen, trap_error, trap_ip, trap_cs, trap_flags, debug_hits
	.globl events_seen, event_flag, failsafes_seen, nmis_seen, nmi_again, nmis_nested, syscalls_seen, second_alive, second_stack_end
hypercall_page:
	.skip 4096
	.skip 4096
user_stack_end:
	.skip 4096
second_stack_end:
.irp name, trap_seen, trap_error, trap_ip, trap_cs, trap_flags, debug_hits, recovery, recovery_rsp, events_seen, \
	event_flag, failsafes_seen, nmis_seen, nmi_again, nmis_nested, syscalls_seen, second_alive
\name:
	.skip 8
.endr
	.section .note.GNU-stack, "", @progbits
