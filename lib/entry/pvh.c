/* SPDX-License-Identifier: MIT */
/*
 * pvh: 32-bit protected mode at the physical address that the Xen note
 * PHYS32_ENTRY names, with an hvm_start_info (<xen/arch-x86/hvm/start_info.h>).
 * The note stands in the unpacked kernel; an image that unpacks itself can
 * carry one of its own, behind an ELF header before its setup header.
 */
#include <xen/elfnote.h>

#include "../error.h"
#include "rows.h"

int pvh_can(struct pb_image *image, enum pb_unpack unpack, struct pb_error *why)
{
	struct entered_elf elf;
	uint64_t entry;
	int rc = entered_elf(image, unpack, &elf, why);

	if (rc < 0)
		return rc;
	rc = xen_number(elf.kernel, XEN_ELFNOTE_PHYS32_ENTRY, "PHYS32_ENTRY", &entry, why);
	if (rc == 0 && !kernel_segment_at(elf.kernel, entry))
		rc = fail(why, PB_E_ENTRY_OUTSIDE, "PHYS32_ENTRY", entry, elf.kernel->high_gpa, 0);
	entered_elf_done(&elf);
	return rc;
}
