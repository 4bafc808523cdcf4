/* SPDX-License-Identifier: MIT */
/*
 * What hypercalls of a 32-bit guest point to, field by field: where it stands
 * in the guest's structure, as the headers read to a 32-bit compiler, and in
 * ours (shape.h). Words and pointers are widened with zeros; on the way back
 * their low half counts.
 */
#include "../shape.h"

#include <xen/callback.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/nmi.h>
#include <xen/physdev.h>
#include <xen/sched.h>

typedef uint32_t word32, pointer32;
typedef struct { /* 64 bits are aligned to 4 bytes */
	uint32_t low, high;
} u64_32;

#define FIELD(narrow, from, wide, to)                                                                                  \
	{                                                                                                              \
		offsetof(struct narrow, from), offsetof(struct wide, to), sizeof(((struct narrow *)0)->from)           \
	}
#define SHAPE_OF(wide, narrow)                                                                                         \
	const struct shape shape_##wide = { sizeof(struct narrow), sizeof(struct wide), ARRAY(narrow##_fields),        \
					    narrow##_fields }

/* ---- Traps and callbacks ---- */

struct trap32 {
	uint8_t vector, flags;
	uint16_t cs;
	word32 address;
};
static const struct field trap32_fields[] = {
	FIELD(trap32, vector, trap_info, vector),
	FIELD(trap32, flags, trap_info, flags),
	FIELD(trap32, cs, trap_info, cs),
	FIELD(trap32, address, trap_info, address),
};
SHAPE_OF(trap_info, trap32);

/* The code selector goes above the address, where handler_at() has it. */
struct callback32 {
	uint16_t type, flags, cs, pad;
	word32 eip;
};
static const struct field callback32_fields[] = {
	FIELD(callback32, type, callback_register, type),
	FIELD(callback32, flags, callback_register, flags),
	FIELD(callback32, eip, callback_register, address),
	{ offsetof(struct callback32, cs), offsetof(struct callback_register, address) + 4, 2 },
};
SHAPE_OF(callback_register, callback32);

struct nmi32 {
	word32 handler_address, pad;
};
static const struct field nmi32_fields[] = { FIELD(nmi32, handler_address, xennmi_callback, handler_address) };
SHAPE_OF(xennmi_callback, nmi32);

/* ---- Memory ---- */

struct mmuext32 {
	uint32_t cmd;
	word32 arg1, arg2;
};
static const struct field mmuext32_fields[] = {
	FIELD(mmuext32, cmd, mmuext_op, cmd),
	FIELD(mmuext32, arg1, mmuext_op, arg1),
	FIELD(mmuext32, arg2, mmuext_op, arg2),
};
SHAPE_OF(mmuext_op, mmuext32);

struct memory_map32 {
	uint32_t nr_entries;
	pointer32 buffer;
};
static const struct field memory_map32_fields[] = {
	FIELD(memory_map32, nr_entries, xen_memory_map, nr_entries),
	FIELD(memory_map32, buffer, xen_memory_map, buffer),
};
SHAPE_OF(xen_memory_map, memory_map32);

struct reservation32 {
	pointer32 extent_start;
	word32 nr_extents;
	uint32_t extent_order, mem_flags;
	uint16_t domid;
};
#define RESERVATION_FIELDS(narrow, wide, at)                                                                           \
	FIELD(narrow, at extent_start, wide, at extent_start), FIELD(narrow, at nr_extents, wide, at nr_extents),      \
		FIELD(narrow, at extent_order, wide, at extent_order),                                                 \
		FIELD(narrow, at mem_flags, wide, at mem_flags), FIELD(narrow, at domid, wide, at domid)
static const struct field reservation32_fields[] = { RESERVATION_FIELDS(reservation32, xen_memory_reservation, ) };
SHAPE_OF(xen_memory_reservation, reservation32);

