/* SPDX-License-Identifier: MIT */
/*
 * The entries of a 32-bit image, and the way to decompressor_main(): as in
 * head64.S, but that there is no mode to leave: find out where the image was
 * loaded and where it is to run, copy the program to the end of the window
 * there (abi.h draws it), go on in the copy.
 *
 * On the way: %ebp where the image was loaded, %ebx where the window begins,
 * %esi what the loader handed over, %edx which entry it was.
 */
#include "abi.h"

#define BP_SCRATCH 0x1e4 /* zero-page.rst: a word of boot_params for the entry code's own use */
#define SEL_CODE   0x10
#define SEL_DATA   0x18

/* x as an offset from the image's start */
#define OFF(x) ((x) - startup_32)
#define PAGE(field) (PACK_PAGE_OFF + field)

	.section .head, "awx", @progbits
	.code32
	.globl	startup_32
startup_32:
	jmp	linux32

	.org	PACK_PAGE_OFF
	.globl	pack_page
	.hidden	pack_page
pack_page:
	.long	PACK_MAGIC, PACK_VERSION, 0, 0
	.quad	0
	.long	OFF(head_end), OFF(code_end)
	.org	PACK_PAGE_OFF + 60
	.long	OFF(pvh_entry), 0, OFF(kernel_info)

	.org	PACK_ENTRY64	/* no 64-bit entry: what follows the page */
linux32:
	cli
	cld
	leal	(BP_SCRATCH + 4)(%esi), %esp	/* no stack is promised */
	call	1f
1:	popl	%ebp
	subl	$OFF(1b), %ebp
	movl	$PACK_LINUX32, %edx
	jmp	find_place

/* PVH: %ebx is hvm_start_info. Nothing on the way tells the address: PVH loads by program headers. */
pvh_entry:
	cli
	cld
	.byte	0xbd			/* movl $pvh_home, %ebp */
pvh_home:
	.long	0			/* filled by the packer: where the image is loaded */
	movl	%ebx, %esi
	movl	$PACK_PVH, %edx

find_place:
	movl	PAGE(PP_PREF_GPA)(%ebp), %ebx
	testb	$PACK_RELOCATABLE, PAGE(PP_FLAGS)(%ebp)
	jz	go_there
	movl	PAGE(PP_ALIGNMENT)(%ebp), %eax
	leal	-1(%ebp,%eax), %ecx
	negl	%eax
	andl	%eax, %ecx
	cmpl	%ebx, %ecx
	jb	go_there
	movl	%ecx, %ebx

/* The copy cannot meet what it is copied from: it lies higher than the whole image, which the packer saw to. */
go_there:
	movl	PAGE(PP_CODE_AT)(%ebp), %edi
	addl	%ebx, %edi
	leal	OFF(stack_end)(%edi), %esp
	pushl	%esi
	pushl	%edi
	movl	%ebp, %esi
	movl	PAGE(PP_HEAD_LEN)(%ebp), %ecx
	shrl	$2, %ecx
	rep movsl
	popl	%edi
	popl	%esi
	leal	OFF(in_copy)(%edi), %eax
	jmpl	*%eax

in_copy:
	pushl	%edi
	leal	OFF(gdt)(%edi), %eax
	movl	%eax, OFF(gdtr) + 2(%edi)
	lgdtl	OFF(gdtr)(%edi)
	movl	$SEL_DATA, %eax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	%ax, %fs
	movw	%ax, %gs
	pushl	$SEL_CODE
	leal	OFF(in_own_cs)(%edi), %eax
	pushl	%eax
	lretl
in_own_cs:
	leal	OFF(bss_end)(%edi), %ecx
	leal	OFF(bss)(%edi), %edi
	subl	%edi, %ecx
	xorl	%eax, %eax
	rep stosb
	popl	%edi
	movl	%edx, %eax		/* kind, params, load; run on the stack */
	movl	%esi, %edx
	movl	%ebp, %ecx
	pushl	%ebx
	call	decompressor_main
	movl	%edx, %esi
	xorl	%ebx, %ebx
	xorl	%ebp, %ebp
	xorl	%edi, %edi
	jmpl	*%eax

/* pack_restart(kind, params, load, run) */
	.globl	pack_restart
	.hidden	pack_restart
pack_restart:
	movl	4(%esp), %ebx
	movl	%edx, %esi
	movl	%eax, %edx
	movl	%ecx, %ebp
	jmp	go_there

	.balign	8
gdt:	.quad	0, 0
	.quad	0x00cf9b000000ffff	/* SEL_CODE: flat code */
	.quad	0x00cf93000000ffff	/* SEL_DATA: flat data */
gdt_end:
	.word	0
gdtr:	.word	gdt_end - gdt - 1
	.long	0
	.balign	4

/* boot.rst, "The kernel_info". */
	.globl	kernel_info
kernel_info:
	.ascii	"LToP"
	.long	16, 16
	.long	0			/* setup_type_max, filled by the packer */

	.section .note.GNU-stack, "", @progbits
