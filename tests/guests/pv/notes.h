/* SPDX-License-Identifier: MIT */
/*
 * For assembler files: ELF notes. NOTE is one of Xen's, by the numbers of
 * <xen/elfnote.h>; OWN_NOTE one of ours (docs/notes.md). A string's size is
 * given with its NUL, where it has one.
 */
#ifndef TEST_PV_NOTES_H
#define TEST_PV_NOTES_H

.macro NOTE_OF owner, owner_size, type, size, desc:vararg
	.balign 4
	.long \owner_size, \size, \type
	.asciz "\owner"
	.balign 4
	\desc
.endm

.macro NOTE type, size, desc:vararg
	NOTE_OF Xen, 4, \type, \size, \desc
.endm

.macro OWN_NOTE type, size, desc:vararg
	NOTE_OF paraboot, 9, \type, \size, \desc
.endm

/* What every PV kernel says of itself: Linux's ABI, Xen 3, a loader that needs not know it. */
.macro PV_NOTES
	NOTE 6, 6, .asciz "linux"
	NOTE 5, 8, .asciz "xen-3.0"
	NOTE 8, 8, .asciz "generic"
.endm

#endif
