/* SPDX-License-Identifier: MIT */
/*
 * A guest for 32-bit entry on the `pc` machine: prints the string at %esi,
 * then does what act.h's number in %eax says.
 */
#include "act.h"

	.code32
	.text
	.globl	_start
_start:
	movl	$stack_end, %esp
	movl	%eax, %ebp
1:	lodsb
	testb	%al, %al
	jz	2f
	call	put
	jmp	1b
2:	jmpl	*actions(, %ebp, 4)

power_off:
	movw	$0x604, %dx			/* pc's ACPI power control: SLP_EN, type 0 */
	movw	$0x2000, %ax
	outw	%ax, %dx
	jmp	hang

reset:	movw	$0xcf9, %dx
	movb	$6, %al
	outb	%al, %dx
	jmp	hang

keyboard_reset:
	movb	$0xfe, %al
	outb	%al, $0x64
hang:	cli
	hlt
	jmp	hang

triple_fault:
	lidtl	no_idt
	ud2

/* What is typed comes back, up to a q. */
echo:	movw	$0x3fd, %dx
	inb	%dx, %al
	testb	$1, %al
	jz	echo
	movw	$0x3f8, %dx
	inb	%dx, %al
	cmpb	$'q', %al
	je	power_off
	call	put
	jmp	echo

/* Print "!" if the 8 bytes at %edi are not all zero. */
look:	movl	(%edi), %eax
	orl	4(%edi), %eax
	jz	power_off
	movb	$'!', %al
	call	put
	jmp	power_off

put:	movb	%al, %ch
	movw	$0x3fd, %dx
1:	inb	%dx, %al
	testb	$0x20, %al
	jz	1b
	movw	$0x3f8, %dx
	movb	%ch, %al
	outb	%al, %dx
	ret

	.balign	4
actions: .long	power_off, reset, triple_fault, hang, echo, look, keyboard_reset
no_idt:	.fill	6, 1, 0
	.fill	64, 1, 0
stack_end:
	.section .note.GNU-stack, "", @progbits
