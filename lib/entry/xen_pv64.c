/* SPDX-License-Identifier: MIT */
/*
 * xen-pv64: ring 3 with 4-level paging on, by Xen's PV ABI.
 */
#include "xen_pv.h"

int xen_pv64_can(struct pb_image *image, enum pb_unpack unpack, struct pb_error *why)
{
	return xen_pv_can(image, unpack, 64, why);
}
