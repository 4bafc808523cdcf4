/* SPDX-License-Identifier: MIT */
/*
 * What the kernel of several starts shows as an lguest guest. What the calls of
 * that hypervisor do is tests/guests/lguest's to ask; here they serve the
 * checks that all starts share.
 */
#include "lguest.h"

void lguest_main(const struct boot_params *params)
{
	static const struct environment lguest = {
		1, LGUEST_CS, LGUEST_DS, LGUEST_UNMAPPED, lguest_fault_address, lguest_wait_for_timer
	};
	uint32_t cr0;

	check_setup_header(params, 1);
	tell_cmdline((const char *)VIRT_BASE + params->hdr.cmd_line_ptr);
	holds("the segments are to be kept", params->hdr.loadflags & KEEP_SEGMENTS);
	holds("hardware_subarch_data is 0", params->hdr.hardware_subarch_data == 0);
	__asm__ volatile("smsw %0" : "=r"(cr0));
	check("paging is on", (long)(cr0 >> 31), 1);
	holds("interrupts were on", entry_state.flags & FLAG_IF);
	holds("the hypervisor answered", lguest_data.tsc_khz > 0 && lguest_data.reserve_mem > 0);
	check_environment(&lguest);
}
