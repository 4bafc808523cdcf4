/* SPDX-License-Identifier: MIT */
/*
 * The entries of a 64-bit image, and the way from each to decompressor_main():
 * find out where the image was loaded and where it is to run, copy the program
 * to the end of the window there (abi.h draws it), go on in the copy. The
 * 32-bit entries first build a map of 4 GiB in that very place and switch to
 * long mode; from then on all entries are one, but for the PV one, which
 * touches neither segments nor control registers.
 *
 * On the common way: %rbp where the image was loaded, %rbx where the window
 * begins, %rsi what the loader handed over, %r13d which entry it was.
 */
#include "abi.h"

#define MSR_EFER    0xc0000080
#define EFER_LME    8
#define CR4_PAE     5
#define CR0_PG_PE   0x80000001
#define BP_SCRATCH  0x1e4 /* zero-page.rst: a word of boot_params for the entry code's own use */
#define SEL_CODE    0x10
#define SEL_DATA    0x18

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
	.long	OFF(pvh_entry), OFF(pv_entry), OFF(kernel_info)

	.org	PACK_ENTRY64
	.code64
startup_64:
	cli
	cld
	movl	$PACK_LINUX64, %r13d
find_place:
	leaq	startup_32(%rip), %rbp
	movq	PAGE(PP_PREF_GPA)(%rbp), %rbx
	testb	$PACK_RELOCATABLE, PAGE(PP_FLAGS)(%rbp)
	jz	go_there
	movl	PAGE(PP_ALIGNMENT)(%rbp), %eax
	leaq	-1(%rbp,%rax), %rcx
	negq	%rax
	andq	%rax, %rcx
	cmpq	%rbx, %rcx
	cmovaq	%rcx, %rbx

/* The copy cannot meet what it is copied from: it lies higher than the whole image, which the packer saw to. */
go_there:
	movq	%rsi, %r12
	movl	PAGE(PP_CODE_AT)(%rbp), %edx
	addq	%rbx, %rdx
	movq	%rbp, %rsi
	movq	%rdx, %rdi
	movl	PAGE(PP_HEAD_LEN)(%rbp), %ecx
	shrl	$3, %ecx
	rep movsq
	leaq	OFF(in_copy)(%rdx), %rax
	jmpq	*%rax

in_copy:
	movq	%rsp, %r14
	leaq	stack_end(%rip), %rsp
	leaq	bss(%rip), %rdi
	leaq	bss_end(%rip), %rcx
	subq	%rdi, %rcx
	xorl	%eax, %eax
	rep stosb
	cmpb	$PACK_XEN_PV, %r13b
	je	1f
	call	own_segments
1:	movl	%r13d, %edi
	movq	%r12, %rsi
	movq	%rbp, %rdx
	movq	%rbx, %rcx
	call	decompressor_main
	movq	%rdx, %rsi
	cmpb	$PACK_XEN_PV, %r13b
	jne	2f
	movq	%r14, %rsp
2:	xorl	%ebx, %ebx
	xorl	%ebp, %ebp
	xorl	%edi, %edi
	jmpq	*%rax

own_segments:
	leaq	gdt(%rip), %rax
	movq	%rax, gdtr + 2(%rip)
	lgdt	gdtr(%rip)
	movl	$SEL_DATA, %eax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movw	%ax, %fs
	movw	%ax, %gs
	popq	%rax
	pushq	$SEL_CODE
	pushq	%rax
	lretq

/* pack_restart(kind, params, load, run) */
	.globl	pack_restart
	.hidden	pack_restart
pack_restart:
	movl	%edi, %r13d
	movq	%rdx, %rbp
	movq	%rcx, %rbx
	jmp	go_there

/* Xen PV: ring 3, paging on, %rsi start_info; the builder put the image where its program headers say. */
pv_entry:
	cld
	movl	$PACK_XEN_PV, %r13d
	leaq	startup_32(%rip), %rbp
	movq	%rbp, %rbx
	jmp	go_there

/* ---- Up from 32 bits ---------------------------------------------------- */

	.code32
linux32:
	cli
	cld
	leal	(BP_SCRATCH + 4)(%esi), %esp	/* no stack is promised */
	call	1f
