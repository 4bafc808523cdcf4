/* SPDX-License-Identifier: MIT */
/*
 * A guest for the tests of the terminal: says that it is ready, then sends back
 * each byte that it gets, until it gets a dot, which resets the machine, or an
 * exclamation mark, which is its end by a triple fault.
 */
#include "guest.inc"
	.globl	_start
_start:
	say	line, line_end
4:	movw	$COM1_STATUS, %dx
	inb	%dx, %al
	testb	$0x01, %al
	jz	4b
	movw	$COM1_DATA, %dx
	inb	%dx, %al
	cmpb	$'.', %al
	je	5f
	cmpb	$'!', %al
	je	6f
	send
	jmp	4b
5:	reset
6:	crash

line:	.ascii	"ready\n"
line_end:
