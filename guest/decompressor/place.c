/* SPDX-License-Identifier: MIT */
/*
 * Address space randomisation: another window than the usual one, and for a
 * 64-bit kernel another virtual base, unless the command line says nokaslr.
 *
 * A window begins at a multiple of the kernel's alignment, lies in one piece
 * of RAM that the loader told of, below 4 GiB, not below the usual one, and
 * holds nothing that is still needed. There are at most 2048 such places, so
 * all are looked at: no list of free ranges is kept.
 */
#include "decompressor.h"

#include <xen/arch-x86/hvm/start_info.h>

#define FOUR_GIB         0x100000000ull
#define MAX_AVOIDS       24
#define MAX_NODES        64 /* of a setup_data chain: more, or a circle, and nothing is moved */

#define CPUID_ECX_RDRAND (1u << 30)

struct range {
	uint64_t start, len;
};

struct choice {
	const struct boot_params *params;
	struct range avoid[MAX_AVOIDS];
	unsigned nr_avoids;
	bool full; /* more to avoid than there is room for */
};

/* ---- Chance ------------------------------------------------------------- */

static uint64_t read_tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static size_t read_random(void)
{
	uint32_t eax = 1, ebx, ecx = 0, edx;
	size_t value = 0;

	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	if (ecx & CPUID_ECX_RDRAND)
		__asm__ volatile("rdrand %0" : "+r"(value) : : "cc");
	return value;
}

/* What the machine has: its random numbers, its time, and what the loader said. */
static uint32_t random_below(const struct boot_params *params, uint32_t limit)
{
	uint64_t z = pack_sum(params, sizeof(*params)) ^ (uint64_t)read_random() << 13 ^ read_tsc();

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	z ^= z >> 31;
	return (uint32_t)(((z >> 32) * limit) >> 32);
}

/* ---- Where not ---------------------------------------------------------- */

static void avoid(struct choice *choice, uint64_t start, uint64_t len)
{
	if (!start || !len)
		return;
	if (choice->nr_avoids == MAX_AVOIDS)
		choice->full = true;
	else
		choice->avoid[choice->nr_avoids++] = (struct range){ start, len };
}

static void avoid_setup_data(struct choice *choice)
{
	uint64_t gpa = choice->params->hdr.setup_data;

	for (unsigned n = 0; gpa; n++) {
		const struct setup_data *node = (const void *)(uintptr_t)gpa;

		if (n == MAX_NODES || gpa >= FOUR_GIB) {
			choice->full = true;
			return;
		}
		avoid(choice, gpa, sizeof(*node) + node->len);
		gpa = node->next;
	}
}

static void avoid_start_info(struct choice *choice, const struct hvm_start_info *info)
{
	avoid(choice, (uintptr_t)info, sizeof(*info));
	avoid(choice, info->memmap_paddr, info->memmap_entries * sizeof(struct hvm_memmap_table_entry));
	avoid(choice, info->modlist_paddr, info->nr_modules * sizeof(struct hvm_modlist_entry));
}

static void avoid_all(struct choice *choice, const struct start *start)
{
	const struct boot_params *params = choice->params;

	avoid(choice, params->hdr.ramdisk_image | (uint64_t)params->ext_ramdisk_image << 32,
	      params->hdr.ramdisk_size | (uint64_t)params->ext_ramdisk_size << 32);
	avoid(choice, cmdline_of(params), 4096);
	if ((start->kind & PACK_KIND_MASK) == PACK_PVH)
		avoid_start_info(choice, start->params);
	else
		avoid(choice, (uintptr_t)params, sizeof(*params));
	avoid_setup_data(choice);
}

/* ---- Where -------------------------------------------------------------- */

static bool is_ram(const struct boot_params *params, uint64_t start, uint64_t len)
{
	for (unsigned i = 0; i < params->e820_entries && i < E820_MAX_ENTRIES_ZEROPAGE; i++) {
		const struct boot_e820_entry *entry = &params->e820_table[i];

		if (entry->type == 1 && start >= entry->addr && len <= entry->size &&
		    start - entry->addr <= entry->size - len)
			return true;
	}
	return false;
}

static bool is_free(const struct choice *choice, uint64_t start, uint64_t len)
{
	for (unsigned i = 0; i < choice->nr_avoids; i++) {
		const struct range *range = &choice->avoid[i];

		if (start < range->start + range->len && range->start < start + len)
			return false;
	}
	return is_ram(choice->params, start, len);
}

/* As far up as the page tables reach; for a 32-bit kernel, as far as its virtual base can follow. */
static uint64_t places_end(void)
{
	if (sizeof(uintptr_t) == 8)
		return FOUR_GIB;
	return pack_page.link_gpa + pack_page.virt_room + pack_page.window_len;
}

/* The nth free place, or how many there are. */
static uint64_t nth_place(const struct choice *choice, uint64_t first, uint32_t nth, uint32_t *count)
{
	uint64_t len = pack_page.window_len;

	*count = 0;
	for (uint64_t at = first; at + len <= places_end(); at += pack_page.alignment)
		if (is_free(choice, at, len) && (*count)++ == nth)
			return at;
	return first;
}

static bool may_move(const struct boot_params *params)
{
	return !cmdline_has(params, "nokaslr");
}

static bool may_move_window(const struct boot_params *params)
{
	return (pack_page.flags & PACK_RELOCATABLE) && may_move(params) && !cmdline_has(params, "mem=") &&
	       !cmdline_has(params, "memmap=");
}

uintptr_t place_choose(const struct boot_params *params, const struct start *start)
{
	struct choice choice = { .params = params };
	uint64_t usual = start->run;
	uint32_t count;

	if (!may_move_window(params) || usual >= FOUR_GIB)
		return start->run;
	avoid_all(&choice, start);
	nth_place(&choice, start->run, UINT32_MAX, &count);
	if (choice.full || count == 0)
		return start->run;
	return (uintptr_t)nth_place(&choice, start->run, random_below(params, count), &count);
}

/* Without its flag the kernel would not randomise what is its own to choose, either. */
static bool tell_kernel(struct boot_params *params)
{
	bool moved = may_move(params);

	params->hdr.loadflags &= (uint8_t)~KASLR_FLAG;
	if (moved)
		params->hdr.loadflags |= KASLR_FLAG;
	return moved;
}

/* A 32-bit kernel's virtual addresses are its physical ones plus a constant: they moved already. */
uint32_t place_virt_delta(struct boot_params *params, const struct start *start)
{
	uint32_t bases = pack_page.virt_room / pack_page.alignment + 1;
	bool moved = tell_kernel(params);

	if (sizeof(uintptr_t) == 4)
		return (uint32_t)(start->run - pack_page.link_gpa);
	return moved ? random_below(params, bases) * pack_page.alignment : 0;
}
