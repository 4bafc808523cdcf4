/* SPDX-License-Identifier: MIT */
/*
 * xen-pv32: ring 1 with PAE paging on, by Xen's PV ABI.
 */
#include "xen_pv.h"

int xen_pv32_can(struct pb_image *image, enum pb_unpack unpack, struct pb_error *why)
{
	return xen_pv_can(image, unpack, 32, why);
}
