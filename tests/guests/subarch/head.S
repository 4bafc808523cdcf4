/* SPDX-License-Identifier: MIT */
/*
 * A bzImage by hand, to show that the protocol alone makes one: boot sector
 * with the setup header (boot.rst, "The Real-Mode Kernel Header"), a second
 * sector for real mode, and the protected-mode part: a stub of a few lines and
 * the kernel, an ELF file that is not compressed. Where a boot sector has code
 * there is an ELF header with notes, by which a builder of Xen domains can start the
 * image as it is (docs/pack.md, "The ELF header").
 *
 * The stub is entered at the protected-mode part's first byte, in ring 0
 * without paging or in ring 1 with it, or in ring 1 by the notes: then %esi is
 * start_info, and there is a stack. So it executes nothing privileged and
 * loads no segment register, whether KEEP_SEGMENTS is set or not: the flat ones that
 * the protocol promises will do. %esp is promised to nobody; boot_params has
 * room for one return address, by which the stub finds out where it runs. All
 * that it then does is to put the kernel's PT_LOADs where they belong, and to
 * jump to the kernel's entry of the same kind, with what it was told in %esi.
 */
#include "arch.h"
#include "notes.inc"
#include "window.inc"

#define SECTOR	     512
#define PROTOCOL     0x20c
#define LOADED_HIGH  1
#define INIT_SIZE    (KERNEL_AT - LOADED_AT + 0x100000)
#define SCRATCH_END  0x1e8		/* in boot_params */

#define E_ENTRY	     24
#define E_PHOFF	     28
#define E_PHENTSIZE  42
#define E_PHNUM	     44
#define P_OFFSET     4
#define P_PADDR	     12
#define P_FILESZ     16
#define P_MEMSZ	     20
#define PT_LOAD	     1
#define PT_NOTE	     4

	.code16
	.text
boot_sector:
	.ascii "\177ELF"
	.byte 1, 1, 1			/* 32-bit, little-endian, version 1 */
	.org 16
	.word 0, 3			/* ET_NONE: not an ELF file to just jump into; EM_386 */
	.long 1, LOADED_AT, program_headers - boot_sector
	.long 0, 0			/* no sections */
	.word 52, 32, 2, 0, 0, 0
program_headers:
	.long PT_LOAD, startup_32 - boot_sector, VIRT_BASE + LOADED_AT, LOADED_AT
	.long image_end - startup_32, INIT_SIZE, 7, 0x1000
	.long PT_NOTE, notes - boot_sector, 0, 0, notes_end - notes, notes_end - notes, 4, 4
	.org 0x1f1
	.byte 1				/* setup_sects */
	.word 0				/* root_flags */
	.long (image_end - startup_32) / 16 /* syssize */
	.word 0, 0xffff, 0		/* ram_size, vid_mode, root_dev */
	.word 0xaa55
real_mode:
	jmp no_real_mode
	.ascii "HdrS"
	.word PROTOCOL
	.long 0				/* realmode_swtch */
	.word 0x1000			/* start_sys_seg */
	.word version - boot_sector - 0x200
	.byte 0, LOADED_HIGH		/* type_of_loader, loadflags */
	.word 0x8000			/* setup_move_size */
	.long LOADED_AT			/* code32_start */
	.long 0, 0			/* the initrd's, filled in by the loader */
	.long 0				/* bootsect_kludge */
	.word 0				/* heap_end_ptr */
	.byte 0, 0			/* ext_loader_ver, ext_loader_type */
	.long 0				/* cmd_line_ptr */
	.long 0x3fffffff		/* initrd_addr_max */
	.long 0x1000			/* kernel_alignment */
	.byte 0, 12			/* relocatable_kernel, min_alignment */
	.word 0				/* xloadflags */
	.long 1023			/* cmdline_size: what a start_info has room for */
	.long 0				/* hardware_subarch */
	.quad 0				/* hardware_subarch_data */
	.long payload - startup_32
	.long payload_end - payload
	.quad 0				/* setup_data */
	.quad LOADED_AT			/* pref_address */
	.long INIT_SIZE
	.long 0				/* handover_offset */

no_real_mode:
	movw $sorry - boot_sector - 0x200, %si
	cld
1:	.byte 0x2e			/* %cs: */
	lodsb
	testb %al, %al
	jz 2f
	movb $0x0e, %ah			/* teletype */
	int $0x10
	jmp 1b
2:	hlt
	jmp 2b
sorry:	.asciz "This kernel starts by the 32-bit boot protocol and by its Xen notes only.\r\n"
version:
	.asciz "paraboot-test one image, several starts"
	.balign 4
notes:
	PV_NOTES
	KERNEL_NOTES (VIRT_BASE + LOADED_AT + by_notes - startup_32)
notes_end:
	.org 2 * SECTOR

	.code32
startup_32:
	leal SCRATCH_END(%esi), %esp
	xorl %eax, %eax				/* as far behind e_entry */
	jmp unpack
by_notes:
	movl $NOTES_ENTRY, %eax
unpack:
	cld
	call 1f
1:	popl %ebx
	leal startup_32 - 1b(%ebx), %ebp		/* the protected-mode part */
	movl %esi, told - startup_32(%ebp)
	movl %eax, entry_at - startup_32(%ebp)
	leal payload - startup_32(%ebp), %edx		/* the ELF file */
	movl E_PHOFF(%edx), %ebx
	addl %edx, %ebx
	movzwl E_PHNUM(%edx), %eax
	movl %eax, segments_left - startup_32(%ebp)
next_segment:
	cmpl $PT_LOAD, (%ebx)
	jne 2f
	movl P_OFFSET(%ebx), %esi
	addl %edx, %esi
	movl P_PADDR(%ebx), %edi
	leal -LOADED_AT(%ebp, %edi), %edi		/* as it sees it */
	movl P_FILESZ(%ebx), %ecx
	rep movsb
	movl P_MEMSZ(%ebx), %ecx
	subl P_FILESZ(%ebx), %ecx
	xorl %eax, %eax
	rep stosb
2:	movzwl E_PHENTSIZE(%edx), %eax
	addl %eax, %ebx
	decl segments_left - startup_32(%ebp)
	jnz next_segment
	movl told - startup_32(%ebp), %esi
	movl E_ENTRY(%edx), %eax
	addl entry_at - startup_32(%ebp), %eax
	leal -LOADED_AT(%ebp, %eax), %eax
	jmp *%eax

	.balign 4
told:	.long 0
entry_at:
	.long 0
segments_left:
	.long 0
	.balign 16
payload:
	.incbin PAYLOAD
payload_end:
	.balign 16
image_end:
	.section .note.GNU-stack, "", @progbits
