/* SPDX-License-Identifier: MIT */
/*
 * boot_params, which boot.rst and the kernel call the zero page: all zero but
 * for the image's setup header and what a boot loader fills in. Only the bytes
 * from 0x1f1 to the header's own end come from the file: one byte more, and
 * the kernel finds the sentinel at 0x1ef and discards what it was told.
 *
 * Memory ranges beyond the 128 that fit go into a SETUP_E820_EXT of their own
 * at the end of the setup_data chain.
 */
#include <asm/bootparam.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "../error.h"
#include "arith.h"
#include "builder.h"
#include "memory_map.h"

_Static_assert(sizeof(struct boot_params) == 0x1000, "boot_params is one page");
_Static_assert(offsetof(struct boot_params, hdr) == 0x1f1, "the setup header's place is ABI");

#define HDR_MAGIC          0x53726448u /* "HdrS" */
#define BOOT_FLAG          0xaa55
#define OLD_CL_MAGIC       0xa33f /* boot.rst, "The Kernel Command Line" */
#define CMD_LINE_PTR_SINCE 0x202
#define FAR_PARAMS_SINCE   0x205
#define SETUP_DATA_SINCE   0x209
#define MADE_UP_PROTOCOL   0x20c /* for an ELF without a header; the last with a field that is of use to it */

/* ---- setup_data -------------------------------------------------------- */

/* Where each node begins is rounded so; the kernel reads its fields as they lie. */
#define NODE_ALIGN 16u

struct chain {
	pb_gpa gpa;
	uint8_t *bytes;
	uint64_t len;
	uint64_t last; /* the offset of the last node's header */
};

static uint64_t node_len(uint64_t data_len)
{
	return align_up(sizeof(struct setup_data) + data_len, NODE_ALIGN);
}

/* Append a node whose data the caller fills. */
static uint8_t *chain_add(struct chain *chain, uint32_t type, uint32_t len)
{
	struct setup_data node = { .type = type, .len = len };
	uint64_t next = chain->gpa + chain->len;

	if (chain->len)
		memcpy(chain->bytes + chain->last, &next, sizeof(next));
	chain->last = chain->len;
	memcpy(chain->bytes + chain->last, &node, sizeof(node));
	chain->len += node_len(len);
	return chain->bytes + chain->last + sizeof(node);
}

/* E820 entries from number `from` on. */
static void e820_fill(const struct plan_builder *builder, size_t from, size_t n, void *ret)
{
	for (size_t i = 0; i < n; i++) {
		const struct pb_range *range = &builder->ram[from + i];
		struct boot_e820_entry entry = { range->gpa, range->len, range->type };

		memcpy((char *)ret + i * sizeof(entry), &entry, sizeof(entry));
	}
}

static size_t e820_beyond(const struct plan_builder *builder)
{
	size_t rams = builder->request.rams;

	return rams > E820_MAX_ENTRIES_ZEROPAGE ? rams - E820_MAX_ENTRIES_ZEROPAGE : 0;
}

static uint64_t chain_len(const struct plan_builder *builder)
{
	const struct pb_request *request = &builder->request;
	uint64_t len = 0;

	for (size_t i = 0; i < request->nr_setup_data; i++)
		len += node_len(request->setup_data[i].len);
	if (e820_beyond(builder))
		len += node_len(e820_beyond(builder) * sizeof(struct boot_e820_entry));
	return len;
}

static void chain_fill(const struct plan_builder *builder, struct chain *chain)
{
	const struct pb_request *request = &builder->request;
	size_t beyond = e820_beyond(builder);

	for (size_t i = 0; i < request->nr_setup_data; i++) {
		const struct pb_setup_data *node = &request->setup_data[i];
		uint8_t *data = chain_add(chain, node->type, node->len);

		if (node->len)
			memcpy(data, node->data, node->len);
	}
	if (beyond)
		e820_fill(builder, E820_MAX_ENTRIES_ZEROPAGE, beyond,
			  chain_add(chain, SETUP_E820_EXT, (uint32_t)(beyond * sizeof(struct boot_e820_entry))));
}

static int check_chain(const struct plan_builder *builder, struct pb_error *err)
{
	const struct pb_request *request = &builder->request;
	uint16_t protocol = builder->image->facts.protocol;

	if (protocol == 0 || protocol >= SETUP_DATA_SINCE)
		return 0;
	if (request->nr_setup_data)
		return fail(err, PB_E_PROTOCOL, "setup_data", protocol, SETUP_DATA_SINCE, 0x206);
	if (e820_beyond(builder))
		return fail(err, PB_E_MEMORY_MAP, "e820_entries", request->rams, E820_MAX_ENTRIES_ZEROPAGE, 0);
	return 0;
}

/* All nodes in one placement; *ret_gpa is 0 if there are none. */
static int setup_data_put(struct plan_builder *builder, pb_gpa *ret_gpa, struct pb_error *err)
{
	struct chain chain = { 0 };
	uint64_t len = chain_len(builder);
	int rc = check_chain(builder, err);

	*ret_gpa = 0;
	if (rc || len == 0)
		return rc;
	rc = builder_take_small(builder, "setup_data", len, &chain.gpa, err);
	if (rc)
		return rc;
	chain.bytes = calloc(1, len);
	if (!chain.bytes)
		return fail_nomem(err, len);
	chain_fill(builder, &chain);
	rc = builder_put(builder, PB_KIND_SETUP_DATA, chain.gpa, chain.bytes, len, err);
	free(chain.bytes);
	*ret_gpa = chain.gpa;
	return rc;
}

/* ---- The header -------------------------------------------------------- */

