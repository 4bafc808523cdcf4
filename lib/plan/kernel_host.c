/* SPDX-License-Identifier: MIT */
/*
 * Where a kernel that the host unpacks goes. It has a window: from its lowest
 * PT_LOAD on, as long as init_size says or its segments reach, all of it RAM
 * and with nothing else inside. The window lies where the kernel was linked,
 * unless there is no room there or KASLR is asked for.
 *
 * Two bases can move. A kernel that finds out where it is (a 64-bit Linux
 * entered at startup_64, or by PVH with a PHYS32_RELOC note) runs at any
 * aligned physical address as it is, and its virtual base moves by adjusting
 * the fields that its relocation table lists. For every other kernel, the
 * physical addresses in its entry code are such fields too, or (32-bit) its
 * virtual addresses are physical ones plus a constant: both bases move
 * together, and never without a relocation table.
 */
#include "../error.h"
#include "arith.h"
#include "builder.h"
#include "kaslr.h"
#include "memory_map.h"

#define MIN_ALIGN_64 0x200000ull  /* a 64-bit kernel maps itself in 2 MiB pages */
#define ELF_ALIGN_32 0x1000000ull /* CONFIG_PHYSICAL_ALIGN at its largest: an ELF file does not say */

uint64_t kernel_alignment(const struct plan_builder *builder)
{
	const struct pb_facts *facts = &builder->image->facts;
	bool is64 = image_kernel(builder->image)->elf_class == 64;

	if (!facts->relocatable)
		return is64 ? MIN_ALIGN_64 : ELF_ALIGN_32;
	return max_u64(facts->alignment, is64 ? MIN_ALIGN_64 : PLAN_PAGE_LEN);
}

static uint64_t window_len(const struct pb_image *image)
{
	const struct kernel *kernel = image_kernel(image);

	return max_u64(image->facts.init_size, kernel->high_gpa - kernel->low_gpa);
}

static int64_t delta_of(const struct plan_builder *builder)
{
	return (int64_t)(builder->info.kernel_gpa - image_kernel(builder->image)->low_gpa);
}

static int take_window(struct plan_builder *builder, pb_gpa gpa, uint64_t len, struct pb_error *err)
{
	builder->kernel_low = builder->info.kernel_gpa = gpa;
	builder->info.kernel_len = len;
	builder->info.phys_delta = delta_of(builder);
	return space_drop(&builder->space, gpa, len, err);
}

static uint64_t nr_relocs(const struct reloc_table *relocs)
{
	uint64_t n = 0;

	for (int i = 0; i < RELOC_GROUPS; i++)
		n += relocs->group[i].count;
	return n;
}

/* Can this kernel's physical base differ from its linked one? Loads the relocations if that takes them. */
static int can_move(struct plan_builder *builder, const struct kernel_rules *rules, bool *ret, struct pb_error *err)
{
	int rc = 0;

	*ret = false;
	if (rules->never || image_kernel(builder->image)->low_gpa % rules->align)
		return 0;
	if (!rules->told)
		rc = reloc_find(builder->image, &builder->relocs, err);
	if (rc == 0)
		*ret = rules->told || nr_relocs(&builder->relocs) > 0;
	return rc;
}

/* Anywhere that the rules allow. */
static int take_elsewhere(struct plan_builder *builder, const struct kernel_rules *rules, uint64_t len,
			  struct pb_error *err)
{
	struct space_want want = { .len = len, .align = rules->align, .min = rules->min, .max = rules->max };
	bool movable;
	pb_gpa gpa;
	int rc = can_move(builder, rules, &movable, err);

	if (rc)
		return rc;
	if (!movable)
		return fail(err, PB_E_NO_ROOM, "kernel", len, image_kernel(builder->image)->low_gpa, 0);
	if (!space_find(&builder->space, &want, &gpa)) {
		want.max = max_u64(rules->max, rules->far_max);
		if (!space_find(&builder->space, &want, &gpa))
			return builder_no_room(builder, PB_E_NO_ROOM, "kernel", &want, err);
	}
	rc = take_window(builder, gpa, len, err);
	if (rc == 0 && !rules->self_locating)
		builder->info.virt_delta = builder->info.phys_delta;
	return rc;
}

int kernel_reserve_host(struct plan_builder *builder, const struct kernel_rules *rules, struct pb_error *err)
{
	pb_gpa low_gpa = image_kernel(builder->image)->low_gpa;
	uint64_t len = window_len(builder->image);

	if (space_is_free(&builder->space, low_gpa, len) && low_gpa + len - 1 <= builder->kernel_reach)
		return take_window(builder, low_gpa, len, err);
	return take_elsewhere(builder, rules, len, err);
}

