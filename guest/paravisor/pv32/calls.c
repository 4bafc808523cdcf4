/* SPDX-License-Identifier: MIT */
/*
 * The hypercalls whose arguments have another shape in a 32-bit guest: 64-bit
 * values come in two registers, and structures with pointers or words in them
 * are narrower. Each is widened, structures into the vCPU's own page of
 * arguments (map.h, XLAT_OFF), and handed to the one implementation there is;
 * what that wrote is narrowed again. Structures that are the same for both
 * classes need nothing of this and go straight through.
 */
#include "../asm.h"
#include "../paravisor.h"

#include <xen/callback.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/nmi.h>
#include <xen/sched.h>
#include <xen/version.h>

#define UNUSED(...) (void)sizeof((uint64_t[]){ __VA_ARGS__ })
#define LIST_LEN    (XLAT_LEN / 2) /* the second half of the widened arguments holds what they point to */

static uint64_t wide_va(const struct vcpu *v)
{
	return (uint64_t)v + XLAT_OFF;
}

static void *wide(const struct vcpu *v)
{
	return (void *)wide_va(v);
}

static uint64_t list_va(const struct vcpu *v)
{
	return wide_va(v) + XLAT_LEN - LIST_LEN;
}

static uint64_t join(uint64_t low, uint64_t high)
{
	return (uint32_t)low | high << 32;
}

static void *pointer(uint64_t va)
{
	return (void *)va;
}

/* ---- Registers only ---- */

long hc32_update_descriptor(struct vcpu *v, uint64_t low, uint64_t high, uint64_t desc, uint64_t desc_high, uint64_t e)
{
	UNUSED(e);
	return hc_update_descriptor(v, join(low, high), join(desc, desc_high), 0, 0, 0);
}

long hc32_update_va_mapping(struct vcpu *v, uint64_t va, uint64_t low, uint64_t high, uint64_t flags, uint64_t e)
{
	UNUSED(e);
	return hc_update_va_mapping(v, va, join(low, high), flags, 0, 0);
}

long hc32_update_va_mapping_otherdomain(struct vcpu *v, uint64_t va, uint64_t low, uint64_t high, uint64_t flags,
					uint64_t domid)
{
	return hc_update_va_mapping_otherdomain(v, va, join(low, high), flags, domid, 0);
}

long hc32_set_timer_op(struct vcpu *v, uint64_t low, uint64_t high, uint64_t c, uint64_t d, uint64_t e)
{
	UNUSED(c, d, e);
	return hc_set_timer_op(v, join(low, high), 0, 0, 0, 0);
}

long hc32_set_callbacks(struct vcpu *v, uint64_t event_cs, uint64_t event, uint64_t failsafe_cs, uint64_t failsafe,
			uint64_t e)
{
	long rc = set_callback(v, CALLBACKTYPE_event, handler_at((uint16_t)event_cs, event), true);

	UNUSED(e);
	return rc ? rc : set_callback(v, CALLBACKTYPE_failsafe, handler_at((uint16_t)failsafe_cs, failsafe), false);
}

/* ---- Traps, callbacks, segments ---- */

long hc32_set_trap_table(struct vcpu *v, uint64_t list, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	struct trap_info_x86_32 t;

	UNUSED(b, c, d, e);
	if (!list) {
		memset(v->traps, 0, sizeof(v->traps));
		return 0;
	}
	for (unsigned i = 0; i < 256 + 1; i++) {
		if (copy_from_guest(&t, list + i * sizeof(t), sizeof(t)))
			return -XEN_EFAULT;
		if (!t.address)
			return 0;
		if (!is_address(t.address))
			return -XEN_EINVAL;
		v->traps[t.vector] = (struct trap_info){ t.vector, t.flags, t.cs, t.address };
	}
	return -XEN_EINVAL;
}

/* struct callback_register, and as much of it as callback_unregister has. */
struct callback32 {
	uint16_t type, flags;
	uint32_t cs, eip;
};

