/* SPDX-License-Identifier: MIT */
/*
 * xen-pv32: ring 1 with PAE paging on, by Xen's PV ABI. A kernel is found fit
 * by its Xen notes, or entered by the boot protocol: at e_entry, told by
 * hardware_subarch who the hypervisor is. The second way wants no note.
 */
#include "../error.h"
#include "../kernel.h"
#include "subarch.h"
#include "xen_pv.h"

int xen_pv32_can(struct pb_image *image, enum pb_unpack unpack, struct pb_error *why)
{
	return xen_pv_can(image, unpack, 32, why);
}

/* An image that unpacks itself in ring 1 needs program headers: they say how much has to be mapped. */
static int own_elf_can(struct pb_image *image, struct pb_error *why)
{
	struct entered_elf elf;
	pb_gpa entry;
	int rc = entered_elf(image, PB_UNPACK_GUEST, &elf, why);

	if (rc < 0)
		return rc;
	if (elf.kernel->elf_class != 32)
		rc = fail(why, PB_E_CLASS, "EI_CLASS", elf.kernel->elf_class, 32, 0);
	if (rc == 0)
		rc = kernel_entry_of(elf.kernel, &entry, why);
	entered_elf_done(&elf);
	return rc;
}

int xen_pv32_can_subarch(struct pb_image *image, enum pb_unpack unpack, struct pb_error *why)
{
	pb_gpa entry;
	int rc;

	if (unpack == PB_UNPACK_GUEST)
		return own_elf_can(image, why);
	rc = need_class(image, 32, why);
	if (rc == 0)
		rc = need_linux(image, why);
	if (rc == 0)
		rc = xen_pv_no_pae(image, why);
	return rc < 0 ? rc : kernel_entry_gpa(image, &entry, why);
}
