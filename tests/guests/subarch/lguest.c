/* SPDX-License-Identifier: MIT */
/*
 * The kernel as an lguest guest, for subarchitecture 1 of the boot protocol:
 * what the calls of that hypervisor do is tests/guests/lguest's to ask; here
 * they serve the checks that all starts share.
 */
#include "starts.h"

#define YEAR 2013
#include "../lguest/data.h"

#define CS       0x61
#define DS       0x69
#define USER_CS  0x73
#define USER_DS  0x7b
#define UNMAPPED 0x08000000 /* beyond what start.S maps */
#define FLAG_IF  0x200
#define MS       1000000

extern struct lguest_data lguest_data;
struct lguest_data lguest_data = {
	.blocked = 1,
	.status = { [0 ... LGUEST_RING - 1] = 0xff },
	.noirq = { VIRT_BASE + 1, VIRT_BASE + 1 }, /* nowhere */
	.kernel_address = VIRT_BASE,
	.syscall_vec = 0x80,
};

static void lguest_call(uint32_t nr, uint32_t a, uint32_t b, uint32_t c)
{
	__asm__ volatile("int $0x1f" : "+a"(nr) : "b"(a), "c"(b), "d"(c) : "memory");
}

static void print_by_notify(const char *s)
{
	lguest_call(LHCALL_NOTIFY, (uint32_t)s - VIRT_BASE, 0, 0);
}

/* ---- Handlers ---- */

static void set_handler(unsigned vector, unsigned ring, unsigned long to)
{
	uint32_t low = (uint32_t)CS << 16 | (to & 0xffff), high = (to & 0xffff0000) | 0x8e00 | ring << 13;

	lguest_call(LHCALL_LOAD_IDT_ENTRY, vector, low, high);
}

/* The way back from a process has the vector of interrupt 0, which comes before there are any, and not again. */
static void set_handlers(void)
{
	for (unsigned n = 0; n < 32; n++)
		set_handler(n, n == 3 || n == 4 ? 3 : 0, trap_entries[n]);
	set_handler(0x80, 3, (unsigned long)syscall_entry);
	set_handler(LGUEST_FIRST_VECTOR, 0, (unsigned long)lguest_tick_entry);
	lguest_call(LHCALL_SET_STACK, DS, (uint32_t)trap_stack_end, 1);
	user_cs = USER_CS;
	user_ss = USER_DS;
	to_user = plain_iret;
}

static void wait_for_timer(void)
{
	lguest_data.irq_enabled = 0;
	lguest_data.blocked = 0;
	lguest_call(LHCALL_SET_CLOCKEVENT, MS, 0, 0);
	lguest_call(LHCALL_HALT, 0, 0, 0);
	lguest_data.blocked = 1;
	set_handler(BACK, 3, trap_entries[32]);
}

static unsigned long fault_address(void)
{
	return lguest_data.cr2;
}

/* ---- The start ---- */

void start_on_lguest(const struct boot_params *params)
{
	static const struct environment lguest = { 1, CS, DS, UNMAPPED, fault_address, wait_for_timer };
	static const char bye[] = "Power down", failed[] = "checks failed";
	uint32_t cr0;

	print = print_by_notify;
	set_handlers();
	check_setup_header(params, 1);
	tell_cmdline((const char *)VIRT_BASE + params->hdr.cmd_line_ptr);
	holds("the segments are to be kept", params->hdr.loadflags & KEEP_SEGMENTS);
	holds("hardware_subarch_data is 0", params->hdr.hardware_subarch_data == 0);
	__asm__ volatile("smsw %0" : "=r"(cr0));
	check("paging is on", (long)(cr0 >> 31), 1);
	holds("interrupts were on", entry_state.flags & FLAG_IF);
	holds("the hypervisor answered", lguest_data.tsc_khz > 0 && lguest_data.reserve_mem > 0);
	check_environment(&lguest);
	lguest_call(LHCALL_SHUTDOWN, (uint32_t)(all_held() ? bye : failed) - VIRT_BASE, LGUEST_SHUTDOWN_POWEROFF, 0);
	for (;;)
		;
}