pb_gpa linux_initrd_max(const struct plan_builder *builder)
{
	const struct pb_image *image = builder->image;

	if (image->facts.protocol == 0)
		return image_kernel(image)->elf_class == 64 ? LINUX_INITRD_MAX_64 : LINUX_INITRD_MAX_OLD;
	return image->facts.protocol >= 0x203 ? image->hdr.initrd_addr_max : LINUX_INITRD_MAX_OLD;
}

bool linux_old_params(const struct pb_image *image)
{
	return image->facts.protocol && image->facts.protocol < FAR_PARAMS_SINCE;
}

bool linux_above_4g(const struct pb_image *image)
{
	return image->facts.protocol >= 0x20c && (image->facts.xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G);
}

/* What an ELF file came without: the least that makes a kernel believe what boot_params says. */
static void header_make_up(const struct plan_builder *builder, struct setup_header *hdr)
{
	hdr->boot_flag = BOOT_FLAG;
	hdr->header = HDR_MAGIC;
	hdr->version = MADE_UP_PROTOCOL;
	hdr->loadflags = LOADED_HIGH;
	hdr->initrd_addr_max = (uint32_t)linux_initrd_max(builder);
	hdr->cmdline_size = LINUX_CMDLINE_MAX;
}

static void header_fill(const struct plan_builder *builder, struct boot_params *params, pb_gpa load_gpa)
{
	const struct pb_image *image = builder->image;
	const size_t off = offsetof(struct boot_params, hdr);

	if (image->facts.protocol == 0)
		header_make_up(builder, &params->hdr);
	else
		memcpy((char *)params + off, image->setup + off, sizeof(image->setup) - off);
	params->hdr.type_of_loader = builder->request.loader_type;
	params->hdr.loadflags &= (uint8_t) ~(CAN_USE_HEAP | KASLR_FLAG);
	if (builder->request.kaslr)
		params->hdr.loadflags |= KASLR_FLAG; /* else the kernel believes that there is none */
	params->hdr.hardware_subarch = builder->request.subarch;
	params->hdr.hardware_subarch_data = builder->request.subarch_data;
	if (load_gpa)
		params->hdr.code32_start = (uint32_t)load_gpa;
}

static bool has_cmd_line_magic(const struct pb_image *image)
{
	return image->facts.protocol && image->facts.protocol < CMD_LINE_PTR_SINCE;
}

/* The initrds and the command line; the upper halves have places of their own. */
static void pointers_fill(const struct plan_builder *builder, struct boot_params *params)
{
	const struct pb_plan_info *info = &builder->info;

	params->hdr.ramdisk_image = (uint32_t)info->initrd_gpa;
	params->hdr.ramdisk_size = (uint32_t)info->initrd_len;
	params->ext_ramdisk_image = (uint32_t)(info->initrd_gpa >> 32);
	params->ext_ramdisk_size = (uint32_t)(info->initrd_len >> 32);
	if (has_cmd_line_magic(builder->image)) {
		params->screen_info.cl_magic = OLD_CL_MAGIC;
		params->screen_info.cl_offset = (uint16_t)(info->cmdline_gpa - info->params_gpa);
		return;
	}
	params->hdr.cmd_line_ptr = (uint32_t)info->cmdline_gpa;
	params->ext_cmd_line_ptr = (uint32_t)(info->cmdline_gpa >> 32);
}

/* The oldest protocols look for the magic of their command line at one fixed address. */
int boot_params_take(struct plan_builder *builder, struct pb_error *err)
{
	const uint64_t len = sizeof(struct boot_params);
	const struct space_want fixed = { .len = len, .min = PLAN_OLD_PARAMS, .max = PLAN_OLD_PARAMS + len - 1 };

	if (has_cmd_line_magic(builder->image))
		return builder_take(builder, "boot_params", &fixed, &builder->info.params_gpa, err);
	return builder_take_small(builder, "boot_params", len, &builder->info.params_gpa, err);
}

/* What a plan tells of them. */
static void tell(struct plan_builder *builder, const struct boot_params *params)
{
	builder->info.loader_type = params->hdr.type_of_loader;
	builder->info.subarch = params->hdr.hardware_subarch;
	builder->info.subarch_data = params->hdr.hardware_subarch_data;
}

/* The hypervisor's segments are the ones to keep: loading others would fault, or worse. */
void boot_params_of_domain(struct plan_builder *builder, uint64_t ram_len, uint8_t page[4096])
{
	struct boot_params params = { 0 };

	header_fill(builder, &params, 0);
	pointers_fill(builder, &params);
	params.hdr.loadflags |= KEEP_SEGMENTS;
	params.e820_entries = 1;
	params.e820_table[0] = (struct boot_e820_entry){ 0, ram_len, PB_E820_RAM };
	tell(builder, &params);
	memcpy(page, &params, sizeof(params));
}

int boot_params_put(struct plan_builder *builder, pb_gpa load_gpa, struct pb_error *err)
{
	struct boot_params params = { 0 };
	pb_gpa setup_data_gpa;
	int rc = setup_data_put(builder, &setup_data_gpa, err);

	if (rc)
		return rc;
	header_fill(builder, &params, load_gpa);
	tell(builder, &params);
	pointers_fill(builder, &params);
	params.hdr.setup_data = setup_data_gpa;
	params.acpi_rsdp_addr = builder->request.rsdp_gpa;
	params.e820_entries = (uint8_t)(builder->request.rams - e820_beyond(builder));
	e820_fill(builder, 0, params.e820_entries, params.e820_table);
	return builder_put(builder, PB_KIND_BOOT_PARAMS, builder->info.params_gpa, &params, sizeof(params), err);
}
