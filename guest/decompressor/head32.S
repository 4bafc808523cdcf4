/* SPDX-License-Identifier: MIT */
/*
 * The entries of a 32-bit image (head.inc has their common way): from a boot
 * loader, by PVH, by Xen's PV ABI, and by the boot protocol into ring 1, which is what
 * KEEP_SEGMENTS means. There is no mode to leave.
 */
#include "head.inc"

	PROGRAM_HEAD
linux32:
	LINUX32_LOAD
	testb	$KEEP_SEGMENTS, BP_LOADFLAGS(%esi)
	jnz	subarch
	cli
	movl	$PACK_LINUX32, %edx
	jmp	find_place

pvh_entry:
	PVH_LOAD
	movl	$PACK_PVH, %edx

find_place:
	FIND_PLACE e
	jmp	go_there

/* An image that cannot move is where the hypervisor's builder put it, or where a boot loader puts all bzImages. */
subarch:
	movl	$PACK_SUBARCH, %edx
	movl	$1, %eax
	testb	$PACK_RELOCATABLE, PAGE(PP_FLAGS)(%ebp)
	jz	1f
	movl	PAGE(PP_ALIGNMENT)(%ebp), %eax
1:	ROUND_UP e
	jmp	go_there

/* Xen PV: ring 1, paging on, %esi is start_info; the builder put the image where its program headers say. */
pv_entry:
	cld
	call	1f
1:	popl	%ebp
	subl	$OFF(1b), %ebp
	movl	%ebp, %ebx
	movl	$PACK_XEN_PV, %edx

go_there:
	GO_THERE e
	OWN_SEGMENTS e, lretl
	movl	%edx, %eax		/* kind, params, load; run on the stack */
	movl	%esi, %edx
	movl	%ebp, %ecx
	movl	%eax, %ebp
	pushl	%ebx
	call	decompressor_main
	popl	%ebx
	ENTER_KERNEL e

/* pack_restart(kind, params, load, run) */
	.globl	pack_restart
	.hidden	pack_restart
pack_restart:
	movl	4(%esp), %ebx
	movl	%edx, %esi
	movl	%eax, %edx
	movl	%ecx, %ebp
	jmp	go_there

	PROGRAM_TAIL FLAT_CODE32
