/* SPDX-License-Identifier: MIT */
/*
 * A kernel that is unpacked where it belongs: the bytes are those of any other
 * placing, its pages are written by nobody but the decoder, and whatever fails
 * on the way leaves an image that can still be placed.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "image_util.h"
#include "plan_rig.h"
#include "unit.h"

#define PAGE 0x1000u

/* In "bz-big": program headers of 56 bytes behind the 64 of the ELF header. */
#define PHDR(index, field_off) (64 + 56 * (index) + (field_off))
#define P_OFFSET               8
#define P_VADDR                16
#define P_PADDR                24
#define P_FILESZ               32
#define P_MEMSZ                40
#define LONG_LEN               0x80345u
#define FAR_OFF                0x7fe000u /* across the end of lz4's first block */
#define FAR_LEN                0x9000u

/* The first segment: whole pages and a bit at either end; the others move out of its way. */
static void spread_out(struct blob *kernel)
{
	blob_set_le(kernel, PHDR(0, P_OFFSET), 0x1000, 8);
	blob_set_le(kernel, PHDR(0, P_FILESZ), LONG_LEN, 8);
	blob_set_le(kernel, PHDR(0, P_MEMSZ), LONG_LEN + 0x2000, 8);
	blob_set_le(kernel, PHDR(1, P_PADDR), KERNEL_GPA + MIB, 8);
	blob_set_le(kernel, PHDR(1, P_VADDR), KERNEL_VIRT64 + KERNEL_GPA + MIB, 8);
	blob_set_le(kernel, PHDR(2, P_PADDR), KERNEL_GPA + MIB + 0x4000, 8);
}

/* The second shares pages of the file with the first: a page cannot be in two places. */
static void share_pages(struct blob *kernel)
{
	spread_out(kernel);
	blob_set_le(kernel, PHDR(1, P_OFFSET), 0x1000, 8);
	blob_set_le(kernel, PHDR(1, P_FILESZ), 0x3000, 8);
	blob_set_le(kernel, PHDR(1, P_MEMSZ), 0x3000, 8);
}

/* More than one of lz4's blocks, and in front of the second segment much that nobody asks for. */
static void spread_far(struct blob *kernel)
{
	spread_out(kernel);
	while (kernel->len < FAR_OFF + FAR_LEN + MIB)
		blob_put_le(kernel, kernel->len * 0x9e3779b97f4a7c15u, 8);
	blob_set_le(kernel, PHDR(1, P_OFFSET), FAR_OFF, 8);
	blob_set_le(kernel, PHDR(1, P_FILESZ), FAR_LEN, 8);
	blob_set_le(kernel, PHDR(1, P_MEMSZ), FAR_LEN, 8);
	blob_set_le(kernel, PHDR(2, P_PADDR), KERNEL_GPA + MIB + 2 * FAR_LEN, 8);
}

/* Half a page off: nothing of the first segment can be shown. */
static void off_the_grid(struct blob *kernel)
{
	spread_out(kernel);
	blob_set_le(kernel, PHDR(0, P_OFFSET), 0x1800, 8);
}

/* Guest memory that can be mapped again: a memfd. */
struct guest {
	int fd;
	uint8_t *mem;
	size_t shown;        /* pages */
	uint64_t mapped_len; /* that was written to otherwise */
	bool refuses;
};

static void guest_open(struct guest *guest)
{
	*guest = (struct guest){ .fd = memfd_create("guest", MFD_CLOEXEC) };
	assert_int_equal(ftruncate(guest->fd, RIG_MEM_LEN), 0);
	guest->mem = mmap(NULL, RIG_MEM_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, guest->fd, 0);
	assert_ptr_not_equal(guest->mem, MAP_FAILED);
}

static void guest_close(struct guest *guest)
{
	munmap(guest->mem, RIG_MEM_LEN);
	close(guest->fd);
}

static void *map(void *ctx, pb_gpa gpa, uint64_t *len)
{
	struct guest *guest = ctx;

	guest->mapped_len += *len;
	return guest->mem + gpa;
}

static int show(void *ctx, const struct pb_view *views, size_t nr)
{
	struct guest *guest = ctx;

	for (size_t i = 0; i < nr; i++) {
		assert_int_equal(views[i].gpa % PAGE, 0);
		assert_int_equal(views[i].len % PAGE, 0);
		assert_int_equal((uintptr_t)views[i].host % PAGE, 0);
		if (guest->refuses)
			return -1;
		assert_ptr_equal(mmap(views[i].host, views[i].len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
				      guest->fd, (off_t)views[i].gpa),
				 views[i].host);
		guest->shown += views[i].len / PAGE;
	}
	return 0;
}

static const struct pb_mem_ops ops = { .size = sizeof(ops), .map = map, .show = show };

/* Unpacked in memory; from a file, so that its payload comes in pieces. Its descriptor. */
static int open_shown(struct rig *rig, const char *name, void (*spoil)(struct blob *kernel))
{
	int fd;

	rig_open(rig, name, spoil);
	rig_place(rig); /* what it shall look like */
	pb_plan_close(rig->plan);
	rig->plan = NULL;
	pb_image_close(rig->image);
	fd = fd_of(&rig->file);
	assert_int_equal(pb_image_open_fd(&rig->image, fd, NULL, NULL), 0);
	pb_image_in_memory(rig->image);
	assert_int_equal(pb_plan_make(&rig->plan, rig->image, &rig->request, NULL), 0);
	return fd;
}

