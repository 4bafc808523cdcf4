/* SPDX-License-Identifier: MIT */
/* What a kernel can tell of the state it was started in, whoever started it: each thing is one line of TAP. */
#include "starts.h"

#define HDRS 0x53726448

void holds(const char *what, bool does)
{
	check(what, does, true);
}

/* For whoever started it, to compare. */
void tell_cmdline(const char *line)
{
	print("# command line: ");
	print(line);
	print("\n");
}

static void check_entry_state(const struct environment *env)
{
	const struct entry_state *was = &entry_state;

	check("the ring", (long)(was->cs & 3), (long)env->ring);
	check("a flat code segment", (long)was->cs, (long)env->cs);
	holds("a flat stack segment", was->ss == env->ds);
	holds("flat data segments", was->ds == env->ds && was->es == env->ds);
	holds("it runs where it was linked", (unsigned long)check_entry_state >= VIRT_BASE);
}

static void check_traps(const struct environment *env)
{
	check("an instruction that is none is #UD", (long)try(do_ud2, 0, 0), TRAP_UD);
	check("what is not mapped is a page fault", (long)try(do_read, env->unmapped, 0), TRAP_PF);
	check("not present, a read, the kernel's", (long)trap_error, 0);
	check("its address", (long)env->fault_address(), (long)env->unmapped);
	events_seen = 0;
	env->wait_for_timer();
	holds("a timer comes", events_seen > 0);
}

static void ask(unsigned long a, unsigned long b)
{
	(void)b;
	*(unsigned long *)a = system_call(21);
}

static void check_processes(void)
{
	extern char user_stack[];
	unsigned long *answer = (unsigned long *)user_stack;

	check("a process comes back", (long)in_user(ask, (unsigned long)answer, 0), BACK);
	check("from ring 3", (long)(trap_cs & 3), 3);
	check("its system call was answered", (long)*answer, 42);
	check("it may not halt the processor", (long)in_user(do_hlt, 0, 0), TRAP_GP);
}

void check_environment(const struct environment *env)
{
	check_entry_state(env);
	check_traps(env);
	check_processes();
}

void check_setup_header(const struct boot_params *params, uint32_t subarch)
{
	const struct setup_header *hdr = &params->hdr;

	holds("boot_params in %esi", hdr->header == HDRS && params->sentinel == 0);
	holds("of protocol 2.12 or later", hdr->version >= 0x20c);
	check("hardware_subarch", (long)hdr->hardware_subarch, (long)subarch);
	holds("a loader that has a number", hdr->type_of_loader != 0);
	holds("an initrd", hdr->ramdisk_size > 0);
}
