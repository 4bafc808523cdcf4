/* SPDX-License-Identifier: MIT */
/*
 * What callers ask of an image: the public getters, each a copy out of what
 * was checked before, and the table of the setup header's fields.
 */
#include <elf.h>
#include <stddef.h>
#include <string.h>

#include "error.h"
#include "image.h"
#include "notes.h"
#include "plain.h"
#include "reloc.h"

int pb_image_facts(pb_image *image, struct pb_facts *ret)
{
	return plain_give(ret, &image->facts, sizeof(image->facts));
}

/* ---- The setup header ---- */

struct field {
	const char *name;
	uint16_t off, len, since;
};

/* boot.rst, "The Real-Mode Kernel Header", with its names; two halves of a word where the protocol split it. */
static const struct field fields[] = {
	{ "setup_sects", 0x1f1, 1, 0x200 },
	{ "root_flags", 0x1f2, 2, 0x200 },
	{ "syssize", 0x1f4, 4, 0x204 },
	{ "ram_size", 0x1f8, 2, 0x200 },
	{ "vid_mode", 0x1fa, 2, 0x200 },
	{ "root_dev", 0x1fc, 2, 0x200 },
	{ "boot_flag", 0x1fe, 2, 0x200 },
	{ "jump", 0x200, 2, 0x200 },
	{ "header", 0x202, 4, 0x200 },
	{ "version", 0x206, 2, 0x200 },
	{ "realmode_swtch", 0x208, 4, 0x200 },
	{ "start_sys_seg", 0x20c, 2, 0x200 },
	{ "kernel_version", 0x20e, 2, 0x200 },
	{ "type_of_loader", 0x210, 1, 0x200 },
	{ "loadflags", 0x211, 1, 0x200 },
	{ "setup_move_size", 0x212, 2, 0x200 },
	{ "code32_start", 0x214, 4, 0x200 },
	{ "ramdisk_image", 0x218, 4, 0x200 },
	{ "ramdisk_size", 0x21c, 4, 0x200 },
	{ "bootsect_kludge", 0x220, 4, 0x200 },
	{ "heap_end_ptr", 0x224, 2, 0x201 },
	{ "ext_loader_ver", 0x226, 1, 0x202 },
	{ "ext_loader_type", 0x227, 1, 0x202 },
	{ "cmd_line_ptr", 0x228, 4, 0x202 },
	{ "initrd_addr_max", 0x22c, 4, 0x203 },
	{ "kernel_alignment", 0x230, 4, 0x205 },
	{ "relocatable_kernel", 0x234, 1, 0x205 },
	{ "min_alignment", 0x235, 1, 0x20a },
	{ "xloadflags", 0x236, 2, 0x20c },
	{ "cmdline_size", 0x238, 4, 0x206 },
	{ "hardware_subarch", 0x23c, 4, 0x207 },
	{ "hardware_subarch_data", 0x240, 8, 0x207 },
	{ "payload_offset", 0x248, 4, 0x208 },
	{ "payload_length", 0x24c, 4, 0x208 },
	{ "setup_data", 0x250, 8, 0x209 },
	{ "pref_address", 0x258, 8, 0x20a },
	{ "init_size", 0x260, 4, 0x20a },
	{ "handover_offset", 0x264, 4, 0x20b },
	{ "kernel_info_offset", 0x268, 4, 0x20f },
};

static uint64_t field_value(const struct pb_image *image, const struct field *field)
{
	uint64_t value = 0;

	memcpy(&value, image->setup + field->off, field->len);
	return value;
}

int pb_image_header_field(pb_image *image, unsigned index, struct pb_header_field *ret)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct field *field = &fields[i];

		if (field->since > image->facts.protocol || index-- > 0)
			continue;

		struct pb_header_field full = { .name = field->name,
						.off = field->off,
						.len = field->len,
						.since = field->since,
						.value = field_value(image, field) };

		return plain_give(ret, &full, sizeof(full));
	}
	return -PB_E_ARG;
}

const char *pb_xloadflag_name(unsigned bit)
{
	static const char *const names[] = {
		"XLF_KERNEL_64",       "XLF_CAN_BE_LOADED_ABOVE_4G",
		"XLF_EFI_HANDOVER_32", "XLF_EFI_HANDOVER_64",
		"XLF_EFI_KEXEC",       "XLF_5LEVEL",
		"XLF_5LEVEL_ENABLED",  "XLF_MEM_ENCRYPTION",
	};

	return bit < sizeof(names) / sizeof(names[0]) ? names[bit] : NULL;
}

/* ---- The kernel inside ---- */

static int give(void *ret, const void *full, size_t full_len, struct pb_error *err)
{
	return plain_give(ret, full, full_len) < 0 ? fail(err, PB_E_ARG, "size", 0, full_len, 0) : 0;
}

int pb_image_kernel(pb_image *image, struct pb_kernel *ret, struct pb_error *err)
{
	int rc = kernel_load(image, err);

	if (rc < 0)
		return rc;

	const struct kernel *kernel = image_kernel(image);
	uint64_t span = kernel->high_gpa - kernel->low_gpa;
	struct pb_kernel full = {
		.elf_class = kernel->elf_class,
		.entry = kernel->entry,
		.segments = kernel->nr_segments,
		.notes = kernel->nr_notes,
		.low_gpa = kernel->low_gpa,
		.high_gpa = kernel->high_gpa,
		.build_id = kernel->build_id ? kernel->build_id->desc : NULL,
		.build_id_len = kernel->build_id ? kernel->build_id->desc_len : 0,
		.ram_len = image->facts.init_size > span ? image->facts.init_size : span,
	};

	return give(ret, &full, sizeof(full), err);
}

int pb_image_segment(pb_image *image, unsigned index, struct pb_segment *ret, struct pb_error *err)
{
	int rc = kernel_load(image, err);

	if (rc < 0)
		return rc;

	const struct kernel *kernel = image_kernel(image);

	if (index >= kernel->nr_segments)
		return fail(err, PB_E_ARG, "index", index, kernel->nr_segments, 0);

	const struct segment *s = &kernel->segments[index];
	struct pb_segment full = { .gpa = s->gpa,
				   .vaddr = s->vaddr,
				   .file_off = s->file_off,
				   .file_len = s->file_len,
				   .mem_len = s->mem_len,
				   .flags = s->flags };

	return give(ret, &full, sizeof(full), err);
}

int pb_image_note(pb_image *image, unsigned index, struct pb_note *ret, struct pb_error *err)
{
	int rc = kernel_load(image, err);

	if (rc < 0)
		return rc;

	const struct kernel *kernel = image_kernel(image);
	struct pb_note full;

	if (index >= kernel->nr_notes)
		return fail(err, PB_E_ARG, "index", index, kernel->nr_notes, 0);
	note_describe(&kernel->notes[index], &full);
	return give(ret, &full, sizeof(full), err);
}

int pb_image_relocs(pb_image *image, struct pb_relocs *ret, struct pb_error *err)
{
	struct reloc_table table;
	int rc = reloc_find(image, &table, err);

	if (rc < 0)
		return rc;

	struct pb_relocs full = { .abs32 = table.group[RELOC_ABS32].count,
				  .inverse32 = table.group[RELOC_INVERSE32].count,
				  .abs64 = table.group[RELOC_ABS64].count };

	return give(ret, &full, sizeof(full), err);
}
