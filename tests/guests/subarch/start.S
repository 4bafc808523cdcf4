/* SPDX-License-Identifier: MIT */
/*
 * One kernel, several starts: by its Xen notes at `by_notes`, and by the boot
 * protocol at e_entry, which hardware_subarch in boot_params sends on. Nothing
 * here is privileged until it is sure that this is a PC, and nothing takes for
 * granted where it runs: paging is on for Xen and lguest, and off on a PC.
 */
#include "arch.h"
#include "entry.inc"
#include "notes.inc"
#include "window.inc"

#define SCRATCH_END	 0x1e8		/* in boot_params: the end of 4 bytes for a stack */
#define HARDWARE_SUBARCH 0x23c
#define CR0_PG		 0x80000000
#define CR4_PSE		 0x10
#define LARGE_SHIFT	 22		/* 4 MiB */
#define LARGE_PAGES	 (VIRT_BASE >> LARGE_SHIFT)	/* wherever a loader may have put what it tells of */
#define SEEN_TWICE	 16		/* and the kernel's own, at VIRT_BASE too */
#define PTE_FLAGS	 0x87		/* large, for processes too, writable, present */
#define SMALL_FLAGS	 0x67		/* not large, but accessed and dirty */
#define SMALL_TABLES	 4		/* 16 MiB */
#define LHCALL_INIT	 1
#define LHCALL_TABLES	 4

	.section .note.xen, "a", @note
	PV_NOTES
	KERNEL_NOTES by_notes

	.text
	.globl by_protocol
by_protocol:
	leal SCRATCH_END(%esi), %esp
	call 1f
1:	popl %ebx
	subl $1b, %ebx			/* where it runs, less where it was linked to */
	movl HARDWARE_SUBARCH(%esi), %eax
	cmpl $(starts_end - starts) / 4, %eax
	jae on_nothing
	movl starts(%ebx, %eax, 4), %eax
	addl %ebx, %eax
	jmp *%eax
on_nothing:
	ud2

	.org by_protocol + NOTES_ENTRY
by_notes:
	KEEP_SEGMENTS_OF_ENTRY
	KEEP_FLAGS_OF_ENTRY
	pushl %esi
	call start_by_notes

	.section .rodata
	.balign 4
starts:	.long on_a_pc			/* by hardware_subarch */
	.long on_lguest
	.long on_xen
starts_end:

	.text
on_xen:
	KEEP_SEGMENTS_OF_ENTRY
	movl $boot_stack_end, %esp
	KEEP_FLAGS_OF_ENTRY
	pushl %esi
	call start_on_xen

/* Its first tables show memory at 0 and the kernel at VIRT_BASE too, where it goes on. */
on_a_pc:
	KEEP_SEGMENTS_OF_ENTRY VIRT_BASE
	movl $boot_stack_end - VIRT_BASE, %esp
	KEEP_FLAGS_OF_ENTRY VIRT_BASE
	movl %cr0, %eax
	movl %eax, entry_cr0 - VIRT_BASE
	movl $LARGE_PAGES - 1, %ecx
1:	movl %ecx, %eax
	shll $LARGE_SHIFT, %eax
	orl $PTE_FLAGS, %eax
	movl %eax, page_directory - VIRT_BASE(, %ecx, 4)
	testl $~(SEEN_TWICE - 1), %ecx
	jnz 2f
	movl %eax, page_directory - VIRT_BASE + (VIRT_BASE >> LARGE_SHIFT) * 4(, %ecx, 4)
2:	decl %ecx
	jns 1b
	movl %cr4, %eax
	orl $CR4_PSE, %eax
	movl %eax, %cr4
	movl $page_directory - VIRT_BASE, %eax
	movl %eax, %cr3
	movl %cr0, %eax
	orl $CR0_PG, %eax
	movl %eax, %cr0
	movl $boot_stack_end, %esp
	movl $3f, %eax
	jmp *%eax
3:	pushl %esi
	call start_on_a_pc

/* One to one, until it has told where its lguest_data is and has handed over tables of its own. */
on_lguest:
	KEEP_SEGMENTS_OF_ENTRY VIRT_BASE
	movl $boot_stack_end - VIRT_BASE, %esp
	KEEP_FLAGS_OF_ENTRY VIRT_BASE
	movl $SMALL_FLAGS, %eax
	movl $small_tables - VIRT_BASE, %edi
	movl $SMALL_TABLES * 1024, %ecx
1:	stosl
	addl $4096, %eax
	loop 1b
	movl $small_tables - VIRT_BASE + SMALL_FLAGS, %eax
	movl $page_directory - VIRT_BASE, %edi
	movl $SMALL_TABLES, %ecx
1:	movl %eax, (VIRT_BASE >> LARGE_SHIFT) * 4(%edi)
	stosl
	addl $4096, %eax
	loop 1b
	movl $LHCALL_INIT, %eax
	movl $lguest_data - VIRT_BASE, %ebx
	int $0x1f
	movl $LHCALL_TABLES, %eax
	movl $page_directory - VIRT_BASE, %ebx
	int $0x1f
	movl $boot_stack_end, %esp
	movl $2f, %eax
	jmp *%eax
2:	pushl %esi
	call start_on_lguest

	.globl lguest_tick_entry
lguest_tick_entry:
	incl events_seen
	pushl 8(%esp)			/* its flags are lguest_data's first word */
	popl lguest_data
	iretl

/* ---- What pc.c needs of a PC ---- */

	.globl load_tables, plain_iret, tick_entry
/* load_tables(gdtr, idtr, cs, ds, tr) */
load_tables:
	movl 4(%esp), %eax
	lgdtl (%eax)
	movl 8(%esp), %eax
	lidtl (%eax)
	movl 16(%esp), %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl 20(%esp), %eax
	ltr %ax
	popl %eax
	pushl 8(%esp)			/* cs */
	pushl %eax
	lretl
plain_iret:
	iretl
tick_entry:
	incl events_seen
	pushl %eax
	movb $0x20, %al			/* end of interrupt */
	outb %al, $0x20
	popl %eax
	iretl

	.bss
	.balign 4096
	.globl page_directory, entry_cr0, boot_stack_end
page_directory:
	.skip 4096
small_tables:
	.skip SMALL_TABLES * 4096
	.skip 8192
boot_stack_end:
entry_cr0:
	.skip 4
	.section .note.GNU-stack, "", @progbits
