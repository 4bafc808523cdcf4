/* SPDX-License-Identifier: MIT */
/*
 * Where control enters the paravisor and leaves it: the first start, the
 * other processors' start, exceptions and interrupts, the two crossings that
 * a system call makes, and the few instructions that may fault in ring 0.
 *
 * No swapgs is spent on the paravisor itself: %gs is always the guest's, and
 * is swapped exactly when the guest changes between its kernel and its
 * processes. A vCPU is found from the stack pointer (map.h).
 */
#define __ASSEMBLY__
#include "map.h"

#define FLAG_IF  0x200
/* What a trap clears in the flags that the guest's handler starts with. */
#define BOUNCE_CLEAR ~(0x100 | 0x3000 | 0x4000 | 0x10000 | 0x20000 | 0x40000)

/* An instruction that may fault on the guest's account, and where to go then. */
.macro MAY_FAULT fixup, insn:vararg
771:	\insn
	.pushsection .extable, "a"
	.quad 771b, \fixup
	.popsection
.endm

/* ---- The first start: %rdi is the machine address of struct pv_facts ---- */

	.section .text.start, "ax"
	.code64
	.globl pv_start
pv_start:
	cli
	cld
	movq %rdi, %rsi
	leaq bss_start(%rip), %rdi
	leaq image_end(%rip), %rcx
	subq %rdi, %rcx
	xorl %eax, %eax
	rep stosb
	movl $0xc0000080, %ecx		/* EFER: SCE, NXE */
	rdmsr
	orl $0x801, %eax
	wrmsr
	movq %rsi, %rdi
	leaq pv_start(%rip), %rbx
	leaq early_l4(%rip), %rax
	movq %cr3, %rcx
	andq $~0xfff, %rcx
	movq (%rcx), %rcx		/* the one-to-one map we were entered with */
	movq %rcx, (%rax)
	leaq early_l3(%rip), %rdx
	orq $3, %rdx
	movq %rdx, HV_IMAGE_SLOT*8(%rax)
	leaq early_l2(%rip), %rdx
	leaq early_l3(%rip), %rcx
	orq $3, %rdx
	movq %rdx, (%rcx)
	leaq early_l2(%rip), %rcx
	leaq 0x83(%rbx), %rdx
	movq %rdx, (%rcx)
	movq %rax, early_cr3(%rip)
	movq %rax, %cr3
	movabsq $1f, %rax
	jmp *%rax
1:	leaq boot_stack_end(%rip), %rsp
	xorl %ebp, %ebp
	movq %rbx, %rsi
	call boot
	ud2
.set HV_IMAGE_SLOT, 258

/* ---- The other processors: copied to AP_START, entered in real mode ---- */

	.section .rodata
	.globl ap_code, ap_code_end, ap_cr3
	.balign 16
	.code16
ap_code:
	cli
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl AP_START + ap_gdtr - ap_code
	movl $0x20, %eax		/* CR4.PAE */
	movl %eax, %cr4
	movl AP_START + ap_cr3 - ap_code, %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx		/* EFER: SCE, LME, NXE */
	rdmsr
	orl $0x901, %eax
	wrmsr
	movl $0x80010001, %eax		/* CR0: PG, WP, PE */
	movl %eax, %cr0
	ljmpl $8, $(AP_START + ap_long - ap_code)
	.code64
ap_long:
	movabsq $ap_high, %rax
	jmp *%rax
	.balign 8
ap_gdt:
	.quad 0, 0x00209b0000000000, 0x00cf93000000ffff
ap_gdtr:
	.word 23
	.long AP_START + ap_gdt - ap_code
ap_cr3:
	.long 0
ap_code_end:

	.text
