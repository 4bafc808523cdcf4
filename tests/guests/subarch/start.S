/* SPDX-License-Identifier: MIT */
/*
 * One kernel, three starts: by its Xen notes at `notes_entry`, and by the boot
 * protocol at e_entry, which hardware_subarch (0x23c in boot_params) sends on:
 * to the same checks for Xen, or, on a PC, to a few lines that need no paging.
 * Nothing here is privileged until it is sure that this is a PC.
 */
#include "arch.h"
#include "notes.h"

#define COM1 0x3f8

	.section .note.xen, "a", @note
	PV_NOTES
	NOTE 3, 4, .long VIRT_BASE
	NOTE 4, 4, .long 0
	NOTE 1, 4, .long notes_entry
	NOTE 9, 4, .asciz "yes"
	OWN_NOTE 1, 4, .long 0b101
	OWN_NOTE 2, 16, .quad 0xf5400000, 0x400000
	.balign 4

	.text
	.globl protocol_entry
protocol_entry:
	cmpl $0, 0x23c(%esi)
	je on_a_pc
	pushl %esi
	call by_protocol

notes_entry:
	pushl %esi
	call by_notes

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
