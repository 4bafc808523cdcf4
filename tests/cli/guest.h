/* SPDX-License-Identifier: MIT */
/*
 * What the guests of the command-line tests share. They are entered in long
 * mode as a Linux kernel is, without a stack, and have few enough instructions
 * for a host that interprets ring 0.
 *
 *     gcc -nostdlib -static -Wl,-Ttext=0x1000000,--build-id=none -o GUEST GUEST.S
 */
#define COM1_DATA   0x3f8
#define COM1_STATUS 0x3fd

/* Send %al on the first serial port when it has room; spoils %bl and %dx. */
	.macro	send
	movb	%al, %bl
	movw	$COM1_STATUS, %dx
1:	inb	%dx, %al
	testb	$0x20, %al
	jz	1b
	movb	%bl, %al
	movw	$COM1_DATA, %dx
	outb	%al, %dx
	.endm

/* Send the text between two labels; spoils %rsi and %ecx too. */
	.macro	say from, to
	leaq	\from(%rip), %rsi
	movl	$(\to - \from), %ecx
2:	lodsb
	send
	loop	2b
	.endm

/* Have the keyboard's controller pull the reset line. */
	.macro	reset
3:	movb	$0xfe, %al
	outb	%al, $0x64
	jmp	3b
	.endm

/* A fault, and no table to find its handler in, nor that of what follows from it. */
	.macro	crash
	lidt	7f(%rip)
	ud2
7:	.fill	10, 1, 0
	.endm

/* A note of Linux's, so that it counts as a kernel of the boot protocol. */
	.section .note.Linux, "a", @note
	.long	6, 4, 0x101
	.asciz	"Linux"
	.balign	4
	.long	0

	.text
