/* SPDX-License-Identifier: MIT */
/*
 * A packed image before Xen's own domain builder, as far as that needs no Xen:
 * libxenguest finds the file's loader and parses it. Prints the type of the
 * guest and where its kernel lies; what libxenguest complains of goes to
 * standard error.
 *
 *     xenguest pv|pvh IMAGE
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <xenctrl.h>
#include <xenguest.h>

/* What Xen would say of itself; without one to ask, the library has nothing to compare the image with. */
static const char caps[] = "xen-3.0-x86_64 xen-3.0-x86_32p hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ";

static int parse(xc_interface *xch, bool pvh, const char *path)
{
	struct xc_dom_image *dom = xc_dom_allocate(xch, "", NULL);
	int rc = -1;

	if (!dom)
		return -1;
	dom->container_type = pvh ? XC_DOM_HVM_CONTAINER : XC_DOM_PV_CONTAINER;
	memcpy(dom->xen_caps, caps, sizeof(caps));
	if (xc_dom_kernel_file(dom, path) == 0)
		rc = xc_dom_parse_image(dom);
	if (rc == 0)
		printf("%s 0x%llx-0x%llx\n", dom->guest_type, (unsigned long long)dom->kernel_seg.vstart,
		       (unsigned long long)dom->kernel_seg.vend);
	xc_dom_release(dom);
	return rc;
}

int main(int argc, char **argv)
{
	xc_interface *xch = xc_interface_open(NULL, NULL, XC_OPENFLAG_DUMMY);
	int rc;

	if (!xch || argc != 3)
		return 2;
	rc = parse(xch, strcmp(argv[1], "pvh") == 0, argv[2]);
	xc_interface_close(xch);
	return rc != 0;
}
