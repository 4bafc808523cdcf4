/* SPDX-License-Identifier: MIT */
/*
 * The trampoline's checks, between PVH's entry and the guest's (entry.S): does
 * this machine have the RAM that was planned, and a CPU for the planned mode?
 * If not, it says so in one line on the first serial port and stops for good.
 * If so, it hands on the one thing that only the machine knows, where ACPI's
 * tables begin, and copies what could not be loaded in place.
 *
 * Compiled for 32 bits and any address. No division and nothing that needs
 * libgcc; the boot's cost is counted in instructions, so the usual way
 * through here is short.
 */
#include "../port.h"
#include "abi.h"

#include <stdbool.h>
#include <xen/arch-x86/hvm/start_info.h>

enum {
	COM1 = 0x3f8,
	COM1_LINE_STATUS = COM1 + 5,
	TRANSMITTER_EMPTY = 0x20,
	CPUID_EXTENDED = 0x80000001,
	CPUID_EDX_NX = 1 << 20,
	CPUID_EDX_LONG_MODE = 1 << 29,
	EFER_NXE = 1 << 11,
};

/* ---- One line on the serial port, and the end -------------------------- */

/* A port that never gets empty, or is not there, is not waited for. */
static void put(char c)
{
	for (unsigned tries = 1u << 16; tries && !(inb(COM1_LINE_STATUS) & TRANSMITTER_EMPTY); tries--)
		;
	outb(COM1, (uint8_t)c);
}

static void say(const char *text)
{
	while (*text)
		put(*text++);
}

static void say_hex(uint64_t n)
{
	int shift = 60;

	say("0x");
	while (shift && !(n >> shift & 15))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		put("0123456789abcdef"[n >> shift & 15]);
}

/* By subtraction: a 64-bit division would need libgcc, and 32 bits of MiB are enough. */
static void say_mib(uint64_t len)
{
	static const uint32_t powers[] = { 1000000, 100000, 10000, 1000, 100, 10, 1 };
	uint32_t mib = (uint32_t)(len >> 20);
	bool begun = false;

	for (unsigned i = 0; i < sizeof(powers) / sizeof(powers[0]); i++) {
		char digit = '0';

		for (; mib >= powers[i]; mib -= powers[i])
			digit++;
		begun = begun || digit != '0' || powers[i] == 1;
		if (begun)
			put(digit);
	}
	say(" MiB");
}

_Noreturn static void stop(void)
{
	say("\r\n");
	for (;;)
		__asm__ volatile("cli; hlt");
}

_Noreturn static void refuse(const char *why)
{
	say(TRAMPOLINE_REFUSED);
	say(why);
	stop();
}

/* ---- RAM --------------------------------------------------------------- */

struct map {
	const struct hvm_memmap_table_entry *entries;
	uint32_t count;
};

static uint64_t map_ram_len(const struct map *map)
{
	uint64_t len = 0;

	for (uint32_t i = 0; i < map->count; i++)
		if (map->entries[i].type == XEN_HVM_MEMMAP_TYPE_RAM)
			len += map->entries[i].size;
	return len;
}

/* The end of the RAM that holds gpa, or gpa itself where there is none. */
static uint64_t map_ram_end(const struct map *map, uint64_t gpa)
{
	for (uint32_t i = 0; i < map->count; i++) {
		const struct hvm_memmap_table_entry *entry = &map->entries[i];

		if (entry->type == XEN_HVM_MEMMAP_TYPE_RAM && gpa >= entry->addr && gpa - entry->addr < entry->size)
			return entry->addr + entry->size;
	}
	return gpa;
}

_Noreturn static void refuse_ram(const struct trampoline_range *ranges, uint32_t count, const struct map *map,
				 uint64_t missing_gpa)
{
	uint64_t planned_len = 0;

	for (uint32_t i = 0; i < count; i++)
		planned_len += ranges[i].len;
	say(TRAMPOLINE_REFUSED "planned for ");
	say_mib(planned_len);
	say(" of RAM, this machine has ");
	say_mib(map_ram_len(map));
	say(" and none at ");
	say_hex(missing_gpa);
	stop();
}

/* A planned range may be made of several of the machine's; each step gets past at least one of them. */
static void check_ram(const struct trampoline_range *ranges, uint32_t count, const struct map *map)
{
	for (uint32_t i = 0; i < count; i++) {
		uint64_t gpa = ranges[i].gpa, end = gpa + ranges[i].len;

		while (gpa < end) {
			uint64_t next = map_ram_end(map, gpa);

			if (next <= gpa)
				refuse_ram(ranges, count, map, gpa);
			gpa = next;
		}
	}
}

/* Version 0 of hvm_start_info has no memory map. */
static struct map machine_map(const struct hvm_start_info *info)
{
	struct map map;

	if (info->magic != XEN_HVM_START_MAGIC_VALUE || info->version < 1 || !info->memmap_paddr ||
	    info->memmap_paddr >> 32)
		refuse("this machine's loader tells no PVH memory map");
	map.entries = (const void *)(uintptr_t)info->memmap_paddr;
	map.count = info->memmap_entries;
	return map;
}

/* ---- CPU --------------------------------------------------------------- */

static uint32_t cpuid_edx(uint32_t leaf, uint32_t *eax)
{
	uint32_t ebx, ecx, edx;

	__asm__("cpuid" : "=a"(*eax), "=b"(ebx), "=c"(ecx), "=d"(edx) : "a"(leaf), "c"(0));
	return edx;
}

static void check_cpu(const struct trampoline_cpu *cpu)
{
	uint32_t max, edx = 0;

	cpuid_edx(0x80000000, &max);
	if (max >= CPUID_EXTENDED)
		edx = cpuid_edx(CPUID_EXTENDED, &max);
	if (!(edx & CPUID_EDX_LONG_MODE))
		refuse("planned for a 64-bit entry, this CPU has no long mode");
	if (cpu->efer & EFER_NXE && !(edx & CPUID_EDX_NX))
		refuse("planned with EFER.NXE, this CPU has no NX bit");
}

/* ---- The story --------------------------------------------------------- */

static void copy(const struct trampoline_copy *copy)
{
	uint32_t from = copy->from_gpa, to = copy->to_gpa, len = copy->len;

	__asm__ volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(len) : : "memory");
}

void trampoline_main(const struct trampoline_table *table, const struct hvm_start_info *info);
void trampoline_main(const struct trampoline_table *table, const struct hvm_start_info *info)
{
	const struct map map = machine_map(info);
	const struct trampoline_copy *copies = (const void *)(uintptr_t)table->copies_gpa;
	uint64_t rsdp = info->rsdp_paddr;

	check_ram((const void *)(uintptr_t)table->ranges_gpa, table->nr_ranges, &map);
	if (table->mode == TRAMPOLINE_LONG64)
		check_cpu(&table->cpu);

	/* From here on the machine's structures may be overwritten: a copy can land on them. */
	for (uint32_t i = 0; i < table->nr_copies; i++)
		copy(&copies[i]);
	if (rsdp && table->rsdp_slot_gpa)
		*(volatile uint64_t *)(uintptr_t)table->rsdp_slot_gpa = rsdp;
}
