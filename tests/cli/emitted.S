/* SPDX-License-Identifier: MIT */
/*
 * A kernel to be linked with --emit-relocs (emitted.lds), in which a symbol
 * want_GROUP_N stands at each field that has to follow when it moves. It does
 * nothing else.
 */
	.text
	.globl	_start, here
_start:
here:
#ifdef __x86_64__
	movabsq	$counter, %rax			/* per-CPU data is linked at 0: an offset */
	.set	want_abs32_1, . + 3
	movq	$here, %rax
	.set	want_abs32_2, . + 3
	movq	$_end, %rax			/* absolute, says the linker script */
	.set	want_abs32_3, . + 3
	movq	$data, %rax
	movq	%gs:counter, %rax
	.set	want_inverse32_1, . + 4
	movq	%gs:counter(%rip), %rax
	leaq	data(%rip), %rax
	call	here
	movl	$constant, %eax
	.weak	nothing
	movq	$nothing, %rax

	.data
data:
want_abs64_1:
	.quad	here + 4
	.quad	counter
want_abs64_2:
	.quad	data
	.long	data - .

	.section .data..percpu, "aw"
counter:
	.quad	0
want_abs64_3:
	.quad	here				/* its field lies where the section is loaded */
	.section .debug_nothing
	.quad	here
#else
	.set	want_abs32_1, . + 1
	movl	$counter, %eax			/* an address like any other */
	.set	want_abs32_2, . + 1
	movl	$_end, %eax
	movl	$constant, %eax
	call	here
	.weak	nothing
	movl	$nothing, %eax

	.data
want_abs32_3:
data:	.long	here + 4
	.long	data - .

	.section .data..percpu, "aw"
counter:
want_abs32_4:
	.long	data
	.section .debug_nothing
	.long	here
#endif
	.set	constant, 0x1234
	.globl	constant
	.section .note.GNU-stack, "", @progbits
