/* SPDX-License-Identifier: MIT */
/* vcpu_op: bringing vCPUs up and down, their timers, and the areas of guest memory that are theirs. */
#include "asm.h"
#include "shape.h"

#include <xen/sched.h>

/* ---- Coming up ---- */

static long op_initialise(struct vcpu *v, uint64_t arg)
{
	return vcpu_context_load(v, arg);
}

/* A processor whose vCPU is down waits here, on an empty stack. */
static void wait_up(const void *a, const void *b)
{
	struct vcpu *v = this_vcpu();

	(void)a, (void)b;
	v->halted = v->parked = true;
	while (!v->up)
		sti_hlt_cli();
	v->halted = v->parked = false;
	time_publish(v);
	write_cr3(v->kernel_mode || !v->user_root ? v->kernel_cr3 : v->user_root->cr3);
	vcpu_load_segments(v);
	runstate(v, RUNSTATE_running);
	timer_set(v);
	enter_guest();
}

/* The waiting loop must not tread on the registers at the top of the stack. */
void vcpu_wait(struct vcpu *v)
{
	call_on_stack(NULL, NULL, (uint64_t)guest_regs(v) & ~15ul, wait_up);
}

/* It goes down: what it was doing stays in its registers and at the top of its stack. */
void vcpu_park(struct vcpu *v)
{
	vcpu_save_segments(v);
	runstate(v, RUNSTATE_offline);
	vcpu_wait(v);
}

static bool another_is_up(const struct vcpu *v)
{
	for (unsigned i = 0; i < nr_vcpus; i++)
		if (vcpu_at(i) != v && vcpu_at(i)->up)
			return true;
	return false;
}

/* Of itself or of another, which goes as soon as it hears of it. The last one takes the guest with it, as on Xen. */
static long op_down(struct vcpu *v, uint64_t arg)
{
	(void)arg;
	if (!another_is_up(v))
		machine_off(SHUTDOWN_poweroff);
	if (!v->up)
		return 0;
	v->up = false;
	v->attention = true;
	kick(v);
	return 0;
}

static long op_up(struct vcpu *v, uint64_t arg)
{
	(void)arg;
	if (!v->initialised)
		return -XEN_EINVAL;
	v->up = true;
	kick(v);
	return 0;
}

static long op_send_nmi(struct vcpu *v, uint64_t arg)
{
	if (arg)
		return -XEN_EINVAL;
	nmi_send(v);
	return 0;
}

/* ---- Areas ---- */

/* As their compiler aligns it, which in a 32-bit guest has 64 bits at 4 bytes. */
#define INFO_ALIGN sizeof(guest_word)

static long op_register_info(struct vcpu *v, uint64_t arg)
{
	struct vcpu_register_vcpu_info op;
	guest_vcpu_info *to;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -XEN_EFAULT;
	if (op.offset > PAGE - sizeof(guest_vcpu_info) || op.offset % INFO_ALIGN)
		return -XEN_ENXIO;
	if (v->info_registered || (v != this_vcpu() && v->up) || !frame_hold(op.mfn))
		return -XEN_EINVAL;
	to = (guest_vcpu_info *)((uint8_t *)frame_va(op.mfn) + op.offset);
	if (v->info)
		*to = *v->info;
	else
		to->evtchn_upcall_mask = 1;
	v->info = to;
	v->info_registered = true;
	time_publish(v);
	/* An event on its way to the old place would be lost: let the guest look at every port. */
	to->evtchn_pending_sel = ~(guest_word)0;
	to->evtchn_upcall_pending = 1;
	return 0;
}

static long op_register_runstate(struct vcpu *v, uint64_t arg)
{
	struct vcpu_register_runstate_memory_area op;

	if (get_arg(&op, arg, SHAPE(vcpu_register_runstate_memory_area)))
		return -XEN_EFAULT;
	if (!guest_range_ok(op.addr.p, sizeof(v->runstate)))
		return -XEN_EFAULT;
	v->runstate_va = op.addr.p;
	if (v == this_vcpu())
		runstate(v, RUNSTATE_running);
	return 0;
}