/* ---- KASLR ------------------------------------------------------------- */

/* How many virtual bases there are: the image has to end within KERNEL_IMAGE_SIZE. 0: not linked as a 64-bit Linux is.
 */
static uint64_t virtual_slots(const struct plan_builder *builder)
{
	uint64_t align = kernel_alignment(builder);
	const struct segment *first = &image_kernel(builder->image)->segments[0];
	uint64_t end;

	if (first->vaddr < LINUX_START_KERNEL_MAP || first->vaddr - LINUX_START_KERNEL_MAP != first->gpa)
		return 0;
	end = first->gpa + builder->info.kernel_len;
	return end > LINUX_IMAGE_LEN_64 ? 1 : 1 + (LINUX_IMAGE_LEN_64 - end) / align;
}

static int check_kaslr(struct plan_builder *builder, const struct kernel_rules *rules, struct pb_error *err)
{
	const struct kernel *kernel = image_kernel(builder->image);
	int rc;

	if (rules->never)
		return fail(err, PB_E_KASLR, "relocatable_kernel", 0, 1, 0x234);
	if (kernel->low_gpa % rules->align)
		return fail(err, PB_E_KASLR, "kernel_alignment", kernel->low_gpa, rules->align, 0);
	if (kernel->elf_class == 64 && virtual_slots(builder) == 0)
		return fail(err, PB_E_KASLR, "p_vaddr", kernel->segments[0].vaddr, LINUX_START_KERNEL_MAP, 0);
	rc = reloc_find(builder->image, &builder->relocs, err);
	if (rc == 0 && nr_relocs(&builder->relocs) == 0)
		return fail(err, PB_E_KASLR, "relocations", 0, 1, kernel->elf_len);
	return rc;
}

/* The kernel moves among what the others left free, its own window included: so there is always a place. */
static int move_physical(struct plan_builder *builder, const struct kernel_rules *rules, uint64_t *dice,
			 struct pb_error *err)
{
	uint64_t len = builder->info.kernel_len, slots;
	struct space_want want = { .len = len, .align = rules->align, .min = rules->min, .max = rules->max };
	int rc = space_give(&builder->space, builder->info.kernel_gpa, len, err);

	if (rc)
		return rc;
	slots = space_slots(&builder->space, &want);
	if (slots == 0) {
		want.max = max_u64(rules->max, rules->far_max);
		slots = space_slots(&builder->space, &want);
	}
	if (slots == 0)
		return fail(err, PB_E_KASLR, "kernel", len, want.max, 0);
	return take_window(builder, space_slot(&builder->space, &want, dice_below(dice, slots)), len, err);
}

static int64_t random_virt_delta(const struct plan_builder *builder, const struct kernel_rules *rules, uint64_t *dice)
{
	uint64_t align = kernel_alignment(builder), slots = virtual_slots(builder);
	int64_t phys_delta = builder->info.phys_delta;

	if (!rules->self_locating || slots == 0)
		return phys_delta;
	if (rules->unsigned_difference)
		slots = min_u64(slots, 1 + (phys_delta > 0 ? (uint64_t)phys_delta / align : 0));
	return (int64_t)(dice_below(dice, slots) * align);
}

int kernel_move(struct plan_builder *builder, const struct kernel_rules *rules, struct pb_error *err)
{
	uint64_t dice = builder->request.kaslr_seed;
	int rc;

	if (!builder->request.kaslr)
		return 0;
	rc = check_kaslr(builder, rules, err);
	if (rc == 0)
		rc = move_physical(builder, rules, &dice, err);
	if (rc == 0)
		builder->info.virt_delta = random_virt_delta(builder, rules, &dice);
	return rc;
}

/* ---- Placements -------------------------------------------------------- */

int kernel_put_segments(struct plan_builder *builder, const struct kernel *kernel, enum pb_source source, int64_t delta,
			struct pb_error *err)
{
	int rc = 0;

	for (unsigned i = 0; i < kernel->nr_segments && rc == 0; i++) {
		const struct segment *segment = &kernel->segments[i];
		struct pb_placement placement = { .gpa = segment->gpa + (uint64_t)delta,
						  .len = segment->mem_len,
						  .kind = PB_KIND_KERNEL,
						  .source = source,
						  .index = i,
						  .source_off = segment->file_off,
						  .source_len = segment->file_len };

		rc = builder_add(builder, &placement, err);
	}
	return rc;
}

int kernel_put_host(struct plan_builder *builder, struct pb_error *err)
{
	return kernel_put_segments(builder, image_kernel(builder->image), PB_FROM_KERNEL, builder->info.phys_delta,
				   err);
}
