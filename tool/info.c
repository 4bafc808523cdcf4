/* SPDX-License-Identifier: MIT */
/*
 * paraboot info: what an image is, how it can be started and why not
 * otherwise, its notes. Everything is gathered, and checked, before the first
 * line is printed: a damaged image gets its error and nothing else.
 */
#include "info.h"

#include <string.h>

#include "image.h"
#include "say.h"
#include "tool.h"

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

bool note_is_address(const struct pb_note *note)
{
	static const char *const names[] = { "ENTRY",        "HYPERCALL_PAGE", "VIRT_BASE",   "PADDR_OFFSET",
					     "HV_START_LOW", "INIT_P2M",       "PHYS32_ENTRY" };

	return note->kind == PB_NOTE_NUMBER && note->name && is_one_of(note->name, names, ARRAY_LEN(names));
}

bool header_field_is_address(const char *name)
{
	static const char *const names[] = { "realmode_swtch",  "code32_start",          "ramdisk_image",
					     "bootsect_kludge", "cmd_line_ptr",          "initrd_addr_max",
					     "setup_data",      "hardware_subarch_data", "pref_address" };

	return is_one_of(name, names, ARRAY_LEN(names));
}

const char *serves_text(enum pb_serves serves)
{
	static const char *const texts[] = {
		[PB_SERVES_NO] = "no",
		[PB_SERVES_UNKNOWN] = "unknown",
		[PB_SERVES_PROTOCOL] = "boot protocol",
		[PB_SERVES_FINGERPRINT] = "fingerprint",
		[PB_SERVES_NOTE] = "note",
	};

	return texts[serves];
}

/* The part that needs the payload decoded. */
static int gather_kernel(struct info *info)
{
	struct pb_error err = PB_INIT(err);
	int status = load_kernel(info->path, info->image, &info->kernel, &info->has_kernel);

	if (status != STATUS_OK || !info->all || !info->has_kernel)
		return status;
	if (pb_image_relocs(info->image, &info->relocs, &err) < 0)
		return complain_error(info->path, &err);
	return STATUS_OK;
}

static int gather_serves(struct info *info)
{
	struct pb_error err = PB_INIT(err);

	for (uint32_t i = 0; i < INFO_SUBARCHS; i++)
		if (pb_image_serves(info->image, i, &info->serves[i], &err) < 0)
			return complain_error(info->path, &err);
	return STATUS_OK;
}

/* For who looks for ELF first; damage there is damage of the file. */
static int gather_elf_header(struct info *info, struct info *room)
{
	struct pb_error err = PB_INIT(err);
	int rc = pb_image_open_elf_header(&room->image, info->image, &err);

	if (rc == -PB_E_NO_ENTRY)
		return STATUS_OK;
	if (rc == 0)
		rc = pb_image_kernel(room->image, &room->kernel, &err);
	if (rc < 0)
		return complain_error(info->path, &err);
	room->has_kernel = true;
	info->elf_header = room;
	return STATUS_OK;
}

static int gather(struct info *info, struct info *elf_header)
{
	int status = gather_kernel(info);

	if (status == STATUS_OK)
		status = gather_elf_header(info, elf_header);
	if (status == STATUS_OK)
		status = gather_serves(info);
	if (status != STATUS_OK)
		return status;
	pb_image_facts(info->image, &info->facts);
	for (enum pb_entry entry = FIRST_ENTRY; entry < PB_ENTRIES; entry++)
		info->starts[entry] = ask_starts(info->image, entry);
	return STATUS_OK;
}

static int run_info(const struct options *opt)
{
	struct info info = {
		.path = opt->image,
		.all = opt->all,
		.facts = PB_INIT(info.facts),
		.kernel = PB_INIT(info.kernel),
		.relocs = PB_INIT(info.relocs),
	};
	struct info elf_header = { .kernel = PB_INIT(elf_header.kernel) };
	int status = open_image(opt->image, &info.image);

	if (status != STATUS_OK)
		return status;
	status = gather(&info, &elf_header);
	if (status == STATUS_OK)
		(opt->json ? info_print_json : info_print_text)(&info);
	pb_image_close(elf_header.image);
	pb_image_close(info.image);
	return status;
}

static const struct option_row info_rows[] = {
	{ 0, "all", NULL, "also every field of the setup header, and the relocations counted",
	  .at = offsetof(struct options, all) },
	{ 0 },
};

static const struct option_row *const info_tables[] = { info_rows, json_rows, NULL };

const struct command info_command = {
	.name = "info",
	.summary = "Tell what an image is, how it can be started and why not otherwise, and its notes",
	.tables = info_tables,
	.run = run_info,
};
