/* SPDX-License-Identifier: MIT */
/*
 * Which device answers at which I/O port. As on a PC's ISA bus, a port that no
 * device claims reads as all ones and swallows writes: systems probe for
 * hardware that way. Devices see single bytes; a wider access is that many
 * bytes at successive ports.
 */
#include "machine.h"
#include "map.h"

static uint8_t com1_read(struct machine *machine, unsigned reg)
{
	return uart_read(&machine->uart, reg);
}

static void com1_write(struct machine *machine, unsigned reg, uint8_t value)
{
	uart_write(&machine->uart, reg, value);
}

static uint8_t clock_read(struct machine *machine, unsigned reg)
{
	return cmos_read(&machine->cmos, reg);
}

static void clock_write(struct machine *machine, unsigned reg, uint8_t value)
{
	cmos_write(&machine->cmos, reg, value);
}

/* By how often they are used. */
static const struct range {
	uint16_t first, count;
	uint8_t (*read)(struct machine *machine, unsigned reg);
	void (*write)(struct machine *machine, unsigned reg, uint8_t value);
} ranges[] = {
	{ PORT_COM1, UART_PORTS, com1_read, com1_write },
	{ PORT_CMOS, 2, clock_read, clock_write },
	{ PORT_PM1_EVENT, 2, pm1_status_read, pm1_status_write },
	{ PORT_PM1_EVENT + 2, 2, pm1_enable_read, pm1_enable_write },
	{ PORT_PM1_CONTROL, 2, pm1_control_read, pm1_control_write },
	{ PORT_KBC_DATA, 1, kbc_read, kbc_write },
	{ PORT_KBC_COMMAND, 1, kbc_read, kbc_command },
	{ PORT_SYSTEM_A, 1, system_a_read, system_a_write },
	{ PORT_RESET, 1, reset_read, reset_write },
};

static const struct range *range_at(uint16_t port)
{
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if (port >= ranges[i].first && port - ranges[i].first < ranges[i].count)
			return &ranges[i];
	return NULL;
}

uint8_t bus_read(struct machine *machine, uint16_t port)
{
	const struct range *range = range_at(port);

	return range ? range->read(machine, port - range->first) : 0xff;
}

void bus_write(struct machine *machine, uint16_t port, uint8_t value)
{
	const struct range *range = range_at(port);

	if (range)
		range->write(machine, port - range->first, value);
}
