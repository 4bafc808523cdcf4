/* SPDX-License-Identifier: MIT */
/*
 * One kernel, three starts: by its Xen notes at `by_notes`, and by the boot
 * protocol at e_entry, which hardware_subarch (0x23c in boot_params) sends on:
 * to the same checks for Xen, or, on a PC, to a few lines that need no paging.
 * Nothing here is privileged until it is sure that this is a PC.
 */
#define VIRT_BASE 0xc0000000
#define COM1      0x3f8

.macro NOTE owner, owner_len, type, size, desc:vararg
	.balign 4
	.long \owner_len, \size, \type
	.asciz "\owner"
	.balign 4
	\desc
.endm

	.section .note.xen, "a", @note
	NOTE Xen, 4, 6, 6, .asciz "linux"
	NOTE Xen, 4, 5, 8, .asciz "xen-3.0"
	NOTE Xen, 4, 8, 8, .asciz "generic"
	NOTE Xen, 4, 3, 4, .long VIRT_BASE
	NOTE Xen, 4, 4, 4, .long 0
	NOTE Xen, 4, 1, 4, .long by_notes
	NOTE Xen, 4, 9, 4, .asciz "yes"
	NOTE paraboot, 9, 1, 4, .long 0b101
	NOTE paraboot, 9, 2, 16, .quad 0xf5400000, 0x400000
	.balign 4

	.text
	.globl by_protocol
by_protocol:
	cmpl $0, 0x23c(%esi)
	je on_a_pc
	pushl %esi
	pushl $1
	call checks

	.globl by_notes
by_notes:
	pushl %esi
	pushl $0
	call checks

/*
 * Not where it was linked, and without a stack: boot_params has 4 bytes for one
 * (boot.rst, scratch), which is enough to find out where this is. The end is
 * the keyboard controller's reset.
 */
on_a_pc:
	leal 0x1e8(%esi), %esp
	call 1f
1:	popl %ebx
	leal wrong - 1b(%ebx), %edi
	movl %cs, %eax
	testl $3, %eax
	jnz 2f
	movl %cr0, %eax
	testl %eax, %eax
	js 2f
	leal right - 1b(%ebx), %edi
2:	movw $COM1 + 5, %dx
3:	inb %dx, %al
	testb $0x20, %al
	jz 3b
	movb (%edi), %al
	testb %al, %al
	jz 4f
	movw $COM1, %dx
	outb %al, %dx
	incl %edi
	jmp 2b
4:	movb $0xfe, %al
	outb %al, $0x64
	jmp 4b

right:	.asciz "ok 1 - subarchitecture 0: ring 0, paging off\n1..1\n"
wrong:	.asciz "not ok 1 - subarchitecture 0: ring 0, paging off\n1..1\n"