struct exchange32 {
	struct reservation32 in, out;
	word32 nr_exchanged;
};
static const struct field exchange32_fields[] = {
	RESERVATION_FIELDS(exchange32, xen_memory_exchange, in.),
	RESERVATION_FIELDS(exchange32, xen_memory_exchange, out.),
	FIELD(exchange32, nr_exchanged, xen_memory_exchange, nr_exchanged),
};
SHAPE_OF(xen_memory_exchange, exchange32);

struct machphys_mapping32 {
	word32 v_start, v_end, max_mfn;
};
static const struct field machphys_mapping32_fields[] = {
	FIELD(machphys_mapping32, v_start, xen_machphys_mapping, v_start),
	FIELD(machphys_mapping32, v_end, xen_machphys_mapping, v_end),
	FIELD(machphys_mapping32, max_mfn, xen_machphys_mapping, max_mfn),
};
SHAPE_OF(xen_machphys_mapping, machphys_mapping32);

struct machphys_list32 {
	uint32_t max_extents;
	pointer32 extent_start;
	uint32_t nr_extents;
};
static const struct field machphys_list32_fields[] = {
	FIELD(machphys_list32, max_extents, xen_machphys_mfn_list, max_extents),
	FIELD(machphys_list32, extent_start, xen_machphys_mfn_list, extent_start),
	FIELD(machphys_list32, nr_extents, xen_machphys_mfn_list, nr_extents),
};
SHAPE_OF(xen_machphys_mfn_list, machphys_list32);

/* ---- Scheduling and vCPUs ---- */

struct poll32 {
	pointer32 ports;
	uint32_t nr_ports;
	u64_32 timeout;
};
static const struct field poll32_fields[] = {
	FIELD(poll32, ports, sched_poll, ports),
	FIELD(poll32, nr_ports, sched_poll, nr_ports),
	FIELD(poll32, timeout, sched_poll, timeout),
};
SHAPE_OF(sched_poll, poll32);

/* Without the padding behind it. */
struct singleshot32 {
	u64_32 timeout_abs_ns;
	uint32_t flags;
};
static const struct field singleshot32_fields[] = {
	FIELD(singleshot32, timeout_abs_ns, vcpu_set_singleshot_timer, timeout_abs_ns),
	FIELD(singleshot32, flags, vcpu_set_singleshot_timer, flags),
};
SHAPE_OF(vcpu_set_singleshot_timer, singleshot32);

/* Of a union of a pointer and 64 bits the pointer. */
struct runstate_area32 {
	pointer32 addr;
};
static const struct field runstate_area32_fields[] = { FIELD(runstate_area32, addr, vcpu_register_runstate_memory_area,
							     addr) };
SHAPE_OF(vcpu_register_runstate_memory_area, runstate_area32);

struct time_area32 {
	pointer32 addr;
};
static const struct field time_area32_fields[] = { FIELD(time_area32, addr, vcpu_register_time_memory_area, addr) };
SHAPE_OF(vcpu_register_time_memory_area, time_area32);

struct runstate32 {
	int32_t state;
	u64_32 state_entry_time, time[4];
};
static const struct field runstate32_fields[] = {
	FIELD(runstate32, state, vcpu_runstate_info, state),
	FIELD(runstate32, state_entry_time, vcpu_runstate_info, state_entry_time),
	FIELD(runstate32, time, vcpu_runstate_info, time),
};
SHAPE_OF(vcpu_runstate_info, runstate32);

/* ---- Devices ---- */

struct iobitmap32 {
	pointer32 bitmap;
	uint32_t nr_ports;
};
static const struct field iobitmap32_fields[] = {
	FIELD(iobitmap32, bitmap, physdev_set_iobitmap, bitmap),
	FIELD(iobitmap32, nr_ports, physdev_set_iobitmap, nr_ports),
};
SHAPE_OF(physdev_set_iobitmap, iobitmap32);

struct eoi_gmfn32 {
	word32 gmfn;
};
static const struct field eoi_gmfn32_fields[] = { FIELD(eoi_gmfn32, gmfn, physdev_pirq_eoi_gmfn, gmfn) };
SHAPE_OF(physdev_pirq_eoi_gmfn, eoi_gmfn32);

