/* SPDX-License-Identifier: MIT */
/* A guest that says what is in the file named by WORDS, whatever that is, and powers off. */
#include "guest.inc"
	.globl	_start
_start:
	say	words, words_end
	power_off

words:	.incbin	WORDS
words_end:
