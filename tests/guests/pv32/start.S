/* SPDX-License-Identifier: MIT */
/*
 * The start of the 32-bit PV guest: its Xen notes, entry point, trap handlers
 * and the few lines that run in ring 3. A trap that the guest expects goes on
 * at `recovery`, if that is set, with the vector in trap_seen; any other ends
 * it by an instruction that no handler waits for.
 */
#define VIRT_BASE 0xc0000000

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
	NOTE 3, 4, .long VIRT_BASE
	NOTE 4, 4, .long 0
	NOTE 1, 4, .long start
	NOTE 2, 4, .long hypercall_page
	NOTE 9, 4, .asciz "yes"
	NOTE 12, 4, .long 0xf5800000
	NOTE 10, 41, .ascii "!writable_page_tables|pae_pgdir_above_4gb"
	.balign 4

	.text
	.globl start
start:
	movl %esp, entry_state
	movl %cs, %eax
	movl %eax, entry_state + 4
	movl %ss, %eax
	movl %eax, entry_state + 8
	movl %ds, %eax
	movl %eax, entry_state + 12
	movl %es, %eax
	movl %eax, entry_state + 16
	pushfl
	popl entry_state + 20
	cld
	pushl %esi
	call checks
	ud2

/* Stack at entry, from low to high: the error code if there is one, eip, cs, eflags, and of ring 3 esp, ss. */
	.macro HANDLER vector, error
	.globl trap_\vector
trap_\vector:
	movl $\vector, trap_seen
	.if \error
	popl trap_error
	.endif
	movl 4(%esp), %ecx
	movl %ecx, trap_cs
	movl 8(%esp), %ecx
	movl %ecx, trap_flags
	cmpl $0, recovery
	je 1f
	movl recovery_esp, %esp
	jmp *recovery
1:	ud2
	.endm

	HANDLER 3, 0
	HANDLER 6, 0
	HANDLER 13, 1
	HANDLER 14, 1
	HANDLER 128, 0

/* try(fn, a, b): call fn(a, b); 0, or the vector of the trap that ended it. */
	.globl try
try:
	pushl %ebx
	pushl %ebp
	pushl %esi
	pushl %edi
	movl $0, trap_seen
	movl $2f, recovery
	movl %esp, recovery_esp
	movl 20(%esp), %eax
	pushl 28(%esp)
	pushl 28(%esp)
	call *%eax
	addl $8, %esp
2:	movl $0, recovery
	movl trap_seen, %eax
	popl %edi
	popl %esi
	popl %ebp
	popl %ebx
	ret

/* The event callback: counts, unmasks what it may, and goes back where it was. */
	.globl event_callback, failsafe_callback
event_callback:
	pushl %eax
	movl vcpu_info_at, %eax
	incl events_seen
	movb $0, (%eax)
	movl $0, 4(%eax)
	popl %eax
	andl $0xffff, 4(%esp)
	pushl %eax			/* as the hypercall page's iret would */
	movl $23, %eax
	int $0x82
failsafe_callback:
	ud2

/* into_ring3(code): run code there, on a stack of its own; whatever traps comes back by `recovery`. */
	.globl into_ring3
into_ring3:
	movl 4(%esp), %eax
	pushl $0xe033			/* ss */
	pushl $user_stack_end
	pushl $0x202
	pushl $0xe02b			/* cs */
	pushl %eax
	pushl $0
	movl $23, %eax
	int $0x82
	ud2

	.globl user_syscall, user_hypercall, user_read_kernel
user_syscall:
	int $0x80
	ud2
user_hypercall:
	movl $17, %eax
	int $0x82
	ud2
user_read_kernel:
	movl supervisor_page, %eax
	movl (%eax), %eax
	int $0x80
	ud2

/* The second processor begins here, in ring 1 with interrupts masked. */
	.globl second_start
second_start:
	movl $1, second_seen
	movl %cs, %eax
	movl %eax, second_cs
1:	movl $29, %eax			/* sched_op: block; nobody wakes it */
	movl $1, %ebx
	xorl %ecx, %ecx
	int $0x82
	jmp 1b

	.bss
	.balign 4096
	.globl hypercall_page, entry_state, trap_seen, trap_error, trap_cs, trap_flags, events_seen, vcpu_info_at
	.globl supervisor_page, second_seen, second_cs, second_stack_end, user_stack_end
hypercall_page:
	.skip 4096
user_stack:
	.skip 4096
user_stack_end:
second_stack:
	.skip 4096
second_stack_end:
entry_state:
	.skip 24
trap_seen:
	.skip 4
trap_error:
	.skip 4
trap_cs:
	.skip 4
trap_flags:
	.skip 4
recovery:
	.skip 4
recovery_esp:
	.skip 4
events_seen:
	.skip 4
vcpu_info_at:
	.skip 4
supervisor_page:
	.skip 4
second_seen:
	.skip 4
second_cs:
	.skip 4
	.section .note.GNU-stack, "", @progbits