static long op_get_runstate(struct vcpu *v, uint64_t arg)
{
	return put_arg(arg, &v->runstate, SHAPE(vcpu_runstate_info));
}

/* What it holds never changes here, so it is written once. Address 0: no more of it. */
static long op_register_time(struct vcpu *v, uint64_t arg)
{
	struct vcpu_register_time_memory_area op;

	if (get_arg(&op, arg, SHAPE(vcpu_register_time_memory_area)))
		return -XEN_EFAULT;
	return op.addr.p ? copy_to_guest(op.addr.p, &v->info->time, sizeof(v->info->time)) : 0;
}

/* ---- Timers ---- */

#define PERIOD_MIN 1000000ull /* ns */
#define PERIOD_MAX (1ull << 62)

static long op_set_periodic(struct vcpu *v, uint64_t arg)
{
	struct vcpu_set_periodic_timer op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -XEN_EFAULT;
	if (op.period_ns < PERIOD_MIN || op.period_ns > PERIOD_MAX)
		return -XEN_EINVAL;
	v->period_ns = op.period_ns;
	v->next_period_ns = now_ns() + op.period_ns;
	timer_change(v);
	return 0;
}

static long op_stop_periodic(struct vcpu *v, uint64_t arg)
{
	(void)arg;
	v->period_ns = 0;
	timer_change(v);
	return 0;
}

static long op_set_singleshot(struct vcpu *v, uint64_t arg)
{
	struct vcpu_set_singleshot_timer op;

	if (v != this_vcpu())
		return -XEN_EINVAL;
	if (get_arg(&op, arg, SHAPE(vcpu_set_singleshot_timer)))
		return -XEN_EFAULT;
	/* VCPU_SSHOTTMR_future changes nothing, as on Xen: a time that is past is due at once. */
	v->timer_ns = op.timeout_abs_ns ? op.timeout_abs_ns : 1;
	timer_set(v);
	return 0;
}

static long op_stop_singleshot(struct vcpu *v, uint64_t arg)
{
	(void)arg;
	if (v != this_vcpu())
		return -XEN_EINVAL;
	v->timer_ns = 0;
	timer_set(v);
	return 0;
}

long hc_set_timer_op(struct vcpu *v, uint64_t at_ns, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	(void)b, (void)c, (void)d, (void)e;
	v->timer_ns = at_ns;
	timer_set(v);
	return 0;
}

/* ---- Dispatch ---- */

static long op_is_up(struct vcpu *v, uint64_t arg)
{
	(void)arg;
	return v->up;
}

/* Which processor that is, is told to a privileged domain only. */
static long op_get_physid(struct vcpu *v, uint64_t arg)
{
	(void)v, (void)arg;
	return -XEN_EINVAL;
}

static long (*const ops[])(struct vcpu *v, uint64_t arg) = {
	[VCPUOP_initialise] = op_initialise,
	[VCPUOP_up] = op_up,
	[VCPUOP_down] = op_down,
	[VCPUOP_is_up] = op_is_up,
	[VCPUOP_get_runstate_info] = op_get_runstate,
	[VCPUOP_register_runstate_memory_area] = op_register_runstate,
	[VCPUOP_set_periodic_timer] = op_set_periodic,
	[VCPUOP_stop_periodic_timer] = op_stop_periodic,
	[VCPUOP_set_singleshot_timer] = op_set_singleshot,
	[VCPUOP_stop_singleshot_timer] = op_stop_singleshot,
	[VCPUOP_register_vcpu_info] = op_register_info,
	[VCPUOP_send_nmi] = op_send_nmi,
	[VCPUOP_get_physid] = op_get_physid,
	[VCPUOP_register_vcpu_time_memory_area] = op_register_time,
};

long hc_vcpu_op(struct vcpu *self, uint64_t cmd, uint64_t id, uint64_t arg, uint64_t d, uint64_t e)
{
	(void)self, (void)d, (void)e;
	if (id >= nr_vcpus)
		return -XEN_ENOENT;
	if (cmd >= ARRAY(ops))
		return -XEN_ENOSYS;
	return ops[cmd](vcpu_at((unsigned)id), arg);
}
