/* SPDX-License-Identifier: MIT */
/* The start of the 32-bit PV guests that test the paravisor: Xen notes and entry point. */
#include "arch.h"
#include "entry.inc"
#include "notes.inc"

	.section .note.xen, "a", @note
	PV_NOTES
	NOTE 3, 4, .long VIRT_BASE
	NOTE 4, 4, .long 0
	NOTE 1, 4, .long start
	NOTE 2, 4, .long hypercall_page
	NOTE 9, 4, .asciz "yes"
	NOTE 12, 4, .long 0xf5800000
	NOTE 10, 41, .ascii "!writable_page_tables|pae_pgdir_above_4gb"
	.balign 4

	.text
	.globl start
start:
	KEEP_SEGMENTS_OF_ENTRY
	KEEP_FLAGS_OF_ENTRY
	pushl %esi
	call guest_start
	ud2

	.section .note.GNU-stack, "", @progbits
