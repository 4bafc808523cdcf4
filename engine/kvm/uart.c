/* SPDX-License-Identifier: MIT */
/*
 * The 16550A's register model. Three decisions shape it:
 *
 * - A byte written is sent at once, so the transmitter is always empty; give()
 *   makes a guest wait whose reader is slow, and no byte is ever dropped.
 * - The other end of the wire honours the handshake: it sends only while RTS is
 *   up (of a driver that never raised it: while the receive interrupt is
 *   enabled), and only into a FIFO with room. So
 *   what is typed or pasted before the guest has opened its port, or faster
 *   than it reads, waits on our side instead of getting lost. A port that was
 *   never opened still gives a byte to whoever polls LSR for one.
 * - There is no clock: a FIFO that holds less than its trigger level has
 *   "timed out" at once.
 *
 * Registers and their bits are those of <linux/serial_reg.h>.
 */
#include "uart.h"

#include <linux/serial_reg.h>
#include <string.h>

#define POLL_LOOKS 8
#define MSR_LINES  (UART_MSR_CTS | UART_MSR_DSR | UART_MSR_RI | UART_MSR_DCD)

void uart_init(struct uart *uart, const struct uart_line *line, void *ctx)
{
	memset(uart, 0, sizeof(*uart));
	uart->line = line;
	uart->ctx = ctx;
	uart->dll = 1; /* 115200 */
	uart->lcr = UART_LCR_WLEN8;
}

static unsigned capacity(const struct uart *uart)
{
	return uart->fcr & UART_FCR_ENABLE_FIFO ? UART_FIFO : 1;
}

static unsigned trigger(const struct uart *uart)
{
	static const uint8_t levels[] = { 1, 4, 8, 14 };

	return uart->fcr & UART_FCR_ENABLE_FIFO ? levels[uart->fcr >> 6] : 1;
}

static bool looped(const struct uart *uart)
{
	return uart->mcr & UART_MCR_LOOP;
}

/* In loopback the four outputs come back as the four inputs; else the other end is always ready. */
static uint8_t modem_lines(const struct uart *uart)
{
	uint8_t mcr = uart->mcr;

	if (!looped(uart))
		return UART_MSR_CTS | UART_MSR_DSR | UART_MSR_DCD;
	return (mcr & UART_MCR_RTS ? UART_MSR_CTS : 0) | (mcr & UART_MCR_DTR ? UART_MSR_DSR : 0) |
	       (mcr & UART_MCR_OUT1 ? UART_MSR_RI : 0) | (mcr & UART_MCR_OUT2 ? UART_MSR_DCD : 0);
}

/* The highest cause for an interrupt that is enabled and pending, as IIR shows it. */
static uint8_t cause(const struct uart *uart)
{
	if (uart->ier & UART_IER_RLSI && uart->overrun)
		return UART_IIR_RLSI;
	if (uart->ier & UART_IER_RDI && uart->count)
		return uart->count >= trigger(uart) ? UART_IIR_RDI : UART_IIR_RX_TIMEOUT;
	if (uart->ier & UART_IER_THRI && uart->thr_emptied)
		return UART_IIR_THRI;
	if (uart->ier & UART_IER_MSI && uart->msr_delta)
		return UART_IIR_MSI;
	return UART_IIR_NO_INT;
}

/* On a PC, OUT2 connects the UART to the interrupt controller; in loopback that pin is inactive. */
static void update_interrupt(struct uart *uart)
{
	bool wired = uart->mcr & UART_MCR_OUT2 && !looped(uart);
	bool level = wired && cause(uart) != UART_IIR_NO_INT;

	if (level == uart->level)
		return;
	uart->level = level;
	uart->line->interrupt(uart->ctx, level);
}

static void receive(struct uart *uart, uint8_t byte)
{
	if (uart->count >= capacity(uart)) {
		uart->overrun = true;
		return;
	}
	uart->from_loop = looped(uart);
	uart->fifo[(uart->head + uart->count++) % UART_FIFO] = byte;
}

/* A driver that only probes for a UART enables all its interrupts too, but has not connected them yet (OUT2). */
static bool ready_to_receive(const struct uart *uart)
{
	bool wired = uart->ier & UART_IER_RDI && uart->mcr & UART_MCR_OUT2;
	bool asked = uart->handshakes ? uart->mcr & UART_MCR_RTS : wired;

	return asked && !looped(uart) && uart->count < capacity(uart);
}

void uart_poke(struct uart *uart)
{
	int byte;

	while (ready_to_receive(uart) && (byte = uart->line->take(uart->ctx)) >= 0)
		receive(uart, (uint8_t)byte);
	update_interrupt(uart);
}

static uint8_t read_data(struct uart *uart)
{
	uint8_t byte = 0;

	if (uart->count) {
		byte = uart->fifo[uart->head];
		uart->head = (uart->head + 1) % UART_FIFO;
		uart->count--;
	}
	uart_poke(uart);
	return byte;
}

