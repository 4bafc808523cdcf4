/* SPDX-License-Identifier: MIT */
/*
 * A hostile request for a hostile image. The input is a little program: which
 * image (one that the tests build, with some of its header's bytes replaced,
 * or the input's own tail), how to start it, what memory there is, what else
 * to place. A plan that comes out keeps the rules of plan_rules.h, comes out
 * the same a second time, and can be placed; a refusal says why.
 */
#include <images.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "plan_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_RANGES 12u
#define MAX_PIECES 4u
#define MAX_LINE   300u
#define PIECE_LEN  0x40000u   /* of an initrd, at most */
#define NODE_LEN   0x1000u    /* of a setup_data, at most */
#define MEM_LEN    0x4000000u /* guest memory that is really there */
#define OWN_IMAGE  0xff       /* the image is the rest of the input */
#define HEADER_OFF 0x1f1u     /* what is replaced in a built image lies in these bytes */
#define HEADER_LEN 0x80u

static const char *const built[] = { "bz-none", "bz-32-none",  "elf64",  "elf32",           "bz-2.05", "bz-2.01",
				     "bz-2.08", "zimage-2.00", "bz-elf", "elf64-no-relocs", "bz-2.12" };
#define NR_BUILT (sizeof(built) / sizeof(built[0]))

static const struct pb_limits limits = {
	.size = sizeof(limits), .unpacked_len = 1u << 20, .codec_mem_len = 16u << 20, .segments = 32, .notes = 64
};

static const uint8_t zeros[PIECE_LEN];

static void require(bool what, const char *rule)
{
	if (what)
		return;
	fprintf(stderr, "broken: %s\n", rule);
	abort();
}

/* ---- The program ------------------------------------------------------- */

struct input {
	const uint8_t *data;
	size_t len;
};

/* A number of up to 8 bytes; zeros once the input has ended. */
static uint64_t take(struct input *input, size_t len)
{
	uint64_t number = 0;

	if (len > input->len)
		len = input->len;
	memcpy(&number, input->data, len);
	input->data += len;
	input->len -= len;
	return number;
}

/* Small counts of pages, of MiB and of GiB are as likely as wild numbers. */
static uint64_t take_size(struct input *input)
{
	static const unsigned shifts[] = { 0, 8, 12, 16, 20, 21, 24, 30 };
	uint8_t kind = (uint8_t)take(input, 1);

	return kind & 0x80 ? take(input, 8) : take(input, 2) << shifts[kind % 8];
}

struct job {
	struct pb_request request;
	struct pb_range ram[MAX_RANGES], keep[MAX_RANGES];
	struct pb_blob initrds[MAX_PIECES];
	struct pb_setup_data nodes[MAX_PIECES];
	char cmdline[MAX_LINE + 1];
	struct pb_extent extents[MAX_RANGES]; /* of whoever places for Xen */
	size_t nr_extents;
};

static size_t take_ranges(struct input *input, struct pb_range *ranges)
{
	size_t n = take(input, 1) % (MAX_RANGES + 1);

	for (size_t i = 0; i < n; i++) {
		ranges[i].gpa = take_size(input);
		ranges[i].len = take_size(input);
		ranges[i].type = take(input, 1) % 5;
	}
	return n;
}

static void take_pieces(struct input *input, struct job *job)
{
	job->request.nr_initrds = take(input, 1) % (MAX_PIECES + 1);
	for (size_t i = 0; i < job->request.nr_initrds; i++)
		job->initrds[i] = (struct pb_blob){ zeros, -1, 0, take(input, 3) % (PIECE_LEN + 1) };
	job->request.nr_setup_data = take(input, 1) % (MAX_PIECES + 1);
	for (size_t i = 0; i < job->request.nr_setup_data; i++)
		job->nodes[i] = (struct pb_setup_data){ (uint32_t)i, zeros, (uint32_t)take(input, 2) % NODE_LEN };
	memset(job->cmdline, 'x', take(input, 2) % (MAX_LINE + 1));
}

/* Nearly a map, so that it need not be guessed whole: each extent may follow the one before. */
static void take_extents(struct input *input, struct job *job)
{
	uint64_t pfn = 0;

	job->nr_extents = take(input, 1) % (MAX_RANGES + 1);
	for (size_t i = 0; i < job->nr_extents; i++) {
		struct pb_extent *extent = &job->extents[i];
		bool follows = take(input, 1) % 16;

		extent->count = take_size(input);
		extent->mfn = take_size(input);
		extent->pfn = follows ? pfn : take_size(input);
		pfn = extent->pfn + extent->count;
	}
}