long hc32_callback_op(struct vcpu *v, uint64_t cmd, uint64_t arg, uint64_t c, uint64_t d, uint64_t e)
{
	struct callback32 reg = { 0 };
	bool enter = cmd == CALLBACKOP_register;
	struct callback_register *w = wide(v);

	UNUSED(c, d, e);
	if (cmd != CALLBACKOP_register && cmd != CALLBACKOP_unregister)
		return -XEN_ENOSYS;
	if (copy_from_guest(&reg, arg, enter ? sizeof(reg) : sizeof(struct callback_unregister)))
		return -XEN_EFAULT;
	if (reg.type == CALLBACKTYPE_syscall || reg.type == CALLBACKTYPE_syscall32)
		return -XEN_EINVAL;
	if (enter)
		return set_callback(v, reg.type, handler_at((uint16_t)reg.cs, reg.eip),
				    reg.flags & CALLBACKF_mask_events);
	*w = (struct callback_register){ .type = reg.type };
	return hc_callback_op(v, cmd, wide_va(v), 0, 0, 0);
}

/* The handler of an NMI is entered in the flat code segment. */
long hc32_nmi_op(struct vcpu *v, uint64_t cmd, uint64_t arg, uint64_t c, uint64_t d, uint64_t e)
{
	uint32_t cb[2];

	UNUSED(c, d, e);
	if (cmd != XENNMI_register_callback)
		return hc_nmi_op(v, cmd, arg, 0, 0, 0);
	if (copy_from_guest(cb, arg, sizeof(cb)))
		return -XEN_EFAULT;
	return set_callback(v, CALLBACKTYPE_nmi, handler_at(SEL_CS, cb[0]), false);
}

long hc32_set_gdt(struct vcpu *v, uint64_t list, uint64_t ents, uint64_t c, uint64_t d, uint64_t e)
{
	uint32_t narrow[GDT_GUEST];
	uint64_t mfns[GDT_GUEST], pages = (ents + 511) / 512;

	UNUSED(c, d, e);
	if (ents > GDT_GUEST * 512)
		return -XEN_EINVAL;
	if (copy_from_guest(narrow, list, pages * sizeof(narrow[0])))
		return -XEN_EFAULT;
	for (unsigned i = 0; i < pages; i++)
		mfns[i] = narrow[i];
	return segment_load_gdt(v, mfns, (unsigned)ents);
}

/* ---- Page tables ---- */

struct mmuext32 {
	uint32_t cmd, arg1, arg2;
};

static bool takes_frame(uint32_t cmd)
{
	return cmd != MMUEXT_INVLPG_LOCAL && cmd != MMUEXT_INVLPG_MULTI && cmd != MMUEXT_INVLPG_ALL &&
	       cmd != MMUEXT_SET_LDT;
}

static void widen_ext(struct mmuext_op *to, const struct mmuext32 *op)
{
	*to = (struct mmuext_op){ .cmd = op->cmd };
	if (takes_frame(op->cmd))
		to->arg1.mfn = op->arg1;
	else
		to->arg1.linear_addr = op->arg1;
	if (op->cmd == MMUEXT_SET_LDT)
		to->arg2.nr_ents = op->arg2;
	else
		to->arg2.src_mfn = op->arg2; /* as wide as the pointer to a mask of vCPUs */
}

#define MANY    (1u << 20)
#define PREEMPT (1u << 31)

long hc32_mmuext_op(struct vcpu *v, uint64_t list, uint64_t count, uint64_t done_va, uint64_t domid, uint64_t e)
{
	uint32_t n = (uint32_t)count & ~PREEMPT, i;
	struct mmuext32 op;
	long rc = 0;

	UNUSED(e);
	if (n > MANY)
		return -XEN_EINVAL;
	for (i = 0; i < n && !rc; i++) {
		if (copy_from_guest(&op, list + i * sizeof(op), sizeof(op))) {
			rc = -XEN_EFAULT;
			break;
		}
		widen_ext(wide(v), &op);
		rc = hc_mmuext_op(v, wide_va(v), 1, 0, domid, 0);
		if (rc)
			break;
	}
	if (done_va && copy_to_guest(done_va, &i, sizeof(i)))
		rc = -XEN_EFAULT;
	return rc;
}

/* ---- Memory ---- */

struct reservation32 {
	uint32_t extents, nr_extents, order, mem_flags;
	uint16_t domid;
};

#define CHUNK (LIST_LEN / 8) /* extents at a time */

