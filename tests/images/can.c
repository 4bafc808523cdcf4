/* SPDX-License-Identifier: MIT */
/*
 * Which start of which image must be possible, and the one reason where not.
 */
#include <string.h>

#include "images.h"

#define HOST  PB_UNPACK_HOST
#define GUEST PB_UNPACK_GUEST

/* ---- Kernels that say no ---- */

static void set_note(struct blob *kernel, const char *owner, uint32_t type, const char *text)
{
	blob_set(kernel, kernel_note_off(kernel, owner, type), text, strlen(text));
}

static void xen_version_4(struct blob *kernel)
{
	set_note(kernel, "Xen", 5, "xen-4.0");
}

static void drop_note(struct blob *kernel, uint32_t type)
{
	blob_set_le(kernel, kernel_note_off(kernel, "Xen", type) - 8, 0x7777, 4);
}

static void no_xen_version(struct blob *kernel)
{
	drop_note(kernel, 5);
}

static void no_loader(struct blob *kernel)
{
	drop_note(kernel, 8);
	drop_note(kernel, 6);
}

static void odd_loader(struct blob *kernel)
{
	set_note(kernel, "Xen", 8, "special");
	set_note(kernel, "Xen", 6, "Linux");
}

static void odd_os(struct blob *kernel)
{
	drop_note(kernel, 8);
	set_note(kernel, "Xen", 6, "Linux");
}

static void odd_loader_of_linux(struct blob *kernel)
{
	set_note(kernel, "Xen", 8, "special");
}

static void no_pae(struct blob *kernel)
{
	set_note(kernel, "Xen", 9, "no ");
}

static void no_pae_note(struct blob *kernel)
{
	drop_note(kernel, 9);
}

/* FEATURES, which is long enough for every spelling, becomes PAE_MODE. */
static void set_pae(struct blob *kernel, const char *text)
{
	size_t off = kernel_note_off(kernel, "Xen", 10);

	drop_note(kernel, 9);
	blob_set_le(kernel, off - 8, 9, 4);
	blob_set(kernel, off, text, strlen(text) + 1);
}

static void pae_bimodal(struct blob *kernel)
{
	set_pae(kernel, "bimodal");
}

static void pae_yes_bimodal(struct blob *kernel)
{
	set_pae(kernel, "yes,bimodal");
}

static void pae_extended(struct blob *kernel)
{
	set_pae(kernel, "yes[extended-cr3]");
}

static void pae_empty(struct blob *kernel)
{
	set_pae(kernel, "");
}

static void pae_capital(struct blob *kernel)
{
	set_pae(kernel, "YES");
}

static void no_xen_entry(struct blob *kernel)
{
	drop_note(kernel, 1);
}

/* As Mini-OS has it: no ENTRY, no PHYS32_ENTRY, and an e_entry in the PV mapping. */
static void xen_entry_of_elf(struct blob *kernel)
{
	drop_note(kernel, 1);
	drop_note(kernel, 18);
	blob_set_le(kernel, 24, 0xffffffff80000000 + KERNEL_GPA + 0x10, 8);
}

static void physical_entry_of_elf(struct blob *kernel)
{
	drop_note(kernel, 1);
	drop_note(kernel, 18);
}

static void no_virt_base(struct blob *kernel)
{
	drop_note(kernel, 3);
}

static void odd_feature(struct blob *kernel)
{
	set_note(kernel, "Xen", 10, "!writable_page_tablez");
}

static void odd_optional_feature(struct blob *kernel)
{
	set_note(kernel, "Xen", 10, "writable_page_tablez|");
}

static void xen_entry_outside(struct blob *kernel)
{
	blob_set_le(kernel, kernel_note_off(kernel, "Xen", 1), 0xffffffff70000000, 8);
}

/* As kernels have it that were built for Xen PV alone. */
static void xen_entry_only(struct blob *kernel)
{
	blob_set_le(kernel, 24, 0xffffffff80000000 + KERNEL_GPA + 0x10, 8);
	blob_set_le(kernel, kernel_note_off(kernel, "Xen", 1), 0xffffffff80000000 + KERNEL_GPA + 0x10, 8);
}

static void pvh_entry_outside(struct blob *kernel)
{
	blob_set_le(kernel, kernel_note_off(kernel, "Xen", 18), 0x100, 8);
}

static void pvh_other_owner(struct blob *kernel)
{
	blob_set(kernel, kernel_note_off(kernel, "Xen", 18) - 4, "Zen", 3);
}

/* The descriptor is longer than a number: 12 bytes of it, and the next note lost 12. */
static void pvh_long_number(struct blob *kernel)
{
	size_t off = kernel_note_off(kernel, "Xen", 18);

	blob_set_le(kernel, off - 12, 8 + 12 + 4 + 12, 4); /* it swallows the note behind it, PHYS32_RELOC */
}

static void entry_outside(struct blob *kernel)
{
	blob_set_le(kernel, 24, 0x123, 4);
}

