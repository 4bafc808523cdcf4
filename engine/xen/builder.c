/* SPDX-License-Identifier: MIT */
/*
 * The steps that make a domain, in order, and the way back, which is the same
 * from each of them: Xen takes memory, event channels and grants away with the
 * domain, so only the keys in xenstore are ours to remove.
 */
#include "builder.h"
#include "../watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SLACK_KIB       1024 /* what a domain may have beyond its RAM, as Xen's own tools leave it */
#define GRANT_FRAMES    64
#define MAPTRACK_FRAMES 1024
#define EVENT_CHANNELS  1023

/* ---- The steps ----------------------------------------------------------- */

static int check_name(struct xen_builder *builder, struct engine_error *err)
{
	return store_check_name(&builder->host, builder->name, err);
}

/*
 * A PVH domain has memory of its own, as a machine has, and Xen emulates its
 * local APIC; of a PV domain Xen checks the tables and does the rest by hypercalls.
 */
static int create(struct xen_builder *builder, struct engine_error *err)
{
	struct xen_domctl_createdomain config = {
		.flags = builder_is_pv(builder) ? 0 : XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
		.max_vcpus = builder->vcpus,
		.max_evtchn_port = EVENT_CHANNELS,
		.max_grant_frames = GRANT_FRAMES,
		.max_maptrack_frames = MAPTRACK_FRAMES,
		.grant_opts = XEN_DOMCTL_GRANT_version(2),
		.arch = { .emulation_flags = builder_is_pv(builder) ? 0 : XEN_X86_EMU_LAPIC },
	};
	uint32_t domid = 0; /* for Xen to choose */

	mark_make(config.handle);
	if (xc_domain_create(builder->host.control, &domid, &config) < 0)
		return engine_fail_errno(err, "creating the domain");
	builder->domid = domid;
	return 0;
}

static int set_limits(struct xen_builder *builder, struct engine_error *err)
{
	uint64_t kib = builder->info.ram_len / 1024 + SLACK_KIB;

	if (xc_domain_max_vcpus(builder->host.control, builder->domid, builder->vcpus) < 0)
		return engine_fail(err, ENGINE_UNABLE, "%u processors: %s", builder->vcpus, strerror(errno));
	if (xc_domain_setmaxmem(builder->host.control, builder->domid, kib) < 0)
		return engine_fail_errno(err, "the domain's memory limit");
	return 0;
}

static int allocate_channel(struct xen_builder *builder, uint32_t *ret, struct engine_error *err)
{
	int port = xc_evtchn_alloc_unbound(builder->host.control, builder->domid, 0);

	if (port < 0)
		return engine_fail_errno(err, "an event channel for the domain");
	*ret = (uint32_t)port;
	return 0;
}

static int allocate_channels(struct xen_builder *builder, struct engine_error *err)
{
	return allocate_channel(builder, &builder->store_port, err) ||
			       allocate_channel(builder, &builder->console_port, err)
		       ? -1
		       : 0;
}

/* The grants by whose numbers dom0's daemons map what they share with the domain. */
static int seed_grants(struct xen_builder *builder, struct engine_error *err)
{
	xenforeignmemory_handle *memory = builder->host.memory;
	xenforeignmemory_resource_handle *resource;
	void *page = NULL;
	grant_entry_v1_t *grants;

	resource = xenforeignmemory_map_resource(memory, (domid_t)builder->domid, XENMEM_resource_grant_table,
						 XENMEM_resource_grant_table_id_shared, 0, 1, &page,
						 PROT_READ | PROT_WRITE, 0);
	if (!resource)
		return engine_fail_errno(err, "the domain's grant table");
	grants = page;
	grants[GNTTAB_RESERVED_CONSOLE] =
		(grant_entry_v1_t){ .flags = GTF_permit_access, .frame = (uint32_t)builder->console_frame };
	grants[GNTTAB_RESERVED_XENSTORE] =
		(grant_entry_v1_t){ .flags = GTF_permit_access, .frame = (uint32_t)builder->store_frame };
	xenforeignmemory_unmap_resource(memory, resource);
	return 0;
}

/* NULL: no such step for such a domain. */
static const struct step {
	const char *name;
	int (*pv)(struct xen_builder *builder, struct engine_error *err);
	int (*pvh)(struct xen_builder *builder, struct engine_error *err);
} steps[] = {
	{ "its name", check_name, check_name },
	{ "creation", create, create },
	{ "limits", set_limits, set_limits },
	{ "its kind", pv_begin, pvh_begin },
	{ "memory", memory_populate, memory_populate },
	{ "special pages", NULL, pvh_populate },
	{ "event channels", allocate_channels, allocate_channels },
	{ "placing", memory_place, memory_place },
	{ "its processor", pv_finish, pvh_finish },
	{ "grants", seed_grants, seed_grants },
	{ "keys", store_write, store_write },
	{ "introduction", store_introduce, store_introduce },
};

/* ---- There and back ------------------------------------------------------ */

static void note_step(const struct xen_builder *builder, const char *name, uint64_t start_ns)
{
	char line[80];

	if (!builder->run->note)
		return;
	snprintf(line, sizeof(line), "domain: %s: %.1f ms", name, (double)(watch_clock() - start_ns) / 1e6);
	builder->run->note(builder->run->console.ctx, line);
}

static int take_step(struct xen_builder *builder, const struct step *step, struct engine_error *err)
{
	int (*take)(struct xen_builder *, struct engine_error *) = builder_is_pv(builder) ? step->pv : step->pvh;
	uint64_t start_ns = watch_clock();

	if (!take)
		return 0;
	if (take(builder, err))
		return -1;
	note_step(builder, step->name, start_ns);
	return 0;
}

int builder_build(struct xen_builder *builder, unsigned (*interrupted)(void *ctx), void *ctx, struct engine_error *err)
{
	unsigned number = 0;
	int failed = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps) && !failed; i++) {
		failed = take_step(builder, &steps[i], err);
		number = failed ? 0 : interrupted(ctx);
		if (number)
			failed = engine_fail(err, ENGINE_LEFT, "left: signal %u while it was built", number);
	}
	if (failed)
		builder_destroy(builder);
	return failed;
}

int builder_start(struct xen_builder *builder, struct engine_error *err)
{
	const struct engine_options *options = builder->run->options;
	xc_interface *control = builder->host.control;

	if (!options->paused)
		memory_unmap(builder);
	if (options->keep && xc_domain_sethandle(control, builder->domid, builder->handle) < 0)
		return engine_fail_errno(err, "the domain's own handle");
	if (!options->paused && xc_domain_unpause(control, builder->domid) < 0)
		return engine_fail_errno(err, "letting the domain run");
	return 0;
}

void builder_destroy(struct xen_builder *builder)
{
	memory_unmap(builder);
	if (builder->domid == NO_DOMID)
		return;
	store_remove(&builder->host, builder->domid);
	xc_domain_destroy(builder->host.control, builder->domid);
	builder->domid = NO_DOMID;
}

void builder_release(struct xen_builder *builder)
{
	memory_release(builder);
}
