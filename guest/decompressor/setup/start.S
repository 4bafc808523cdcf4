/* SPDX-License-Identifier: MIT */
/*
 * The first sectors of a packed image: a boot sector that holds nothing but
 * the setup header, and the way from the loader's jump to 0x200 in real mode
 * (boot.rst, "Running the Kernel") into setup_main(), and out of there into
 * protected mode. Everything lies in one segment of 64 KiB, %ds, wherever the
 * loader put it; the linker's addresses are offsets in it.
 */
#include "setup.h"

	.code16
	.section .header, "awx", @progbits
	.globl	header
header:
	.org	0x1f1
	.globl	hdr
hdr:	.fill	0x200 - 0x1f1, 1, 0	/* filled by the packer */
	.byte	0xeb, SETUP_HEADER_END - 0x202	/* jump over the header; its second byte says where it ends */
	.fill	SETUP_HEADER_END - 0x202, 1, 0

	/* %cs is 0x20 paragraphs behind %ds: make them one. */
	cld
	cli
	movw	%ds, %ax
	movw	%ax, %es
	movw	%ax, %ss
	movl	$stack_end, %esp
	pushw	%ax
	pushw	$1f
	lretw
1:	sti
	movw	$bss, %di
	movw	$bss_end, %cx
	subw	%di, %cx
	xorw	%ax, %ax
	rep stosb
	calll	setup_main		/* returns where the protected-mode part is, in %eax */

	/* %ebx: the segment's address. */
	movl	%eax, %ecx
	xorl	%ebx, %ebx
	movw	%ds, %bx
	shll	$4, %ebx
	leal	boot_params(%ebx), %esi
	leal	gdt(%ebx), %eax
	movl	%eax, gdtr + 2
	leal	in_prot32(%ebx), %eax
	movl	%eax, far_target
	lgdtl	gdtr
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	.byte	0x66, 0xea		/* ljmpl */
far_target:
	.long	0
	.word	0x10

	.code32
in_prot32:
	movl	$0x18, %eax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %fs
	movw	%ax, %gs
	movw	%ax, %ss
	xorl	%ebx, %ebx
	xorl	%ebp, %ebp
	xorl	%edi, %edi
	jmpl	*%ecx

	.balign	8
gdt:	.quad	0, 0
	.quad	0x00cf9b000000ffff
	.quad	0x00cf93000000ffff
gdt_end:
	.word	0
gdtr:	.word	gdt_end - gdt - 1
	.long	0

/* bios(number, regs): a BIOS call with these registers, and what they are then. */
	.code16
	.text
	.globl	bios
bios:
	pushl	%ebp
	pushl	%ebx
	pushl	%esi
	pushl	%edi
	pushw	%ds
	pushw	%es
	pushw	%fs
	pushw	%gs
	movb	%al, %cs:bios_number
	pushl	%edx			/* the registers: where to, afterwards */
	movl	%edx, %ebp
	movl	(%ebp), %eax
	movl	4(%ebp), %ebx
	movl	8(%ebp), %ecx
	movl	12(%ebp), %edx
	movl	16(%ebp), %esi
	movl	20(%ebp), %edi
	sti
	.byte	0xcd			/* int */
bios_number:
	.byte	0
	pushfl
	cld
	pushw	%ds
	pushw	%cs
	popw	%ds
	pushw	%bp
	movw	%sp, %bp
	/* from %bp: bp, ds, flags, and then the address */
	movl	%eax, bios_eax
	movl	8(%bp), %eax
	movl	%eax, %ebp
	popw	%ax
	popw	%ax
	popl	24(%ebp)
	popl	%eax
	movl	%ebx, 4(%ebp)
	movl	%ecx, 8(%ebp)
	movl	%edx, 12(%ebp)
	movl	%esi, 16(%ebp)
	movl	%edi, 20(%ebp)
	movl	bios_eax, %eax
	movl	%eax, (%ebp)
	popw	%gs
	popw	%fs
	popw	%es
	popw	%ds
	popl	%edi
	popl	%esi
	popl	%ebx
	popl	%ebp
	retl
bios_eax:
	.long	0

	.section .note.GNU-stack, "", @progbits
