/* SPDX-License-Identifier: MIT */
/*
 * An init that says how far the time stamp counter has come when it runs, and
 * powers off. Under QEMU's -icount shift=0 that is the number of instructions
 * since reset. 64-bit, no C library.
 */
#include <asm/unistd_64.h>
#include <linux/reboot.h>

	.globl _start
_start:
	rdtsc
	shl	$32, %rdx
	or	%rdx, %rax

	/* Decimal, from the last digit on, before the newline. */
	lea	end(%rip), %rsi
	mov	$10, %ecx
1:	xor	%edx, %edx
	div	%rcx
	add	$'0', %dl
	dec	%rsi
	mov	%dl, (%rsi)
	test	%rax, %rax
	jnz	1b
	sub	$4, %rsi
	movl	$0x3d637374, (%rsi)	/* "tsc=" */

	mov	$__NR_write, %eax
	mov	$1, %edi
	lea	end + 1(%rip), %rdx
	sub	%rsi, %rdx
	syscall

	mov	$__NR_reboot, %eax
	mov	$LINUX_REBOOT_MAGIC1, %edi
	mov	$LINUX_REBOOT_MAGIC2, %esi
	mov	$LINUX_REBOOT_CMD_POWER_OFF, %edx
	syscall
2:	jmp	2b

	.data
	.fill	40, 1, ' '
end:	.byte	'\n'