/* n extents of the guest's list, as 64-bit words in a list of ours, and back. */
static int widen_extents(uint64_t list, uint64_t from, unsigned n)
{
	uint64_t *to = pointer(list);

	for (unsigned i = 0; i < n; i++) {
		uint32_t mfn;

		if (copy_from_guest(&mfn, from + 4ul * i, sizeof(mfn)))
			return -XEN_EFAULT;
		to[i] = mfn;
	}
	return 0;
}

static int narrow_extents(uint64_t list, uint64_t to, unsigned n)
{
	const uint64_t *from = pointer(list);

	for (unsigned i = 0; i < n; i++) {
		uint32_t mfn = (uint32_t)from[i];

		if (copy_to_guest(to + 4ul * i, &mfn, sizeof(mfn)))
			return -XEN_EFAULT;
	}
	return 0;
}

static long reserve_chunk(struct vcpu *v, uint64_t cmd, const struct reservation32 *res, uint32_t done, unsigned n)
{
	uint64_t at = res->extents + 4ull * done;
	struct xen_memory_reservation *w = wide(v);
	long rc;

	if (res->extents && widen_extents(list_va(v), at, n))
		return 0;
	*w = (struct xen_memory_reservation){
		.nr_extents = n, .extent_order = res->order, .mem_flags = res->mem_flags, .domid = res->domid
	};
	w->extent_start.p = res->extents ? pointer(list_va(v)) : NULL;
	rc = hc_memory_op(v, cmd, wide_va(v), 0, 0, 0);
	if (rc > 0 && res->extents && (cmd & 0x3f) != XENMEM_decrease_reservation &&
	    narrow_extents(list_va(v), at, (unsigned)rc))
		return -XEN_EFAULT;
	return rc;
}

static long reservation(struct vcpu *v, uint64_t cmd, uint64_t arg)
{
	struct reservation32 res;
	uint32_t done = 0;

	if (copy_from_guest(&res, arg, sizeof(res)))
		return -XEN_EFAULT;
	while (done < res.nr_extents) {
		unsigned n = res.nr_extents - done < CHUNK ? res.nr_extents - done : CHUNK;
		long rc = reserve_chunk(v, cmd, &res, done, n);

		if (rc < 0)
			return rc;
		done += (uint32_t)rc;
		if (rc < (long)n)
			break;
	}
	return done;
}

static long memory_map(struct vcpu *v, uint64_t cmd, uint64_t arg)
{
	uint32_t map[2]; /* nr_entries, buffer */
	struct xen_memory_map *w = wide(v);
	long rc;

	if (copy_from_guest(map, arg, sizeof(map)))
		return -XEN_EFAULT;
	*w = (struct xen_memory_map){ .nr_entries = map[0] };
	w->buffer.p = pointer(map[1]);
	rc = hc_memory_op(v, cmd, wide_va(v), 0, 0, 0);
	map[0] = w->nr_entries;
	return rc ? rc : copy_to_guest(arg, map, sizeof(map));
}

struct exchange32 {
	struct reservation32 in, out;
	uint32_t nr_exchanged;
};

static void widen_reservation(struct xen_memory_reservation *to, const struct reservation32 *from, unsigned n,
			      uint64_t list)
{
	*to = (struct xen_memory_reservation){
		.nr_extents = n, .extent_order = from->order, .mem_flags = from->mem_flags, .domid = from->domid
	};
	to->extent_start.p = pointer(list);
}

/* The smallest trade that leaves nothing over: so many extents of one size for so many of the other. */
static long trade(struct vcpu *v, const struct exchange32 *x, unsigned ins, unsigned outs, uint32_t at)
{
	struct xen_memory_exchange *w = wide(v);
	uint64_t from = x->in.extents + 4ull * at, to = x->out.extents + 4ull * (at / ins * outs);
	uint64_t out_list = list_va(v) + LIST_LEN / 2;
	long rc;

	*w = (struct xen_memory_exchange){ 0 };
	if (widen_extents(list_va(v), from, ins) || widen_extents(out_list, to, outs))
		return -XEN_EFAULT;
	widen_reservation(&w->in, &x->in, ins, list_va(v));
	widen_reservation(&w->out, &x->out, outs, out_list);
	rc = hc_memory_op(v, XENMEM_exchange, wide_va(v), 0, 0, 0);
	return rc ? rc : narrow_extents(out_list, to, outs);
}

