/* SPDX-License-Identifier: MIT */
/*
 * What kernels come in: bzImages of every protocol, PE files.
 */
#include <asm/bootparam.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "images.h"

/* ---- bzImage ---- */

/* Where the setup header of each protocol ends; the jump at 0x200 leads there. */
static const struct {
	uint16_t since, end;
} header_ends[] = {
	{ 0x20f, 0x26c }, { 0x20b, 0x268 }, { 0x20a, 0x264 }, { 0x209, 0x258 }, { 0x208, 0x250 }, { 0x207, 0x248 },
	{ 0x206, 0x23c }, { 0x205, 0x236 }, { 0x203, 0x230 }, { 0x202, 0x22c }, { 0x201, 0x226 }, { 0x200, 0x224 },
};

static uint16_t header_end(uint16_t protocol)
{
	for (size_t i = 0; i < sizeof(header_ends) / sizeof(header_ends[0]); i++)
		if (protocol >= header_ends[i].since)
			return header_ends[i].end;
	return 0x224;
}

static void set_header(struct blob *out, const struct bzimage_spec *spec, uint32_t payload_len, size_t prot_len)
{
	uint16_t end = header_end(spec->protocol);
	bool is64 = spec->kernel && spec->kernel->data[EI_CLASS] == ELFCLASS64;
	struct setup_header hdr = {
		.setup_sects = spec->sects_0 ? 0 : 4,
		.root_flags = 1,
		.syssize = (uint32_t)((prot_len + 15) / 16),
		.vid_mode = 0xffff,
		.boot_flag = 0xaa55,
		.jump = (uint16_t)(0xeb | (end - 0x202) << 8),
		.header = 0x53726448,
		.version = spec->protocol,
		.start_sys_seg = 0x1000,
		.kernel_version = BZ_VERSION_OFF - 0x200,
		.loadflags = spec->zimage ? 0 : LOADED_HIGH,
		.setup_move_size = 0x8000,
		.code32_start = spec->zimage ? 0x1000 : 0x100000,
		.initrd_addr_max = 0x7fffffff,
		.kernel_alignment = 0x200000,
		.relocatable_kernel = 1,
		.min_alignment = 21,
		.xloadflags = is64 ? XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G : 0,
		.cmdline_size = 2047,
		.payload_offset = BZ_PAYLOAD_OFF - BZ_SETUP_LEN,
		.payload_length = payload_len,
		.pref_address = 0x1000000,
		.init_size = 0x10000,
		.handover_offset = 0x190,
		.kernel_info_offset = BZ_KERNEL_INFO_OFF - BZ_SETUP_LEN,
	};

	memset(out->data + 0x1f1, 0x90, 0x290 - 0x1f1); /* code behind the header */
	blob_set(out, 0x1f1, &hdr, end - 0x1f1u);
}

static void set_mz(struct blob *out)
{
	blob_set(out, 0, "MZ", 2);
	blob_set_le(out, 0x3c, PE_HEADER_OFF, 4);
	blob_set(out, PE_HEADER_OFF, "PE\0\0", 4);
	blob_set_le(out, PE_HEADER_OFF + 4, 0x8664, 2);
	blob_set_le(out, PE_HEADER_OFF + 20, 0xf0, 2);   /* SizeOfOptionalHeader */
	blob_set_le(out, PE_HEADER_OFF + 24, 0x20b, 2);  /* PE32+ */
	blob_set_le(out, PE_HEADER_OFF + 40, 0x1234, 4); /* AddressOfEntryPoint */
}

/*
 * An ELF header for loaders that ask for one: a PT_LOAD over the protected-mode
 * part, and a PHYS32_ENTRY note. Of an image that lists its entries, a
 * SUBARCH_ENTRY note too (docs/notes.md), with the 64-bit one alone.
 */
