/* SPDX-License-Identifier: MIT */
/*
 * The PT_LOADs of an ELF file: checked as they are read, kept in order of their
 * physical address, and asked for by address.
 */
#include "segments.h"

#include <stdlib.h>

#include "error.h"

/* ---- Out of the file ---- */

/* File bytes inside the file, memory inside the address space of the class. */
static int check_segment(const struct elf_file *elf, const Elf64_Phdr *p, struct pb_error *err)
{
	uint64_t top = elf->elf_class == 32 ? UINT32_MAX : UINT64_MAX;
	uint64_t file_len = elf->bytes.len;

	if (p->p_filesz > p->p_memsz)
		return fail(err, PB_E_RANGE, "p_filesz", p->p_filesz, p->p_memsz, p->p_offset);
	if (p->p_filesz && (p->p_offset > file_len || p->p_filesz > file_len - p->p_offset))
		return fail(err, PB_E_TRUNCATED, "p_offset", p->p_filesz, file_len, p->p_offset);
	if (p->p_memsz > top - p->p_paddr)
		return fail(err, PB_E_WRAP, "p_paddr", p->p_paddr, p->p_memsz, p->p_offset);
	if (p->p_memsz > top - p->p_vaddr)
		return fail(err, PB_E_WRAP, "p_vaddr", p->p_vaddr, p->p_memsz, p->p_offset);
	return 0;
}

static struct segment segment_of(const Elf64_Phdr *p)
{
	return (struct segment){
		.gpa = p->p_paddr,
		.vaddr = p->p_vaddr,
		.file_off = p->p_filesz ? p->p_offset : 0,
		.file_len = p->p_filesz,
		.mem_len = p->p_memsz,
		.flags = p->p_flags,
	};
}

/* Keep kernel->segments in order of gpa: they mostly come so. */
static void insert_segment(struct kernel *kernel, const struct segment *segment)
{
	unsigned i = kernel->nr_segments++;

	for (; i > 0 && kernel->segments[i - 1].gpa > segment->gpa; i--)
		kernel->segments[i] = kernel->segments[i - 1];
	kernel->segments[i] = *segment;
}

/* By physical address: virtual ones may meet, as per-CPU data of many kernels is linked at 0. */
static int check_disjoint(const struct kernel *kernel, struct pb_error *err)
{
	for (unsigned i = 1; i < kernel->nr_segments; i++) {
		const struct segment *a = &kernel->segments[i - 1], *b = &kernel->segments[i];

		if (b->gpa - a->gpa < a->mem_len)
			return fail(err, PB_E_OVERLAP, "p_paddr", b->gpa, a->gpa + a->mem_len, b->file_off);
	}
	return 0;
}

static int collect_segments(struct kernel *kernel, const struct elf_file *elf, struct pb_error *err)
{
	for (unsigned i = 0; i < elf->ehdr.e_phnum; i++) {
		Elf64_Phdr p;
		int rc = elf_phdr(elf, i, &p, err);

		if (rc < 0)
			return rc;
		if (p.p_type != PT_LOAD || p.p_memsz == 0)
			continue;
		rc = check_segment(elf, &p, err);
		if (rc < 0)
			return rc;

		struct segment segment = segment_of(&p);

		insert_segment(kernel, &segment);
	}
	return kernel->nr_segments ? 0 : fail(err, PB_E_EMPTY, "PT_LOAD", 0, 1, elf->ehdr.e_phoff);
}

/* What follows from the segments. */
static void measure(struct kernel *kernel, const struct elf_file *elf)
{
	kernel->elf_len = elf_tables_end(elf);
	kernel->low_gpa = kernel->segments[0].gpa;
	for (unsigned i = 0; i < kernel->nr_segments; i++) {
		const struct segment *s = &kernel->segments[i];

		if (s->file_off + s->file_len > kernel->elf_len)
			kernel->elf_len = s->file_off + s->file_len;
		kernel->high_gpa = s->gpa + s->mem_len; /* sorted and disjoint: the last is the highest */
	}
}

int segments_load(struct kernel *kernel, const struct elf_file *elf, const struct pb_limits *limits,
		  struct pb_error *err)
{
	unsigned phnum = elf->ehdr.e_phnum;

	if (phnum > limits->segments)
		return fail(err, PB_E_LIMIT, "e_phnum", phnum, limits->segments, 0);
	kernel->segments = calloc(phnum ? phnum : 1, sizeof(*kernel->segments));
	if (!kernel->segments)
		return fail_nomem(err, phnum * sizeof(*kernel->segments));

	int rc = collect_segments(kernel, elf, err);

	if (rc == 0)
		rc = check_disjoint(kernel, err);
	if (rc == 0)
		measure(kernel, elf);
	return rc;
}

/* ---- Finding one ---- */

const struct segment *kernel_segment_at(const struct kernel *kernel, pb_gpa gpa)
{
	for (unsigned i = 0; i < kernel->nr_segments; i++)
		if (gpa >= kernel->segments[i].gpa && gpa - kernel->segments[i].gpa < kernel->segments[i].mem_len)
			return &kernel->segments[i];
	return NULL;
}

/*
 * Linux gives e_entry physical, other kernels often virtual. A segment linked
 * at 0 is per-CPU data, whose addresses are offsets: nothing is entered there.
 */
int kernel_entry_of(const struct kernel *kernel, pb_gpa *ret, struct pb_error *err)
{
	uint64_t entry = kernel->entry;

	if (kernel_segment_at(kernel, entry)) {
		*ret = entry;
		return 0;
	}
	for (unsigned i = 0; i < kernel->nr_segments; i++) {
		const struct segment *s = &kernel->segments[i];

		if (s->vaddr && entry >= s->vaddr && entry - s->vaddr < s->mem_len) {
			*ret = s->gpa + (entry - s->vaddr);
			return 0;
		}
	}
	return fail(err, PB_E_ENTRY_OUTSIDE, "e_entry", entry, kernel->high_gpa, 0x18);
}