static void write_data(struct uart *uart, uint8_t value)
{
	if (looped(uart))
		receive(uart, value);
	else
		uart->line->give(uart->ctx, value);
	uart->thr_emptied = true;
}

static uint8_t read_cause(struct uart *uart)
{
	uint8_t iir = cause(uart);

	if (iir == UART_IIR_THRI)
		uart->thr_emptied = false;
	update_interrupt(uart);
	return iir | (uart->fcr & UART_FCR_ENABLE_FIFO ? 0xc0 : 0);
}

/* Someone who does nothing but look at LSR waits for a byte; who waits to send looks once or twice. */
static bool is_polled(const struct uart *uart)
{
	return !uart->opened && uart->looks >= POLL_LOOKS && !uart->count;
}

static uint8_t read_line_status(struct uart *uart)
{
	uint8_t lsr = UART_LSR_THRE | UART_LSR_TEMT;
	int byte = -1;

	uart->looks++;
	if (is_polled(uart))
		byte = uart->line->take(uart->ctx);
	if (byte >= 0)
		receive(uart, (uint8_t)byte);
	if (uart->count)
		lsr |= UART_LSR_DR;
	if (uart->overrun)
		lsr |= UART_LSR_OE;
	uart->overrun = false;
	update_interrupt(uart);
	return lsr;
}

static uint8_t read_modem_status(struct uart *uart)
{
	uint8_t msr = modem_lines(uart) | uart->msr_delta;

	uart->msr_delta = 0;
	update_interrupt(uart);
	return msr;
}

/* Enabling the transmitter's interrupt while it is empty is itself a cause. */
static void write_enables(struct uart *uart, uint8_t value)
{
	if (value & ~uart->ier & UART_IER_THRI)
		uart->thr_emptied = true;
	uart->ier = value & 0x0f;
	uart_poke(uart);
}

/*
 * Clearing the FIFO, which enabling it does too, loses what came by loopback
 * only: of the wire's bytes it is as if they came a moment later. (Linux
 * enables the FIFO when it already receives.)
 */
static void write_fifo_control(struct uart *uart, uint8_t value)
{
	bool toggled = (value ^ uart->fcr) & UART_FCR_ENABLE_FIFO;

	if (uart->from_loop && (toggled || value & UART_FCR_CLEAR_RCVR))
		uart->count = 0;
	/* Without the enable bit the others are not taken. */
	uart->fcr = value & UART_FCR_ENABLE_FIFO ? value & (UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_MASK) : 0;
	uart_poke(uart);
}

/* A change of a line sets its delta bit, four below it; the ring indicator's only when it falls. */
static void write_modem_control(struct uart *uart, uint8_t value)
{
	uint8_t before = modem_lines(uart), changed;

	uart->opened = true;
	uart->mcr = value & 0x1f;
	if (value & UART_MCR_RTS && !looped(uart))
		uart->handshakes = true;
	changed = before ^ modem_lines(uart);
	if (!(before & UART_MSR_RI))
		changed &= ~UART_MSR_RI;
	uart->msr_delta |= (changed & MSR_LINES) >> 4;
	uart_poke(uart);
}

uint8_t uart_read(struct uart *uart, unsigned reg)
{
	bool divisor = uart->lcr & UART_LCR_DLAB;

	if (reg != UART_LSR)
		uart->looks = 0;
	switch (reg) {
	case UART_RX:
		return divisor ? uart->dll : read_data(uart);
	case UART_IER:
		return divisor ? uart->dlm : uart->ier;
	case UART_IIR:
		return read_cause(uart);
	case UART_LCR:
		return uart->lcr;
	case UART_MCR:
		return uart->mcr;
	case UART_LSR:
		return read_line_status(uart);
	case UART_MSR:
		return read_modem_status(uart);
	default:
		return uart->scr;
	}
}

static void write_divisor(struct uart *uart, unsigned reg, uint8_t value)
{
	if (reg == UART_DLL)
		uart->dll = value;
	else
		uart->dlm = value;
}

void uart_write(struct uart *uart, unsigned reg, uint8_t value)
{
	uart->looks = 0;
	if (uart->lcr & UART_LCR_DLAB && reg <= UART_DLM) {
		write_divisor(uart, reg, value);
		return;
	}
	switch (reg) {
	case UART_TX:
		write_data(uart, value);
		break;
	case UART_IER:
		write_enables(uart, value);
		break;
	case UART_FCR:
		write_fifo_control(uart, value);
		break;
	case UART_LCR:
		uart->lcr = value;
		break;
	case UART_MCR:
		write_modem_control(uart, value);
		break;
	case UART_SCR:
		uart->scr = value;
		break;
	default: /* LSR and MSR are read-only */
		break;
	}
	update_interrupt(uart);
}
