/* SPDX-License-Identifier: MIT */
/*
 * What a PVH domain takes beside memory: room for Xen's own tables of it, a
 * memory map, ACPI tables, pages that it shares with dom0's daemons, and a first
 * processor in flat protected mode (<xen/arch-x86/hvm/start_info.h>).
 *
 * Guest memory above its low RAM:
 *
 *   0x0_fc00_0000  ACPI's tables, the RSDP first
 *   0x0_feff_8000  the xenstore page
 *   0x0_feff_9000  the console page
 *   0x0_feff_a000  the identity page tables of a processor that cannot run a guest without paging
 */
#include "../tables.h"
#include "builder.h"

#include <cpuid.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xen/hvm/e820.h>
#include <xen/hvm/save.h>

#define ACPI_PFN     (PVH_ACPI_GPA / PAGE_LEN)
#define ACPI_PAGES   (PVH_ACPI_LEN / PAGE_LEN)
#define STORE_PFN    (PVH_SPECIAL_GPA / PAGE_LEN)
#define CONSOLE_PFN  (STORE_PFN + 1)
#define IDENTITY_PFN (STORE_PFN + 2)
#define EXTRA_PAGES  (ACPI_PAGES + 3)

/* ---- Before there is memory ---------------------------------------------- */

/* Xen's tables of the domain: 1 MiB a processor, and 8 KiB for each MiB of RAM, as its own tools count. */
static int give_tables(struct xen_builder *builder, struct engine_error *err)
{
	unsigned mib = builder->vcpus + (unsigned)(builder->info.ram_len >> 27) + 1;

	if (xc_shadow_control(builder->host.control, builder->domid, XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION, &mib, 0) < 0)
		return engine_fail_errno(err, "memory for the hypervisor's tables of the domain");
	return 0;
}

/* What XENMEM_memory_map answers, for a kernel that asks that and not its hvm_start_info. */
static int set_memory_map(struct xen_builder *builder, struct engine_error *err)
{
	const struct engine_memory *memory = builder->run->memory;
	struct e820entry entries[ENGINE_RANGES];

	for (size_t i = 0; i < memory->nr_ram; i++)
		entries[i] = (struct e820entry){ memory->ram[i].gpa, memory->ram[i].len, memory->ram[i].type };
	if (xc_domain_set_memory_map(builder->host.control, builder->domid, entries, (uint32_t)memory->nr_ram) < 0)
		return engine_fail_errno(err, "the domain's memory map");
	return 0;
}

int pvh_begin(struct xen_builder *builder, struct engine_error *err)
{
	return give_tables(builder, err) || set_memory_map(builder, err) ? -1 : 0;
}

/* ---- Pages that are not RAM ---------------------------------------------- */

/* 4 MiB pages of 32-bit paging, each where it is. */
static void fill_identity(uint32_t *table)
{
	const uint32_t large_user_page = 0xe7; /* present, writable, user, accessed, dirty, large */

	for (uint32_t i = 0; i < PAGE_LEN / sizeof(*table); i++)
		table[i] = i << 22 | large_user_page;
}

static int fill_extra(struct xen_builder *builder, const xen_pfn_t *pfns, struct engine_error *err)
{
	const struct acpi_machine machine = { .gpa = (uint32_t)PVH_ACPI_GPA, .vcpus = builder->vcpus, .reduced = true };
	uint8_t *pages = xenforeignmemory_map(builder->host.memory, builder->domid, PROT_READ | PROT_WRITE, EXTRA_PAGES,
					      pfns, NULL);
	bool fits;

	if (!pages)
		return engine_fail_errno(err, "mapping the domain's own pages");
	memset(pages, 0, EXTRA_PAGES * PAGE_LEN);
	fits = acpi_build(pages, PVH_ACPI_LEN, &machine);
	fill_identity((uint32_t *)(void *)(pages + (EXTRA_PAGES - 1) * PAGE_LEN));
	xenforeignmemory_unmap(builder->host.memory, pages, EXTRA_PAGES);
	return fits ? 0
		    : engine_fail(err, ENGINE_UNABLE, "%u processors do not fit into ACPI's tables", builder->vcpus);
}

int pvh_populate(struct xen_builder *builder, struct engine_error *err)
{
	xen_pfn_t pfns[EXTRA_PAGES];

	for (uint64_t i = 0; i < ACPI_PAGES; i++)
		pfns[i] = ACPI_PFN + i;
	for (uint64_t i = ACPI_PAGES; i < EXTRA_PAGES; i++)
		pfns[i] = STORE_PFN + (i - ACPI_PAGES);
	builder->store_frame = STORE_PFN;
	builder->console_frame = CONSOLE_PFN;
	if (xc_domain_populate_physmap_exact(builder->host.control, builder->domid, EXTRA_PAGES, 0, 0, pfns) < 0)
		return engine_fail_errno(err, "the domain's own pages");
	return fill_extra(builder, pfns, err);
}

/* ---- Once all is placed -------------------------------------------------- */

