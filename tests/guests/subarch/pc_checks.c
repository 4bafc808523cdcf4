/* SPDX-License-Identifier: MIT */
/* What the kernel of several starts checks on a PC. */
#include "pc.h"

static bool has_ram(const struct boot_params *params)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < params->e820_entries; i++)
		sum += params->e820_table[i].type == 1 ? params->e820_table[i].size : 0;
	return sum > 60 << 20;
}

void pc_main(const struct boot_params *params)
{
	static const struct environment pc = { 0, PC_CS, PC_DS, PC_UNMAPPED, pc_fault_address, pc_wait_for_timer };

	check_setup_header(params, 0);
	tell_cmdline((const char *)params->hdr.cmd_line_ptr);
	holds("RAM", has_ram(params));
	check("paging was off", (long)(entry_cr0 >> 31), 0);
	check("interrupts were off", (long)(entry_state.flags >> 9 & 1), 0);
	check_environment(&pc);
}
