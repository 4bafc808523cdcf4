/* SPDX-License-Identifier: MIT */
/*
 * What a 32-bit kernel finds that was started in ring 1 with paging on, by its
 * Xen notes (told: start_info) or for subarchitecture 2 of the boot protocol
 * (told: boot_params, whose hardware_subarch_data is start_info). Each thing
 * is one line of TAP on the console.
 */
#include <asm/bootparam.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define __XEN_INTERFACE_VERSION__ 0x00040e00
#include <xen/sched.h>
#include <xen/xen.h>

#define VIRT_BASE   0xc0000000u
#define FIXMAP      0xf5400000u
#define FIXMAP_LAST 0xf57ff000u
#define PTE_P       1u
#define XEN_LOADER  0x90

void checks(bool by_protocol, const void *told) __attribute__((noreturn));

static unsigned number, failures;

static long call(uint32_t nr, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	long ret;

	__asm__ volatile("int $0x82" : "=a"(ret), "+b"(a), "+c"(b), "+d"(c), "+S"(d) : "0"(nr) : "memory");
	return ret;
}

static size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static void print(const char *s)
{
	call(__HYPERVISOR_console_io, CONSOLEIO_write, length(s), (uint32_t)s, 0);
}

static void check(const char *what, bool holds)
{
	char digits[] = "00 - ";

	number++;
	failures += !holds;
	digits[0] = (char)('0' + number / 10);
	digits[1] = (char)('0' + number % 10);
	print(holds ? "ok " : "not ok ");
	print(digits[0] == '0' ? digits + 1 : digits);
	print(what);
	print("\n");
}

static void check_ring_1(void)
{
	uint32_t cs, ds, es, ss, flags;

	__asm__ volatile("mov %%cs, %0" : "=r"(cs));
	__asm__ volatile("mov %%ds, %0" : "=r"(ds));
	__asm__ volatile("mov %%es, %0" : "=r"(es));
	__asm__ volatile("mov %%ss, %0" : "=r"(ss));
	__asm__ volatile("pushf; pop %0" : "=r"(flags));
	check("ring 1, in the hypervisor's flat segments", cs == FLAT_RING1_CS && ss == FLAT_RING1_SS);
	check("ds and es are flat too", ds == FLAT_RING1_DS && es == FLAT_RING1_DS);
	check("it runs where it was linked", (uint32_t)checks >= VIRT_BASE);
	check("interrupts are on", flags & 0x200);
}

static void check_start_info(const struct start_info *si)
{
	check("start_info", same(si->magic, "xen-3.0-x86_32p"));
	check("the command line", same((const char *)si->cmd_line, "console=hvc0"));
	check("an initrd", si->mod_len > 0);
}

/* The initrd's address, as the kernel sees it: by start_info it is virtual, and by boot_params physical. */
static void check_boot_params(const struct boot_params *params, const struct start_info *si)
{
	const struct setup_header *hdr = &params->hdr;

	check("hardware_subarch is Xen", hdr->hardware_subarch == 2);
	check("type_of_loader is Xen's", hdr->type_of_loader == XEN_LOADER);
	check("the segments are to be kept", hdr->loadflags & KEEP_SEGMENTS);
	check("protocol 2.07 or later", hdr->header == 0x53726448 && hdr->version >= 0x207);
	check("one command line for both", VIRT_BASE + hdr->cmd_line_ptr == (uint32_t)si->cmd_line);
	check("one initrd for both",
	      VIRT_BASE + hdr->ramdisk_image == si->mod_start && hdr->ramdisk_size == si->mod_len);
	check("all memory is RAM", params->e820_entries == 1 && params->e820_table[0].addr == 0 &&
					   params->e820_table[0].size == (uint64_t)si->nr_pages << 12 &&
					   params->e820_table[0].type == 1);
}

/* An entry can be set where a page table stands; nothing else makes one. */
static void check_fixmap(const struct start_info *si, uint32_t va, const char *what)
{
	const uint32_t *p2m = (const uint32_t *)si->mfn_list;
	uint64_t pte = (uint64_t)p2m[((uint32_t)si - VIRT_BASE) >> 12] << 12 | PTE_P;
	long rc = call(__HYPERVISOR_update_va_mapping, va, (uint32_t)pte, (uint32_t)(pte >> 32), UVMF_INVLPG);

	check(what, rc == 0 && same((const char *)va, "xen-3.0-x86_32p"));
}

void checks(bool by_protocol, const void *told)
{
	const struct boot_params *params = told;
	const struct start_info *si =
		by_protocol ? (const struct start_info *)(uintptr_t)params->hdr.hardware_subarch_data : told;
	struct sched_shutdown end;

	check(by_protocol ? "by the boot protocol" : "by the notes", true);
	check_ring_1();
	check_start_info(si);
	if (by_protocol)
		check_boot_params(params, si);
	check_fixmap(si, FIXMAP, "the fixmap has its page tables");
	check_fixmap(si, FIXMAP_LAST, "to its end");
	print(by_protocol ? "1..17\n" : "1..10\n");
	end.reason = failures ? SHUTDOWN_crash : SHUTDOWN_poweroff;
	call(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (uint32_t)&end, 0, 0);
	for (;;)
		;
}
