/* SPDX-License-Identifier: MIT */
/*
 * The state that a vCPU starts with, as VCPUOP_initialise gives it
 * (<xen/arch-x86/xen.h>, struct vcpu_guest_context): its tables, handlers and
 * registers. What has another shape in each class is pv64/context.c's and
 * pv32/context.c's.
 */
#include "context.h"

static guest_context ctx; /* too large for the stack */
static struct lock ctx_lock;

static int load_tables(struct vcpu *v)
{
	uint64_t frames[ARRAY(ctx.gdt_frames)];
	int rc;

	if (ctx.gdt_ents > GDT_GUEST * 512)
		return -XEN_EINVAL;
	for (unsigned i = 0; i < ARRAY(frames); i++)
		frames[i] = ctx.gdt_frames[i];
	rc = segment_load_gdt(v, frames, (unsigned)ctx.gdt_ents);
	if (!rc)
		rc = set_kernel_root(v, guest_cr3_mfn(ctx.ctrlreg[3]));
	return rc ? rc : context_user_root(v, &ctx);
}

static void load_handlers(struct vcpu *v)
{
	for (unsigned i = 0; i < ARRAY(v->traps); i++)
		v->traps[i] = (struct trap_info){ (uint8_t)i, ctx.trap_ctxt[i].flags, ctx.trap_ctxt[i].cs,
						  ctx.trap_ctxt[i].address };
	hc_stack_switch(v, ctx.kernel_ss, ctx.kernel_sp, 0, 0, 0);
	context_callbacks(v, &ctx);
	v->failsafe.mask_events = !!(ctx.flags & VGCF_failsafe_disables_events);
}

static int initialise(struct vcpu *v)
{
	int rc = context_is_canonical(&ctx) ? load_tables(v) : -XEN_EINVAL;

	if (rc)
		return rc;
	context_regs(v, &ctx);
	load_handlers(v);
	v->initialised = true;
	v->up = !!(ctx.flags & VGCF_online);
	if (v->up)
		kick(v);
	return 0;
}

int vcpu_context_load(struct vcpu *v, uint64_t arg)
{
	int rc;

	lock(&ctx_lock);
	rc = copy_from_guest(&ctx, arg, sizeof(ctx));
	if (!rc)
		rc = v->initialised ? -XEN_EEXIST : initialise(v);
	unlock(&ctx_lock);
	return rc;
}
