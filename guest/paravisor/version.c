/* SPDX-License-Identifier: MIT */
/* xen_version: which Xen this acts as, and which features a PV guest gets. */
#include "paravisor.h"

#include <xen/features.h>
#include <xen/version.h>

#define MAJOR 4
#define MINOR 17

static long put(uint64_t arg, const char *text, size_t len)
{
	char buf[1024] = { 0 };

	memcpy(buf, text, strlen(text));
	return copy_to_guest(arg, buf, len);
}

/* Never writable_page_tables: that is for translated guests. */
static long get_features(uint64_t arg)
{
	struct xen_feature_info fi;

	if (copy_from_guest(&fi, arg, sizeof(fi)))
		return -XEN_EFAULT;
	if (fi.submap_idx >= XENFEAT_NR_SUBMAPS)
		return -XEN_EINVAL;
	fi.submap = 1u << XENFEAT_pae_pgdir_above_4gb | 1u << XENFEAT_mmu_pt_update_preserve_ad |
		    1u << XENFEAT_highmem_assist | 1u << XENFEAT_gnttab_map_avail_bits |
		    1u << XENFEAT_memory_op_vnode_supported | 1u << XENFEAT_direct_mapped;
	return copy_to_guest(arg, &fi, sizeof(fi));
}

static long compile_info(uint64_t arg)
{
	struct xen_compile_info info = { .compiler = "freestanding C",
					 .compile_by = "paraboot",
					 .compile_domain = "paravisor" };

	return copy_to_guest(arg, &info, sizeof(info));
}

static long guest_handle(uint64_t arg)
{
	static const uint8_t uuid[16] = { 'p', 'a', 'r', 'a', 'b', 'o', 0x4f, 't', 0x80, 0, 0, 0, 0, 0, 0, 1 };

	return copy_to_guest(arg, uuid, sizeof(uuid));
}

long hc_xen_version(struct vcpu *v, uint64_t cmd, uint64_t arg, uint64_t c, uint64_t d, uint64_t e)
{
	guest_word virt_start = HV_START;

	(void)v, (void)c, (void)d, (void)e;
	switch (cmd) {
	case XENVER_version:
		return MAJOR << 16 | MINOR;
	case XENVER_extraversion:
		return put(arg, "-paraboot", XEN_EXTRAVERSION_LEN);
	case XENVER_compile_info:
		return compile_info(arg);
	case XENVER_capabilities:
		return put(arg, ROOT_LEVEL == 4 ? "xen-3.0-x86_64 " : "xen-3.0-x86_32p ", XEN_CAPABILITIES_INFO_LEN);
	case XENVER_changeset:
		return put(arg, "unavailable", XEN_CHANGESET_INFO_LEN);
	case XENVER_platform_parameters:
		return copy_to_guest(arg, &virt_start, sizeof(virt_start));
	case XENVER_get_features:
		return get_features(arg);
	case XENVER_pagesize:
		return arg ? -XEN_EINVAL : (long)PAGE;
	case XENVER_guest_handle:
		return guest_handle(arg);
	case XENVER_commandline:
		return put(arg, "<denied>", sizeof("<denied>"));
	case XENVER_build_id: /* as the command line, not for guests */
		return -XEN_EPERM;
	}
	return -XEN_ENOSYS;
}
