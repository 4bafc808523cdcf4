/* SPDX-License-Identifier: MIT */
/*
 * The kvm engine's 16550A against a wire made of two strings: what a driver
 * does to find it, to send and receive with and without interrupts, and what
 * must not get lost on the way.
 */
#include <linux/serial_reg.h>
#include <stdbool.h>
#include <string.h>

#include "kvm/uart.h"
#include "unit.h"

struct wire {
	struct uart uart;
	const char *typed;
	char sent[64];
	size_t sent_len;
	bool level;
	unsigned edges; /* rising */
};

static int take(void *ctx)
{
	struct wire *wire = ctx;

	return wire->typed && *wire->typed ? *wire->typed++ : -1;
}

static void give(void *ctx, uint8_t byte)
{
	struct wire *wire = ctx;

	assert_true(wire->sent_len < sizeof(wire->sent));
	wire->sent[wire->sent_len++] = (char)byte;
}

static void interrupt(void *ctx, bool level)
{
	struct wire *wire = ctx;

	assert_int_not_equal(level, wire->level);
	wire->level = level;
	wire->edges += level;
}

static const struct uart_line line = { take, give, interrupt };

static int setup(void **state)
{
	static struct wire wire;

	memset(&wire, 0, sizeof(wire));
	uart_init(&wire.uart, &line, &wire);
	*state = &wire;
	return 0;
}

/* As a driver opens it: FIFO with a trigger level of 8, modem lines up, receive interrupt on. */
static struct wire *opened(void **state)
{
	struct wire *wire = *state;

