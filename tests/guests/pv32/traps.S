/* SPDX-License-Identifier: MIT */
/*
 * The 32-bit PV guests' trap handlers and callbacks, the way into a process
 * and back, and where another vCPU begins. A trap that the guest expects goes
 * on at `recovery`, if that is set, with what its frame held in trap_*; any
 * other ends the guest.
 */
#include "arch.h"

/* ---- Traps. The frame: [error,] eip, cs, eflags, and of a process esp, ss ---- */

	.text
	.balign 32
start_of_traps:
	.set vec, 0
	.rept 33
	.balign 32
	.if vec == 8 || (vec >= 10 && vec <= 14) || vec == 17
	popl %ss:trap_error
	.endif
	.if vec == 32
	movl $BACK, %ss:trap_seen
	.else
	movl $vec, %ss:trap_seen
	.endif
	jmp trap_common
	.set vec, vec + 1
	.endr
trap_common:
	pushl %ss
	popl %ds
	pushl %ss
	popl %es
	popl trap_ip
	popl trap_cs
	popl trap_flags
	cmpl $0, recovery
	je 1f
	movl recovery_esp, %esp
	jmp *recovery
1:	jmp *on_surprise
end_on_xen:
	xorl %eax, %eax			/* set_trap_table: none. The crash block shows vector and address */
	xorl %ebx, %ebx
	int $0x82
	movl trap_seen, %ecx
	movl trap_ip, %edx
	ud2

/* ---- The event callback: counts, and goes back with events on, as the hypercall page's iret would ---- */

	.globl event_entry, failsafe_entry
event_entry:
	pushl %eax
	movl event_flag, %eax
	incl events_seen
	movb $0, (%eax)
	movl $0, 4(%eax)		/* what is pending, by words */
	popl %eax
	andl $0xffff, 4(%esp)
	pushl %eax
	movl $23, %eax
	int $0x82
failsafe_entry:
	ud2

/* ---- A process's system call: counted, and answered with twice its number. Ring 1's own iret goes to ring 3 ---- */

	.globl syscall_entry
syscall_entry:
	incl syscalls_seen
	pushl 4(%esp)
	popl trap_cs
	pushl 8(%esp)
	popl trap_flags
	addl %eax, %eax
	iret

/* ---- A process's sysenter: of the frame nothing counts but its size, as for Linux; it ends what in_user() began ---- */

	.globl sysenter_entry, sysenter_stack, sysenter_cs
sysenter_entry:
	pushl %ss
	popl %ds
	pushl %ss
	popl %es
	addl $5 * 4, %esp
	movl %esp, sysenter_stack
	movw %cs, sysenter_cs
	movl $BACK, trap_seen
	movl recovery_esp, %esp
	jmp *recovery
	.comm sysenter_stack, 4
	.comm sysenter_cs, 4

/* ---- Calls that a trap may end ---- */

.macro ENTER
	pushl %ebx
	pushl %ebp
	pushl %esi
	pushl %edi
	movl $0, trap_seen
	movl $-1, trap_error
	movl $back, recovery
	movl %esp, recovery_esp
	movl 20(%esp), %eax
	movl 24(%esp), %ecx
	movl 28(%esp), %edx
.endm

	.globl try, in_user
try:
	ENTER
	pushl %edx
	pushl %ecx
	call *%eax
	addl $8, %esp
back:	movl $0, recovery
	movl trap_seen, %eax
	cld
	popl %edi
	popl %esi
	popl %ebp
	popl %ebx
	ret

/* As a process: by the iret hypercall (or what else to_user is), on a stack of its own, and back by int $BACK. */
in_user:
	ENTER
	movl $user_back, user_stack_end - 12
	movl %ecx, user_stack_end - 8
	movl %edx, user_stack_end - 4
	movl user_ss, %ecx		/* what a process may not have, the way there takes away */
	movl %ecx, %ds
	movl %ecx, %es
	pushl user_ss
	pushl $user_stack_end - 12
	pushl user_flags
	pushl user_cs
	pushl %eax
	jmp *to_user
	.globl iret_by_hypercall
iret_by_hypercall:
	pushl $0
	movl $23, %eax
	int $0x82
	ud2
user_back:
	int $BACK
	ud2

/* ---- Another vCPU: it counts once, and waits for what nobody sends ---- */

	.globl second_entry
second_entry:
	movl %cs, %eax
	movl %eax, second_cs
	incl second_alive
1:	movl $29, %eax			/* sched_op: block */
	movl $1, %ebx
	xorl %ecx, %ecx
	int $0x82
	jmp 1b

	.section .rodata
	.globl trap_entries
	.balign 4
trap_entries:
	.set vec, 0
	.rept 33
	.long start_of_traps + vec * 32
	.set vec, vec + 1
	.endr

	.data
	.globl user_flags, user_cs, user_ss, to_user, on_surprise
	.balign 4
user_flags:
	.long 0x202
user_cs:
	.long 0xe02b
user_ss:
	.long 0xe033
to_user:
	.long iret_by_hypercall
on_surprise:			/* an unexpected trap */
	.long end_on_xen

	.bss
	.balign 4096
	.globl hypercall_page, user_stack, trap_stack_end, second_stack_end
hypercall_page:
	.skip 4096
user_stack:
	.skip 4096
user_stack_end:
	.skip 4096
trap_stack_end:
	.skip 4096
second_stack_end:
.irp name, trap_seen, trap_error, trap_ip, trap_cs, trap_flags, recovery, recovery_esp, events_seen, event_flag, \
	syscalls_seen, second_alive, second_cs
	.globl \name
\name:
	.skip 4
.endr
	.globl entry_state
entry_state:
	.skip 24
	.section .note.GNU-stack, "", @progbits
