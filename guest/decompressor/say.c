/* SPDX-License-Identifier: MIT */
/*
 * The only thing that the decompressor ever says: why it stops. To the screen,
 * if it is in text mode, and to the first serial port, if the command line
 * names it as a console. In a PV guest there is no console without the
 * hypervisor, and no stopping: it crashes, which every hypervisor reports.
 */
#include "../port.h"
#include "decompressor.h"

#define COM1              0x3f8
#define LINE_STATUS       5
#define TRANSMITTER_EMPTY 0x20
#define SCREEN            0xb8000
#define BRIGHT            0x4f00 /* white on red */

static void put_serial(char c)
{
	for (unsigned tries = 1u << 16; tries && !(inb(COM1 + LINE_STATUS) & TRANSMITTER_EMPTY); tries--)
		;
	outb(COM1, (uint8_t)c);
}

static void say_serial(const char *text)
{
	while (*text)
		put_serial(*text++);
}

static void say_screen(const struct boot_params *params, const char *text)
{
	const struct screen_info *info = &params->screen_info;
	volatile uint16_t *cell = (volatile uint16_t *)SCREEN + (size_t)info->orig_y * info->orig_video_cols;

	while (*text)
		*cell++ = (uint16_t)(BRIGHT | (uint8_t)*text++);
}

static bool has_serial(const struct boot_params *params)
{
	return cmdline_has(params, "console=ttyS0") || cmdline_has(params, "console=ttyS0,115200") ||
	       cmdline_has(params, "earlyprintk=");
}

void stop(const struct start *start, const struct boot_params *params, const char *why)
{
	if (start->kind & PACK_PV)
		__builtin_trap();
	if (params && params->screen_info.orig_video_isVGA == 1)
		say_screen(params, why);
	if (!params || has_serial(params)) {
		say_serial("\r\nparaboot: ");
		say_serial(why);
		say_serial("\r\n");
	}
	for (;;)
		__asm__ volatile("cli; hlt");
}