#define MAX_ORDER 9

static long exchange(struct vcpu *v, uint64_t arg)
{
	struct exchange32 x;
	unsigned ins, outs;
	long rc = 0;

	if (copy_from_guest(&x, arg, sizeof(x)))
		return -XEN_EFAULT;
	if (x.in.order > MAX_ORDER || x.out.order > MAX_ORDER)
		return -XEN_EPERM;
	ins = x.in.order < x.out.order ? 1u << (x.out.order - x.in.order) : 1;
	outs = x.out.order < x.in.order ? 1u << (x.in.order - x.out.order) : 1;
	if (x.nr_exchanged > x.in.nr_extents || x.in.nr_extents > max_mfn || x.in.nr_extents % ins ||
	    x.in.nr_extents / ins * outs != x.out.nr_extents || x.nr_exchanged % ins)
		return -XEN_EINVAL;
	while (x.nr_exchanged < x.in.nr_extents && !rc) {
		rc = trade(v, &x, ins, outs, x.nr_exchanged);
		x.nr_exchanged += rc ? 0 : ins;
	}
	return copy_to_guest(arg + offsetof(struct exchange32, nr_exchanged), &x.nr_exchanged, sizeof(x.nr_exchanged))
		       ? -XEN_EFAULT
		       : rc;
}

static long machphys_mfn_list(struct vcpu *v, uint64_t arg)
{
	uint32_t list[3]; /* max_extents, extent_start, nr_extents */
	struct xen_machphys_mfn_list *w = wide(v);
	long rc;

	if (copy_from_guest(list, arg, sizeof(list)))
		return -XEN_EFAULT;
	*w = (struct xen_machphys_mfn_list){ .max_extents = list[0] < CHUNK ? list[0] : CHUNK };
	w->extent_start.p = pointer(list_va(v));
	rc = hc_memory_op(v, XENMEM_machphys_mfn_list, wide_va(v), 0, 0, 0);
	list[2] = w->nr_extents;
	if (!rc)
		rc = narrow_extents(list_va(v), list[1], list[2]);
	return rc ? rc : copy_to_guest(arg, list, sizeof(list));
}

static long machphys_mapping(uint64_t arg)
{
	uint32_t m[3] = { M2P32_VA, (uint32_t)-PAGE, (uint32_t)max_mfn - 1 };

	return copy_to_guest(arg, m, sizeof(m));
}

long hc32_memory_op(struct vcpu *v, uint64_t cmd, uint64_t arg, uint64_t c, uint64_t d, uint64_t e)
{
	UNUSED(c, d, e);
	switch (cmd & 0x3f) {
	case XENMEM_increase_reservation:
	case XENMEM_decrease_reservation:
	case XENMEM_populate_physmap:
		return reservation(v, cmd, arg);
	case XENMEM_memory_map:
		return memory_map(v, cmd, arg);
	case XENMEM_exchange:
		return exchange(v, arg);
	case XENMEM_machphys_mapping:
		return machphys_mapping(arg);
	case XENMEM_machphys_mfn_list:
		return machphys_mfn_list(v, arg);
	}
	return hc_memory_op(v, cmd, arg, 0, 0, 0);
}

/* ---- Versions, scheduling, vCPUs ---- */

long hc32_xen_version(struct vcpu *v, uint64_t cmd, uint64_t arg, uint64_t c, uint64_t d, uint64_t e)
{
	uint32_t virt_start = M2P32_VA;
	char capabilities[XEN_CAPABILITIES_INFO_LEN] = "xen-3.0-x86_32p ";

	UNUSED(c, d, e);
	switch (cmd) {
	case XENVER_capabilities:
		return copy_to_guest(arg, capabilities, sizeof(capabilities));
	case XENVER_platform_parameters:
		return copy_to_guest(arg, &virt_start, sizeof(virt_start));
	}
	return hc_xen_version(v, cmd, arg, 0, 0, 0);
}

struct poll32 {
	uint32_t ports, nr_ports;
	uint64_t timeout;
};

