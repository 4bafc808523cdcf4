/* SPDX-License-Identifier: MIT */
/*
 * Grant tables, of both versions: the guest gets its table and may write grants
 * into it, but there is no other domain to use one, and none whose grants it
 * could map. What it can do is copy within its own memory, by frame numbers or
 * by grants to itself.
 */
#include "shape.h"

#include <xen/grant_table.h>

#define GRANT_FRAMES  8
#define V1_A_FRAME    (PAGE / sizeof(grant_entry_v1_t))
#define V2_A_FRAME    (PAGE / sizeof(grant_entry_v2_t))
#define STATUS_FRAMES ((GRANT_FRAMES * V2_A_FRAME * sizeof(grant_status_t) + PAGE - 1) / PAGE)

static uint8_t *table; /* GRANT_FRAMES, and behind them those of the status words of version 2 */
static uint32_t in_use = 1, version = 1;

void grant_init(void)
{
	table = boot_alloc(GRANT_FRAMES + STATUS_FRAMES);
	for (unsigned i = 0; i < GRANT_FRAMES + STATUS_FRAMES; i++)
		frame(va_frame(table) + i)->word = FRAME_GUEST | FRAME_OWN;
}

/* Xen's answers in a status field: no such domain, and one that is none of the guest's business. */
static int16_t domain_status(domid_t dom)
{
	return is_self(dom) ? GNTST_okay : dom == 0 ? GNTST_permission_denied : GNTST_bad_domain;
}

static uint32_t status_frames(void)
{
	return version == 2 ? (uint32_t)((in_use * V2_A_FRAME * sizeof(grant_status_t) + PAGE - 1) / PAGE) : 0;
}

static int setup_table(void *arg)
{
	struct gnttab_setup_table *op = arg;

	op->status = domain_status(op->dom);
	if (op->status == GNTST_okay && op->nr_frames > GRANT_FRAMES)
		op->status = GNTST_general_error;
	if (op->status != GNTST_okay)
		return 0;
	if (op->nr_frames > in_use)
		in_use = op->nr_frames;
	for (uint32_t i = 0; i < op->nr_frames; i++)
		if (put_word((uint64_t)op->frame_list.p, i, va_frame(table) + i))
			op->status = GNTST_bad_virt_addr;
	return 0;
}

static int get_status_frames(void *arg)
{
	struct gnttab_get_status_frames *op = arg;

	op->status = domain_status(op->dom);
	if (op->status == GNTST_okay && op->nr_frames > status_frames())
		op->status = GNTST_general_error;
	for (uint32_t i = 0; i < op->nr_frames && op->status == GNTST_okay; i++) {
		uint64_t mfn = va_frame(table) + GRANT_FRAMES + i; /* 64 bits in both classes */

		if (copy_to_guest((uint64_t)(op->frame_list.p + i), &mfn, sizeof(mfn)))
			op->status = GNTST_bad_virt_addr;
	}
	return 0;
}

static int query_size(void *arg)
{
	struct gnttab_query_size *op = arg;

	op->status = domain_status(op->dom);
	if (op->status != GNTST_okay)
		return 0;
	op->nr_frames = in_use;
	op->max_nr_frames = GRANT_FRAMES;
	return 0;
}

/* Nobody maps a grant of this guest's, so none is ever in the way of a change. The answer is what the table is then. */
static int set_version(void *arg)
{
	struct gnttab_set_version *op = arg;

	if (op->version != 1 && op->version != 2)
		return -XEN_EINVAL;
	if (op->version != version) {
		version = op->version;
		memset(table, 0, (GRANT_FRAMES + STATUS_FRAMES) * PAGE);
	}
	return 0;
}

static int get_version(void *arg)
{
	struct gnttab_get_version *op = arg;
	int rc = domain_check(op->dom);

	if (!rc)
		op->version = version;
	return rc;
}

/* ---- Grants of others: there are none ---- */

static int map_ref(void *arg)
{
	struct gnttab_map_grant_ref *op = arg;

	op->status = GNTST_bad_gntref;
	if ((op->flags & (GNTMAP_device_map | GNTMAP_host_map)) && domain_status(op->dom) == GNTST_bad_domain)
		op->status = GNTST_bad_domain;
	return 0;
}

static int unmap_ref(void *arg)
{
	struct gnttab_unmap_grant_ref *op = arg;

	op->status = GNTST_bad_handle;
	return 0;
}

static int unmap_and_replace(void *arg)
{
	struct gnttab_unmap_and_replace *op = arg;

	op->status = GNTST_bad_handle;
	return 0;
}

static int transfer(void *arg)
{
	struct gnttab_transfer *op = arg;

	op->status = frame_is_guest(op->mfn) ? GNTST_bad_domain : GNTST_bad_page;
	return 0;
}

static int swap_ref(void *arg)
{
	struct gnttab_swap_grant_ref *op = arg;
	uint8_t *a, *b;
	size_t size = version == 1 ? sizeof(grant_entry_v1_t) : sizeof(grant_entry_v2_t), n = in_use * PAGE / size;

	op->status = GNTST_bad_gntref;
	if (op->ref_a >= n || op->ref_b >= n)
		return 0;
	a = table + op->ref_a * size;
	b = table + op->ref_b * size;
	for (size_t i = 0; i < size && a != b; i++) {
		uint8_t byte = a[i];

		a[i] = b[i];
		b[i] = byte;
	}
	op->status = GNTST_okay;
	return 0;
}

