/* SPDX-License-Identifier: MIT */
/*
 * A guest for examples/vmm.c: entered in long mode as a Linux kernel is, it
 * prints a line on the first serial port and resets the machine. Few enough
 * instructions for a host that interprets ring 0.
 */
	.text
	.globl	_start
_start:
	leaq	line(%rip), %rsi
	movl	$(line_end - line), %ecx
1:	movw	$0x3fd, %dx
2:	inb	%dx, %al
	testb	$0x20, %al
	jz	2b
	movw	$0x3f8, %dx
	lodsb
	outb	%al, %dx
	loop	1b
	movb	$0xfe, %al
	outb	%al, $0x64
3:	hlt
	jmp	3b

line:	.ascii	"tiny: hello from ring 0\n"
line_end:

	/* A note of Linux's, so that it counts as a kernel of the boot protocol. */
	.section .note.Linux, "a", @note
	.long	6, 4, 0x101
	.asciz	"Linux"
	.balign	4
	.long	0
