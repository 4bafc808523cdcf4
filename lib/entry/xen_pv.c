/* SPDX-License-Identifier: MIT */
/*
 * Whether a kernel is one that Xen's PV domain builders take. The rules are in
 * the comments of <xen/elfnote.h> and <xen/features.h>.
 */
#include "xen_pv.h"

#include <stdlib.h>
#include <string.h>
#include <xen/elfnote.h>

#include "../error.h"
#include "../notes.h"

static const struct note *xen_note(const struct kernel *kernel, uint32_t type)
{
	return note_find(kernel->notes, kernel->nr_notes, "Xen", type);
}

/* A string note begins with that text. */
static bool begins(const struct note *note, const char *text)
{
	return note && strncmp((const char *)note->desc, text, strlen(text)) == 0;
}

static int check_version(const struct kernel *kernel, struct pb_error *why)
{
	const struct note *version = xen_note(kernel, XEN_ELFNOTE_XEN_VERSION);

	if (!version)
		return fail(why, PB_E_NO_NOTE, "XEN_VERSION", XEN_ELFNOTE_XEN_VERSION, 0, 0);
	if (!begins(version, "xen-3.0"))
		return fail(why, PB_E_NOTE_VALUE, "XEN_VERSION", 0, 0, 0);
	return 0;
}

static int check_loader(const struct kernel *kernel, struct pb_error *why)
{
	const struct note *loader = xen_note(kernel, XEN_ELFNOTE_LOADER);
	const struct note *os = xen_note(kernel, XEN_ELFNOTE_GUEST_OS);

	if (begins(loader, "generic") || begins(os, "linux"))
		return 0;
	if (!loader && !os)
		return fail(why, PB_E_NO_NOTE, "LOADER", XEN_ELFNOTE_LOADER, 0, 0);
	return fail(why, PB_E_NOTE_VALUE, loader ? "LOADER" : "GUEST_OS", 0, 0, 0);
}

/*
 * The hypervisor has no 2-level page tables any more. What begins with "yes"
 * will do, such as the old string's "yes[extended-cr3]", and what has
 * "bimodal" in it, such as "yes,bimodal".
 */
static int check_pae(const struct kernel *kernel, struct pb_error *why)
{
	const struct note *pae = xen_note(kernel, XEN_ELFNOTE_PAE_MODE);

	if (!pae)
		return fail(why, PB_E_NO_NOTE, "PAE_MODE", XEN_ELFNOTE_PAE_MODE, 0, 0);
	if (!begins(pae, "yes") && !strstr((const char *)pae->desc, "bimodal"))
		return fail(why, PB_E_NOTE_VALUE, "PAE_MODE", 0, 0, 0);
	return 0;
}

int xen_pv_no_pae(struct pb_image *image, struct pb_error *why)
{
	const struct kernel *kernel = image_kernel(image);

	return xen_note(kernel, XEN_ELFNOTE_PAE_MODE) ? check_pae(kernel, why) : 0;
}

/*
 * The names of <xen/features.h> without XENFEAT_. What a kernel requires is a
 * claim about the set that it supports itself, and a name in FEATURES puts a
 * feature there; so a required feature can only fail by being unknown.
 */
static bool feature_known(const char *name, size_t len)
{
	static const char *const known[] = {
		"writable_page_tables",
		"writable_descriptor_tables",
		"auto_translated_physmap",
		"supervisor_mode_kernel",
		"pae_pgdir_above_4gb",
		"mmu_pt_update_preserve_ad",
		"highmem_assist",
		"gnttab_map_avail_bits",
		"hvm_callback_vector",
		"hvm_safe_pvclock",
		"hvm_pirqs",
		"dom0",
		"grant_map_identity",
		"memory_op_vnode_supported",
		"ARM_SMCCC_supported",
		"linux_rsdp_unrestricted",
		"not_direct_mapped",
		"direct_mapped",
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i]) == len && memcmp(known[i], name, len) == 0)
			return true;
	return false;
}

/* FEATURES is "name|!name|...", '!' before what the kernel requires. */
static int check_features(const struct kernel *kernel, struct pb_error *why)
{
	const struct note *features = xen_note(kernel, XEN_ELFNOTE_FEATURES);
	const char *name = features ? (const char *)features->desc : "";

	while (*name) {
		size_t len = strcspn(name, "|");

		if (*name == '!' && !feature_known(name + 1, len - 1))
			return fail(why, PB_E_FEATURE, "FEATURES", 0, 0,
				    (uint64_t)(name - (const char *)features->desc));
		name += len;
		name += *name == '|';
	}
	return 0;
}

