/* SPDX-License-Identifier: MIT */
/*
 * The structures that hypercalls point to, in the guest's shape and in ours.
 * A 64-bit guest's are ours; in a 32-bit guest's, pointers and words are half
 * as long. Whoever takes an argument names its structure once, by SHAPE() or,
 * where both classes have it alike, SAME(); get_arg() and put_arg() do the
 * rest, in the 32-bit build by the tables of pv32/shapes.c. Lists of words are
 * read and written by get_word() and put_word().
 */
#ifndef PARAVISOR_SHAPE_H
#define PARAVISOR_SHAPE_H

#include "paravisor.h"

#if ROOT_LEVEL == 4

typedef uint32_t shape_t; /* its length */
#define SHAPE(type) ((shape_t)sizeof(struct type))
#define SAME(type)  SHAPE(type)

static inline uint32_t guest_len(shape_t shape)
{
	return shape;
}

static inline int get_arg(void *to, uint64_t va, shape_t shape)
{
	return copy_from_guest(to, va, shape);
}

static inline int put_arg(uint64_t va, const void *from, shape_t shape)
{
	return copy_to_guest(va, from, shape);
}

#else

/* So many bytes of the guest's structure, at `guest`, stand at `own` in ours; what ours has beyond them is zero. */
struct field {
	uint8_t guest, own, len;
};

struct shape {
	uint8_t guest_len, own_len, count;
	const struct field *fields; /* NULL: both are the same */
};

typedef const struct shape *shape_t;
#define SHAPE(type) (&shape_##type)
#define SAME(type)  (&(const struct shape){ sizeof(struct type), sizeof(struct type), 0, NULL })

extern const struct shape shape_trap_info, shape_callback_register, shape_xennmi_callback, shape_mmuext_op,
	shape_xen_memory_map, shape_xen_memory_reservation, shape_xen_memory_exchange, shape_xen_machphys_mapping,
	shape_xen_machphys_mfn_list, shape_sched_poll, shape_vcpu_set_singleshot_timer,
	shape_vcpu_register_runstate_memory_area, shape_vcpu_register_time_memory_area, shape_physdev_set_iobitmap,
	shape_physdev_pirq_eoi_gmfn, shape_gnttab_setup_table, shape_gnttab_get_status_frames, shape_gnttab_copy,
	shape_gnttab_transfer, shape_vcpu_runstate_info;

static inline uint32_t guest_len(shape_t shape)
{
	return shape->guest_len;
}

int get_arg(void *to, uint64_t va, shape_t shape);
int put_arg(uint64_t va, const void *from, shape_t shape);

#endif

/* Words of a list of the guest's: frame numbers, mostly. */
static inline int get_word(uint64_t *ret, uint64_t list, uint64_t index)
{
	guest_word word;
	int rc = copy_from_guest(&word, list + index * sizeof(word), sizeof(word));

	*ret = word;
	return rc;
}

static inline int put_word(uint64_t list, uint64_t index, uint64_t value)
{
	guest_word word = (guest_word)value;

	return copy_to_guest(list + index * sizeof(word), &word, sizeof(word));
}

#endif