long hc32_sched_op(struct vcpu *v, uint64_t cmd, uint64_t arg, uint64_t c, uint64_t d, uint64_t e)
{
	struct poll32 op;
	struct sched_poll *w = wide(v);

	UNUSED(c, d, e);
	if (cmd != SCHEDOP_poll)
		return hc_sched_op(v, cmd, arg, 0, 0, 0);
	if (copy_from_guest(&op, arg, sizeof(op)))
		return -XEN_EFAULT;
	*w = (struct sched_poll){ .nr_ports = op.nr_ports, .timeout = op.timeout };
	w->ports.p = pointer(op.ports);
	return hc_sched_op(v, cmd, wide_va(v), 0, 0, 0);
}

/* struct vcpu_set_singleshot_timer without the padding behind it. */
static long set_singleshot(struct vcpu *v, uint64_t id, uint64_t arg)
{
	struct vcpu_set_singleshot_timer *w = wide(v);

	memset(w, 0, sizeof(*w));
	if (copy_from_guest(w, arg, 12))
		return -XEN_EFAULT;
	return hc_vcpu_op(v, VCPUOP_set_singleshot_timer, id, wide_va(v), 0, 0);
}

/* Of the union of a pointer and 64 bits, the pointer. */
static long register_area(struct vcpu *v, uint64_t cmd, uint64_t id, uint64_t arg)
{
	uint32_t at;
	uint64_t *w = wide(v);

	if (copy_from_guest(&at, arg, sizeof(at)))
		return -XEN_EFAULT;
	*w = at;
	return hc_vcpu_op(v, cmd, id, wide_va(v), 0, 0);
}

static long get_runstate(struct vcpu *v, uint64_t id, uint64_t arg)
{
	long rc = hc_vcpu_op(v, VCPUOP_get_runstate_info, id, wide_va(v), 0, 0);

	return rc ? rc : runstate_to_guest(arg, wide(v));
}

long hc32_vcpu_op(struct vcpu *v, uint64_t cmd, uint64_t id, uint64_t arg, uint64_t d, uint64_t e)
{
	UNUSED(d, e);
	switch (cmd) {
	case VCPUOP_set_singleshot_timer:
		return set_singleshot(v, id, arg);
	case VCPUOP_register_runstate_memory_area:
	case VCPUOP_register_vcpu_time_memory_area:
		return register_area(v, cmd, id, arg);
	case VCPUOP_get_runstate_info:
		return get_runstate(v, id, arg);
	}
	return hc_vcpu_op(v, cmd, id, arg, 0, 0);
}

/* ---- Grant tables ---- */

struct setup32 {
	uint16_t dom, pad;
	uint32_t nr_frames;
	int16_t status, pad1;
	uint32_t frame_list;
};

static long setup_table(struct vcpu *v, uint64_t arg)
{
	struct setup32 op;
	struct gnttab_setup_table *w = wide(v);
	long rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -XEN_EFAULT;
	if (op.nr_frames > CHUNK)
		return -XEN_EINVAL;
	*w = (struct gnttab_setup_table){ .dom = op.dom, .nr_frames = op.nr_frames };
	w->frame_list.p = pointer(list_va(v));
	rc = hc_grant_table_op(v, GNTTABOP_setup_table, wide_va(v), 1, 0, 0);
	if (rc)
		return rc;
	op.status = w->status;
	if (!op.status && narrow_extents(list_va(v), op.frame_list, op.nr_frames))
		op.status = GNTST_bad_virt_addr;
	return copy_to_guest(arg, &op, sizeof(op));
}

struct status_frames32 {
	uint32_t nr_frames;
	uint16_t dom;
	int16_t status;
	uint32_t frame_list; /* of 64-bit words for both classes */
};

static long get_status_frames(struct vcpu *v, uint64_t arg)
{
	struct status_frames32 op;
	struct gnttab_get_status_frames *w = wide(v);
	long rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -XEN_EFAULT;
	*w = (struct gnttab_get_status_frames){ .nr_frames = op.nr_frames, .dom = op.dom };
	w->frame_list.p = pointer(op.frame_list);
	rc = hc_grant_table_op(v, GNTTABOP_get_status_frames, wide_va(v), 1, 0, 0);
	op.status = w->status;
	return rc ? rc : copy_to_guest(arg, &op, sizeof(op));
}

