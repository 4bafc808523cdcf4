/* SPDX-License-Identifier: MIT */
/*
 * What a 32-bit kernel finds that was started in ring 1 with paging on, by its
 * Xen notes (told: start_info) or for subarchitecture 2 of the boot protocol
 * (told: boot_params, whose hardware_subarch_data is start_info). Each thing
 * is one line of TAP on the console.
 */
#include "guest.h"

#include <asm/bootparam.h>

#define FIXMAP      0xf5400000u
#define FIXMAP_LAST 0xf57ff000u
#define XEN_LOADER  0x90

void by_notes(const struct start_info *si) __attribute__((noreturn));
void by_protocol(const struct boot_params *params) __attribute__((noreturn));

static const struct boot_params *boot_params; /* NULL if it was started by its notes */

static void holds(const char *what, bool does)
{
	check(what, does, true);
}

static void check_ring_1(void)
{
	uint32_t cs, ds, es, ss, flags;

	__asm__ volatile("mov %%cs, %0" : "=r"(cs));
	__asm__ volatile("mov %%ds, %0" : "=r"(ds));
	__asm__ volatile("mov %%es, %0" : "=r"(es));
	__asm__ volatile("mov %%ss, %0" : "=r"(ss));
	__asm__ volatile("pushf; pop %0" : "=r"(flags));
	holds("ring 1, in the hypervisor's flat segments", cs == FLAT_RING1_CS && ss == FLAT_RING1_SS);
	holds("ds and es are flat too", ds == FLAT_RING1_DS && es == FLAT_RING1_DS);
	holds("it runs where it was linked", (uint32_t)guest_main >= VIRT_BASE);
	holds("interrupts are on", flags & 0x200);
}

static void check_start_info(const struct start_info *si)
{
	holds("start_info", same(si->magic, "xen-3.0-x86_32p"));
	holds("a command line", si->cmd_line[0]);
	print("# command line: ");
	print((const char *)si->cmd_line);
	print("\n");
	holds("an initrd", si->mod_len > 0);
}

/* The initrd's address, as the kernel sees it: by start_info it is virtual, and by boot_params physical. */
static void check_boot_params(const struct boot_params *params, const struct start_info *si)
{
	const struct setup_header *hdr = &params->hdr;

	holds("hardware_subarch is Xen", hdr->hardware_subarch == 2);
	holds("type_of_loader is Xen's", hdr->type_of_loader == XEN_LOADER);
	holds("the segments are to be kept", hdr->loadflags & KEEP_SEGMENTS);
	holds("protocol 2.07 or later", hdr->header == 0x53726448 && hdr->version >= 0x207);
	holds("one command line for both", VIRT_BASE + hdr->cmd_line_ptr == (uint32_t)si->cmd_line);
	holds("one initrd for both",
	      VIRT_BASE + hdr->ramdisk_image == si->mod_start && hdr->ramdisk_size == si->mod_len);
	holds("all memory is RAM", params->e820_entries == 1 && params->e820_table[0].addr == 0 &&
					   params->e820_table[0].size == (uint64_t)si->nr_pages << 12 &&
					   params->e820_table[0].type == 1);
}

/* An entry can be set where a page table stands; nothing else makes one. */
static void check_fixmap(uint32_t va, const char *what)
{
	uint64_t pte = mfn_of(start_info) << 12 | PTE_P;

	holds(what, map_at((void *)va, pte) == 0 && same((const char *)va, "xen-3.0-x86_32p"));
}

void guest_main(void)
{
	holds(boot_params ? "by the boot protocol" : "by the notes", true);
	check_ring_1();
	check_start_info(start_info);
	if (boot_params)
		check_boot_params(boot_params, start_info);
	check_fixmap(FIXMAP, "the fixmap has its page tables");
	check_fixmap(FIXMAP_LAST, "to its end");
}

void by_notes(const struct start_info *si)
{
	guest_start(si);
}

void by_protocol(const struct boot_params *params)
{
	boot_params = params;
	guest_start((const struct start_info *)(uintptr_t)params->hdr.hardware_subarch_data);
}
