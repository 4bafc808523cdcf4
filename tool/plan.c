/* SPDX-License-Identifier: MIT */
/*
 * paraboot plan: the memory map and the entry state that a start would use,
 * without starting it.
 */
#include <string.h>

#include "domain.h"
#include "plan_print.h"
#include "say.h"
#include "tool.h"

/*
 * A memory map of the user's own is no machine's, unless an engine is named.
 * Without either it is QEMU's, which the engine `file` has too: a plan wants
 * no QEMU to be here. Nor has a domain on Xen a machine: it is so much memory.
 */
static int make(const struct options *opt, struct domain *domain)
{
	struct options with_engine = *opt;
	int status = STATUS_OK;

	if (opt->ring0 == PB_RING0_XEN)
		return opt->engine ? complain("--ring0", "no engine has Xen below a kernel: leave --engine out")
				   : domain_make(opt, domain);
	if (!opt->engine)
		with_engine.engine = "file";
	if (opt->engine || !opt->rams)
		status = domain_choose_engine(&with_engine, domain);
	return status == STATUS_OK ? domain_make(opt, domain) : status;
}

static int run_plan(const struct options *opt)
{
	struct domain domain = { 0 };
	int status = make(opt, &domain);

	if (status == STATUS_OK)
		(opt->json ? plan_print_json : plan_print_text)(&domain);
	domain_release(&domain);
	return status;
}

static int set_ring0(struct options *opt, const char *arg)
{
	for (enum pb_ring0 ring0 = PB_RING0_PARAVISOR; ring0 <= PB_RING0_XEN; ring0++)
		if (strcmp(arg, ring0_name(ring0)) == 0) {
			opt->ring0 = ring0;
			return 0;
		}
	return -1;
}

static const struct option_row plan_rows[] = {
	{ 0, "ring0", "paravisor|xen", "who is to be below a Xen PV kernel (default paravisor)", set_ring0 },
	{ 0, "engine", "auto|kvm|qemu|file", "whose machine to plan for (default file, or none with --ram)",
	  .at = offsetof(struct options, engine) },
	{ 0 },
};

static const struct option_row *const plan_tables[] = { choice_rows, guest_rows, own_rows, plan_rows, json_rows, NULL };

const struct command plan_command = {
	.name = "plan",
	.summary = "Print the memory map and the entry state that a start would use",
	.tables = plan_tables,
	.run = run_plan,
};