/* ---- Grant tables ---- */

struct setup32 {
	uint16_t dom;
	uint32_t nr_frames;
	int16_t status;
	pointer32 frame_list;
};
static const struct field setup32_fields[] = {
	FIELD(setup32, dom, gnttab_setup_table, dom),
	FIELD(setup32, nr_frames, gnttab_setup_table, nr_frames),
	FIELD(setup32, status, gnttab_setup_table, status),
	FIELD(setup32, frame_list, gnttab_setup_table, frame_list),
};
SHAPE_OF(gnttab_setup_table, setup32);

/* The list itself is of 64-bit words for both classes. */
struct status_frames32 {
	uint32_t nr_frames;
	uint16_t dom;
	int16_t status;
	pointer32 frame_list;
};
static const struct field status_frames32_fields[] = {
	FIELD(status_frames32, nr_frames, gnttab_get_status_frames, nr_frames),
	FIELD(status_frames32, dom, gnttab_get_status_frames, dom),
	FIELD(status_frames32, status, gnttab_get_status_frames, status),
	FIELD(status_frames32, frame_list, gnttab_get_status_frames, frame_list),
};
SHAPE_OF(gnttab_get_status_frames, status_frames32);

struct copy32 {
	struct {
		word32 u;
		uint16_t domid, offset;
	} source, dest;
	uint16_t len, flags;
	int16_t status;
};
static const struct field copy32_fields[] = {
	FIELD(copy32, source.u, gnttab_copy, source.u),
	FIELD(copy32, source.domid, gnttab_copy, source.domid),
	FIELD(copy32, source.offset, gnttab_copy, source.offset),
	FIELD(copy32, dest.u, gnttab_copy, dest.u),
	FIELD(copy32, dest.domid, gnttab_copy, dest.domid),
	FIELD(copy32, dest.offset, gnttab_copy, dest.offset),
	FIELD(copy32, len, gnttab_copy, len),
	FIELD(copy32, flags, gnttab_copy, flags),
	FIELD(copy32, status, gnttab_copy, status),
};
SHAPE_OF(gnttab_copy, copy32);

struct transfer32 {
	word32 mfn;
	uint16_t domid;
	uint32_t ref;
	int16_t status;
};
static const struct field transfer32_fields[] = {
	FIELD(transfer32, mfn, gnttab_transfer, mfn),
	FIELD(transfer32, domid, gnttab_transfer, domid),
	FIELD(transfer32, ref, gnttab_transfer, ref),
	FIELD(transfer32, status, gnttab_transfer, status),
};
SHAPE_OF(gnttab_transfer, transfer32);

/* ---- Both ways ---- */

#define LONGEST 64
_Static_assert(sizeof(struct exchange32) <= LONGEST && sizeof(struct runstate32) <= LONGEST, "the longest structures");

int get_arg(void *to, uint64_t va, shape_t shape)
{
	uint8_t narrow[LONGEST];

	if (!shape->fields)
		return copy_from_guest(to, va, shape->guest_len);
	if (copy_from_guest(narrow, va, shape->guest_len))
		return -XEN_EFAULT;
	memset(to, 0, shape->own_len);
	for (const struct field *f = shape->fields; f < shape->fields + shape->count; f++)
		memcpy((uint8_t *)to + f->own, narrow + f->guest, f->len);
	return 0;
}

/* Padding in the guest's structure becomes zero. */
int put_arg(uint64_t va, const void *from, shape_t shape)
{
	uint8_t narrow[LONGEST] = { 0 };

	if (!shape->fields)
		return copy_to_guest(va, from, shape->guest_len);
	for (const struct field *f = shape->fields; f < shape->fields + shape->count; f++)
		memcpy(narrow + f->guest, (const uint8_t *)from + f->own, f->len);
	return copy_to_guest(va, narrow, shape->guest_len);
}
