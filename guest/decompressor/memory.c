/* SPDX-License-Identifier: MIT */
/*
 * Moving, clearing and summing up memory, in as few instructions as there are:
 * all of a kernel goes through here, some of it twice.
 */
#include "decompressor.h"

static void *move_words_up(void *to, const void *from, size_t words)
{
	__asm__ volatile("rep movs%z3" : "+D"(to), "+S"(from), "+c"(words) : "r"(words) : "memory");
	return to;
}

/* To a lower address, or to one that is not in between: first byte first. */
static void move_up(uint8_t *to, const uint8_t *from, size_t len)
{
	size_t tail = len % sizeof(size_t);

	move_words_up(to, from, len / sizeof(size_t));
	to += len - tail;
	from += len - tail;
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(tail) : : "memory");
}

/*
 * To a higher address that lies in between: last byte first, but in pieces as
 * long as the distance, each of which can be moved the fast way.
 */
static void move_down(uint8_t *to, const uint8_t *from, size_t len)
{
	size_t distance = (size_t)(to - from);

	while (len) {
		size_t piece = len < distance ? len : distance;

		len -= piece;
		move_up(to + len, from + len, piece);
	}
}

void move_bytes(void *to, const void *from, size_t len)
{
	if (to == from)
		return;
	if ((uintptr_t)to - (uintptr_t)from < len)
		move_down(to, from, len);
	else
		move_up(to, from, len);
}

void zero_bytes(void *to, size_t len)
{
	size_t words = len / sizeof(size_t), tail = len % sizeof(size_t);

	__asm__ volatile("rep stos%z2\n\tmov %3, %1\n\trep stosb"
			 : "+D"(to), "+c"(words)
			 : "a"((size_t)0), "r"(tail)
			 : "memory");
}
