/* SPDX-License-Identifier: MIT */
/*
 * The 16-bit part of a packed image: our setup code with a setup header of
 * protocol 2.15 (boot.rst, "Details of Header Fields"). What the original
 * image said of its kernel is taken over, what describes the container is ours,
 * and what boot.rst calls the loader's or the builder's to choose the caller may set.
 */
#include <stddef.h>
#include <string.h>

#include "../error.h"
#include "../plan/arith.h"
#include "../plan/memory_map.h"
#include "pack.h"

#define SECT_LEN         512u
#define PROTOCOL         0x20fu
#define HDR_OFF          0x1f1u
#define VERSION_BASE     0x200u
#define VERSION_OFF      0x20eu
#define CODE32_START     0x100000u
#define CMDLINE_SIZE_OFF 0x238u
#define HEAP_END         0x5800u /* of the setup code's own segment; a loader knows better and says so */
#define MAX_SECTS        63u     /* 32 KiB are what a loader leaves room for, sector 0 included */
#define VERSION_MAX      256u

extern const uint8_t guest_setup[], guest_setup_end[];

/* ---- Fields of the caller's ---- */

/* boot.rst's "write", "modify (optional)" and the builder's defaults: what a start does not hang on. */
static const struct setting {
	const char *name;
	uint16_t off, len;
} settable[] = {
	{ "root_flags", 0x1f2, 2 },       { "ram_size", 0x1f8, 2 },
	{ "vid_mode", 0x1fa, 2 },         { "root_dev", 0x1fc, 2 },
	{ "initrd_addr_max", 0x22c, 4 },  { "cmdline_size", CMDLINE_SIZE_OFF, 4 },
	{ "hardware_subarch", 0x23c, 4 }, { "hardware_subarch_data", 0x240, 8 },
};

/* The most that a field takes: its width, or, for the command line's, what the kernel and we have room for. */
static uint64_t most_of(const struct setting *setting, const uint8_t *setup)
{
	uint32_t room;

	memcpy(&room, setup + CMDLINE_SIZE_OFF, sizeof(room));
	if (setting->off == CMDLINE_SIZE_OFF)
		return room;
	return setting->len < 8 ? (UINT64_C(1) << (8 * setting->len)) - 1 : UINT64_MAX;
}

static int set_field(uint8_t *setup, const struct pb_pack_value *values, size_t index, struct pb_error *err)
{
	const struct pb_pack_value *value = &values[index];

	for (size_t i = 0; i < sizeof(settable) / sizeof(settable[0]); i++) {
		if (strcmp(settable[i].name, value->field) != 0)
			continue;
		if (value->value > most_of(&settable[i], setup))
			return fail(err, PB_E_RANGE, settable[i].name, value->value, most_of(&settable[i], setup),
				    settable[i].off);
		memcpy(setup + settable[i].off, &value->value, settable[i].len);
		return 0;
	}
	return fail(err, PB_E_ARG, "field", index, 0, 0);
}

static int set_fields(struct packing *packing, struct pb_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < packing->request->nr_values && rc == 0; i++)
		rc = set_field(packing->setup.mem, packing->request->values, i, err);
	return rc;
}

/* ---- The header ---- */

uint64_t pack_cmdline_max(const struct packing *packing)
{
	return packing->image->facts.protocol ? packing->image->facts.cmdline_max : LINUX_CMDLINE_MAX;
}

/* What is the kernel's, as the image that it came in said it, or as any kernel of its class has it. */
static void take_over(const struct packing *packing, struct setup_header *hdr)
{
	const struct pb_image *image = packing->image;
	bool wide = packing->kernel->elf_class == 64;

	hdr->vid_mode = 0xffff;
	hdr->root_flags = 1;
	hdr->initrd_addr_max = wide ? LINUX_INITRD_MAX_64 : LINUX_INITRD_MAX_OLD;
	hdr->cmdline_size = (uint32_t)pack_cmdline_max(packing);
	if (!image->facts.protocol)
		return;
	hdr->vid_mode = image->hdr.vid_mode;
	hdr->root_flags = image->hdr.root_flags;
	hdr->root_dev = image->hdr.root_dev;
	hdr->ram_size = image->hdr.ram_size;
	if (image->facts.protocol >= 0x203)
		hdr->initrd_addr_max = image->hdr.initrd_addr_max;
}