/* Of the gzip stream: in front of its length, which ends the payload. */
static uint64_t checksum_off(const struct blob *file)
{
	struct pb_facts facts = PB_INIT(facts);
	pb_image *image;

	assert_int_equal(pb_image_open_mem(&image, file->data, file->len, NULL, NULL), 0);
	assert_int_equal(pb_image_facts(image, &facts), 0);
	pb_image_close(image);
	return facts.payload_off + facts.payload_len - 8;
}

static void assert_like_the_rig(const struct rig *rig, const struct guest *guest)
{
	assert_memory_equal(guest->mem, rig->mem, RIG_MEM_LEN);
}

static void test_the_bytes_are_the_same(void **state)
{
	static const struct {
		const char *name;
		void (*spoil)(struct blob *kernel);
		size_t shown;
	} cases[] = {
		{ "bz-big", spread_out, LONG_LEN / PAGE },
		{ "bz-big-gzip", spread_out, LONG_LEN / PAGE },
		{ "bz-big", spread_far, LONG_LEN / PAGE + FAR_LEN / PAGE },
		{ "bz-big-gzip", spread_far, LONG_LEN / PAGE + FAR_LEN / PAGE },
		{ "bz-big", share_pages, 0 },
		{ "bz-big", off_the_grid, 0 },
		{ "bz-lz4", NULL, 0 },
		{ "bz-none", NULL, 0 }, /* nothing to unpack */
	};

	(void)state;
	for (size_t i = 0; i < LEN_OF(cases); i++) {
		struct guest guest;
		struct rig rig;

		if (!can_unpack(cases[i].name))
			continue;
		close(open_shown(&rig, cases[i].name, cases[i].spoil));
		for (unsigned again = 0; again < 2; again++) {
			guest_open(&guest);
			assert_int_equal(pb_place_ops(rig.plan, &ops, &guest, NULL), 0);
			assert_int_equal(guest.shown, cases[i].shown);
			assert_like_the_rig(&rig, &guest);
			if (guest.shown)
				assert_true(guest.mapped_len < LONG_LEN);
			guest_close(&guest);
		}
		rig_close(&rig);
	}
}

/* A kernel that is moved has fields to adjust; and who did not ask for it keeps the memfd. */
static void test_not_shown(void **state)
{
	(void)state;
	for (unsigned moved = 0; moved < 2; moved++) {
		struct guest guest;
		struct rig rig;

		if (!can_unpack("bz-big"))
			return;
		rig_open(&rig, "bz-big", NULL);
		rig.request.kaslr = moved;
		rig.request.kaslr_seed = 1;
		rig_place(&rig);
		rig_patch(&rig, 0, rig.file.data[0], 1); /* opens it anew */
		if (moved)
			pb_image_in_memory(rig.image);
		rig_place(&rig);
		guest_open(&guest);
		assert_int_equal(pb_place_ops(rig.plan, &ops, &guest, NULL), 0);
		assert_int_equal(guest.shown, 0);
		assert_like_the_rig(&rig, &guest);
		guest_close(&guest);
		rig_close(&rig);
	}
}

static void test_what_cannot_be_shown(void **state)
{
	struct pb_mem_ops unshown = { .size = sizeof(unshown), .map = map };
	struct pb_error err = PB_INIT(err);
	struct guest guest;
	struct rig rig;

	(void)state;
	if (!can_unpack("bz-big"))
		return;
	close(open_shown(&rig, "bz-big", spread_out));
	guest_open(&guest);
	guest.refuses = true;
	assert_int_equal(pb_place_ops(rig.plan, &ops, &guest, &err), -PB_E_NO_GUEST_MEMORY);
	assert_int_equal(guest.mapped_len, 0); /* nothing was written before */
	assert_int_equal(pb_place_ops(rig.plan, &unshown, &guest, NULL), 0);
	assert_like_the_rig(&rig, &guest);
	guest_close(&guest);
	rig_close(&rig);
}

/* Found while it is unpacked into the guest: the last bytes of the file are those of a checksum. */
static void test_damage_behind_what_the_plan_needed(void **state)
{
	struct pb_error err = PB_INIT(err);
	struct guest guest;
	struct rig rig;
	int fd;

	(void)state;
	if (!can_unpack("bz-big-gzip"))
		return;
	fd = open_shown(&rig, "bz-big-gzip", spread_out);
	guest_open(&guest);
	assert_int_equal(pwrite(fd, "\xee\xee", 2, (off_t)(checksum_off(&rig.file))), 2);
	for (unsigned again = 0; again < 2; again++) {
		assert_int_equal(pb_place_ops(rig.plan, &ops, &guest, &err), -PB_E_CODEC);
		assert_int_equal(guest.mapped_len, 0);
	}
	assert_int_equal(pwrite(fd, rig.file.data + checksum_off(&rig.file), 2, (off_t)checksum_off(&rig.file)), 2);
	assert_int_equal(pb_place_ops(rig.plan, &ops, &guest, NULL), 0);
	assert_like_the_rig(&rig, &guest);
	guest_close(&guest);
	close(fd);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_bytes_are_the_same),
		cmocka_unit_test(test_not_shown),
		cmocka_unit_test(test_what_cannot_be_shown),
		cmocka_unit_test(test_damage_behind_what_the_plan_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
