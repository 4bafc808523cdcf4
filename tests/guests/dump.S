/* SPDX-License-Identifier: MIT */
/*
 * A guest that prints the processor's state at its first instruction, one
 * 64-bit number a slot in dump.h's order, 16 hex digits each and a line feed
 * behind the last, and powers the `pc` machine off. Built for each mode that
 * the trampoline enters; in real mode all of its data is reached through CS.
 */
#include "dump.h"

#if MODE == 64
#define SAVE(slot, long_name, name) movq %long_name, values + 8 * (slot)(%rip)
#define SAVE_SEG(slot, name)	    movw %name, values + 8 * (slot)(%rip)
#define AT(x)			    x(%rip)
#define CS_
	.code64
#elif MODE == 32
#define SAVE(slot, long_name, name) movl %name, values + 8 * (slot)
#define SAVE_SEG(slot, name)	    movw %name, values + 8 * (slot)
#define AT(x)			    x
#define CS_
	.code32
#else
#define SAVE(slot, long_name, name) movl %name, %cs:values + 8 * (slot)
#define SAVE_SEG(slot, name)	    movw %name, %cs:values + 8 * (slot)
#define AT(x)			    %cs:x
#define CS_			    %cs:
	.code16
#endif

	.text
	.globl	_start
_start:
	SAVE(DUMP_RAX, rax, eax)
	SAVE(DUMP_RBX, rbx, ebx)
	SAVE(DUMP_RCX, rcx, ecx)
	SAVE(DUMP_RDX, rdx, edx)
	SAVE(DUMP_RSI, rsi, esi)
	SAVE(DUMP_RDI, rdi, edi)
	SAVE(DUMP_RSP, rsp, esp)
	SAVE(DUMP_RBP, rbp, ebp)
	SAVE_SEG(DUMP_CS, cs)
	SAVE_SEG(DUMP_DS, ds)
	SAVE_SEG(DUMP_ES, es)
	SAVE_SEG(DUMP_FS, fs)
	SAVE_SEG(DUMP_GS, gs)
	SAVE_SEG(DUMP_SS, ss)
#if MODE == 64
	movq	%r8, AT(values + 8 * DUMP_R8)
	movq	%r9, AT(values + 8 * DUMP_R9)
	movq	%r10, AT(values + 8 * DUMP_R10)
	movq	%r11, AT(values + 8 * DUMP_R11)
	movq	%r12, AT(values + 8 * DUMP_R12)
	movq	%r13, AT(values + 8 * DUMP_R13)
	movq	%r14, AT(values + 8 * DUMP_R14)
	movq	%r15, AT(values + 8 * DUMP_R15)
	leaq	stack_end(%rip), %rsp
	pushfq
	popq	%rax
	movq	%cr0, %rbx
	movq	%cr3, %rcx
	movq	%cr4, %rdx
#else
#if MODE == 16
	movw	%cs, %ax
	movw	%ax, %ss
#endif
	movl	$stack_end, %esp
	pushfl
	popl	%eax
	movl	%cr0, %ebx
	movl	%cr3, %ecx
	movl	%cr4, %edx
#endif
	SAVE(DUMP_RFLAGS, rax, eax)
	SAVE(DUMP_CR0, rbx, ebx)
	SAVE(DUMP_CR3, rcx, ecx)
	SAVE(DUMP_CR4, rdx, edx)
	sgdt	AT(gdtr)
	sidt	AT(idtr)
	movw	AT(gdtr), %ax
	movw	%ax, AT(values + 8 * DUMP_GDT_LIMIT)
	movl	AT(gdtr + 2), %eax
	movl	%eax, AT(values + 8 * DUMP_GDT_BASE)
	movw	AT(idtr), %ax
	movw	%ax, AT(values + 8 * DUMP_IDT_LIMIT)
	movl	AT(idtr + 2), %eax
	movl	%eax, AT(values + 8 * DUMP_IDT_BASE)
	movl	$0xc0000080, %ecx		/* EFER */
	rdmsr
	movl	%eax, AT(values + 8 * DUMP_EFER)

	movl	$values, %esi
	movl	$DUMP_SLOTS, %edi
next_value:
	movl	$7, %ebx
next_byte:
	movb	CS_(%esi, %ebx), %cl
	movb	%cl, %al
	shrb	$4, %al
	call	digit
	movb	%cl, %al
	andb	$15, %al
	call	digit
	decl	%ebx
	jns	next_byte
	movb	$' ', %al
	call	put
	addl	$8, %esi
	decl	%edi
	jnz	next_value
	movb	$'\n', %al
	call	put
	movw	$0x604, %dx			/* pc's ACPI power control: SLP_EN, type 0 */
	movw	$0x2000, %ax
	outw	%ax, %dx
1:	hlt
	jmp	1b

digit:	cmpb	$10, %al
	jb	1f
	addb	$'a' - '0' - 10, %al
1:	addb	$'0', %al
put:	movb	%al, %ch
	movw	$0x3fd, %dx
1:	inb	%dx, %al
	testb	$0x20, %al
	jz	1b
	movw	$0x3f8, %dx
	movb	%ch, %al
	outb	%al, %dx
	ret

	.balign	8
values:	.fill	DUMP_SLOTS, 8, 0
gdtr:	.fill	10, 1, 0
idtr:	.fill	10, 1, 0
	.fill	64, 1, 0
stack_end:
	.section .note.GNU-stack, "", @progbits
