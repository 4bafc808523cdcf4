/* SPDX-License-Identifier: MIT */
/*
 * A start by PVH as if a Linux loader had done it: what hvm_start_info
 * (<xen/arch-x86/hvm/start_info.h>) says, in boot_params of our own.
 */
#include "decompressor.h"

#include <xen/arch-x86/hvm/start_info.h>

#define HDR_MAGIC  0x53726448 /* "HdrS" */
#define BOOT_FLAG  0xaa55
#define PROTOCOL   0x20c
#define LOADER_ANY 0xff

static struct boot_params own_params;

static void fill_e820(struct boot_params *params, const struct hvm_start_info *info)
{
	const struct hvm_memmap_table_entry *entry = (const void *)(uintptr_t)info->memmap_paddr;
	unsigned count = info->version >= 1 && entry ? info->memmap_entries : 0;

	for (unsigned i = 0; i < count && i < E820_MAX_ENTRIES_ZEROPAGE; i++) {
		params->e820_table[i].addr = entry[i].addr;
		params->e820_table[i].size = entry[i].size;
		params->e820_table[i].type = entry[i].type;
		params->e820_entries++;
	}
}

static void fill_initrd(struct boot_params *params, const struct hvm_start_info *info)
{
	const struct hvm_modlist_entry *module = (const void *)(uintptr_t)info->modlist_paddr;

	if (!info->nr_modules || !module)
		return;
	params->hdr.ramdisk_image = (uint32_t)module->paddr;
	params->hdr.ramdisk_size = (uint32_t)module->size;
	params->ext_ramdisk_image = (uint32_t)(module->paddr >> 32);
	params->ext_ramdisk_size = (uint32_t)(module->size >> 32);
}

struct boot_params *params_from_pvh(const void *start_info)
{
	const struct hvm_start_info *info = start_info;
	struct boot_params *params = &own_params;

	params->hdr.boot_flag = BOOT_FLAG;
	params->hdr.header = HDR_MAGIC;
	params->hdr.version = PROTOCOL;
	params->hdr.type_of_loader = LOADER_ANY;
	params->hdr.loadflags = LOADED_HIGH;
	params->hdr.cmd_line_ptr = (uint32_t)info->cmdline_paddr;
	params->ext_cmd_line_ptr = (uint32_t)(info->cmdline_paddr >> 32);
	params->acpi_rsdp_addr = info->rsdp_paddr;
	fill_e820(params, info);
	fill_initrd(params, info);
	return params;
}
