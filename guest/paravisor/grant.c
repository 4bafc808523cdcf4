/* SPDX-License-Identifier: MIT */
/*
 * Grant tables: the guest gets its table and may write grants into it, but
 * there is no other domain to use one, and none whose grants it could map.
 */
#include "paravisor.h"

#include <xen/grant_table.h>

#define GRANT_FRAMES 8

static uint64_t first_mfn;
static uint32_t in_use = 1;

void grant_init(void)
{
	first_mfn = va_frame(boot_alloc(GRANT_FRAMES));
	for (unsigned i = 0; i < GRANT_FRAMES; i++)
		*frame(first_mfn + i) = FRAME_GUEST | FRAME_OWN;
}

static bool is_self(domid_t dom)
{
	return dom == DOMID_SELF || dom == 1;
}

static int setup_table(uint64_t arg)
{
	struct gnttab_setup_table op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -XEN_EFAULT;
	op.status = !is_self(op.dom)              ? GNTST_permission_denied
		    : op.nr_frames > GRANT_FRAMES ? GNTST_general_error
						  : GNTST_okay;
	for (uint64_t i = 0; !op.status && i < op.nr_frames; i++) {
		uint64_t mfn = first_mfn + i;

		if (copy_to_guest((uint64_t)op.frame_list.p + i * 8, &mfn, sizeof(mfn)))
			op.status = GNTST_bad_virt_addr;
	}
	if (!op.status && op.nr_frames > in_use)
		in_use = op.nr_frames;
	return copy_to_guest(arg, &op, sizeof(op));
}

static int query_size(uint64_t arg)
{
	struct gnttab_query_size op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -XEN_EFAULT;
	op.nr_frames = in_use;
	op.max_nr_frames = GRANT_FRAMES;
	op.status = is_self(op.dom) ? GNTST_okay : GNTST_permission_denied;
	return copy_to_guest(arg, &op, sizeof(op));
}

static int set_version(uint64_t arg)
{
	struct gnttab_set_version op;
	int rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -XEN_EFAULT;
	rc = op.version == 1 ? 0 : op.version == 2 ? -XEN_ENOSYS : -XEN_EINVAL;
	op.version = 1;
	return copy_to_guest(arg, &op, sizeof(op)) ? -XEN_EFAULT : rc;
}

static int get_version(uint64_t arg)
{
	struct gnttab_get_version op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -XEN_EFAULT;
	op.version = 1;
	return copy_to_guest(arg, &op, sizeof(op));
}

static int map_ref(uint64_t arg)
{
	struct gnttab_map_grant_ref op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -XEN_EFAULT;
	op.status = GNTST_bad_domain;
	return copy_to_guest(arg, &op, sizeof(op));
}

static int unmap_ref(uint64_t arg)
{
	struct gnttab_unmap_grant_ref op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -XEN_EFAULT;
	op.status = GNTST_bad_handle;
	return copy_to_guest(arg, &op, sizeof(op));
}

static int copy_ref(uint64_t arg)
{
	struct gnttab_copy op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -XEN_EFAULT;
	op.status = GNTST_bad_domain;
	return copy_to_guest(arg, &op, sizeof(op));
}

static const struct {
	uint32_t size;
	int (*fn)(uint64_t arg);
} ops[] = {
	[GNTTABOP_map_grant_ref] = { sizeof(struct gnttab_map_grant_ref), map_ref },
	[GNTTABOP_unmap_grant_ref] = { sizeof(struct gnttab_unmap_grant_ref), unmap_ref },
	[GNTTABOP_setup_table] = { sizeof(struct gnttab_setup_table), setup_table },
	[GNTTABOP_copy] = { sizeof(struct gnttab_copy), copy_ref },
	[GNTTABOP_query_size] = { sizeof(struct gnttab_query_size), query_size },
	[GNTTABOP_set_version] = { sizeof(struct gnttab_set_version), set_version },
	[GNTTABOP_get_version] = { sizeof(struct gnttab_get_version), get_version },
};

long hc_grant_table_op(struct vcpu *v, uint64_t cmd, uint64_t arg, uint64_t count, uint64_t d, uint64_t e)
{
	int rc = 0;

	(void)v, (void)d, (void)e;
	if (cmd >= ARRAY(ops) || !ops[cmd].fn)
		return -XEN_ENOSYS;
	if (count > 4096)
		return -XEN_EINVAL;
	for (uint64_t i = 0; i < count && !rc; i++)
		rc = ops[cmd].fn(arg + i * ops[cmd].size);
	return rc;
}