	uart_write(&wire->uart, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_TRIGGER_8);
	uart_write(&wire->uart, UART_MCR, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
	uart_write(&wire->uart, UART_IER, UART_IER_RDI);
	return wire;
}

static void type(struct wire *wire, const char *text)
{
	wire->typed = text;
	uart_poke(&wire->uart);
}

static uint8_t cause(struct wire *wire)
{
	return uart_read(&wire->uart, UART_IIR) & 0x0f;
}

static void is_found_as_a_16550a(void **state)
{
	struct wire *wire = *state;

	uart_write(&wire->uart, UART_SCR, 0xa5);
	assert_int_equal(uart_read(&wire->uart, UART_SCR), 0xa5);
	assert_int_equal(uart_read(&wire->uart, UART_IIR) & 0xc0, 0);
	uart_write(&wire->uart, UART_FCR, UART_FCR_ENABLE_FIFO);
	assert_int_equal(uart_read(&wire->uart, UART_IIR) & 0xc0, 0xc0);
	uart_write(&wire->uart, UART_FCR, UART_FCR_TRIGGER_14); /* without the enable bit it does not count */
	assert_int_equal(uart_read(&wire->uart, UART_IIR) & 0xc0, 0);
	uart_write(&wire->uart, UART_IER, 0xff);
	assert_int_equal(uart_read(&wire->uart, UART_IER), 0x0f);
}

static void divisor_has_its_own_registers(void **state)
{
	struct wire *wire = *state;

	uart_write(&wire->uart, UART_LCR, UART_LCR_DLAB | UART_LCR_WLEN8);
	uart_write(&wire->uart, UART_DLL, 0x34);
	uart_write(&wire->uart, UART_DLM, 0x12);
	assert_int_equal(uart_read(&wire->uart, UART_DLL), 0x34);
	assert_int_equal(uart_read(&wire->uart, UART_DLM), 0x12);
	uart_write(&wire->uart, UART_LCR, UART_LCR_WLEN8);
	assert_int_equal(uart_read(&wire->uart, UART_IER), 0);
	assert_int_equal(wire->sent_len, 0);
}

static void polled_output_arrives(void **state)
{
	struct wire *wire = *state;

	for (const char *at = "hello"; *at; at++) {
		assert_true(uart_read(&wire->uart, UART_LSR) & UART_LSR_THRE);
		uart_write(&wire->uart, UART_TX, (uint8_t)*at);
	}
	assert_int_equal(wire->sent_len, 5);
	assert_memory_equal(wire->sent, "hello", 5);
	assert_int_equal(wire->edges, 0);
}

static void enabling_the_transmit_interrupt_raises_it(void **state)
{
	struct wire *wire = opened(state);

	uart_write(&wire->uart, UART_IER, UART_IER_RDI | UART_IER_THRI);
	assert_true(wire->level);
	assert_int_equal(cause(wire), UART_IIR_THRI);
	assert_false(wire->level); /* reading the cause acknowledges it */
	assert_int_equal(cause(wire), UART_IIR_NO_INT);
	uart_write(&wire->uart, UART_TX, 'x');
	assert_true(wire->level);
	assert_int_equal(cause(wire), UART_IIR_THRI);
}

static void interrupt_needs_out2(void **state)
{
	struct wire *wire = opened(state);

	uart_write(&wire->uart, UART_MCR, UART_MCR_RTS);
	type(wire, "x");
	assert_int_equal(cause(wire), UART_IIR_RX_TIMEOUT);
	assert_false(wire->level);
	uart_write(&wire->uart, UART_MCR, UART_MCR_RTS | UART_MCR_OUT2);
	assert_true(wire->level);
}

static void trigger_level_tells_data_from_timeout(void **state)
{
	struct wire *wire = opened(state);

	type(wire, "12345678");
	assert_int_equal(cause(wire), UART_IIR_RDI);
	assert_int_equal(uart_read(&wire->uart, UART_RX), '1');
	assert_int_equal(cause(wire), UART_IIR_RX_TIMEOUT);
}

static void everything_typed_is_read_in_order(void **state)
{
	struct wire *wire = opened(state);
	const char *text = "The quick brown fox jumps over the lazy dog, twice: The quick brown fox";

	type(wire, text);
	assert_int_equal(wire->uart.count, UART_FIFO);
	for (; *text; text++) {
		assert_true(wire->level);
		assert_true(uart_read(&wire->uart, UART_LSR) & UART_LSR_DR);
		assert_int_equal(uart_read(&wire->uart, UART_RX), *text);
	}
	assert_false(wire->level);
	assert_int_equal(uart_read(&wire->uart, UART_LSR), UART_LSR_THRE | UART_LSR_TEMT);
}

static void without_fifo_one_byte_at_a_time(void **state)
{
	struct wire *wire = *state;

	uart_write(&wire->uart, UART_MCR, UART_MCR_RTS);
	type(wire, "abc");
	assert_string_equal(wire->typed, "bc");
	assert_int_equal(uart_read(&wire->uart, UART_RX), 'a');
	assert_int_equal(uart_read(&wire->uart, UART_RX), 'b');
}

/* Opening a port clears the FIFO and reads the data register once or twice: none of that may eat what was typed. */
static void what_is_typed_before_the_port_opens_waits(void **state)
{
	struct wire *wire = *state;

	type(wire, "early");
	uart_write(&wire->uart, UART_IER, 0x0f);
	uart_write(&wire->uart, UART_IER, 0);
	uart_write(&wire->uart, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	uart_write(&wire->uart, UART_MCR, 0);
	uart_read(&wire->uart, UART_LSR);
	uart_write(&wire->uart, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR | UART_FCR_CLEAR_XMIT);
	uart_read(&wire->uart, UART_RX);
	assert_string_equal(wire->typed, "early");
	opened(state);
	assert_int_equal(uart_read(&wire->uart, UART_RX), 'e');
}

/* Until there is one, as a loop without a driver does it; 0: none came. */
static int poll_byte(struct wire *wire)
{
	for (unsigned i = 0; i < 100; i++)
		if (uart_read(&wire->uart, UART_LSR) & UART_LSR_DR)
			return uart_read(&wire->uart, UART_RX);
	return 0;
}

static void polling_a_port_that_was_never_opened_works(void **state)
{
	struct wire *wire = *state;

	type(wire, "ab");
	assert_int_equal(wire->uart.count, 0);
	assert_int_equal(poll_byte(wire), 'a');
	assert_int_equal(poll_byte(wire), 'b');
	assert_int_equal(poll_byte(wire), 0);
}

/* The kernel's early console looks at LSR before and after each byte; that asks for nothing. */
static void polled_output_takes_no_input(void **state)
{
	struct wire *wire = *state;

	type(wire, "early");
	for (unsigned i = 0; i < 40; i++) {
		uart_read(&wire->uart, UART_LSR);
		uart_write(&wire->uart, UART_TX, 'o');
		uart_read(&wire->uart, UART_LSR);
	}
	assert_string_equal(wire->typed, "early");
}

static void lowering_rts_holds_the_sender(void **state)
{
	struct wire *wire = opened(state);

	uart_write(&wire->uart, UART_MCR, UART_MCR_DTR | UART_MCR_OUT2); /* the receive interrupt stays enabled */
	type(wire, "held");
	assert_int_equal(wire->uart.count, 0);
	uart_write(&wire->uart, UART_MCR, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
	assert_int_equal(wire->uart.count, 4);
}

static void driver_without_handshake_gets_all(void **state)
{
	struct wire *wire = *state;

	uart_write(&wire->uart, UART_FCR, UART_FCR_ENABLE_FIFO);
	uart_write(&wire->uart, UART_MCR, UART_MCR_OUT2);
	type(wire, "all");
	assert_int_equal(wire->uart.count, 0);
	uart_write(&wire->uart, UART_IER, UART_IER_RDI);
	assert_int_equal(wire->uart.count, 3);
}

/* As Linux opens its port: it receives first, and enables the FIFO then. */
static void clearing_the_fifo_loses_nothing_typed(void **state)
{
	struct wire *wire = *state;

	wire->typed = "abc";
	uart_write(&wire->uart, UART_MCR, UART_MCR_OUT2);
	uart_write(&wire->uart, UART_IER, UART_IER_RDI);
	assert_int_equal(wire->uart.count, 1);
	uart_write(&wire->uart, UART_FCR, UART_FCR_ENABLE_FIFO);
	uart_write(&wire->uart, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
	for (const char *at = "abc"; *at; at++)
		assert_int_equal(uart_read(&wire->uart, UART_RX), *at);
}

static void clearing_the_fifo_drops_the_loop(void **state)
{
	struct wire *wire = opened(state);

	uart_write(&wire->uart, UART_MCR, UART_MCR_LOOP);
	uart_write(&wire->uart, UART_TX, 'l');
	assert_true(uart_read(&wire->uart, UART_LSR) & UART_LSR_DR);
	uart_write(&wire->uart, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR);
	assert_false(uart_read(&wire->uart, UART_LSR) & UART_LSR_DR);
}

static void loopback_returns_data_and_lines(void **state)
{
	struct wire *wire = opened(state);

	uart_write(&wire->uart, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	assert_int_equal(uart_read(&wire->uart, UART_MSR) & 0xf0, UART_MSR_DCD | UART_MSR_CTS);
	uart_write(&wire->uart, UART_TX, 'l');
	assert_int_equal(wire->sent_len, 0);
	assert_false(wire->level);
	assert_int_equal(uart_read(&wire->uart, UART_RX), 'l');
}

static void loopback_overruns_and_says_so_once(void **state)
{
	struct wire *wire = opened(state);

	uart_write(&wire->uart, UART_IER, UART_IER_RDI | UART_IER_RLSI);
	uart_write(&wire->uart, UART_MCR, UART_MCR_LOOP);
	for (unsigned i = 0; i <= UART_FIFO; i++)
		uart_write(&wire->uart, UART_TX, (uint8_t)i);
	assert_int_equal(cause(wire), UART_IIR_RLSI);
	assert_true(uart_read(&wire->uart, UART_LSR) & UART_LSR_OE);
	assert_false(uart_read(&wire->uart, UART_LSR) & UART_LSR_OE);
	for (unsigned i = 0; i < UART_FIFO; i++)
		assert_int_equal(uart_read(&wire->uart, UART_RX), i);
}

static void modem_lines_that_change_interrupt(void **state)
{
	struct wire *wire = opened(state);

	uart_write(&wire->uart, UART_IER, UART_IER_MSI);
	uart_write(&wire->uart, UART_MCR, UART_MCR_LOOP | UART_MCR_DTR | UART_MCR_OUT2);
	assert_int_equal(cause(wire), UART_IIR_MSI);
	assert_int_equal(uart_read(&wire->uart, UART_MSR), UART_MSR_DSR | UART_MSR_DCD | UART_MSR_DCTS);
	assert_int_equal(cause(wire), UART_IIR_NO_INT);
	/* The ring indicator counts when it ends. */
	uart_write(&wire->uart, UART_MCR, UART_MCR_LOOP | UART_MCR_DTR | UART_MCR_OUT2 | UART_MCR_OUT1);
	assert_int_equal(uart_read(&wire->uart, UART_MSR) & 0x0f, 0);
	uart_write(&wire->uart, UART_MCR, UART_MCR_LOOP | UART_MCR_DTR | UART_MCR_OUT2);
	assert_int_equal(uart_read(&wire->uart, UART_MSR) & 0x0f, UART_MSR_TERI);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(is_found_as_a_16550a, setup),
		cmocka_unit_test_setup(divisor_has_its_own_registers, setup),
		cmocka_unit_test_setup(polled_output_arrives, setup),
		cmocka_unit_test_setup(enabling_the_transmit_interrupt_raises_it, setup),
		cmocka_unit_test_setup(interrupt_needs_out2, setup),
		cmocka_unit_test_setup(trigger_level_tells_data_from_timeout, setup),
		cmocka_unit_test_setup(everything_typed_is_read_in_order, setup),
		cmocka_unit_test_setup(without_fifo_one_byte_at_a_time, setup),
		cmocka_unit_test_setup(what_is_typed_before_the_port_opens_waits, setup),
		cmocka_unit_test_setup(polling_a_port_that_was_never_opened_works, setup),
		cmocka_unit_test_setup(polled_output_takes_no_input, setup),
		cmocka_unit_test_setup(lowering_rts_holds_the_sender, setup),
		cmocka_unit_test_setup(driver_without_handshake_gets_all, setup),
		cmocka_unit_test_setup(clearing_the_fifo_loses_nothing_typed, setup),
		cmocka_unit_test_setup(clearing_the_fifo_drops_the_loop, setup),
		cmocka_unit_test_setup(loopback_returns_data_and_lines, setup),
		cmocka_unit_test_setup(loopback_overruns_and_says_so_once, setup),
		cmocka_unit_test_setup(modem_lines_that_change_interrupt, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
