/* SPDX-License-Identifier: MIT */
/*
 * A 16550A: the guest's console, both ways, interrupt-driven or polled. It
 * knows nothing of KVM or terminals: struct uart_line is what it is wired to.
 */
#ifndef PB_KVM_UART_H
#define PB_KVM_UART_H

#include <stdbool.h>
#include <stdint.h>

#define UART_PORTS 8
#define UART_FIFO  16

struct uart_line {
	int (*take)(void *ctx);                   /* the next byte from the other end, or -1 */
	void (*give)(void *ctx, uint8_t byte);    /* a byte to the other end; may wait */
	void (*interrupt)(void *ctx, bool level); /* the line to the interrupt controller, when it changes */
};

struct uart {
	const struct uart_line *line;
	void *ctx;
	uint8_t fifo[UART_FIFO];
	unsigned head, count;
	bool from_loop; /* what is in there was sent by the guest itself */
	uint8_t ier, fcr, lcr, mcr, scr, dll, dlm;
	bool handshakes;   /* RTS was up: from then on it counts */
	bool opened;       /* someone has written MCR */
	unsigned looks;    /* at LSR, in a row */
	bool overrun;      /* LSR: a byte came and there was no room; only in loopback, the wire waits */
	bool thr_emptied;  /* the transmitter's interrupt cause */
	uint8_t msr_delta; /* modem lines that changed since MSR was read */
	bool level;        /* of the interrupt line */
};

void uart_init(struct uart *uart, const struct uart_line *line, void *ctx);
uint8_t uart_read(struct uart *uart, unsigned reg);
void uart_write(struct uart *uart, unsigned reg, uint8_t value);

/* The other end may have bytes: take what fits. */
void uart_poke(struct uart *uart);

#endif