static uint16_t xloadflags(const struct packing *packing)
{
	if (packing->kernel->elf_class != 64 || !packing->has_native)
		return 0;
	return XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G;
}

static uint8_t log2_of(uint32_t value)
{
	return (uint8_t)__builtin_ctz(value);
}

static uint32_t prot_len(const struct packing *packing)
{
	const struct pack_page *page = &packing->page;
	uint32_t trailer_len = packing->codec->size_trailer ? 4 : 0;

	return (uint32_t)align_up((uint64_t)page->payload_off + page->payload_len + trailer_len, 16);
}

static void fill_header(const struct packing *packing, struct setup_header *hdr)
{
	const struct pack_page *page = &packing->page;

	take_over(packing, hdr);
	hdr->setup_sects = (uint8_t)(packing->setup.len / SECT_LEN - 1);
	hdr->syssize = prot_len(packing) / 16;
	hdr->boot_flag = 0xaa55;
	hdr->jump = (uint16_t)(guest_setup[0x200] | guest_setup[0x201] << 8);
	memcpy(&hdr->header, "HdrS", 4);
	hdr->version = PROTOCOL;
	hdr->start_sys_seg = 0x1000;
	hdr->loadflags = LOADED_HIGH;
	hdr->setup_move_size = 0x8000;
	hdr->code32_start = CODE32_START;
	hdr->heap_end_ptr = HEAP_END;
	hdr->kernel_alignment = page->alignment;
	hdr->relocatable_kernel = packing->relocatable;
	hdr->min_alignment = log2_of(page->alignment);
	hdr->xloadflags = xloadflags(packing);
	if (page->cmdline_len)
		hdr->cmdline_size = (uint32_t)min_u64(hdr->cmdline_size, PACK_LINE_LEN - 1) - page->cmdline_len - 1;
	hdr->payload_offset = page->payload_off;
	hdr->payload_length = page->payload_len + (packing->codec->size_trailer ? 4 : 0);
	hdr->pref_address = page->pref_gpa;
	hdr->init_size = page->window_len;
	hdr->kernel_info_offset = page->kernel_info_off;
}

/* ---- The version ---- */

/* Behind the code; `file` and boot loaders' menus show it. */
static int add_version(struct packing *packing, struct pb_error *err)
{
	const char *version = packing->image->version ? packing->image->version : "";
	size_t len = strnlen(version, VERSION_MAX);
	uint16_t pointer = (uint16_t)(packing->setup.len - VERSION_BASE);
	int rc = pack_bytes_add(&packing->setup, version, len, err);

	if (rc == 0)
		rc = pack_bytes_add(&packing->setup, "", 1, err);
	if (rc == 0 && len)
		memcpy(packing->setup.mem + VERSION_OFF, &pointer, sizeof(pointer));
	return rc;
}

int pack_setup(struct packing *packing, struct pb_error *err)
{
	struct setup_header hdr = { 0 };
	int rc = pack_bytes_add(&packing->setup, guest_setup, (uintptr_t)guest_setup_end - (uintptr_t)guest_setup, err);

	if (rc == 0)
		rc = add_version(packing, err);
	if (rc == 0)
		rc = pack_served(packing, err);
	if (rc == 0 && packing->request->elf)
		rc = pack_notes(packing, err);
	if (rc == 0)
		rc = pack_bytes_pad(&packing->setup, SECT_LEN, err);
	if (rc == 0 && packing->setup.len > (MAX_SECTS + 1) * SECT_LEN)
		rc = fail(err, PB_E_LIMIT, "notes", packing->setup.len, (MAX_SECTS + 1) * SECT_LEN, 0);
	if (rc < 0)
		return rc;
	if (packing->request->elf)
		pack_elf_header(packing, prot_len(packing));
	memcpy(&hdr.kernel_version, packing->setup.mem + VERSION_OFF, sizeof(hdr.kernel_version));
	fill_header(packing, &hdr);
	memcpy(packing->setup.mem + HDR_OFF, &hdr, sizeof(hdr));
	return set_fields(packing, err);
}
