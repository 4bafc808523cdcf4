/* SPDX-License-Identifier: MIT */
/*
 * Every way in which software turns a PC off or resets it, but the triple
 * fault: ACPI's sleep state S5 through PM1, ACPI's reset register (the one
 * that chipsets have at 0xcf9), the keyboard controller's reset line, and
 * system control port A. Of the keyboard controller that line is all there is.
 */
#include "machine.h"
#include "map.h"

/* PM1 control's second byte: SLP_TYP is bits 10 to 12, SLP_EN bit 13. */
#define SLEEP_TYPE(high)   ((high) >> 2 & 7)
#define SLEEP_ENABLE       0x20
#define SCI_ENABLED        0x01
#define KBC_PULSE_RESET(c) (((c)&0xf1) == 0xf0) /* of commands 0xf0 to 0xff, those with bit 0 clear */
#define SYSTEM_A_RESET     0x01
#define SYSTEM_A_A20       0x02
#define RESET_CPU          0x04

/* In status, writing ones clears; nothing ever sets it. */
uint8_t pm1_status_read(struct machine *machine, unsigned reg)
{
	(void)machine;
	(void)reg;
	return 0;
}

void pm1_status_write(struct machine *machine, unsigned reg, uint8_t value)
{
	(void)machine;
	(void)reg;
	(void)value;
}

uint8_t pm1_enable_read(struct machine *machine, unsigned reg)
{
	return machine->power.enable[reg];
}

void pm1_enable_write(struct machine *machine, unsigned reg, uint8_t value)
{
	machine->power.enable[reg] = value;
}

uint8_t pm1_control_read(struct machine *machine, unsigned reg)
{
	return reg ? 0 : machine->power.control | SCI_ENABLED;
}

void pm1_control_write(struct machine *machine, unsigned reg, uint8_t value)
{
	if (!reg)
		machine->power.control = value;
	else if (value & SLEEP_ENABLE && SLEEP_TYPE(value) == PM_SLEEP_S5)
		machine_end(machine, ENDING_POWER_OFF, "by ACPI");
}

/* Nothing to read and always ready to be written. */
uint8_t kbc_read(struct machine *machine, unsigned reg)
{
	(void)machine;
	(void)reg;
	return 0;
}

void kbc_write(struct machine *machine, unsigned reg, uint8_t value)
{
	(void)machine;
	(void)reg;
	(void)value;
}

void kbc_command(struct machine *machine, unsigned reg, uint8_t value)
{
	(void)reg;
	if (KBC_PULSE_RESET(value))
		machine_end(machine, ENDING_RESET, "by the keyboard controller");
}

uint8_t system_a_read(struct machine *machine, unsigned reg)
{
	(void)machine;
	(void)reg;
	return SYSTEM_A_A20;
}

void system_a_write(struct machine *machine, unsigned reg, uint8_t value)
{
	(void)reg;
	if (value & SYSTEM_A_RESET)
		machine_end(machine, ENDING_RESET, "by system control port A");
}

uint8_t reset_read(struct machine *machine, unsigned reg)
{
	(void)machine;
	(void)reg;
	return 0;
}

void reset_write(struct machine *machine, unsigned reg, uint8_t value)
{
	(void)reg;
	if (value & RESET_CPU)
		machine_end(machine, ENDING_RESET, "by the reset register");
}
