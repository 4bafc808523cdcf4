/* SPDX-License-Identifier: MIT */
/*
 * From the options of plan and run to a plan: the machine's memory map, the
 * initrds, the command line, and the choice of a start where the user made none.
 */
#ifndef TOOL_DOMAIN_H
#define TOOL_DOMAIN_H

#include <paraboot.h>

#include "engine.h"
#include "options.h"

struct domain {
	pb_image *image;               /* opened by domain_make(), unless it is there already */
	const struct engine *engine;   /* NULL: none, with a memory map of the user's own */
	struct engine_options machine; /* settled, with engine */
	struct engine_memory memory;   /* with engine */
	char *cmdline;
	struct pb_blob *initrds;
	size_t nr_initrds;
	struct pb_request request; /* what plan was made for; points into the above and the options */
	pb_plan *plan;
};

/*
 * Find the engine that opt names, or else the fastest that works here, and
 * settle its machine. STATUS_OK, or the exit status after having said why not.
 */
int domain_choose_engine(const struct options *opt, struct domain *domain);

/* Set the request's memory map; likewise. */
int domain_set_memory(const struct options *opt, struct domain *domain);

/*
 * Make the plan that a start with these options uses, for the engine in
 * domain or, if that is NULL, for opt->ram. Returns as above; domain_release()
 * is wanted either way.
 */
int domain_make(const struct options *opt, struct domain *domain);
void domain_release(struct domain *domain);

/* The built-in initramfs for a kernel of that class; 0: of either. */
struct pb_blob domain_init(unsigned elf_class);

/* The command line that a guest gets for the user's (may be NULL): one that names a console. To be freed. */
char *domain_cmdline(const char *given, enum pb_entry entry, enum pb_ring0 ring0);

/* Say why an engine cannot, and return the status for it. */
int complain_engine(const char *what, const struct engine_error *err);

#endif
