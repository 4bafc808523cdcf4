/* SPDX-License-Identifier: MIT */
/*
 * Prints how many domains there are and how many pages are free, by hypercalls
 * alone: xl waits for ever where xenstored is gone.
 */
#include <stdio.h>
#include <xenctrl.h>

int main(void)
{
	xc_interface *control = xc_interface_open(NULL, NULL, 0);
	xc_domaininfo_t infos[64];
	xc_physinfo_t physinfo = { 0 };
	int domains;

	if (!control)
		return 1;
	domains = xc_domain_getinfolist(control, 0, sizeof(infos) / sizeof(*infos), infos);
	xc_physinfo(control, &physinfo);
	printf("domains %d, free pages %lu\n", domains, (unsigned long)physinfo.free_pages);
	return xc_interface_close(control);
}