static void set_elf(struct blob *out, const struct bzimage_spec *spec, size_t prot_len)
{
	static const uint32_t pvh[] = { 4, 4, 18, 0x006e6558 /* "Xen" */, 0x100040 };
	static const uint32_t lists[] = { 9, 16, 3, 0x61726170, 0x746f6f62 /* "paraboot" */, 0, 0, 2, 0x100200, 0 };
	const size_t notes_len = sizeof(pvh) + (spec->lists_entries ? sizeof(lists) : 0);
	const size_t note_off = 0x600;
	Elf64_Ehdr ehdr = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = 0x100000,
		.e_phoff = sizeof(ehdr),
		.e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
	};
	Elf64_Phdr phdrs[2] = {
		{ .p_type = PT_LOAD,
		  .p_offset = BZ_SETUP_LEN,
		  .p_paddr = 0x100000,
		  .p_vaddr = 0x100000,
		  .p_filesz = prot_len,
		  .p_memsz = prot_len },
		{ .p_type = PT_NOTE, .p_offset = note_off, .p_filesz = notes_len, .p_align = 4 },
	};

	blob_set(out, 0, &ehdr, sizeof(ehdr));
	blob_set(out, sizeof(ehdr), phdrs, sizeof(phdrs));
	blob_set(out, note_off, pvh, sizeof(pvh));
	if (spec->lists_entries)
		blob_set(out, note_off + sizeof(pvh), lists, sizeof(lists));
}

static void put_payload(struct blob *out, const struct bzimage_spec *spec)
{
	image_encode(out, spec->codec, false, spec->kernel);
	if (strcmp(spec->codec, "lz4") == 0)
		blob_put_le(out, spec->kernel->len, 4);
}

void image_bzimage(struct blob *out, const struct bzimage_spec *spec)
{
	static const uint32_t kernel_info[4] = { 0x506f544c, 16, 16, 0x80000009 };
	size_t payload_off, payload_len = 0;

	blob_put_zeros(out, BZ_SETUP_LEN);
	blob_set(out, BZ_VERSION_OFF, BZ_VERSION, sizeof(BZ_VERSION));
	blob_pad_to(out, BZ_KERNEL_INFO_OFF);
	blob_put(out, kernel_info, sizeof(kernel_info));
	blob_pad_to(out, BZ_PAYLOAD_OFF);
	payload_off = out->len;
	if (spec->kernel)
		put_payload(out, spec);
	payload_len = out->len - payload_off;
	blob_put_zeros(out, 64); /* the rest of the decompressor */
	blob_align(out, 16);

	size_t prot_len = out->len - BZ_SETUP_LEN;

	set_header(out, spec, (uint32_t)payload_len, prot_len);
	if (spec->mz)
		set_mz(out);
	if (spec->elf)
		set_elf(out, spec, prot_len);
	for (unsigned i = 0; i < spec->signature_len; i++)
		blob_put_le(out, 0x5a, 1);
}

/* ---- PE ---- */

static void put_section(struct blob *out, const char *name, size_t mem_len, size_t file_off, size_t file_len)
{
	char padded[8] = "";

	memcpy(padded, name, strnlen(name, sizeof(padded)));
	blob_put(out, padded, sizeof(padded));
	blob_put_le(out, mem_len, 4);
	blob_put_le(out, 0x10000, 4);
	blob_put_le(out, file_len, 4);
	blob_put_le(out, file_off, 4);
	blob_put_zeros(out, 16);
}

void image_pe(struct blob *out, const struct blob *linux_image)
{
	size_t file_len = (linux_image->len + 511) / 512 * 512;

	blob_put_zeros(out, PE_HEADER_OFF + 24 + 0xf0);
	set_mz(out);
	blob_set_le(out, PE_HEADER_OFF + 6, 2, 2); /* NumberOfSections */
	put_section(out, ".osrel", 5, 0x200, 0x200);
	put_section(out, ".linux", linux_image->len, PE_SECTION_OFF, file_len);
	blob_pad_to(out, 0x200);
	blob_put(out, "ID=x\n", 5);
	blob_pad_to(out, PE_SECTION_OFF);
	blob_put_blob(out, linux_image);
	blob_pad_to(out, PE_SECTION_OFF + file_len);
}