/* ---- Copying ---- */

/* The frame of a grant to itself; PV_NONE: there is none, or not for this use. */
static uint64_t granted_frame(grant_ref_t ref, bool write)
{
	uint16_t flags, domid;
	uint64_t mfn;

	if (ref >= in_use * (version == 1 ? V1_A_FRAME : V2_A_FRAME))
		return PV_NONE;
	if (version == 1) {
		const volatile grant_entry_v1_t *e = (const grant_entry_v1_t *)table + ref;

		flags = e->flags, domid = e->domid, mfn = e->frame;
	} else {
		const volatile union grant_entry_v2 *e = (const union grant_entry_v2 *)table + ref;

		flags = e->hdr.flags, domid = e->hdr.domid, mfn = e->full_page.frame;
	}
	if ((flags & GTF_type_mask) != GTF_permit_access || !is_self(domid) || (write && (flags & GTF_readonly)))
		return PV_NONE;
	return mfn;
}

struct end { /* of a copy, once it was looked at */
	uint64_t mfn;
	unsigned offset;
	int16_t status;
};

static struct end find_end(domid_t dom, bool by_ref, uint64_t what, unsigned offset, bool write)
{
	struct end end = { what, offset, domain_status(dom) };

	if (end.status == GNTST_okay && by_ref) {
		end.mfn = granted_frame((grant_ref_t)what, write);
		end.status = end.mfn == PV_NONE ? GNTST_bad_gntref : GNTST_okay;
	}
	if (end.status != GNTST_okay)
		return end;
	if (!frame_is_guest(end.mfn) || (write && (frame(end.mfn)->word & FRAME_OWN)))
		end.status = GNTST_bad_page;
	return end;
}

static int copy_ref(void *arg)
{
	struct gnttab_copy *op = arg;
	bool from_ref = op->flags & GNTCOPY_source_gref, to_ref = op->flags & GNTCOPY_dest_gref;
	struct end from, to;

	if (op->source.offset > PAGE || op->dest.offset > PAGE || op->len > PAGE - op->source.offset ||
	    op->len > PAGE - op->dest.offset) {
		op->status = GNTST_bad_copy_arg;
		return 0;
	}
	from = find_end(op->source.domid, from_ref, from_ref ? op->source.u.ref : op->source.u.gmfn, op->source.offset,
			false);
	to = find_end(op->dest.domid, to_ref, to_ref ? op->dest.u.ref : op->dest.u.gmfn, op->dest.offset, true);
	op->status = from.status != GNTST_okay ? from.status : to.status;
	if (op->status == GNTST_okay &&
	    !guest_frame_fill(to.mfn, to.offset, (uint8_t *)frame_va(from.mfn) + from.offset, op->len))
		op->status = GNTST_bad_page;
	return 0;
}

/* ---- Dispatch ---- */

static const struct {
	int (*fn)(void *arg);
	shape_t shape;
} ops[] = {
	[GNTTABOP_map_grant_ref] = { map_ref, SAME(gnttab_map_grant_ref) },
	[GNTTABOP_unmap_grant_ref] = { unmap_ref, SAME(gnttab_unmap_grant_ref) },
	[GNTTABOP_setup_table] = { setup_table, SHAPE(gnttab_setup_table) },
	[GNTTABOP_transfer] = { transfer, SHAPE(gnttab_transfer) },
	[GNTTABOP_copy] = { copy_ref, SHAPE(gnttab_copy) },
	[GNTTABOP_query_size] = { query_size, SAME(gnttab_query_size) },
	[GNTTABOP_unmap_and_replace] = { unmap_and_replace, SAME(gnttab_unmap_and_replace) },
	[GNTTABOP_set_version] = { set_version, SAME(gnttab_set_version) },
	[GNTTABOP_get_status_frames] = { get_status_frames, SHAPE(gnttab_get_status_frames) },
	[GNTTABOP_get_version] = { get_version, SAME(gnttab_get_version) },
	[GNTTABOP_swap_grant_ref] = { swap_ref, SAME(gnttab_swap_grant_ref) },
};

/* These take one argument, not a list. */
static bool takes_one(uint64_t cmd)
{
	return cmd == GNTTABOP_setup_table || cmd == GNTTABOP_query_size || cmd == GNTTABOP_set_version ||
	       cmd == GNTTABOP_get_version || cmd == GNTTABOP_get_status_frames;
}

#define MANY 4096u

long hc_grant_table_op(struct vcpu *v, uint64_t cmd, uint64_t arg, uint64_t count, uint64_t d, uint64_t e)
{
	uint64_t buf[8];
	int rc = 0;

	(void)v, (void)d, (void)e;
	if ((int32_t)count < 0)
		return -XEN_EINVAL;
	if (cmd >= ARRAY(ops) || !ops[cmd].fn)
		return -XEN_ENOSYS;
	if ((uint32_t)count > MANY || (takes_one(cmd) && (uint32_t)count != 1))
		return -XEN_EINVAL;
	for (uint64_t i = 0; i < (uint32_t)count && !rc; i++) {
		uint64_t at = arg + i * guest_len(ops[cmd].shape);

		if (get_arg(buf, at, ops[cmd].shape))
			return -XEN_EFAULT;
		rc = ops[cmd].fn(buf);
		if (!rc && put_arg(at, buf, ops[cmd].shape))
			rc = -XEN_EFAULT;
	}
	return rc;
}