ap_high:
	movq hv_cr3(%rip), %rax
	movq %rax, %cr3
	movl $1, %eax
	lock xaddl %eax, ap_arrived(%rip)
	cmpl facts_vcpus(%rip), %eax
	jae 2f
	movq %rax, %rdi
	shlq $16, %rdi
	movabsq $VCPUS_VA, %rcx
	addq %rcx, %rdi
	leaq STACK_SP(%rdi), %rsp
	xorl %ebp, %ebp
	call ap_main
2:	cli
	hlt
	jmp 2b

/* ---- Exceptions and interrupts ----------------------------------------- */

.macro PUSH_REGS
	pushq %rdi
	pushq %rsi
	pushq %rdx
	pushq %rcx
	pushq %rax
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
.endm

.macro POP_REGS
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rax
	popq %rcx
	popq %rdx
	popq %rsi
	popq %rdi
	addq $8, %rsp
.endm

/* struct vcpu's field, relative to %rsp at struct regs, after an exception's six words, and after syscall's five. */
#define VR(f) ((f) - (STACK_SP - R_LEN))(%rsp)
#define VE(f) ((f) - (STACK_SP - 48))(%rsp)
#define VS(f) ((f) - (STACK_SP - 40))(%rsp)

#ifdef PV32
#define FAST_PAGE_FAULTS 0
#else
#define FAST_PAGE_FAULTS 1
#endif

	.balign 16
	.globl trap_stubs
trap_stubs:
	.set vec, 0
	.rept 256
	.balign 16
	.if vec == 14 && FAST_PAGE_FAULTS
	jmp page_fault_entry
	.else
	.if vec != 8 && (vec < 10 || vec > 14) && vec != 17 && vec != 21 && vec != 29 && vec != 30
	pushq $0
	.endif
	movl $vec, 4(%rsp)
	jmp trap_common
	.endif
	.set vec, vec + 1
	.endr

#ifndef PV32
/*
 * A process's page fault is its kernel's alone: the frame that bounce() would
 * write (error code, r11 and rcx below what the processor pushed), and on to the
 * handler, with no register changed that the frame does not hold. Where the
 * handler does not mask events, or they are masked already, C does it.
 */
	.balign 16
page_fault_entry:
	testb $3, 16(%rsp)
	jz 1f				/* ring 0's: %rsp is anywhere on the stack */
	cmpb $0, VE(V_KERNEL_MODE)
	jne 1f
	cmpb $0, VE(V_PF_SHORT)
	je 1f
	testb $4, (%rsp)		/* a descriptor table's is C's */
	jz 1f
	movq %rcx, VE(V_SCRATCH)
	movq VE(V_INFO), %rcx
	cmpb $0, INFO_MASK(%rcx)
	jne 2f
	swapgs
	movq VE(V_KERNEL_CR3), %rcx
	movq %rcx, %cr3
	movb $1, VE(V_KERNEL_MODE)
	movq VE(V_KERNEL_SP), %rcx
	MAY_FAULT page_fault_bad_stack, movq %r11, -56(%rcx)
	movq VE(V_SCRATCH), %r11
	MAY_FAULT page_fault_bad_stack, movq %r11, -64(%rcx)
	movl (%rsp), %r11d
	MAY_FAULT page_fault_bad_stack, movq %r11, -48(%rcx)
	.irp word, 8, 16, 24, 32, 40	/* rip, cs, rflags, rsp, ss */
	movq \word(%rsp), %r11
	MAY_FAULT page_fault_bad_stack, movq %r11, \word - 48(%rcx)
	.endr
	leaq -64(%rcx), %rcx
	movq %rcx, 32(%rsp)
	movq VE(V_INFO), %rcx
	movb $1, INFO_MASK(%rcx)
	movq %cr2, %r11
	movq %r11, INFO_CR2(%rcx)
	movq VE(V_PF_RIP), %rcx
	movq %rcx, 8(%rsp)
	movq $SEL_CS64, 16(%rsp)
	andq $BOUNCE_CLEAR, 24(%rsp)
	movq $SEL_DS, 40(%rsp)
	addq $8, %rsp
	jmp iret_to_guest
