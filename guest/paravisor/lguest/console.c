/* SPDX-License-Identifier: MIT */
/* The console: texts by LHCALL_NOTIFY, which a kernel writes before it has drivers. */
#include "lguest.h"

#define TEXT_MAX 4096u

void devices_init(void)
{
}

/* Up to its NUL, or the end of memory. */
static void print_text(uint32_t gpa)
{
	const char *c;

	for (uint32_t n = 0; n < TEXT_MAX && (c = gpa_va((uint64_t)gpa + n)) && *c; n++)
		uart_write(c, 1);
}

void device_notify(struct vcpu *v, uint32_t gpa)
{
	if (gpa >= facts.ram_pages << PAGE_SHIFT)
		guest_crash(v, "NOTIFY of %x, which is neither its memory nor a device", gpa);
	print_text(gpa);
}

void console_input(void)
{
	while (uart_get() >= 0)
		;
}
