/* SPDX-License-Identifier: MIT */
/*
 * The layouts of linux32 and linux64: boot_params in %esi or %rsi, whoever
 * unpacks the kernel (boot.rst, "32-bit Boot Protocol", "64-bit Boot Protocol").
 */
#include "../entry/rows.h"
#include "../entry/subarch.h"
#include "builder.h"
#include "memory_map.h"

#define ENTRY64_OFF 0x200u /* of startup_64 in the protected-mode part */

/* How far each thing may go. Only 64-bit code can load above 4 GiB; an initrd can lie there however it is entered. */
static void set_rules(struct plan_builder *builder, bool entered64)
{
	bool above_4g = linux_above_4g(builder->image);

	builder->old_params = linux_old_params(builder->image);
	builder->reach = PLAN_4G_MAX;
	builder->small_fallback = SPACE_HIGHEST;
	builder->kernel_reach = above_4g && entered64 ? PLAN_KERNEL_MAX : PLAN_4G_MAX;
	builder->initrd_max = linux_initrd_max(builder);
	builder->initrd_reach = above_4g ? PLAN_KERNEL_MAX : builder->initrd_max;
}

/* What a host-unpacked Linux allows; a header's word counts, and without one a relocation table. */
static struct kernel_rules host_rules(const struct plan_builder *builder, bool entered64)
{
	const struct pb_facts *facts = &builder->image->facts;

	return (struct kernel_rules){ .align = kernel_alignment(builder),
				      .min = image_kernel(builder->image)->low_gpa,
				      .max = entered64 ? PLAN_4G_MAX : LINUX_IMAGE_LEN_32 - 1,
				      .far_max = entered64 ? builder->kernel_reach : 0,
				      .self_locating = entered64,
				      .told = entered64 && facts->relocatable,
				      .never = facts->protocol && !facts->relocatable };
}

/* The parts that the kernel is told of, and boot_params to tell of them. */
static int put_told(struct plan_builder *builder, pb_gpa load_gpa, struct pb_error *err)
{
	int rc = initrd_put(builder, err);

	if (rc == 0)
		rc = boot_params_take(builder, err);
	if (rc == 0)
		rc = cmdline_put(builder, err);
	if (rc == 0)
		rc = boot_params_put(builder, load_gpa, err);
	return rc;
}

static int put_host(struct plan_builder *builder, bool entered64, pb_gpa *ret_entry_gpa, struct pb_error *err)
{
	struct kernel_rules rules = host_rules(builder, entered64);
	pb_gpa entry_gpa;
	int rc = kernel_entry_gpa(builder->image, &entry_gpa, err);

	if (rc == 0)
		rc = kernel_reserve_host(builder, &rules, err);
	if (rc == 0)
		rc = put_told(builder, 0, err);
	if (rc == 0)
		rc = kernel_move(builder, &rules, err);
	if (rc == 0)
		rc = kernel_put_host(builder, err);
	if (rc == 0)
		*ret_entry_gpa = entry_gpa + (uint64_t)builder->info.phys_delta;
	return rc;
}

static int put_guest(struct plan_builder *builder, bool entered64, pb_gpa *ret_entry_gpa, struct pb_error *err)
{
	pb_gpa load_gpa;
	int rc = kernel_put_guest(builder, &load_gpa, err);

	if (rc == 0)
		rc = put_told(builder, load_gpa, err);
	if (rc == 0)
		*ret_entry_gpa = load_gpa + (entered64 ? ENTRY64_OFF : 0);
	return rc;
}

static int put_linux(struct plan_builder *builder, bool entered64, pb_gpa *ret_entry_gpa, struct pb_error *err)
{
	bool host = builder->request.unpack == PB_UNPACK_HOST;
	bool insist = builder->request.flags & PB_SUBARCH_INSIST;
	int rc = host ? kernel_load(builder->image, err) : 0;

	if (rc == 0)
		rc = subarch_check(builder->image, builder->request.subarch, insist, err);
	if (rc)
		return rc;
	set_rules(builder, entered64);
	return (host ? put_host : put_guest)(builder, entered64, ret_entry_gpa, err);
}

int linux32_plan(struct plan_builder *builder, struct pb_error *err)
{
	pb_gpa entry_gpa;
	int rc = put_linux(builder, false, &entry_gpa, err);

	if (rc == 0)
		rc = cpu_flat32(builder, entry_gpa, err);
	builder->cpu.rsi = builder->info.params_gpa;
	return rc;
}

int linux64_plan(struct plan_builder *builder, struct pb_error *err)
{
	pb_gpa entry_gpa;
	int rc = put_linux(builder, true, &entry_gpa, err);

	if (rc == 0)
		rc = cpu_flat64(builder, entry_gpa, err);
	builder->cpu.rsi = builder->info.params_gpa;
	return rc;
}
