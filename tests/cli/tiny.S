/* SPDX-License-Identifier: MIT */
/* A guest for examples/vmm.c: says hello, and resets the machine. */
#include "guest.inc"
	.globl	_start
_start:
	say	line, line_end
	reset

line:	.ascii	"tiny: hello from ring 0\n"
line_end:
