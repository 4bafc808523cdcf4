/* SPDX-License-Identifier: MIT */
/*
 * The entries of a 64-bit image (head.inc has their common way): from a boot
 * loader in either mode, by PVH, and by Xen's PV ABI. The 32-bit entries first build a
 * map of 4 GiB at the end of the window, where the copy's tables will be, and
 * switch to long mode; from then on all entries are one.
 */
#include "head.inc"

#define MSR_EFER    0xc0000080
#define EFER_LME    8
#define CR4_PAE     5
#define CR0_PG_PE   0x80000001

	PROGRAM_HEAD
	.code64
startup_64:
	cli
	cld
	movl	$PACK_LINUX64, %edx
	leaq	startup_32(%rip), %rbp
	FIND_PLACE r

go_there:
	GO_THERE r
	OWN_SEGMENTS r, lretq
	movl	%edx, %edi
	movq	%rbp, %rdx
	movl	%edi, %ebp
	movq	%rbx, %rcx
	call	decompressor_main
	ENTER_KERNEL r

/* pack_restart(kind, params, load, run) */
	.globl	pack_restart
	.hidden	pack_restart
pack_restart:
	movq	%rdx, %rbp
	movl	%edi, %edx
	movq	%rcx, %rbx
	jmp	go_there

/* Xen PV: ring 3, paging on, %rsi is start_info; the builder put the image where its program headers say. */
pv_entry:
	cld
	movl	$PACK_XEN_PV, %edx
	leaq	startup_32(%rip), %rbp
	movq	%rbp, %rbx
	jmp	go_there

/* ---- Up from 32 bits ---------------------------------------------------- */

	.code32
linux32:
	LINUX32_LOAD
	cli
	movl	$PACK_LINUX32, OFF(kind32)(%ebp)
	jmp	to_long

pvh_entry:
	PVH_LOAD
	movl	$PACK_PVH, OFF(kind32)(%ebp)

to_long:
	FIND_PLACE e
	movl	PAGE(PP_CODE_AT)(%ebp), %edx
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
	movl	kind32(%rip), %edx
	jmp	go_there

kind32:	.long	0

	PROGRAM_TAIL FLAT_CODE64