/* A number that counts as 0 where its note is absent. */
static int number_or_0(const struct kernel *kernel, uint32_t type, const char *field, uint64_t *ret,
		       struct pb_error *why)
{
	*ret = 0;
	return xen_note(kernel, type) ? xen_number(kernel, type, field, ret, why) : 0;
}

/* ENTRY is virtual, in the mapping that VIRT_BASE and PADDR_OFFSET describe: virt = p_paddr - offset + base. */
struct mapping {
	uint64_t base, offset;
};

/* An offset from a base that nobody gave is half of a mapping. */
static int read_mapping(const struct kernel *kernel, struct mapping *ret, struct pb_error *why)
{
	int rc = number_or_0(kernel, XEN_ELFNOTE_VIRT_BASE, "VIRT_BASE", &ret->base, why);

	if (rc == 0)
		rc = number_or_0(kernel, XEN_ELFNOTE_PADDR_OFFSET, "PADDR_OFFSET", &ret->offset, why);
	if (rc == 0 && xen_note(kernel, XEN_ELFNOTE_PADDR_OFFSET) && !xen_note(kernel, XEN_ELFNOTE_VIRT_BASE))
		rc = fail(why, PB_E_NO_NOTE, "VIRT_BASE", XEN_ELFNOTE_VIRT_BASE, 0, 0);
	return rc;
}

static bool maps(const struct mapping *mapping, const struct kernel *kernel, uint64_t va)
{
	return kernel_segment_at(kernel, va - mapping->base + mapping->offset);
}

/*
 * Without the note it is e_entry (Mini-OS has no other), where that lies in
 * the mapping. Not so for a kernel that names a PVH entry: such a one has its
 * notes for that, and lost its PV entry on purpose.
 */
int xen_pv_entry(const struct kernel *kernel, uint64_t *ret, struct pb_error *why)
{
	struct mapping mapping = { 0 };
	int rc;

	if (xen_note(kernel, XEN_ELFNOTE_ENTRY))
		return xen_number(kernel, XEN_ELFNOTE_ENTRY, "ENTRY", ret, why);
	rc = read_mapping(kernel, &mapping, why);
	if (rc)
		return rc;
	if (xen_note(kernel, XEN_ELFNOTE_PHYS32_ENTRY) || !xen_note(kernel, XEN_ELFNOTE_XEN_VERSION) ||
	    !maps(&mapping, kernel, kernel->entry))
		return fail(why, PB_E_NO_NOTE, "ENTRY", XEN_ELFNOTE_ENTRY, 0, 0);
	*ret = kernel->entry;
	return 0;
}

static int check_entry(const struct kernel *kernel, struct pb_error *why)
{
	struct mapping mapping = { 0 };
	uint64_t entry = 0;
	int rc = xen_pv_entry(kernel, &entry, why);

	if (rc == 0)
		rc = read_mapping(kernel, &mapping, why);
	if (rc == 0 && !maps(&mapping, kernel, entry))
		rc = fail(why, PB_E_ENTRY_OUTSIDE, "ENTRY", entry, mapping.base - mapping.offset + kernel->high_gpa, 0);
	return rc;
}

static int check_kernel(const struct kernel *kernel, unsigned elf_class, struct pb_error *why)
{
	int rc = 0;

	if (kernel->elf_class != elf_class)
		return fail(why, PB_E_CLASS, "EI_CLASS", kernel->elf_class, elf_class, 0);
	rc = check_entry(kernel, why);
	if (rc == 0)
		rc = check_version(kernel, why);
	if (rc == 0)
		rc = check_loader(kernel, why);
	if (rc == 0 && elf_class == 32)
		rc = check_pae(kernel, why);
	return rc < 0 ? rc : check_features(kernel, why);
}

int xen_pv_can(struct pb_image *image, enum pb_unpack unpack, unsigned elf_class, struct pb_error *why)
{
	struct entered_elf elf;
	int rc = entered_elf(image, unpack, &elf, why);

	if (rc < 0)
		return rc;
	rc = check_kernel(elf.kernel, elf_class, why);
	entered_elf_done(&elf);
	return rc;
}