2:	movq VE(V_SCRATCH), %rcx
1:	movl $14, 4(%rsp)
	jmp trap_common
page_fault_bad_stack:
	movl $14, 4(%rsp)
	PUSH_REGS
	movq %rsp, %rdi
	call bad_kernel_stack
#endif

	.balign 16
trap_common:
	PUSH_REGS
	cld
	movq %rsp, %rdi
	testb $3, R_CS(%rsp)
	jz trap_ring0
	call trap_from_guest

/* Leave for the guest with the registers at %rsp; an event may come first. */
	.globl exit_to_guest, iret_to_guest
exit_to_guest:
	movq VR(V_INFO), %rax
	cmpb $0, (%rax)
	jne 2f
1:	POP_REGS
iret_to_guest:
	iretq
2:	movq %rsp, %rdi
	call deliver_upcall
	jmp 1b

/*
 * #DB comes on a stack of its own: a breakpoint that `mov ss` held back until
 * after the guest's syscall or int would else be taken in ring 0 on the
 * guest's stack pointer. One that hits ring 0 is dropped; one of ring 3 moves
 * to the usual stack.
 */
	.globl trap_debug
trap_debug:
	testb $3, 8(%rsp)
	jz 1f
	pushq %rax
	pushq %rcx
	movq %rsp, %rax
	andq $-VCPU_SIZE, %rax
	.irp word, 0, 8, 16, 24, 32
	movq 16 + \word(%rsp), %rcx
	movq %rcx, STACK_SP - 40 + \word(%rax)
	.endr
	popq %rcx
	popq V_SCRATCH(%rax)
	leaq STACK_SP - 40(%rax), %rsp
	movq VS(V_SCRATCH), %rax
	pushq $0
	movl $1, 4(%rsp)
	jmp trap_common
1:	iretq

/* Ring 0's own: an interrupt in idle(), a fault with a fixup, or the end. */
trap_ring0:
	call trap_in_ring0
	movq %rax, %rsp
	testb $3, R_CS(%rsp)
	jnz exit_to_guest
	POP_REGS
	iretq

	.globl enter_guest
enter_guest:
	movq %rsp, %rax
	andq $-VCPU_SIZE, %rax
	leaq STACK_SP - R_LEN(%rax), %rsp
	jmp exit_to_guest

/* lock_wait(%rdi) with no register changed. */
	.globl lock_wait_saving
lock_wait_saving:
	.irp reg, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11
	pushq %\reg
	.endr
	call lock_wait
	.irp reg, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax
	popq %\reg
	.endr
	ret

/* call_on_stack(a, b, sp, fn): fn(a, b) on another stack; it never returns. */
	.globl call_on_stack
call_on_stack:
	movq %rdx, %rsp
	xorl %ebp, %ebp
	call *%rcx
	ud2

#ifndef PV32
/* ---- syscall: one stub a vCPU, for the CPU gives no stack --------------- */

	.balign 32 /* the CPUs find their stubs by n * 32 behind the label */
	.globl syscall_stubs, syscall32_stubs
syscall_stubs:
	.set n, 0
	.rept MAX_VCPUS
	.balign 32
	movq %rsp, pv_vcpus + n * VCPU_SIZE + STACK_SP - 16(%rip)
	leaq pv_vcpus + n * VCPU_SIZE + STACK_SP - 16(%rip), %rsp
	jmp syscall_common
	.set n, n + 1
	.endr
	.balign 32
syscall32_stubs:
	.set n, 0
	.rept MAX_VCPUS
	.balign 32
	movq %rsp, pv_vcpus + n * VCPU_SIZE + STACK_SP - 16(%rip)
	leaq pv_vcpus + n * VCPU_SIZE + STACK_SP - 16(%rip), %rsp
	jmp syscall32_common
	.set n, n + 1
	.endr

	.balign 16
