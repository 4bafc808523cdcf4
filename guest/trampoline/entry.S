/* SPDX-License-Identifier: MIT */
/*
 * The trampoline's way in and out. In: as PVH says (<xen/arch-x86/hvm/start_info.h>),
 * 32-bit, paging off, flat segments, no stack, hvm_start_info in %ebx. main.c
 * then checks the machine and does the copies. Out: one of three ways, by the
 * table's mode, so that the CPU at the last instruction is exactly the plan's.
 *
 * A segment register can only be loaded from a descriptor, so the engine made
 * a GDT in the table with one for each planned segment; the guest's own GDTR
 * is loaded last. From the load of %ebp on, %ebp is the table and %ebx the home.
 */
#include "abi.h"

#define MSR_EFER 0xc0000080

/* x as an offset from the home */
#define OFF(x) ((x) - head)

	.section .head, "awx", @progbits
	.code32
head:
	.long	TRAMPOLINE_HEAD_MAGIC, TRAMPOLINE_VERSION
	.long	OFF(pvh_entry), OFF(home), OFF(image_end)

pvh_entry:
	cli
	cld
	.byte	0xbd			/* movl $home, %ebp */
home:	.long	0			/* filled by the engine */
	leal	OFF(stack_end)(%ebp), %esp
	leal	OFF(image_end)(%ebp), %eax
	movl	%ebx, %edx
	call	trampoline_main		/* comes back if the machine will do */
	movl	%ebp, %ebx
	leal	OFF(image_end)(%ebp), %ebp

	lgdtl	TT_OWN_GDTR(%ebp)
	lidtl	TT_IDTR(%ebp)
	movl	TT_CR4(%ebp), %eax
	movl	%eax, %cr4
	movl	TT_MODE(%ebp), %eax
	cmpl	$TRAMPOLINE_PROT32, %eax
	jb	to_real16
	ja	to_long64

/* ---- 32-bit ------------------------------------------------------------- */

	movl	TT_CR3(%ebp), %eax
	movl	%eax, %cr3
	movl	TT_CR0(%ebp), %eax
	movl	%eax, %cr0
	/* The jump to the guest is relative, and made here: no register and no stack is free at the end. */
	movl	TT_RIP(%ebp), %eax
	leal	OFF(target32_end)(%ebx), %ecx
	subl	%ecx, %eax
	movl	%eax, -4(%ecx)
	movzwl	TT_CS(%ebp), %eax
	pushl	%eax
	leal	OFF(in_cs32)(%ebx), %eax
	pushl	%eax
	lretl
in_cs32:
	movw	TT_ES(%ebp), %es
	movw	TT_FS(%ebp), %fs
	movw	TT_GS(%ebp), %gs
	movw	TT_SS(%ebp), %ss
	movw	TT_DS(%ebp), %ds
	lldt	TT_LDT(%ebp)
	cmpw	$0, TT_TR(%ebp)
	je	1f
	ltr	TT_TR(%ebp)
1:	lgdtl	TT_GDTR(%ebp)
	pushl	TT_RFLAGS(%ebp)
	popfl
	movl	TT_RAX(%ebp), %eax
	movl	TT_RBX(%ebp), %ebx
	movl	TT_RCX(%ebp), %ecx
	movl	TT_RDX(%ebp), %edx
	movl	TT_RSI(%ebp), %esi
	movl	TT_RDI(%ebp), %edi
	movl	TT_RSP(%ebp), %esp
	movl	TT_RBP(%ebp), %ebp
	.byte	0xe9			/* jmp rel32 */
	.long	0
target32_end:

/* ---- 64-bit ------------------------------------------------------------- */

/* Paging comes on with the guest's own tables; the engine saw to it that they map the home. */
to_long64:
	movl	TT_CR3(%ebp), %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	movl	TT_EFER(%ebp), %eax
	xorl	%edx, %edx
	wrmsr
	movl	TT_CR0(%ebp), %eax
	movl	%eax, %cr0
	movzwl	TT_CS(%ebp), %eax
	pushl	%eax
	leal	OFF(in_cs64)(%ebx), %eax
	pushl	%eax
	lretl
	.code64
in_cs64:
	movl	%ebp, %ebp		/* the upper halves are undefined until written */
	movl	%esp, %esp
	movw	TT_ES(%rbp), %es
	movw	TT_FS(%rbp), %fs
	movw	TT_GS(%rbp), %gs
	movw	TT_SS(%rbp), %ss
	movw	TT_DS(%rbp), %ds
	lldt	TT_LDT(%rbp)
	cmpw	$0, TT_TR(%rbp)
	je	1f
	ltr	TT_TR(%rbp)
1:	lgdt	TT_GDTR(%rbp)
	lidt	TT_IDTR(%rbp)
	movq	TT_RIP(%rbp), %rax
	movq	%rax, target64(%rip)
	pushq	TT_RFLAGS(%rbp)
	popfq
	movq	TT_RAX(%rbp), %rax
	movq	TT_RBX(%rbp), %rbx
	movq	TT_RCX(%rbp), %rcx
	movq	TT_RDX(%rbp), %rdx
	movq	TT_RSI(%rbp), %rsi
	movq	TT_RDI(%rbp), %rdi
	movq	TT_RSP(%rbp), %rsp
	movq	TT_R8(%rbp), %r8
	movq	TT_R9(%rbp), %r9
	movq	TT_R10(%rbp), %r10
	movq	TT_R11(%rbp), %r11
	movq	TT_R12(%rbp), %r12
	movq	TT_R13(%rbp), %r13
	movq	TT_R14(%rbp), %r14
	movq	TT_R15(%rbp), %r15
	movq	TT_RBP(%rbp), %rbp
	jmpq	*target64(%rip)
	.balign	8
target64:
	.quad	0

/* ---- Real mode ---------------------------------------------------------- */

/*
 * Down through 16-bit protected mode, whose segments have real mode's limits
 * (64 KiB) and a CS whose base is the home: that base stays when PE goes, up
 * to the far jump, so nothing of ours needs to be below 1 MiB.
 */
	.code32
to_real16:
	movl	TT_RIP(%ebp), %eax
	movw	%ax, OFF(target16)(%ebx)
	movw	TT_CS(%ebp), %ax
	movw	%ax, OFF(target16) + 2(%ebx)
	movl	TT_CR0(%ebp), %edx
	pushl	$TRAMPOLINE_SEL_CODE16
	pushl	$OFF(in_cs16)
	movl	$TRAMPOLINE_SEL_DATA16, %eax
	lretl

#define T(field) %cs:OFF(image_end) + field
	.code16
in_cs16:
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %fs
	movw	%ax, %gs
	movw	%ax, %ss
	movl	%edx, %cr0
	lgdtl	T(TT_GDTR)
	movw	T(TT_ES), %es
	movw	T(TT_FS), %fs
	movw	T(TT_GS), %gs
	movw	T(TT_SS), %ss
	movw	T(TT_DS), %ds
	movb	$0x02, %ah		/* the arithmetic flags are undefined after the move to %cr0 */
	sahf
	movl	T(TT_RAX), %eax
	movl	T(TT_RBX), %ebx
	movl	T(TT_RCX), %ecx
	movl	T(TT_RDX), %edx
	movl	T(TT_RSI), %esi
	movl	T(TT_RDI), %edi
	movl	T(TT_RSP), %esp
	movl	T(TT_RBP), %ebp
	.byte	0xea			/* ljmpw */
target16:
	.word	0, 0

	.section .note.GNU-stack, "", @progbits
