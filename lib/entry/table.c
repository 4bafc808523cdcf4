/* SPDX-License-Identifier: MIT */
/*
 * The entries, and what callers ask about them.
 */
#include <string.h>

#include "../error.h"
#include "rows.h"

const struct entry entries[PB_ENTRIES] = {
	[PB_LINUX16] = { "linux16", linux16_can, NULL, true, NULL },
	[PB_LINUX32] = { "linux32", linux32_can, linux32_plan, true, NULL },
	[PB_LINUX64] = { "linux64", linux64_can, linux64_plan, true, NULL },
	[PB_PVH] = { "pvh", pvh_can, pvh_plan, false, NULL },
	[PB_XEN_PV32] = { "xen-pv32", xen_pv32_can, xen_pv_plan, true, xen_pv32_can_subarch },
	[PB_XEN_PV64] = { "xen-pv64", xen_pv64_can, xen_pv_plan, false, NULL },
	[PB_LGUEST] = { "lguest", lguest_can, lguest_plan, true, NULL },
};

static bool entry_known(enum pb_entry entry)
{
	return entry >= PB_LINUX16 && entry < PB_ENTRIES;
}

const char *pb_entry_name(enum pb_entry entry)
{
	return entry_known(entry) ? entries[entry].name : NULL;
}

enum pb_entry pb_entry_by_name(const char *name)
{
	for (unsigned i = PB_LINUX16; i < PB_ENTRIES; i++)
		if (strcmp(entries[i].name, name) == 0)
			return (enum pb_entry)i;
	return (enum pb_entry)0;
}

const char *pb_unpack_name(enum pb_unpack unpack)
{
	switch (unpack) {
	case PB_UNPACK_HOST:
		return "host";
	case PB_UNPACK_GUEST:
		return "guest";
	}
	return NULL;
}

int pb_image_can(pb_image *image, enum pb_entry entry, enum pb_unpack unpack, struct pb_error *why)
{
	if (!entry_known(entry))
		return fail(why, PB_E_ARG, "entry", entry, PB_ENTRIES - 1, 0);
	if (!pb_unpack_name(unpack))
		return fail(why, PB_E_ARG, "unpack", unpack, PB_UNPACK_GUEST, 0);
	return entries[entry].can(image, unpack, why);
}
