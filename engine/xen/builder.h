/* SPDX-License-Identifier: MIT */
/*
 * A domain on the real Xen, from nothing until it runs, and back to nothing.
 *
 *     xen.c      the engine's row, and a run from its beginning to its end
 *     builder.c  the steps that a domain takes, in order, and the way back
 *     memory.c   its memory: from the hypervisor, and seen from here
 *     pv.c       what a PV domain takes besides: pinned tables, shared_info, a context
 *     pvh.c      what a PVH domain takes besides: parameters, ACPI tables, a context
 *     store.c    its keys in xenstore, by which xl and xenconsoled know it
 *     mark.c     how a domain says whose it is, and the removal of those whose builder is gone
 *     session.c  its console, until it ends
 *     crash.c    where its processors were, if it ended badly
 *
 * A domain bears our mark from the hypercall that makes it, and loses it, if it
 * is to be kept, by the last one before it runs. So whatever moment the builder
 * dies at, its next start finds what is left by the mark alone.
 */
#ifndef PB_ENGINE_XEN_BUILDER_H
#define PB_ENGINE_XEN_BUILDER_H

#include "../arith.h"
#include "../internal.h"

#include <xenctrl.h>
#include <xenforeignmemory.h>
#include <xenstore.h>

#define NO_DOMID UINT32_MAX
#define WINDOWS  32
#define UUID_LEN 37 /* as text, with the NUL */

/* Pages of the domain. */
struct pages {
	uint64_t pfn, count;
};

/* Such as plain memory. */
struct window {
	uint64_t pfn, count;
	uint8_t *host;
	bool lingers; /* may be there until the domain runs */
};

/* The ways into Xen. */
struct xen_host {
	xc_interface *control;
	xenforeignmemory_handle *memory;
	struct xs_handle *store;
};

struct xen_builder {
	const struct engine_run *run;
	struct xen_host host;

	struct pb_plan_info info;
	struct pb_pv pv; /* of a PV domain */
	char name[64];
	xen_domain_handle_t handle; /* the domain's own, which it has in its keys from the first */
	uint32_t vcpus;

	uint32_t domid;                      /* NO_DOMID: there is none */
	uint32_t store_port, console_port;   /* event channels */
	uint64_t store_frame, console_frame; /* gfns of a PVH domain, mfns of a PV one */
	uint64_t shared_info_frame;          /* of a PV domain */

	/* The frames of a PV domain's pages, in runs, sorted by page; those of a PVH domain are its pages. */
	struct pb_extent *extents;
	size_t nr_extents, last_extent;
	struct window windows[WINDOWS];
	size_t nr_windows;
	struct pages shown[WINDOWS]; /* sorted; what the library unpacks into, which needs no window, */
	size_t nr_shown;
	struct window sides[WINDOWS]; /* and where it sees them; pfn is of no account */
	size_t nr_sides;
	bool seen;     /* the windows are there */
	int map_errno; /* why something cannot be mapped */
};

static inline bool builder_is_pv(const struct xen_builder *builder)
{
	return builder->info.entry != PB_PVH;
}

/* Open the ways into Xen; -1: nothing is open. */
int xen_host_open(struct xen_host *host, struct engine_error *err);
void xen_host_close(struct xen_host *host);

/* ---- builder.c ---------------------------------------------------------- */

/*
 * Build it, paused. interrupted() is asked between the steps: a signal's
 * number, or 0. On failure nothing of the domain is left.
 */
int builder_build(struct xen_builder *builder, unsigned (*interrupted)(void *ctx), void *ctx, struct engine_error *err);

/* Let it run, under its own handle if it is to be kept. */
int builder_start(struct xen_builder *builder, struct engine_error *err);

/* Keys, domain and what is mapped of it; fine at any moment. */
void builder_destroy(struct xen_builder *builder);

/* What is allocated here; the domain lives on, and what lingers of its memory goes with the process. */
void builder_release(struct xen_builder *builder);

/* ---- memory.c ----------------------------------------------------------- */

int memory_populate(struct xen_builder *builder, struct engine_error *err);
int memory_place(struct xen_builder *builder, struct engine_error *err);

/* What may not be mapped any more when Xen takes the domain's page tables for such; and all. */
void memory_unmap_tables(struct xen_builder *builder);
void memory_unmap(struct xen_builder *builder);
void memory_release(struct xen_builder *builder);

/* The machine's frame of a page of the domain; of a PVH domain, the page itself. */
uint64_t memory_frame(const struct xen_builder *builder, uint64_t pfn);

/* ---- pv.c, pvh.c -------------------------------------------------------- */

int pv_begin(struct xen_builder *builder, struct engine_error *err);  /* before there is memory */
int pv_finish(struct xen_builder *builder, struct engine_error *err); /* once all is placed */

#define PVH_LOW_END     0xf0000000ull /* RAM ends here at the latest, and goes on at 4 GiB */
#define PVH_ACPI_GPA    0xfc000000ull
#define PVH_ACPI_LEN    0x4000ull
#define PVH_SPECIAL_GPA 0xfeff8000ull /* up to 0xff000000: pages shared with dom0's daemons */
#define PVH_SPECIAL_LEN 0x8000ull
int pvh_begin(struct xen_builder *builder, struct engine_error *err);
int pvh_populate(struct xen_builder *builder, struct engine_error *err); /* its pages that are not RAM */
int pvh_finish(struct xen_builder *builder, struct engine_error *err);

/* ---- store.c ------------------------------------------------------------ */

int store_check_name(const struct xen_host *host, const char *name, struct engine_error *err);
int store_write(struct xen_builder *builder, struct engine_error *err);
int store_introduce(struct xen_builder *builder, struct engine_error *err);
void store_remove(const struct xen_host *host, uint32_t domid);
void store_uuid(const xen_domain_handle_t handle, char text[UUID_LEN]);

/* Where xenconsoled lets one see and type; to be freed. NULL: it has not yet said so. */
char *store_tty(const struct xen_host *host, uint32_t domid);

/* ---- mark.c ------------------------------------------------------------- */

/* The handle that says that this process is building the domain. */
void mark_make(xen_domain_handle_t handle);

/* Remove every domain whose builder is gone; how many. */
unsigned mark_sweep(const struct xen_host *host);

/* ---- session.c ---------------------------------------------------------- */

struct signals;
int session_attach(struct xen_builder *builder, const struct signals *signals, struct engine_result *ret,
		   struct engine_error *err);

/* ---- crash.c ------------------------------------------------------------ */

/* Several lines, or NULL; to be freed. */
char *crash_describe(const struct xen_builder *builder);

#endif
