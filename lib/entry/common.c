/* SPDX-License-Identifier: MIT */
/*
 * The questions that several entries ask of an image.
 */
#include <stdlib.h>
#include <string.h>
#include <xen/elfnote.h>

#include "../error.h"
#include "../kernel.h"
#include "../notes.h"
#include "rows.h"

int need_setup_header(const struct pb_image *image, struct pb_error *why)
{
	return image->facts.protocol ? 0 : fail(why, PB_E_NO_ENTRY, "setup_header", 0, 0x200, 0);
}

int need_class(struct pb_image *image, unsigned elf_class, struct pb_error *why)
{
	int rc = kernel_load(image, why);

	if (rc < 0)
		return rc;

	unsigned has = image_kernel(image)->elf_class;

	return has == elf_class ? 0 : fail(why, PB_E_CLASS, "EI_CLASS", has, elf_class, 0);
}

static bool says_linux(const struct kernel *kernel)
{
	const struct note *os = note_find(kernel->notes, kernel->nr_notes, "Xen", XEN_ELFNOTE_GUEST_OS);

	if (os && strncmp((const char *)os->desc, "linux", 5) == 0)
		return true;
	for (unsigned i = 0; i < kernel->nr_notes; i++)
		if (strcmp(kernel->notes[i].owner, "Linux") == 0)
			return true;
	return false;
}

int need_linux(struct pb_image *image, struct pb_error *why)
{
	static const char banner[] = "Linux version ";
	bool found = false;

	if (image->facts.protocol || says_linux(image_kernel(image)))
		return 0;

	int rc = kernel_holds(image, banner, sizeof(banner) - 1, &found, why);

	if (rc < 0 || found)
		return rc;
	return fail(why, PB_E_NO_NOTE, "Linux", 0, 0, 0);
}

/*
 * e_entry, where Linux is entered by the boot protocol. A kernel for Xen PV
 * alone has there what its ENTRY note names, and dies on a bare machine.
 */
int need_boot_entry(struct pb_image *image, struct pb_error *why)
{
	const struct kernel *kernel = image_kernel(image);
	const struct note *note = note_find(kernel->notes, kernel->nr_notes, "Xen", XEN_ELFNOTE_ENTRY);
	uint64_t xen_entry;
	pb_gpa entry;

	if (note && note_number(note, "ENTRY", &xen_entry, NULL) == 0 && xen_entry == kernel->entry)
		return fail(why, PB_E_NO_ENTRY, "e_entry, which is Xen's ENTRY", 0, 0, 0x18);
	return kernel_entry_gpa(image, &entry, why);
}

/* The ELF file that begins where a bzImage begins. */
static int parse_own_elf(struct pb_image *image, struct kernel *ret, struct pb_error *why)
{
	struct bytes bytes = bytes_of_source(&image->image);
	struct elf_file elf;
	int rc = elf_open_image(&elf, &bytes, why);

	return rc < 0 ? rc : kernel_parse(ret, &elf, &image->limits, why);
}

int entered_elf(struct pb_image *image, enum pb_unpack unpack, struct entered_elf *ret, struct pb_error *why)
{
	if (unpack == PB_UNPACK_HOST) {
		int rc = kernel_load(image, why);

		if (rc == 0)
			*ret = (struct entered_elf){ .kernel = image_kernel(image) };
		return rc;
	}
	if (!image->facts.protocol || memcmp(image->setup, ELFMAG, SELFMAG) != 0)
		return fail(why, PB_E_NO_ENTRY, "ELF header of the image", 0, 0, 0);

	struct kernel *own = malloc(sizeof(*own));

	if (!own)
		return fail_nomem(why, sizeof(*own));

	int rc = parse_own_elf(image, own, why);

	if (rc < 0)
		free(own);
	else
		*ret = (struct entered_elf){ .kernel = own, .own = own };
	return rc;
}

void entered_elf_done(struct entered_elf *elf)
{
	if (!elf->own)
		return;
	kernel_clear(elf->own);
	free(elf->own);
}

int xen_number(const struct kernel *kernel, uint32_t type, const char *field, uint64_t *ret, struct pb_error *why)
{
	const struct note *note = note_find(kernel->notes, kernel->nr_notes, "Xen", type);

	if (!note)
		return fail(why, PB_E_NO_NOTE, field, type, 0, 0);
	return note_number(note, field, ret, why);
}