syscall_common:
	movq $SEL_DS, 8(%rsp)
	pushq %r11
	pushq $SEL_CS64
	pushq %rcx
	cmpb $0, VS(V_KERNEL_MODE)
	je syscall_from_process
	cmpl $23, %eax
	je iret_hypercall
	cmpl $1, %eax
	je mmu_update_hypercall
hypercall_from_kernel:
	pushq $0
	PUSH_REGS
	movq %rsp, %rdi
	call hypercall_from_guest
	jmp exit_to_guest

/*
 * mmu_update, which a kernel calls for each page that it maps. Nothing in it
 * looks at the guest's registers, so only those are kept that C may change.
 */
mmu_update_hypercall:
	incq VS(V_MMU_UPDATES)
	.irp reg, rdi, rsi, rdx, r8, r9, r10
	pushq %\reg
	.endr
	movq %r10, %r8
	movq %rdx, %rcx
	movq %rsi, %rdx
	movq %rdi, %rsi
	leaq -(STACK_SP - 40 - 48)(%rsp), %rdi
	call hc_mmu_update
	.irp reg, r10, r9, r8, rdx, rsi, rdi
	popq %\reg
	.endr
	movq VS(V_INFO), %rcx
	cmpb $0, (%rcx)
	movq (%rsp), %rcx		/* as syscall left them */
	movq 16(%rsp), %r11
	je iret_to_guest
	pushq $0
	PUSH_REGS
	jmp exit_to_guest

/*
 * A process calls the guest's kernel. Its frame, from low to high: rcx, r11,
 * rip, cs, rflags, rsp, ss. kernel_sp was checked when it was set.
 */
syscall_from_process:
	cmpq $0, VS(V_SYSCALL_RIP)
	je hypercall_from_kernel	/* no handler: C reports it */
	swapgs
	movq VS(V_KERNEL_CR3), %rcx
	movq %rcx, %cr3
	movb $1, VS(V_KERNEL_MODE)
	movq VS(V_KERNEL_SP), %rcx
	MAY_FAULT syscall_bad_stack, movq $SEL_DS, -8(%rcx)
	MAY_FAULT syscall_bad_stack, movq $SEL_CS64, -32(%rcx)
	MAY_FAULT syscall_bad_stack, movq %r11, -24(%rcx)
	MAY_FAULT syscall_bad_stack, movq %r11, -48(%rcx)
	movq 24(%rsp), %r11
	MAY_FAULT syscall_bad_stack, movq %r11, -16(%rcx)
	movq (%rsp), %r11
	MAY_FAULT syscall_bad_stack, movq %r11, -40(%rcx)
	MAY_FAULT syscall_bad_stack, movq %r11, -56(%rcx)
	movq VS(V_INFO), %r11
	cmpb $0, VS(V_MASKS)
	je 1f
	movb $1, INFO_MASK(%r11)
1:	cmpw $1, (%r11)
	je 2f
	movq 16(%rsp), %r11
	andl $BOUNCE_CLEAR, %r11d
	pushq VS(V_SYSCALL_RIP)
	leaq -56(%rcx), %rcx
	movq %rcx, 32(%rsp)
	popq %rcx
	movq 24(%rsp), %rsp
	sysretq
/* An event is due and not masked: leave the long way. */
2:	leaq -56(%rcx), %rcx
	movq %rcx, 24(%rsp)
	movq VS(V_SYSCALL_RIP), %rcx
	movq %rcx, (%rsp)
	andq $BOUNCE_CLEAR, 16(%rsp)
	pushq $0
	PUSH_REGS
	jmp exit_to_guest
syscall_bad_stack:
	pushq $0
	PUSH_REGS
	movq %rsp, %rdi
	call bad_kernel_stack

/*
 * The guest's kernel returns to a process: the two ways that are taken all the
 * time. After a system call (VGCF_in_syscall) only %rax, rip, rflags and rsp
 * need be restored. All other iret hypercalls, and those for which an event
 * waits, are C's (traps.c).
 */
