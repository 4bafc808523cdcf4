/* SPDX-License-Identifier: MIT */
/*
 * Writes a domain as a PVH ELF file: ELF header, program headers and the note
 * with which a loader knows where to enter (XEN_ELFNOTE_PHYS32_ENTRY), then
 * the trampoline and the plan's placements, as layout.c laid them out. The
 * library places into the file through its memory operations, so no byte of a
 * kernel is held twice.
 */
#include "domain.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xen/elfnote.h>

/*
 * Name and descriptor are padded to 4 whatever p_align says, and QEMU divides
 * by p_align, so it must not be 0. 64-bit kernels give PHYS32_ENTRY 8 bytes.
 */
struct entry_note {
	Elf64_Nhdr head;
	char name[4];
	uint64_t entry_gpa;
} __attribute__((packed));

static const uint64_t note_align = 4;

/* ---- The headers ------------------------------------------------------- */

static uint64_t note_off(const struct domain *domain)
{
	return sizeof(Elf64_Ehdr) + (domain->nr_loads + 1) * sizeof(Elf64_Phdr);
}

uint64_t domain_headers_len(const struct domain *domain)
{
	return note_off(domain) + sizeof(struct entry_note);
}

static Elf64_Ehdr elf_header(const struct domain *domain)
{
	return (Elf64_Ehdr){
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = domain_entry_gpa(domain),
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (Elf64_Half)(domain->nr_loads + 1),
		.e_shentsize = sizeof(Elf64_Shdr),
	};
}

static Elf64_Phdr load_header(const struct load *load)
{
	return (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W | PF_X,
		.p_offset = load->file_off,
		.p_vaddr = load->load_gpa,
		.p_paddr = load->load_gpa,
		.p_filesz = load->file_len,
		.p_memsz = load->mem_len,
		.p_align = PAGE_LEN,
	};
}

static Elf64_Phdr note_header(const struct domain *domain)
{
	return (Elf64_Phdr){
		.p_type = PT_NOTE,
		.p_flags = PF_R,
		.p_offset = note_off(domain),
		.p_filesz = sizeof(struct entry_note),
		.p_memsz = sizeof(struct entry_note),
		.p_align = note_align,
	};
}

static int by_address(const void *a, const void *b)
{
	const Elf64_Phdr *x = a, *y = b;

	return (x->p_paddr > y->p_paddr) - (x->p_paddr < y->p_paddr);
}

/* Loaders may want PT_LOADs in ascending order (gABI, "Program Header"). */
static void write_headers(const struct domain *domain)
{
	Elf64_Ehdr ehdr = elf_header(domain);
	Elf64_Phdr phdr = note_header(domain);
	Elf64_Phdr *loads = (void *)(domain->file + sizeof(ehdr));
	struct entry_note note = { { sizeof(note.name), sizeof(note.entry_gpa), XEN_ELFNOTE_PHYS32_ENTRY },
				   "Xen",
				   domain_entry_gpa(domain) };

	for (size_t i = 0; i < domain->nr_loads; i++)
		loads[i] = load_header(&domain->loads[i]);
	qsort(loads, domain->nr_loads, sizeof(*loads), by_address);
	memcpy(loads + domain->nr_loads, &phdr, sizeof(phdr));
	memcpy(domain->file + note_off(domain), &note, sizeof(note));
	memcpy(domain->file, &ehdr, sizeof(ehdr));
}

/* ---- The bytes --------------------------------------------------------- */

static void *map(void *ctx, pb_gpa gpa, uint64_t *len)
{
	return domain_bytes(ctx, gpa, len);
}

static void unmap(void *ctx, void *host, pb_gpa gpa, uint64_t len)
{
	(void)ctx;
	(void)host;
	(void)gpa;
	(void)len;
}

static int write_placements(struct domain *domain, struct engine_error *err)
{
	const struct pb_mem_ops ops = { .size = sizeof(ops), .map = map, .unmap = unmap, .zeroed = true };
	struct pb_error why = PB_INIT(why);

	if (pb_place_ops(domain->plan, &ops, domain, &why) < 0)
		return engine_fail_pb(err, "placing", &why);
	return 0;
}

/* The guest runs in 64-bit mode on the plan's own tables from the moment paging is on: they must map the home too. */
static int check_paging(const struct domain *domain, struct engine_error *err)
{
	struct pb_cpu cpu = PB_INIT(cpu);
	pb_gpa home = domain->loads[0].gpa, last = home + domain->loads[0].mem_len - 1;

	pb_plan_cpu(domain->plan, 0, &cpu);
	if (cpu.mode != PB_LONG64)
		return 0;
	for (pb_gpa gpa = home; gpa <= last; gpa += PAGE_LEN)
		if (!domain_maps_itself(domain, cpu.cr3, gpa))
			return engine_fail(err, ENGINE_BAD_INPUT,
					   "entry state: cr3 0x%llx maps the trampoline's page 0x%llx elsewhere or not",
					   (unsigned long long)cpu.cr3, (unsigned long long)gpa);
	return 0;
}

static int write_all(struct domain *domain, struct engine_error *err)
{
	if (domain_write_home(domain, domain->file + domain->loads[0].file_off, err) < 0)
		return -1;
	if (write_placements(domain, err) < 0)
		return -1;
	write_headers(domain);
	return check_paging(domain, err);
}

/* errno is the file's, not the image's. */
static int fail_file(struct engine_error *err, const char *doing)
{
	engine_fail_errno(err, doing);
	if (err)
		err->output = true;
	return -1;
}

/* All blocks are there before the first is touched through a mapping: a full disk is an error, not a SIGBUS. */
static int map_file(int fd, struct domain *domain, struct engine_error *err)
{
	int code = posix_fallocate(fd, 0, (off_t)domain->file_len);

	if (code) {
		errno = code;
		return fail_file(err, "room for the domain");
	}
	domain->file = mmap(NULL, domain->file_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (domain->file == MAP_FAILED)
		return fail_file(err, "mapping the domain");
	return 0;
}

static int write_mapped(int fd, struct domain *domain, struct engine_error *err)
{
	int ret;

	if (domain_layout(domain, err) < 0 || map_file(fd, domain, err) < 0)
		return -1;
	ret = write_all(domain, err);
	munmap(domain->file, domain->file_len);
	return ret;
}

int engine_write_domain(int fd, const pb_plan *plan, const struct engine_memory *memory, struct engine_error *err)
{
	struct domain domain = { .plan = plan, .memory = memory };
	int ret = write_mapped(fd, &domain, err);

	free(domain.loads);
	return ret;
}
