/* SPDX-License-Identifier: MIT */
/*
 * The `file` engine: it runs nothing, but writes the domain as a PVH ELF file
 * that any VMM which starts such files can start by hand, with at least the
 * planned RAM: qemu-system-x86_64 -kernel DOMAIN.elf -m 512 -nographic.
 */
#include "internal.h"

int file_usable(struct engine_options *options, struct engine_error *err)
{
	if (options->machine == ENGINE_MACHINE_AUTO)
		options->machine = ENGINE_PC;
	(void)err;
	return 0;
}

int file_memory(const struct engine_options *options, struct engine_memory *ret, struct engine_error *err)
{
	return engine_memory_map(options->machine, options->mem_len, ret, err);
}

int file_run(const struct engine_run *run, struct engine_result *ret, struct engine_error *err)
{
	if (engine_write_domain(run->options->output_fd, run->plan, run->memory, err) < 0)
		return -1;
	*ret = (struct engine_result){ .status = ENGINE_POWERED_OFF, .text = "wrote the domain" };
	return 0;
}
