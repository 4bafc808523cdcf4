/* SPDX-License-Identifier: MIT */
/*
 * What tests of plan and place start from: an image, a request that fits it,
 * and guest memory. A test changes one thing and sees what becomes of it.
 */
#ifndef PB_TESTS_PLAN_RIG_H
#define PB_TESTS_PLAN_RIG_H

#include <images.h>
#include <paraboot.h>

#define MIB           0x100000ull
#define GIB           0x40000000ull
#define LEN_OF(array) (sizeof(array) / sizeof((array)[0]))

enum { RIG_RANGES = 8 };

struct rig {
	struct blob file;
	pb_image *image;
	struct pb_range ram[RIG_RANGES]; /* low RAM with a hole behind it, and rig_ram() from 1 MiB on */
	struct pb_range keep[RIG_RANGES];
	struct pb_request request;
	pb_plan *plan;
	struct pb_plan_info info;
	struct pb_cpu cpu;
	uint8_t *mem;        /* the guest's first RIG_MEM_LEN bytes, after rig_place() */
	struct pb_ram extra; /* and, if its len is not 0, more of it */
};

#define RIG_MEM_LEN (64 * MIB)

/* By the name of a good image (tests/images/good.c). spoil may be NULL. */
void rig_open(struct rig *rig, const char *name, void (*spoil)(struct blob *kernel));

/* Patch the image's file, and open it again. */
void rig_patch(struct rig *rig, size_t off, uint64_t number, unsigned len);

void rig_close(struct rig *rig);

/* How it is to start. */
void rig_start(struct rig *rig, enum pb_entry entry, enum pb_unpack unpack);

/* All RAM from 1 MiB up to that address; or from that range alone. */
void rig_ram(struct rig *rig, pb_gpa end);
void rig_ram_range(struct rig *rig, pb_gpa gpa, pb_gpa end);
void rig_keep(struct rig *rig, pb_gpa gpa, uint64_t len);

/* Make the plan, which must succeed and break no rule. */
void rig_plan(struct rig *rig);

/* Making it must fail so. The error is left in *err, if that is not NULL. */
void rig_refuse(struct rig *rig, enum pb_code code, const char *field, struct pb_error *err);

/* Make the plan and place it into fresh memory. */
void rig_place(struct rig *rig);

/* The first placement of that kind; len is 0 if there is none. */
struct pb_placement rig_find(const struct rig *rig, enum pb_kind kind);

/* A number in guest memory. */
uint64_t rig_le(const struct rig *rig, pb_gpa gpa, unsigned len);

#endif
