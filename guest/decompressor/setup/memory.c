/* SPDX-License-Identifier: MIT */
/*
 * What RAM there is, by each of the BIOS's three ways; and the gate that keeps
 * address line 20 at 0 until somebody opens it.
 */
#include "setup.h"

#define SMAP 0x534d4150

static void ask_e820(void)
{
	static struct boot_e820_entry entry; /* in our segment: %es:%di */
	struct regs regs = { 0 };

	do {
		regs.eax = 0xe820;
		regs.ecx = sizeof(entry);
		regs.edx = SMAP;
		regs.edi = (uint32_t)(uintptr_t)&entry;
		bios(0x15, &regs);
		if (regs.flags & FLAG_CARRY)
			break;
		if (regs.eax != SMAP) { /* it went wrong in between: nothing that it said counts */
			boot_params.e820_entries = 0;
			break;
		}
		boot_params.e820_table[boot_params.e820_entries++] = entry;
	} while (regs.ebx && boot_params.e820_entries < E820_MAX_ENTRIES_ZEROPAGE);
}

/* KiB between 1 and 16 MiB in one register, what lies above in units of 64 KiB in the other. */
static void ask_e801(void)
{
	struct regs regs = { .eax = 0xe801 };

	bios(0x15, &regs);
	if (regs.flags & FLAG_CARRY)
		return;
	if ((uint16_t)regs.ecx || (uint16_t)regs.edx) {
		regs.eax = regs.ecx;
		regs.ebx = regs.edx;
	}
	if ((uint16_t)regs.eax > 15 * 1024)
		return;
	boot_params.alt_mem_k = (uint16_t)regs.eax;
	if ((uint16_t)regs.eax == 15 * 1024)
		boot_params.alt_mem_k += (uint32_t)(uint16_t)regs.ebx << 6;
}

static void ask_88(void)
{
	struct regs regs = { .eax = 0x8800 };

	bios(0x15, &regs);
	boot_params.screen_info.ext_mem_k = (uint16_t)regs.eax;
}

void find_memory(void)
{
	ask_e820();
	ask_e801();
	ask_88();
}

/* ---- A20 ---- */

#define PROBE   0x200 /* 0:200h, the vector of interrupt 80h */
#define SAME    (0x10 + PROBE)
#define TRIES   32
#define KBC     0x64
#define KBC_OUT 0x60

/* With the gate shut, ffff:210 is 0:200. */
static bool a20_is_open(void)
{
	uint8_t saved, above;
	bool open = false;

	set_fs(0);
	saved = fs_byte(PROBE);
	for (uint8_t i = 0; i < TRIES && !open; i++) {
		set_fs(0);
		set_fs_byte(PROBE, (uint8_t)(saved + i));
		outb(0x80, 0); /* a moment for the gate */
		set_fs(0xffff);
		above = fs_byte(SAME);
		open = above != (uint8_t)(saved + i);
	}
	set_fs(0);
	set_fs_byte(PROBE, saved);
	return open;
}

static void ask_bios_for_a20(void)
{
	struct regs regs = { .eax = 0x2401 };

	bios(0x15, &regs);
}

static void wait_for_kbc(void)
{
	for (uint32_t tries = 100000; tries && (inb(KBC) & 2); tries--)
		;
}

static void ask_kbc_for_a20(void)
{
	wait_for_kbc();
	outb(KBC, 0xd1); /* write its output port */
	wait_for_kbc();
	outb(KBC_OUT, 0xdf);
	wait_for_kbc();
	outb(KBC, 0xff); /* some need a command after it */
	wait_for_kbc();
}

/* Port 92h: bit 1 is the gate, bit 0 a reset. */
static void ask_chipset_for_a20(void)
{
	outb(0x92, (uint8_t)((inb(0x92) | 2) & ~1));
}

bool open_a20(void)
{
	if (a20_is_open())
		return true;
	ask_bios_for_a20();
	if (a20_is_open())
		return true;
	ask_kbc_for_a20();
	if (a20_is_open())
		return true;
	ask_chipset_for_a20();
	return a20_is_open();
}
