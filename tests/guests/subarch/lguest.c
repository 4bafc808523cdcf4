/* SPDX-License-Identifier: MIT */
/*
 * The kernel as an lguest guest, for subarchitecture 1 of the boot protocol:
 * its calls, handlers and processes, and the start and end of each image there.
 */
#include "lguest.h"

#define USER_CS 0x73
#define USER_DS 0x7b
#define MS      1000000

struct lguest_data lguest_data = {
	.blocked = 1,
	.status = { [0 ... LGUEST_RING - 1] = 0xff },
	.noirq = { VIRT_BASE + 1, VIRT_BASE + 1 }, /* nowhere */
	.kernel_address = VIRT_BASE,
	.syscall_vec = 0x80,
};

void lguest_call(uint32_t nr, uint32_t a, uint32_t b, uint32_t c)
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
	uint32_t low = (uint32_t)LGUEST_CS << 16 | (to & 0xffff), high = (to & 0xffff0000) | 0x8e00 | ring << 13;

	lguest_call(LHCALL_LOAD_IDT_ENTRY, vector, low, high);
}

/* The way back from a process has the vector of interrupt 0, which comes before there are any, and not again. */
static void set_handlers(void)
{
	for (unsigned n = 0; n < 32; n++)
		set_handler(n, n == 3 || n == 4 ? 3 : 0, trap_entries[n]);
	set_handler(0x80, 3, (unsigned long)syscall_entry);
	set_handler(LGUEST_FIRST_VECTOR, 0, (unsigned long)lguest_tick_entry);
	lguest_call(LHCALL_SET_STACK, LGUEST_DS, (uint32_t)trap_stack_end, 1);
	user_cs = USER_CS;
	user_ss = USER_DS;
	to_user = plain_iret;
}

/* From here on; there is no timer any more. */
void lguest_prepare_processes(void)
{
	set_handler(BACK, 3, trap_entries[32]);
}

void lguest_wait_for_timer(void)
{
	lguest_data.irq_enabled = 0;
	lguest_data.blocked = 0;
	lguest_call(LHCALL_SET_CLOCKEVENT, MS, 0, 0);
	lguest_call(LHCALL_HALT, 0, 0, 0);
	lguest_data.blocked = 1;
	lguest_prepare_processes();
}

unsigned long lguest_fault_address(void)
{
	return lguest_data.cr2;
}

/* ---- The start and the end ---- */

void start_on_lguest(const struct boot_params *params)
{
	static const char bye[] = "Power down", failed[] = "checks failed";

	print = print_by_notify;
	set_handlers();
	lguest_main(params);
	lguest_call(LHCALL_SHUTDOWN, (uint32_t)(all_held() ? bye : failed) - VIRT_BASE, LGUEST_SHUTDOWN_POWEROFF, 0);
	for (;;)
		;
}
