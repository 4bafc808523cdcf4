/* SPDX-License-Identifier: MIT */
/* The two port instructions that every guest program needs, in whatever mode it runs. */
#ifndef GUEST_PORT_H
#define GUEST_PORT_H

#include <stdint.h>

static inline void outb(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t inb(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

#endif