struct copy_end32 {
	uint32_t what;
	uint16_t domid, offset;
};

struct copy32 {
	struct copy_end32 source, dest;
	uint16_t len, flags;
	int16_t status, pad;
};

static long copy_one(struct vcpu *v, uint64_t arg)
{
	struct copy32 op;
	struct gnttab_copy *w = wide(v);
	long rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -XEN_EFAULT;
	*w = (struct gnttab_copy){ .len = op.len, .flags = op.flags };
	w->source.u.gmfn = op.source.what;
	w->source.domid = op.source.domid;
	w->source.offset = op.source.offset;
	w->dest.u.gmfn = op.dest.what;
	w->dest.domid = op.dest.domid;
	w->dest.offset = op.dest.offset;
	rc = hc_grant_table_op(v, GNTTABOP_copy, wide_va(v), 1, 0, 0);
	op.status = w->status;
	return rc ? rc : copy_to_guest(arg, &op, sizeof(op));
}

struct transfer32 {
	uint32_t mfn;
	uint16_t domid, pad;
	uint32_t ref;
	int16_t status, pad1;
};

static long transfer_one(struct vcpu *v, uint64_t arg)
{
	struct transfer32 op;
	struct gnttab_transfer *w = wide(v);
	long rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -XEN_EFAULT;
	*w = (struct gnttab_transfer){ .mfn = op.mfn, .domid = op.domid, .ref = op.ref };
	rc = hc_grant_table_op(v, GNTTABOP_transfer, wide_va(v), 1, 0, 0);
	op.status = w->status;
	return rc ? rc : copy_to_guest(arg, &op, sizeof(op));
}

/* A row an operation whose argument is narrower; all others are the same in both classes. */
static const struct {
	uint32_t cmd, size; /* size 0: one argument, not a list */
	long (*fn)(struct vcpu *v, uint64_t arg);
} grant_ops[] = {
	{ GNTTABOP_setup_table, 0, setup_table },
	{ GNTTABOP_get_status_frames, 0, get_status_frames },
	{ GNTTABOP_copy, sizeof(struct copy32), copy_one },
	{ GNTTABOP_transfer, sizeof(struct transfer32), transfer_one },
};

#define MANY_GRANTS 4096u

static long each_grant(struct vcpu *v, unsigned row, uint64_t arg, uint32_t count)
{
	long rc = 0;

	if (count > MANY_GRANTS || (!grant_ops[row].size && count != 1))
		return -XEN_EINVAL;
	for (uint32_t i = 0; i < count && !rc; i++)
		rc = grant_ops[row].fn(v, arg + (uint64_t)i * grant_ops[row].size);
	return rc;
}

long hc32_grant_table_op(struct vcpu *v, uint64_t cmd, uint64_t arg, uint64_t count, uint64_t d, uint64_t e)
{
	UNUSED(d, e);
	for (unsigned i = 0; i < ARRAY(grant_ops); i++)
		if (grant_ops[i].cmd == cmd)
			return each_grant(v, i, arg, (uint32_t)count);
	return hc_grant_table_op(v, cmd, arg, count, 0, 0);
}

/* ---- Several in one ---- */

struct call32 {
	uint32_t op, result, args[6];
};

long hc32_multicall(struct vcpu *v, uint64_t list, uint64_t count, uint64_t c, uint64_t d, uint64_t e)
{
	struct call32 call;

	UNUSED(c, d, e);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t at = list + i * sizeof(call), args[5];

		if (copy_from_guest(&call, at, sizeof(call)))
			return -XEN_EFAULT;
		for (unsigned n = 0; n < ARRAY(args); n++)
			args[n] = call.args[n];
		if (call.op == __HYPERVISOR_multicall || call.op == __HYPERVISOR_iret)
			call.result = (uint32_t)-XEN_EINVAL;
		else
			call.result = (uint32_t)hypercall(v, call.op, args);
		if (copy_to_guest(at + offsetof(struct call32, result), &call.result, sizeof(call.result)))
			return -XEN_EFAULT;
	}
	return 0;
}