static void take_job(struct input *input, struct job *job)
{
	uint8_t start = (uint8_t)take(input, 1);

	*job = (struct job){ .request = PB_INIT(job->request) };
	job->request.entry = (enum pb_entry)(1 + start % 7);
	job->request.unpack = start & 0x40 ? PB_UNPACK_GUEST : PB_UNPACK_HOST;
	job->request.kaslr = start & 0x80;
	job->request.kaslr_seed = take(input, 2);
	job->request.vcpus = (uint32_t)take(input, 1);
	job->request.ring0 = job->request.vcpus & 0x80 ? PB_RING0_XEN : PB_RING0_PARAVISOR;
	job->request.ram = job->ram;
	job->request.rams = take_ranges(input, job->ram);
	job->request.keep = job->keep;
	job->request.keeps = take_ranges(input, job->keep);
	job->request.initrds = job->initrds;
	job->request.setup_data = job->nodes;
	job->request.cmdline = job->cmdline;
	take_pieces(input, job);
	if (job->request.ring0 == PB_RING0_XEN)
		take_extents(input, job);
	if (job->request.nr_setup_data & 4) {
		job->request.subarch = (uint32_t)take(input, 1);
		job->request.flags = job->request.subarch & 0x80 ? PB_SUBARCH_INSIST : 0;
		job->request.fixmap_vaddr = take(input, 8);
		job->request.fixmap_len = take_size(input);
		job->request.nr_setup_data = 0;
	}
}

/* ---- The image --------------------------------------------------------- */

/* Built once: the target runs a million times. */
static struct blob *built_image(size_t index)
{
	static struct blob images[NR_BUILT];

	if (!images[index].data)
		image_build(&images[index], built[index], NULL);
	return &images[index];
}

static void replace_bytes(struct input *input, struct blob *blob)
{
	unsigned n = take(input, 1) % 8;

	for (unsigned i = 0; i < n; i++) {
		size_t off = HEADER_OFF + take(input, 1) % HEADER_LEN;

		if (off < blob->len)
			blob->data[off] = (uint8_t)take(input, 1);
	}
}

static pb_image *open_image(struct input *input, uint8_t which, struct blob *patched)
{
	pb_image *image = NULL;

	if (which == OWN_IMAGE) {
		pb_image_open_mem(&image, input->data, input->len, &limits, NULL);
		return image;
	}
	blob_put_blob(patched, built_image(which % NR_BUILT));
	replace_bytes(input, patched);
	pb_image_open_mem(&image, patched->data, patched->len, &limits, NULL);
	return image;
}

/* ---- The checks -------------------------------------------------------- */

static bool fits(const pb_plan *plan)
{
	struct pb_placement placement = PB_INIT(placement);
	struct pb_extent extent;
	unsigned n = 0;

	for (unsigned i = 0; pb_plan_extent(plan, i, &extent) == 0; i++)
		if ((extent.mfn + extent.count) * 4096 > MEM_LEN)
			return false;
	while (pb_plan_placement(plan, n, &placement) == 0) {
		if (placement.space == PB_MACHINE && placement.gpa + placement.len > MEM_LEN)
			return false;
		n++;
	}
	return n > 0;
}

/*
 * What was planned can be placed, unless its kernel turns out to be damaged,
 * or a PV domain's frames are no map, or not in memory.
 */
static void check_place(const pb_plan *plan, const struct job *job)
{
	static uint8_t *mem;
	const struct pb_frames frames = { .size = sizeof(frames),
					  .extents = job->extents,
					  .nr_extents = job->nr_extents };
	bool for_xen = job->request.ring0 == PB_RING0_XEN;
	struct pb_error err = PB_INIT(err);
	int rc;

	if (!fits(plan))
		return;
	if (!mem)
		mem = mmap(NULL, MEM_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	rc = pb_place_frames(plan, for_xen ? &frames : NULL, &(struct pb_ram){ 0, MEM_LEN, mem, PB_RAM_ZEROED }, 1,
			     &err);
	require(rc == 0 || (err.code >= PB_E_FORMAT && err.code < PB_E_PROTOCOL) ||
			(for_xen && (err.code == PB_E_FRAMES || err.code == PB_E_NO_GUEST_MEMORY)),
		"what was planned can be placed");
}

static void check_plan(pb_image *image, const struct job *job)
{
	const struct pb_request *request = &job->request;
	struct pb_error err = PB_INIT(err), again_err = PB_INIT(again_err);
	pb_plan *plan = NULL, *again = NULL;
	int rc = pb_plan_make(&plan, image, request, &err);
	int again_rc = pb_plan_make(&again, image, request, &again_err);

	require(rc == again_rc, "the same answer twice");
	require(rc == 0 ? plan != NULL : !plan && rc == -err.code && err.field, "a plan, or a reason");
	if (rc == 0) {
		const char *broken = plan_broken_rule(plan, request);

		require(!broken, broken);
		require(plans_equal(plan, again), "the same plan twice");
		check_place(plan, job);
	} else {
		require(err.value == again_err.value && err.limit == again_err.limit, "the same reason twice");
	}
	pb_plan_close(plan);
	pb_plan_close(again);
}

/* Placing a PV domain writes its list of frames, as long as RAM is large: much of that is slow, and shows nothing new.
 */
static bool is_slow(const struct pb_request *request)
{
	for (size_t i = 0; request->entry >= PB_XEN_PV32 && i < request->rams; i++)
		if (request->ram[i].len > MEM_LEN)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	uint8_t which = (uint8_t)take(&input, 1);
	struct blob patched = { 0 };
	struct job job;
	pb_image *image;

	take_job(&input, &job);
	if (is_slow(&job.request))
		return 0;
	image = open_image(&input, which, &patched);
	if (image) {
		check_plan(image, &job);
		pb_image_close(image);
	}
	blob_free(&patched);
	return 0;
}