iret_hypercall:
	movq %rdx, VS(V_SCRATCH)
	movq 24(%rsp), %rdx
	movq %rdx, %rcx
	shrq $HV_SHIFT, %rcx
	cmpl $HV_TAG, %ecx
	je iret_slow
	MAY_FAULT iret_slow, movl 40(%rdx), %ecx	/* cs */
	andl $3, %ecx
	cmpl $3, %ecx
	jne iret_slow
	cmpq $0, VS(V_USER_CR3)
	je iret_slow
	MAY_FAULT iret_slow, testl $0x100, 24(%rdx)	/* VGCF_in_syscall */
	jz iret_whole
	MAY_FAULT iret_slow, movq 32(%rdx), %rcx	/* rip */
	movq %rcx, %r11
	shrq $47, %r11
	jnz iret_slow
	MAY_FAULT iret_slow, movq 48(%rdx), %r11	/* rflags */
	testl $FLAG_IF, %r11d
	jz iret_slow
	andl $~(0x3000 | 0x4000 | 0x10000 | 0x20000), %r11d
	MAY_FAULT iret_slow, movq 56(%rdx), %rax	/* rsp */
	movq %rax, -8(%rsp)
	MAY_FAULT iret_slow, movq (%rdx), %rax
	movq VS(V_INFO), %rdx
	cmpb $0, (%rdx)
	jne iret_slow
	movb $0, INFO_MASK(%rdx)
	incq VS(V_IRETS)
	swapgs
	movb $0, VS(V_KERNEL_MODE)
	movq VS(V_USER_CR3), %rdx
	movq %rdx, %cr3
	movq VS(V_SCRATCH), %rdx
	movq -8(%rsp), %rsp
	sysretq

/* The same with every register that the frame has; %rsp is read last, for the long way starts from it. */
iret_whole:
	MAY_FAULT iret_slow, movq 48(%rdx), %r11	/* rflags */
	testl $FLAG_IF, %r11d
	jz iret_slow
	andl $~(0x3000 | 0x4000 | 0x20000), %r11d
	movq VS(V_INFO), %rcx
	cmpb $0, (%rcx)
	jne iret_slow
	MAY_FAULT iret_slow, movq 32(%rdx), %rax	/* rip */
	movq %rax, (%rsp)
	MAY_FAULT iret_slow, movzwl 40(%rdx), %eax	/* cs */
	movq %rax, 8(%rsp)
	movq %r11, 16(%rsp)
	MAY_FAULT iret_slow, movzwl 64(%rdx), %eax	/* ss */
	orl $3, %eax
	movq %rax, 32(%rsp)
	MAY_FAULT iret_slow, movq 8(%rdx), %r11
	MAY_FAULT iret_slow, movq 16(%rdx), %rcx
	MAY_FAULT iret_slow, movq (%rdx), %rax
	MAY_FAULT iret_slow, movq 56(%rdx), %rdx	/* rsp */
	movq %rdx, 24(%rsp)
	movq VS(V_INFO), %rdx
	movb $0, INFO_MASK(%rdx)
	incq VS(V_IRETS)
	swapgs
	movb $0, VS(V_KERNEL_MODE)
	movq VS(V_USER_CR3), %rdx
	movq %rdx, %cr3
	movq VS(V_SCRATCH), %rdx
	jmp iret_to_guest
iret_slow:
	movl $23, %eax
	movq VS(V_SCRATCH), %rdx
	jmp hypercall_from_kernel
#endif

/* 32-bit processes: AMD's syscall, Intel's sysenter. C does the rest. */
#ifndef PV32
syscall32_common:
	movq $SEL_DS, 8(%rsp)
	pushq %r11
	pushq $SEL_CS32
	pushq %rcx
	pushq $0
	movl $0x101, 4(%rsp)
	jmp entry32
