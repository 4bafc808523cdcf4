/* SPDX-License-Identifier: MIT */
/*
 * Where an image that unpacks itself goes: its protected-mode part is loaded
 * somewhere, and it then moves itself to a run-time start of its own choosing
 * (boot.rst, "Loading the rest of the kernel", pref_address, init_size). The
 * window from there on is destroyed, so it has to be RAM that holds nothing else.
 *
 * Before protocol 2.10 the header does not say how much memory the unpacked
 * kernel takes. What is loaded goes where it was linked for, as low as it can;
 * everything else goes as high as it can, or into conventional memory, and
 * the kernel has what lies between.
 */
#include "../error.h"
#include "arith.h"
#include "builder.h"
#include "memory_map.h"

#define ZIMAGE_RUN_GPA 0x100000ull /* what a zImage unpacks to */

/* Where the image is loaded, where it runs, and the window that it needs. */
struct guest_window {
	pb_gpa load_gpa, run_gpa;
	pb_gpa gpa;
	uint64_t len;
};

/*
 * The run-time start: a relocatable kernel rounds its load address up, but
 * never runs below pref_address. boot.rst leaves that second half out.
 */
static pb_gpa run_start(const struct pb_facts *facts, pb_gpa load_gpa)
{
	if (!facts->relocatable)
		return facts->pref_gpa ? facts->pref_gpa : max_u64(load_gpa, ZIMAGE_RUN_GPA);
	return max_u64(align_up(load_gpa, facts->alignment), facts->pref_gpa);
}

/* From the first byte loaded or run to the last; of an old kernel, what is loaded. */
static struct guest_window window_at(const struct pb_image *image, pb_gpa load_gpa)
{
	pb_gpa run_gpa = run_start(&image->facts, load_gpa);
	pb_gpa start = load_gpa, end = load_gpa + image->prot_len;

	if (image->facts.init_size) {
		start = min_u64(start, run_gpa);
		end = max_u64(end, run_gpa + image->facts.init_size);
	}
	return (struct guest_window){ load_gpa, run_gpa, start, end - start };
}

/* The preferred address if its window is free, else the lowest aligned one that the kernel will not leave again. */
static int find_window(struct plan_builder *builder, pb_gpa preferred_gpa, struct guest_window *ret,
		       struct pb_error *err)
{
	const struct pb_image *image = builder->image;
	struct guest_window window = window_at(image, preferred_gpa);
	struct space_want want = { .len = max_u64(image->facts.init_size, image->prot_len),
				   .align = image->facts.alignment,
				   .min = max_u64(image->facts.pref_gpa, PLAN_LOWEST_GPA),
				   .max = PLAN_4G_MAX };
	pb_gpa gpa;

	*ret = window;
	if (space_is_free(&builder->space, window.gpa, window.len) &&
	    window.gpa + window.len - 1 <= builder->kernel_reach)
		return 0;
	if (!image->facts.relocatable)
		return fail(err, PB_E_NO_ROOM, "init_size", window.len, window.gpa, 0);
	if (!space_find(&builder->space, &want, &gpa)) {
		want.max = builder->kernel_reach;
		if (!space_find(&builder->space, &want, &gpa))
			return builder_no_room(builder, PB_E_NO_ROOM, "init_size", &want, err);
	}
	*ret = window_at(image, gpa);
	return 0;
}

/* What the rest of the plan has to know of it. */
static void tell(struct plan_builder *builder, const struct guest_window *window)
{
	const struct pb_facts *facts = &builder->image->facts;

	builder->kernel_low = window->gpa;
	builder->info.kernel_gpa = window->run_gpa;
	builder->info.kernel_len = facts->init_size;
	builder->info.phys_delta = facts->pref_gpa ? (int64_t)(window->run_gpa - facts->pref_gpa) : 0;
}

static int reserve(struct plan_builder *builder, struct guest_window *ret, struct pb_error *err)
{
	const struct pb_facts *facts = &builder->image->facts;
	pb_gpa preferred_gpa = facts->pref_gpa ? facts->pref_gpa : builder->image->hdr.code32_start;
	int rc;

	if (preferred_gpa > PLAN_HIGHEST_END)
		return fail(err, PB_E_NO_ROOM, "pref_address", builder->image->prot_len, preferred_gpa, 0);
	rc = find_window(builder, preferred_gpa, ret, err);
	if (rc == 0)
		rc = space_drop(&builder->space, ret->gpa, ret->len, err);
	if (rc)
		return rc;
	tell(builder, ret);
	return 0;
}

static int refuse_kaslr(const struct plan_builder *builder, struct pb_error *err)
{
	return fail(err, PB_E_KASLR, "unpack", builder->request.unpack, PB_UNPACK_HOST, 0);
}

int kernel_put_guest(struct plan_builder *builder, pb_gpa *ret_load_gpa, struct pb_error *err)
{
	const struct pb_image *image = builder->image;
	struct guest_window window = { 0 };
	struct pb_placement placement = { .len = image->prot_len,
					  .kind = PB_KIND_KERNEL,
					  .source = PB_FROM_IMAGE,
					  .source_off = image->prot_off,
					  .source_len = image->prot_len };
	int rc;

	if (builder->request.kaslr)
		return refuse_kaslr(builder, err);
	rc = reserve(builder, &window, err);
	if (rc)
		return rc;
	placement.gpa = window.load_gpa;
	*ret_load_gpa = window.load_gpa;
	return builder_add(builder, &placement, err);
}

/* ---- An image with an ELF header of its own ---------------------------- */

/* Where its program headers put the protected-mode part, which is what moves itself. */
static pb_gpa elf_load_gpa(const struct pb_image *image, const struct kernel *elf)
{
	for (unsigned i = 0; i < elf->nr_segments; i++) {
		const struct segment *segment = &elf->segments[i];

		if (image->prot_off >= segment->file_off && image->prot_off - segment->file_off < segment->file_len)
			return segment->gpa + (image->prot_off - segment->file_off);
	}
	return elf->low_gpa;
}

static int reserve_elf(struct plan_builder *builder, const struct kernel *elf, struct pb_error *err)
{
	pb_gpa load_gpa = elf_load_gpa(builder->image, elf);
	struct guest_window window;
	pb_gpa end;

	if (elf->high_gpa > PLAN_4G_MAX)
		return fail(err, PB_E_NO_ROOM, "p_paddr", elf->high_gpa - elf->low_gpa, PLAN_4G_MAX, 0);
	window = window_at(builder->image, load_gpa);
	end = max_u64(window.gpa + window.len, elf->high_gpa);
	window.gpa = min_u64(window.gpa, elf->low_gpa);
	window.len = end - window.gpa;
	if (end - 1 > PLAN_4G_MAX || !space_is_free(&builder->space, window.gpa, window.len))
		return fail(err, PB_E_NO_ROOM, "init_size", window.len, window.gpa, 0);
	tell(builder, &window);
	return space_drop(&builder->space, window.gpa, window.len, err);
}

int kernel_put_guest_elf(struct plan_builder *builder, const struct kernel *elf, struct pb_error *err)
{
	int rc = builder->request.kaslr ? refuse_kaslr(builder, err) : reserve_elf(builder, elf, err);

	return rc ? rc : kernel_put_segments(builder, elf, PB_FROM_IMAGE, 0, err);
}
