/* SPDX-License-Identifier: MIT */
/*
 * The layout of pvh: 32-bit protected mode, paging off, hvm_start_info in
 * %ebx. A kernel's first page tables may reach no further than itself, so
 * everything it is told of lies as low as there is room.
 */
#include <string.h>
#include <xen/elfnote.h>

#include "../entry/rows.h"
#include "../error.h"
#include "arith.h"
#include "builder.h"
#include "memory_map.h"

#ifndef XEN_ELFNOTE_PHYS32_RELOC
#define XEN_ELFNOTE_PHYS32_RELOC 19 /* Xen 4.20; Debian 12 packages 4.17 */
#endif

#define RELOC_ALIGN_DEFAULT 0x200000u

/*
 * PHYS32_RELOC: the kernel can be loaded elsewhere as it is. Up to three words
 * bound where: alignment, lowest address, last byte's highest.
 */
static int self_locating_rules(const struct note *note, struct kernel_rules *rules, struct pb_error *err)
{
	uint32_t words[3] = { RELOC_ALIGN_DEFAULT, 0, UINT32_MAX };

	memcpy(words, note->desc, min_u64(note->desc_len, sizeof(words)) & ~3ull);
	if (!is_power_of_two(words[0]))
		return fail(err, PB_E_NOTE_VALUE, "PHYS32_RELOC", words[0], 0, 0);
	*rules = (struct kernel_rules){ .align = words[0],
					.min = max_u64(words[1], PLAN_LOWEST_GPA),
					.max = words[2],
					.self_locating = true,
					.unsigned_difference = true, /* 32-bit code computes phys_base from it */
					.told = true };
	return 0;
}

/* Without that note its entry code holds physical addresses: it moves only as its relocations do. */
static struct kernel_rules tied_rules(const struct plan_builder *builder)
{
	const struct kernel *kernel = image_kernel(builder->image);
	const struct pb_facts *facts = &builder->image->facts;

	return (struct kernel_rules){ .align = kernel_alignment(builder),
				      .min = kernel->low_gpa,
				      .max = (kernel->elf_class == 64 ? LINUX_IMAGE_LEN_64 : LINUX_IMAGE_LEN_32) - 1,
				      .never = facts->protocol && !facts->relocatable };
}

static int find_rules(const struct plan_builder *builder, struct kernel_rules *rules, struct pb_error *err)
{
	const struct note *note = kernel_note(builder->image, "Xen", XEN_ELFNOTE_PHYS32_RELOC);

	if (note)
		return self_locating_rules(note, rules, err);
	*rules = tied_rules(builder);
	return 0;
}

static int find_entry(const struct kernel *elf, pb_gpa *ret, struct pb_error *err)
{
	return xen_number(elf, XEN_ELFNOTE_PHYS32_ENTRY, "PHYS32_ENTRY", ret, err);
}

static void set_reach(struct plan_builder *builder)
{
	builder->reach = PLAN_4G_MAX;
	builder->kernel_reach = PLAN_4G_MAX;
	builder->small_fallback = SPACE_LOWEST;
	builder->initrd_max = min_u64(linux_initrd_max(builder), PLAN_4G_MAX);
	builder->initrd_reach = PLAN_4G_MAX;
}

static int put_told(struct plan_builder *builder, struct pb_error *err)
{
	int rc = initrd_put(builder, err);

	if (rc == 0)
		rc = cmdline_put(builder, err);
	if (rc == 0)
		rc = start_info_put(builder, err);
	return rc;
}

/*
 * From Linux 6.13 on, the entry code subtracts PHYS32_ENTRY, as it stands in
 * memory, from where it finds itself, and moves page tables by the difference.
 * Those tables' entries have been relocated by the virtual base; so has the
 * note to be, which the build took care to keep out of the relocation table.
 */
static void find_own_address(struct plan_builder *builder, const struct kernel *elf)
{
	const struct note *note = kernel_note(builder->image, "Xen", XEN_ELFNOTE_PHYS32_ENTRY);

	for (unsigned i = 0; note->desc_off && i < elf->nr_segments; i++) {
		const struct segment *segment = &elf->segments[i];
		uint64_t off = note->desc_off - segment->file_off;

		if (note->desc_off < segment->file_off || off >= segment->file_len ||
		    note->desc_len > segment->file_len - off)
			continue;
		builder->own_address.gpa = segment->gpa + (uint64_t)builder->info.phys_delta + off;
		builder->own_address.len = note->desc_len;
	}
}

static int put_host(struct plan_builder *builder, const struct kernel *elf, pb_gpa *ret_entry_gpa, struct pb_error *err)
{
	struct kernel_rules rules = { 0 };
	pb_gpa entry_gpa;
	int rc = find_rules(builder, &rules, err);

	if (rc == 0)
		rc = find_entry(elf, &entry_gpa, err);
	if (rc == 0)
		rc = kernel_reserve_host(builder, &rules, err);
	if (rc == 0)
		rc = put_told(builder, err);
	if (rc == 0)
		rc = kernel_move(builder, &rules, err);
	if (rc == 0)
		rc = kernel_put_host(builder, err);
	if (rc == 0 && rules.self_locating)
		find_own_address(builder, elf);
	if (rc == 0)
		*ret_entry_gpa = entry_gpa + (uint64_t)builder->info.phys_delta;
	return rc;
}

static int put_guest(struct plan_builder *builder, const struct kernel *elf, pb_gpa *ret_entry_gpa,
		     struct pb_error *err)
{
	int rc = find_entry(elf, ret_entry_gpa, err);

	if (rc == 0)
		rc = kernel_put_guest_elf(builder, elf, err);
	return rc ? rc : put_told(builder, err);
}

int pvh_plan(struct plan_builder *builder, struct pb_error *err)
{
	bool host = builder->request.unpack == PB_UNPACK_HOST;
	struct entered_elf elf;
	pb_gpa entry_gpa;
	int rc;

	if (builder->request.nr_setup_data)
		return fail(err, PB_E_ARG, "setup_data", builder->request.nr_setup_data, 0, 0);
	rc = entered_elf(builder->image, builder->request.unpack, &elf, err);
	if (rc)
		return rc;
	set_reach(builder);
	rc = (host ? put_host : put_guest)(builder, elf.kernel, &entry_gpa, err);
	entered_elf_done(&elf);
	if (rc == 0)
		rc = cpu_flat32(builder, entry_gpa, err);
	builder->cpu.rbx = builder->info.params_gpa;
	return rc;
}
