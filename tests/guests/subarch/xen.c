/* SPDX-License-Identifier: MIT */
/*
 * The kernel as a Xen PV guest: entered by its notes and told start_info, or
 * for subarchitecture 2 of the boot protocol and told boot_params, whose
 * hardware_subarch_data is start_info.
 */
#include "starts.h"

#define FIXMAP      0xf5400000u
#define FIXMAP_LAST 0xf57ff000u
#define XEN_LOADER  0x90

static const struct boot_params *boot_params; /* NULL if it was started by its notes */
static struct shared_info shared __attribute__((aligned(4096)));

/* ---- What it was told ---- */

static void check_start_info(const struct start_info *si)
{
	holds("start_info", same(si->magic, "xen-3.0-x86_32p"));
	tell_cmdline((const char *)si->cmd_line);
	holds("its initrd", si->mod_len > 0);
}

/* The initrd's address, as the kernel sees it: by start_info it is virtual, and by boot_params physical. */
static void check_both(const struct boot_params *params, const struct start_info *si)
{
	const struct setup_header *hdr = &params->hdr;

	check("type_of_loader is Xen's", hdr->type_of_loader, XEN_LOADER);
	holds("the segments are to be kept", hdr->loadflags & KEEP_SEGMENTS);
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

static void check_tables(void)
{
	uint64_t *root = (uint64_t *)start_info->pt_base;

	holds("its page tables show its own frames", pte_of(start_info) >> 12 == mfn_of(start_info));
	holds("and are read-only", !(pte_of(root) & PTE_W));
	holds("the machine-to-physical table knows them", ((xen_pfn_t *)M2P)[mfn_of(root)] == pfn_of(root));
	check_fixmap(FIXMAP, "the fixmap has its page tables");
	check_fixmap(FIXMAP_LAST, "to its end");
}

/* ---- The hypercalls that it uses ---- */

static void check_hypercalls(void)
{
	struct evtchn_bind_virq bind = { .virq = VIRQ_TIMER };

	check("xen_version", call(__HYPERVISOR_xen_version, XENVER_version, 0, 0, 0, 0) >> 16, 4);
	check("update_va_mapping", map_at(&shared, start_info->shared_info | PTE_P | PTE_W), 0);
	event_flag = (volatile uint8_t *)&shared.vcpu_info[0];
	check("set_trap_table", set_traps(), 0);
	check("set_callbacks",
	      call(__HYPERVISOR_set_callbacks, FLAT_KERNEL_CS, (unsigned long)event_entry, FLAT_KERNEL_CS,
		   (unsigned long)failsafe_entry, 0),
	      0);
	check("event_channel_op", call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, P(bind), 0, 0, 0), 0);
	prepare_processes();
}

static unsigned long fault_address(void)
{
	return shared.vcpu_info[0].arch.cr2;
}

static void wait_for_timer(void)
{
	check("set_timer_op", call(__HYPERVISOR_set_timer_op, 1, 0, 0, 0, 0), 0);
	event_flag[1] = 0; /* the mask */
	check("sched_op", call(__HYPERVISOR_sched_op, SCHEDOP_block, 0, 0, 0, 0), 0);
	event_flag[1] = 1;
}

/* ---- The starts ---- */

void guest_main(void)
{
	static const struct environment xen = {
		1, FLAT_RING1_CS, FLAT_RING1_DS, 0x1000, fault_address, wait_for_timer
	};
	unsigned long cr0;

	if (boot_params) {
		check_setup_header(boot_params, 2);
		check_both(boot_params, start_info);
	}
	check_start_info(start_info);
	holds("events are on", entry_state.flags & 0x200);
	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	check("paging is on", (long)(cr0 >> 31), 1);
	check_tables();
	check_hypercalls();
	check_environment(&xen);
}

void start_by_notes(const struct start_info *si)
{
	guest_start(si);
}

void start_on_xen(const struct boot_params *params)
{
	boot_params = params;
	guest_start((const struct start_info *)(uintptr_t)params->hdr.hardware_subarch_data);
}
