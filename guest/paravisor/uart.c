/* SPDX-License-Identifier: MIT */
/*
 * The serial port COM1: the one way the paravisor and its guest speak. Output
 * is polled; input raises the UART's interrupt, which apic.c routes here.
 */
#include "asm.h"
#include "paravisor.h"

#define COM1 0x3f8
enum { THR = 0, RBR = 0, IER = 1, FCR = 2, LCR = 3, MCR = 4, LSR = 5 };
#define LSR_DATA  0x01
#define LSR_EMPTY 0x20
#define SPINS     1000000 /* a port that never empties must not hang the guest */

static struct lock uart_lock;
static bool last_words; /* whoever holds the lock may be the one that crashed */

void uart_last_words(void)
{
	last_words = true;
}

void uart_init(void)
{
	outb(COM1 + LCR, 0x83); /* 8n1, divisor latch */
	outb(COM1 + THR, 1);
	outb(COM1 + IER, 0);
	outb(COM1 + LCR, 0x03);
	outb(COM1 + FCR, 0x07);
	outb(COM1 + MCR, 0x0b);
	outb(COM1 + IER, 0x01); /* data available */
}

void uart_put(char c)
{
	for (unsigned i = 0; i < SPINS && !(inb(COM1 + LSR) & LSR_EMPTY); i++)
		cpu_relax();
	outb(COM1 + THR, (uint8_t)c);
}

void uart_write(const char *buf, size_t len)
{
	bool locked = !last_words;

	if (locked)
		lock(&uart_lock);
	for (size_t i = 0; i < len; i++) {
		if (buf[i] == '\n')
			uart_put('\r');
		uart_put(buf[i]);
	}
	if (locked)
		unlock(&uart_lock);
}

int uart_get(void)
{
	return inb(COM1 + LSR) & LSR_DATA ? inb(COM1 + RBR) : -1;
}
