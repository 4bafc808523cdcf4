/* SPDX-License-Identifier: MIT */
/*
 * The memory map of QEMU's machines, as a plan is made for it before there is
 * a machine: what is RAM, what the firmware keeps, and where nothing may be
 * placed. The trampoline later compares it with what the real machine says,
 * and refuses one that has less. Every number was read off the e820 map that
 * Linux prints on Debian 12's QEMU 7.2, with 256 MiB to 5 GiB and 1 to 255
 * CPUs:
 *
 *                      pc (SeaBIOS 1.16)          microvm (qboot)
 *     0                RAM                        RAM
 *     0x9fc00          reserved: EBDA             reserved: EBDA
 *     0xa0000          VGA                        nothing
 *     0xd0000          option ROMs                ACPI tables
 *     0xf0000          firmware, RSDP             firmware, RSDP
 *     1 MiB            RAM                        RAM
 *     low end - 17 M   RAM, in use until entry    RAM
 *     low end - 16 M   RAM                        RAM
 *     low end - 128 K  ACPI tables                RAM
 *     low end          PCI hole, from 3 GiB       nothing
 *     4 GiB            the rest of RAM            the rest of RAM
 *
 * The low end is where RAM below 4 GiB ends. pc keeps all RAM below if it is
 * less than 3.5 GiB, and otherwise all but the first 3 GiB above 4 GiB;
 * microvm does so above 3 GiB.
 *
 * A guest is told one map for both machines where they differ in nothing that
 * it could miss, so that a domain file starts on either. What a plan puts
 * below 1 MiB, because that kernel wants it there, has to be copied there by
 * the trampoline, since the firmware works there until the moment it enters.
 * SeaBIOS works in one more place, which no map tells of: right below what
 * it may reserve at the end, 16 MiB, or 256 KiB if there are no more than 32 MiB.
 * What a domain's loader puts there, it writes over. It left its marks in 120 KiB
 * of a RAM that was filled with a pattern, of 8 MiB to 4 GiB, with 1 CPU and with 8.
 */
#include "arith.h"
#include "internal.h"

enum {
	BIOS_DATA_END = 0x1000,  /* interrupt vectors and the BIOS's data, which a real-mode guest calls on */
	EBDA_GPA = 0x9f000,      /* 0x9fc00, on its page's start: a plan places whole pages */
	EBDA_END = 0xa0000,      /* the end of conventional memory */
	TABLES_GPA = 0xd0000,    /* the lower of both machines' firmware ranges below 1 MiB */
	FIRMWARE_TOP = 256 << 10 /* below pc's low end: 128 KiB seen, as much again for firmware of other versions */
};

static const struct {
	uint64_t low_above, reserve_len, len; /* the first row that low RAM exceeds */
} works[] = { { 32 * MIB, 16 * MIB, MIB }, { 0, FIRMWARE_TOP, 256 << 10 } };

static const uint64_t mem_min = 4 * MIB;
static const uint64_t mem_max = 512 * GIB; /* pc reserves the last 12 GiB below 1 TiB; far enough from it */

static const struct {
	uint64_t low_max; /* RAM of less than this lies below 4 GiB as a whole, */
	uint64_t split;   /* and of other RAM, this much */
	uint64_t firmware_top;
} machines[] = {
	[ENGINE_PC] = { 3584 * MIB, 3 * GIB, FIRMWARE_TOP },
	[ENGINE_MICROVM] = { 3 * GIB + 1, 3 * GIB, 0 },
};

static void add_ram(struct engine_memory *memory, pb_gpa gpa, pb_gpa end, enum pb_ram_type type)
{
	if (gpa < end)
		memory->ram[memory->nr_ram++] = (struct pb_range){ gpa, end - gpa, type };
}

static void add_keep(struct engine_memory *memory, pb_gpa gpa, pb_gpa end)
{
	memory->keep[memory->nr_keep++] = (struct pb_range){ gpa, end - gpa, 0 };
}

/* Where pc's firmware works while the domain is in memory already. */
static void keep_firmware_work(struct engine_memory *memory, uint64_t low)
{
	size_t i = low > works[0].low_above ? 0 : 1;
	pb_gpa end = low - works[i].reserve_len;

	add_keep(memory, end - works[i].len, end);
}

int engine_memory_map(enum engine_machine machine, uint64_t mem_len, struct engine_memory *ret,
		      struct engine_error *err)
{
	if (machine == ENGINE_MACHINE_AUTO)
		machine = ENGINE_PC;
	if (mem_len < mem_min || mem_len > mem_max || mem_len % MIB)
		return engine_fail(err, ENGINE_BAD_INPUT,
				   "memory: %llu bytes is not a whole number of MiB from %llu to %llu",
				   (unsigned long long)mem_len, mem_min / MIB, mem_max / MIB);

	uint64_t low = mem_len < machines[machine].low_max ? mem_len : machines[machine].split;
	uint64_t firmware = low - machines[machine].firmware_top;
	struct engine_memory memory = { .nr_ram = 0 };

	add_ram(&memory, 0, EBDA_GPA, PB_E820_RAM);
	add_ram(&memory, EBDA_GPA, EBDA_END, PB_E820_RESERVED);
	add_ram(&memory, TABLES_GPA, MIB, PB_E820_RESERVED);
	add_ram(&memory, MIB, firmware, PB_E820_RAM);
	add_ram(&memory, firmware, low, PB_E820_RESERVED);
	add_ram(&memory, 4 * GIB, 4 * GIB + mem_len - low, PB_E820_RAM);
	add_keep(&memory, 0, BIOS_DATA_END);
	if (machine == ENGINE_PC)
		keep_firmware_work(&memory, low);
	*ret = memory;
	return 0;
}