#endif
/*
 * sysenter leaves DF, NT, TF and AC as they were: the paravisor has its own. And QEMU's TCG (7.2) leaves CS with L and
 * D both set, so that an SVM host under TCG, as in the KVM lab, could not enter the machine again: it is loaded anew.
 */
	.globl sysenter_entry
sysenter_entry:
	pushq $SEL_DS
	pushq $0
	pushfq
	pushq $2
	popfq
	pushq $SEL_HV_CS
	call 1f
1:	addq $2f - 1b, (%rsp)
	lretq
2:	pushq $SEL_CS32
	pushq $0
	pushq $0
	movl $0x102, 4(%rsp)
	orl $FLAG_IF, 24(%rsp)
entry32:
	PUSH_REGS
	movq %rsp, %rdi
	call fast_call32
	jmp exit_to_guest

/* ---- What may fault in ring 0 ------------------------------------------ */

/* raw_copy(to, from, len): returns the bytes not copied. */
	.globl raw_copy
raw_copy:
	movq %rdx, %rcx
	shrq $3, %rcx
	andl $7, %edx
	MAY_FAULT 1f, rep movsq
	movl %edx, %ecx
	MAY_FAULT 2f, rep movsb
	xorl %eax, %eax
	ret
1:	leaq (%rdx,%rcx,8), %rax
	ret
2:	movq %rcx, %rax
	ret

/* Each of these returns 0, or 1 where the instruction faulted. */
	.globl safe_rdmsr, safe_wrmsr, safe_xsetbv, safe_load_gs, safe_load_segment, safe_segment_limit
safe_rdmsr:
	movl %edi, %ecx
	MAY_FAULT failed, rdmsr
	shlq $32, %rdx
	orq %rdx, %rax
	movq %rax, (%rsi)
	xorl %eax, %eax
	ret
safe_wrmsr:
	movl %edi, %ecx
	movl %esi, %eax
	movq %rsi, %rdx
	shrq $32, %rdx
	MAY_FAULT failed, wrmsr
	xorl %eax, %eax
	ret
safe_xsetbv:
	movl %edi, %ecx
	movl %esi, %eax
	movq %rsi, %rdx
	shrq $32, %rdx
	MAY_FAULT failed, xsetbv
	xorl %eax, %eax
	ret
safe_load_segment:
	cmpl $1, %edi
	je 1f
	ja 2f
	MAY_FAULT failed, movw %si, %ds
	jmp succeeded
1:	MAY_FAULT failed, movw %si, %es
	jmp succeeded
2:	cmpl $2, %edi
	jne 3f
	MAY_FAULT failed, movw %si, %fs
	jmp succeeded
3:	MAY_FAULT failed, movw %si, %gs
succeeded:
	xorl %eax, %eax
	ret
safe_segment_limit:			/* (selector, to be written, *limit) */
	testl %esi, %esi
	jnz 1f
	MAY_FAULT failed, verr %di
	jmp 2f
1:	MAY_FAULT failed, verw %di
2:	jnz failed
	MAY_FAULT failed, lsl %edi, %eax
	jnz failed
	movq %rax, (%rdx)
	jmp succeeded
safe_load_gs:				/* of the side that is swapped out */
	swapgs
	MAY_FAULT 1f, movw %di, %gs
	swapgs
	xorl %eax, %eax
	ret
1:	swapgs
failed:
	movl $1, %eax
	ret

/* ---- Data --------------------------------------------------------------- */

	.data
	.globl early_cr3, hv_cr3, ap_arrived, facts_vcpus
	.balign 8
early_cr3:
	.quad 0
hv_cr3:
	.quad 0
ap_arrived:
	.long 1
facts_vcpus:
	.long 0
	.balign 4096
early_l4:
	.fill 4096, 1, 0
early_l3:
	.fill 4096, 1, 0
early_l2:
	.fill 4096, 1, 0
	.bss
	.balign 16
	.fill 8192, 1, 0
boot_stack_end:
	.section .note.GNU-stack, "", @progbits