1:	popl	%ebp
	subl	$OFF(1b), %ebp
	movl	$PACK_LINUX32, OFF(kind32)(%ebp)
	jmp	to_long

/* PVH: %ebx is hvm_start_info. Nothing on the way tells the address but the page: PVH loads by program headers. */
pvh_entry:
	cli
	cld
	.byte	0xbd			/* movl $pvh_home, %ebp */
	.globl	pvh_home
pvh_home:
	.long	0			/* filled by the packer: where the image is loaded */
	movl	%ebx, %esi
	movl	$PACK_PVH, OFF(kind32)(%ebp)

to_long:
	movl	PAGE(PP_PREF_GPA)(%ebp), %ebx
	testb	$PACK_RELOCATABLE, PAGE(PP_FLAGS)(%ebp)
	jz	1f
	movl	PAGE(PP_ALIGNMENT)(%ebp), %eax
	leal	-1(%ebp,%eax), %ecx
	negl	%eax
	andl	%eax, %ecx
	cmpl	%ebx, %ecx
	jb	1f
	movl	%ecx, %ebx
1:	movl	PAGE(PP_CODE_AT)(%ebp), %edx
	addl	%ebx, %edx
	leal	OFF(stack_end)(%edx), %esp
	pushl	%ebx
	movl	$0x80000000, %eax
	cpuid
	cmpl	$0x80000001, %eax
	jb	no_long_mode
	movl	$0x80000001, %eax
	cpuid
	btl	$29, %edx
	jnc	no_long_mode
	popl	%ebx

	/* One page for each of the two upper levels, four of 2 MiB pages. */
	movl	PAGE(PP_CODE_AT)(%ebp), %edx
	leal	OFF(tables32)(%ebx,%edx), %edx
	movl	%edx, %edi
	xorl	%eax, %eax
	movl	$(2 * 4096 / 4), %ecx
	rep stosl
	leal	0x1007(%edx), %eax
	movl	%eax, (%edx)
	movl	$4, %ecx
	leal	0x1000(%edx), %edi
2:	addl	$0x1000, %eax
	movl	%eax, (%edi)
	addl	$8, %edi
	decl	%ecx
	jnz	2b
	leal	0x2000(%edx), %edi
	movl	$0x83, %eax
	movl	$2048, %ecx
3:	movl	%eax, (%edi)
	movl	$0, 4(%edi)
	addl	$0x200000, %eax
	addl	$8, %edi
	decl	%ecx
	jnz	3b

	movl	%cr4, %eax
	btsl	$CR4_PAE, %eax
	movl	%eax, %cr4
	movl	%edx, %cr3
	movl	$MSR_EFER, %ecx
	rdmsr
	btsl	$EFER_LME, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$CR0_PG_PE, %eax
	leal	OFF(gdt)(%ebp), %ecx
	movl	%ecx, OFF(gdtr) + 2(%ebp)
	lgdtl	OFF(gdtr)(%ebp)
	pushl	$SEL_CODE
	leal	OFF(in_long)(%ebp), %ecx
	pushl	%ecx
	movl	%eax, %cr0
	lretl

/* Where there is a screen, its top left corner says so; a 32-bit CPU has come no further. */
no_long_mode:
	movl	$0x4f344f36, 0xb8000	/* "64" */
	movl	$0x4f3f4f21, 0xb8004
4:	hlt
	jmp	4b

	.code64
in_long:
	movl	%ebp, %ebp
	movl	%ebx, %ebx
	movl	%esi, %esi
	movl	kind32(%rip), %r13d
	jmp	go_there

	.balign	8
gdt:	.quad	0, 0
	.quad	0x00af9b000000ffff	/* SEL_CODE: 64-bit code */
	.quad	0x00cf93000000ffff	/* SEL_DATA: flat data */
gdt_end:
	.word	0
gdtr:	.word	gdt_end - gdt - 1
	.quad	0
	.balign	4
kind32:	.long	0

/* boot.rst, "The kernel_info". */
	.globl	kernel_info
kernel_info:
	.ascii	"LToP"
	.long	16, 16
	.long	0			/* setup_type_max, filled by the packer */

	.section .note.GNU-stack, "", @progbits
