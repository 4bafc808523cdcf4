/* SPDX-License-Identifier: MIT */
/*
 * Where a domain's parts go: each placement of the plan at its own address,
 * and the trampoline, and what the trampoline has to copy, into holes between
 * them. The holes are sought from 1 MiB upwards: the trampoline has to be in
 * RAM even on a machine with less RAM than was planned, for it is the one to
 * say so. Nothing needs it once the guest is entered, so it may lie where the
 * kernel will put something later.
 */
#include "domain.h"

#include <stdlib.h>

enum {
	MULTIBOOT_PROBE = 8192, /* in this much of a file QEMU looks for a multiboot header */
	LOADS_MAX = 0xfffe,     /* with the note, one less than e_phnum's escape value (gABI, PN_XNUM) */
};

static bool overlap(pb_gpa a, uint64_t a_len, pb_gpa b, uint64_t b_len)
{
	return a < b + b_len && b < a + a_len;
}

/* The end of something that lies in [gpa, gpa+len), or 0. */
static pb_gpa obstacle_end(const struct domain *domain, pb_gpa gpa, uint64_t len)
{
	for (size_t i = 0; i < domain->nr_loads; i++) {
		const struct load *load = &domain->loads[i];

		if (overlap(gpa, len, load->load_gpa, load->mem_len))
			return load->load_gpa + load->mem_len;
	}
	for (size_t i = 0; i < domain->memory->nr_keep; i++) {
		const struct pb_range *keep = &domain->memory->keep[i];

		if (overlap(gpa, len, keep->gpa, keep->len))
			return keep->gpa + keep->len;
	}
	return 0;
}

/* The lowest hole of len bytes within this range, at or above 1 MiB and below 4 GiB; 0: none. */
static pb_gpa hole_in(const struct domain *domain, const struct pb_range *ram, uint64_t len)
{
	pb_gpa end = min_u64(ram->gpa + ram->len, 4 * GIB);
	pb_gpa gpa = align_up(max_u64(ram->gpa, MIB), PAGE_LEN);

	while (gpa < end && len <= end - gpa) {
		pb_gpa next = obstacle_end(domain, gpa, len);

		if (!next)
			return gpa;
		gpa = align_up(next, PAGE_LEN);
	}
	return 0;
}

static int find_hole(const struct domain *domain, uint64_t len, pb_gpa *ret, struct engine_error *err)
{
	pb_gpa best = 0;

	for (size_t i = 0; i < domain->memory->nr_ram; i++) {
		const struct pb_range *ram = &domain->memory->ram[i];
		pb_gpa gpa = ram->type == PB_E820_RAM ? hole_in(domain, ram, len) : 0;

		if (gpa && (!best || gpa < best))
			best = gpa;
	}
	if (!best)
		return engine_fail(err, ENGINE_BAD_INPUT, "memory: no %llu bytes are left for the trampoline",
				   (unsigned long long)len);
	*ret = best;
	return 0;
}

static uint64_t bytes_of(const struct pb_placement *placement)
{
	return placement->source == PB_FROM_ZERO ? 0 : placement->source_len;
}

static struct load *add_load(struct domain *domain, pb_gpa gpa, uint64_t file_len, uint64_t mem_len)
{
	struct load *load = &domain->loads[domain->nr_loads++];

	*load = (struct load){ gpa, gpa, 0, file_len, mem_len };
	return load;
}

/*
 * A load for each piece of a placement: a PV domain's frames need not be in a
 * row in the machine. With add, they are added; without, only counted.
 */
static size_t collect_one(struct domain *domain, const struct pb_placement *placement, bool add)
{
	uint64_t bytes = bytes_of(placement), len;
	size_t n = 0;

	for (uint64_t done = 0; done < placement->len; done += len, n++) {
		pb_gpa gpa;

		len = placement->len - done;
		gpa = pb_plan_locate(domain->plan, placement->space, placement->gpa + done, &len);
		if (len == 0)
			break;
		if (add)
			add_load(domain, gpa, bytes > done ? min_u64(bytes - done, len) : 0, len);
	}
	return n;
}

static size_t collect(struct domain *domain, bool add)
{
	size_t n = 0;

	for (unsigned i = 0; i < domain->info.placements; i++) {
		struct pb_placement placement = PB_INIT(placement);

		pb_plan_placement(domain->plan, i, &placement);
		n += collect_one(domain, &placement, add);
	}
	return n;
}

/* The trampoline's load comes first, and its size is only known when all others are. */
static int collect_loads(struct domain *domain, struct engine_error *err)
{
	size_t n = domain->info.placements < LOADS_MAX ? collect(domain, false) : domain->info.placements;

	if (n >= LOADS_MAX)
		return engine_fail(err, ENGINE_BAD_INPUT, "plan: %zu placements, an ELF file holds %u", n,
				   LOADS_MAX - 1);
	domain->loads = calloc(n + 1, sizeof(*domain->loads));
	if (!domain->loads)
		return engine_fail_errno(err, "domain");
	add_load(domain, 0, 0, 0);
	collect(domain, true);
	return 0;
}

/* Below 1 MiB the machine's firmware runs: what the guest wants there waits elsewhere. */
static int stage_low(struct domain *domain, struct engine_error *err)
{
	for (size_t i = 1; i < domain->nr_loads; i++) {
		struct load *load = &domain->loads[i];

		if (load->gpa >= MIB)
			continue;
		load->load_gpa = 0; /* not an obstacle to itself, nor to others while it is below */
		if (find_hole(domain, load->mem_len, &load->load_gpa, err) < 0)
			return -1;
		domain->nr_copies++;
	}
	return 0;
}

static int place_home(struct domain *domain, struct engine_error *err)
{
	struct load *home = &domain->loads[0];
	uint64_t len = domain_home_len(domain->memory, domain->nr_copies);

	if (find_hole(domain, len, &home->gpa, err) < 0)
		return -1;
	home->load_gpa = home->gpa;
	home->file_len = home->mem_len = len;
	return 0;
}

static void assign_file_offsets(struct domain *domain)
{
	uint64_t off = domain_headers_len(domain);

	if (off < MULTIBOOT_PROBE)
		off = MULTIBOOT_PROBE;
	for (size_t i = 0; i < domain->nr_loads; i++) {
		struct load *load = &domain->loads[i];

		load->file_off = align_up(off, PAGE_LEN) + load->load_gpa % PAGE_LEN;
		if (load->file_len)
			off = load->file_off + load->file_len;
	}
	domain->file_len = off;
}

int domain_layout(struct domain *domain, struct engine_error *err)
{
	domain->info = (struct pb_plan_info)PB_INIT(domain->info);
	pb_plan_info(domain->plan, &domain->info);
	if (collect_loads(domain, err) < 0)
		return -1;
	if (stage_low(domain, err) < 0 || place_home(domain, err) < 0)
		return -1;
	assign_file_offsets(domain);
	return 0;
}

void *domain_bytes(const struct domain *domain, pb_gpa gpa, uint64_t *len)
{
	for (size_t i = 0; i < domain->nr_loads; i++) {
		const struct load *load = &domain->loads[i];

		if (gpa < load->gpa || gpa - load->gpa >= load->file_len)
			continue;
		if (*len > load->file_len - (gpa - load->gpa))
			*len = load->file_len - (gpa - load->gpa);
		return domain->file + load->file_off + (gpa - load->gpa);
	}
	return NULL;
}