/* ---- The table ---- */

const struct can_answer can_answers[] = {
	/* A 64-bit distribution kernel. */
	{ "bz-2.15", PB_LINUX16, GUEST },
	{ "bz-2.15", PB_LINUX16, HOST, NULL, PB_E_NO_ENTRY, "real-mode entry of an unpacked kernel" },
	{ "bz-2.15", PB_LINUX32, GUEST },
	{ "bz-2.15", PB_LINUX32, HOST, NULL, PB_E_CLASS, "EI_CLASS" },
	{ "bz-2.15", PB_LINUX64, GUEST },
	{ "bz-2.15", PB_LINUX64, HOST },
	{ "bz-2.15", PB_PVH, GUEST, NULL, PB_E_NO_ENTRY, "ELF header of the image" },
	{ "bz-2.15", PB_PVH, HOST },
	{ "bz-2.15", PB_XEN_PV32, HOST, NULL, PB_E_CLASS, "EI_CLASS" },
	{ "bz-2.15", PB_XEN_PV64, HOST },
	{ "bz-2.15", PB_XEN_PV64, GUEST, NULL, PB_E_NO_ENTRY, "ELF header of the image" },
	{ "bz-2.15", PB_LGUEST, HOST, NULL, PB_E_NO_ENTRY, "lguest" },
	{ "bz-2.13", PB_LGUEST, HOST, NULL, PB_E_CLASS, "EI_CLASS" },

	/* A 32-bit one. */
	{ "bz-32", PB_LINUX32, HOST },
	{ "bz-32", PB_LINUX64, HOST, NULL, PB_E_CLASS, "EI_CLASS" },
	{ "bz-32", PB_LINUX64, GUEST, NULL, PB_E_NO_ENTRY, "XLF_KERNEL_64" },
	{ "bz-32", PB_XEN_PV32, HOST },
	{ "bz-32", PB_XEN_PV64, HOST, NULL, PB_E_CLASS, "EI_CLASS" },

	/* Old ones tell nothing of their payload. */
	{ "bz-2.00", PB_LINUX16, GUEST },
	{ "bz-2.00", PB_LINUX32, GUEST },
	{ "zimage-2.00", PB_LINUX32, GUEST },
	{ "bz-2.07", PB_LINUX32, HOST, NULL, PB_E_NO_PAYLOAD, "payload_offset" },
	{ "bz-2.07", PB_PVH, HOST, NULL, PB_E_NO_PAYLOAD, "payload_offset" },
	{ "bz-2.07", PB_LGUEST, GUEST },
	{ "bz-2.07", PB_LGUEST, HOST, NULL, PB_E_NO_PAYLOAD, "payload_offset" },
	{ "bz-2.06", PB_LGUEST, GUEST, NULL, PB_E_PROTOCOL, "hardware_subarch" },
	{ "bz-2.11", PB_LINUX64, GUEST, NULL, PB_E_PROTOCOL, "XLF_KERNEL_64" },
	{ "bz-2.12", PB_LINUX64, GUEST },
	{ "bz-2.11", PB_LINUX64, HOST },

	/* lguest */
	{ "bz-lguest", PB_LGUEST, HOST },
	{ "bz-lguest", PB_LGUEST, GUEST },
	{ "bz-2.08", PB_LGUEST, GUEST, NULL, PB_E_NO_ENTRY, "lguest" },
	{ "elf32-lguest", PB_LGUEST, HOST },
	{ "elf32-lguest", PB_LGUEST, GUEST, NULL, PB_E_NO_ENTRY, "setup_header" },

	/* ELF files have no setup header, and are Linux if something in them says so. */
	{ "elf64", PB_LINUX16, GUEST, NULL, PB_E_NO_ENTRY, "setup_header" },
	{ "elf64", PB_LINUX16, HOST, NULL, PB_E_NO_ENTRY, "setup_header" },
	{ "elf64", PB_LINUX32, GUEST, NULL, PB_E_NO_ENTRY, "setup_header" },
	{ "elf64", PB_LINUX64, GUEST, NULL, PB_E_NO_ENTRY, "setup_header" },
	{ "elf64", PB_LINUX64, HOST },
	{ "elf64-dyn", PB_LINUX64, HOST },
	{ "elf64-virtual-entry", PB_LINUX64, HOST },
	{ "elf64-banner", PB_LINUX64, HOST },
	{ "elf64-no-notes", PB_LINUX64, HOST, NULL, PB_E_NO_NOTE, "Linux" },
	{ "elf32-no-notes", PB_LINUX32, HOST, NULL, PB_E_NO_NOTE, "Linux" },
	{ "elf64", PB_LINUX64, HOST, entry_outside, PB_E_ENTRY_OUTSIDE, "e_entry" },
	{ "elf64", PB_LINUX64, HOST, xen_entry_only, PB_E_NO_ENTRY, "e_entry, which is Xen's ENTRY" },
	{ "elf64", PB_XEN_PV64, HOST, xen_entry_only },
	{ "elf64.gz", PB_LINUX64, HOST },
	{ "uki-bz", PB_LINUX64, HOST },
	{ "uki-bz", PB_LINUX64, GUEST },
	{ "uki-elf", PB_PVH, HOST },

	/* PVH */
	{ "elf64-no-notes", PB_PVH, HOST, NULL, PB_E_NO_NOTE, "PHYS32_ENTRY" },
	{ "elf64-section-notes", PB_PVH, HOST },
	{ "elf64-bare-owner", PB_PVH, HOST },
	{ "elf64", PB_PVH, HOST, pvh_entry_outside, PB_E_ENTRY_OUTSIDE, "PHYS32_ENTRY" },
	{ "elf64", PB_PVH, HOST, pvh_other_owner, PB_E_NO_NOTE, "PHYS32_ENTRY" },
	{ "elf64", PB_PVH, HOST, pvh_long_number, PB_E_NOTE, "PHYS32_ENTRY" },
	{ "bz-elf", PB_LINUX32, GUEST },
	{ "bz-elf-lists", PB_LINUX64, GUEST },
	{ "bz-elf-lists", PB_LINUX32, GUEST, NULL, PB_E_NO_ENTRY, "SUBARCH_ENTRY" },
	{ "bz-elf-lists", PB_LINUX16, GUEST, NULL, PB_E_NO_ENTRY, "SUBARCH_ENTRY" },
	{ "bz-elf", PB_PVH, GUEST },
	{ "bz-elf", PB_PVH, HOST },
	{ "bz-elf", PB_XEN_PV64, GUEST, NULL, PB_E_NO_NOTE, "ENTRY" },
	{ "bz-no-payload", PB_PVH, HOST, NULL, PB_E_NO_PAYLOAD, "payload_length" },

	/* Xen PV */
	{ "elf32-xen-guest", PB_XEN_PV32, HOST },
	{ "elf32", PB_XEN_PV32, HOST, no_pae, PB_E_NOTE_VALUE, "PAE_MODE" },
	{ "elf32", PB_XEN_PV32, HOST, no_pae_note, PB_E_NO_NOTE, "PAE_MODE" },
	{ "elf32", PB_XEN_PV32, HOST, pae_bimodal },
	{ "elf32", PB_XEN_PV32, HOST, pae_yes_bimodal },
	{ "elf32", PB_XEN_PV32, HOST, pae_extended },
	{ "elf32", PB_XEN_PV32, HOST, pae_empty, PB_E_NOTE_VALUE, "PAE_MODE" },
	{ "elf32", PB_XEN_PV32, HOST, pae_capital, PB_E_NOTE_VALUE, "PAE_MODE" },
	{ "elf64", PB_XEN_PV64, HOST, no_pae_note },
	{ "elf64", PB_XEN_PV64, HOST, no_xen_entry, PB_E_NO_NOTE, "ENTRY" },
	{ "elf64", PB_XEN_PV64, HOST, physical_entry_of_elf, PB_E_NO_NOTE, "ENTRY" },
	{ "elf64", PB_XEN_PV64, HOST, xen_entry_of_elf },
	{ "elf64", PB_XEN_PV64, HOST, no_virt_base, PB_E_NO_NOTE, "VIRT_BASE" },
	{ "elf64", PB_XEN_PV64, HOST, xen_entry_outside, PB_E_ENTRY_OUTSIDE, "ENTRY" },
	{ "elf64", PB_XEN_PV64, HOST, xen_version_4, PB_E_NOTE_VALUE, "XEN_VERSION" },
	{ "elf64", PB_XEN_PV64, HOST, no_xen_version, PB_E_NO_NOTE, "XEN_VERSION" },
	{ "elf64", PB_XEN_PV64, HOST, no_loader, PB_E_NO_NOTE, "LOADER" },
	{ "elf64", PB_XEN_PV64, HOST, odd_loader, PB_E_NOTE_VALUE, "LOADER" },
	{ "elf64", PB_XEN_PV64, HOST, odd_os, PB_E_NOTE_VALUE, "GUEST_OS" },
	{ "elf64", PB_XEN_PV64, HOST, odd_loader_of_linux },
	{ "elf64", PB_XEN_PV64, HOST, odd_feature, PB_E_FEATURE, "FEATURES" },
	{ "elf64", PB_XEN_PV64, HOST, odd_optional_feature },
	{ "elf64-no-notes", PB_XEN_PV64, HOST, NULL, PB_E_NO_NOTE, "ENTRY" },

	/* Not a start at all. */
	{ "elf64", (enum pb_entry)0, HOST, NULL, PB_E_ARG, "entry" },
	{ "elf64", PB_ENTRIES, HOST, NULL, PB_E_ARG, "entry" },
	{ "elf64", PB_PVH, (enum pb_unpack)3, NULL, PB_E_ARG, "unpack" },
	{ 0 },
};