static int set_parameters(struct xen_builder *builder, struct engine_error *err)
{
	const struct {
		uint32_t number;
		uint64_t value;
	} parameters[] = {
		{ HVM_PARAM_STORE_PFN, STORE_PFN },
		{ HVM_PARAM_STORE_EVTCHN, builder->store_port },
		{ HVM_PARAM_CONSOLE_PFN, CONSOLE_PFN },
		{ HVM_PARAM_CONSOLE_EVTCHN, builder->console_port },
		{ HVM_PARAM_IDENT_PT, IDENTITY_PFN * PAGE_LEN },
	};

	for (size_t i = 0; i < sizeof(parameters) / sizeof(*parameters); i++)
		if (xc_hvm_param_set(builder->host.control, builder->domid, parameters[i].number, parameters[i].value) <
		    0)
			return engine_fail_errno(err, "the domain's parameters");
	return 0;
}

/* What Xen restores a domain from; a record has its descriptor before it. */
struct record {
	struct hvm_save_descriptor header_is;
	HVM_SAVE_TYPE(HEADER) header;
	struct hvm_save_descriptor cpu_is;
	HVM_SAVE_TYPE(CPU) cpu;
} __attribute__((packed));

struct mtrr_record {
	struct hvm_save_descriptor mtrr_is;
	HVM_SAVE_TYPE(MTRR) mtrr;
} __attribute__((packed));

#define RECORD(type, number)                                                                                           \
	(struct hvm_save_descriptor)                                                                                   \
	{                                                                                                              \
		.typecode = HVM_SAVE_CODE(type), .instance = (uint16_t)(number), .length = HVM_SAVE_LENGTH(type)       \
	}

/* The descriptor's bits as Xen has them: without the gap that the limit's bits leave. */
static uint32_t access_bits(const struct pb_seg *seg)
{
	return (seg->attr & 0xff) | (seg->attr >> 4 & 0xf00);
}

static struct hvm_hw_cpu cpu_of(const struct pb_cpu *from)
{
	return (struct hvm_hw_cpu){ .rip = from->rip,
				    .rbx = from->rbx,
				    .rflags = from->rflags,
				    .cr0 = from->cr0,
				    .cr4 = from->cr4,
				    .cs_limit = from->cs.limit,
				    .ds_limit = from->ds.limit,
				    .es_limit = from->es.limit,
				    .fs_limit = from->fs.limit,
				    .gs_limit = from->gs.limit,
				    .ss_limit = from->ss.limit,
				    .tr_limit = from->tr.limit,
				    .cs_arbytes = access_bits(&from->cs),
				    .ds_arbytes = access_bits(&from->ds),
				    .es_arbytes = access_bits(&from->es),
				    .fs_arbytes = access_bits(&from->fs),
				    .gs_arbytes = access_bits(&from->gs),
				    .ss_arbytes = access_bits(&from->ss),
				    .tr_arbytes = access_bits(&from->tr),
				    .dr6 = 0xffff0ff0,
				    .dr7 = 0x400 };
}

static uint32_t this_cpu(void)
{
	uint32_t eax = 0, ebx, ecx, edx;

	__get_cpuid(1, &eax, &ebx, &ecx, &edx);
	return eax;
}

/* All memory is write-back from the first instruction on, as there is no firmware to make it so. */
static struct mtrr_record mtrr_of(uint32_t vcpu)
{
	return (struct mtrr_record){ .mtrr_is = RECORD(MTRR, vcpu),
				     .mtrr = { .msr_pat_cr = 0x0007040600070406, /* as a reset leaves it */
					       .msr_mtrr_cap = 0x508,          /* 8 of variable range, fixed ones, WC */
					       .msr_mtrr_def_type = 0x806 } }; /* on, write-back */
}

static void fill_first(struct record *record, const struct pb_cpu *cpu)
{
	record->header_is = RECORD(HEADER, 0);
	record->header =
		(HVM_SAVE_TYPE(HEADER)){ .magic = HVM_FILE_MAGIC, .version = HVM_FILE_VERSION, .cpuid = this_cpu() };
	record->cpu_is = RECORD(CPU, 0);
	record->cpu = cpu_of(cpu);
}

static int set_context(struct xen_builder *builder, struct engine_error *err)
{
	size_t len = sizeof(struct record) + builder->vcpus * sizeof(struct mtrr_record) +
		     sizeof(struct hvm_save_descriptor);
	uint8_t *buf = calloc(1, len), *at = buf;
	struct pb_cpu cpu = PB_INIT(cpu);
	int failed;

	if (!buf)
		return engine_fail_errno(err, "the domain's first processor");
	pb_plan_cpu(builder->run->plan, 0, &cpu);
	fill_first((struct record *)at, &cpu);
	at += sizeof(struct record);
	for (uint32_t i = 0; i < builder->vcpus; i++, at += sizeof(struct mtrr_record))
		*(struct mtrr_record *)at = mtrr_of(i);
	*(struct hvm_save_descriptor *)at = (struct hvm_save_descriptor){ .typecode = HVM_SAVE_CODE(END) };
	failed = xc_domain_hvm_setcontext(builder->host.control, builder->domid, buf, (uint32_t)len);
	free(buf);
	return failed < 0 ? engine_fail_errno(err, "the domain's first processor") : 0;
}

int pvh_finish(struct xen_builder *builder, struct engine_error *err)
{
	return set_parameters(builder, err) || set_context(builder, err) ? -1 : 0;
}
