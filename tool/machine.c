/* SPDX-License-Identifier: MIT */
/*
 * Which engine, and the memory map of the machine that it makes, or of the
 * user's own.
 */
#include <stdio.h>
#include <string.h>

#include "domain.h"
#include "say.h"
#include "tool.h"

int complain_engine(const char *what, const struct engine_error *err)
{
	complain(what, "%s", err->text);
	return err->status;
}

/* The one that opt names, or the fastest that works here. */
static const struct engine *find_engine(const char *name, struct engine_options *machine, struct engine_error *err)
{
	const struct engine *engine;

	if (!name || strcmp(name, "auto") == 0)
		return engine_pick(machine, err);
	engine = engine_by_name(name);
	if (!engine)
		engine_fail(err, ENGINE_BAD_INPUT, "no engine has the name %.100s", name);
	return engine && engine->usable(machine, err) == 0 ? engine : NULL;
}

int domain_choose_engine(const struct options *opt, struct domain *domain)
{
	struct engine_error err = { .status = STATUS_UNABLE, .text = "none here executes a guest" };

	domain->machine = (struct engine_options){
		.mem_len = opt->memory_len,
		.vcpus = opt->vcpus,
		.icount = opt->icount,
		.output_fd = -1,
		.name = opt->name,
		.keep = opt->keep || opt->paused,
		.paused = opt->paused,
	};
	domain->engine = find_engine(opt->engine, &domain->machine, &err);
	return domain->engine ? STATUS_OK : complain_engine("engine", &err);
}

/* Is [gpa, gpa+len) inside one of the machine's RAM ranges? */
static bool machine_has(const struct engine_memory *memory, const struct pb_range *wanted)
{
	for (size_t i = 0; i < memory->nr_ram; i++) {
		const struct pb_range *ram = &memory->ram[i];

		if (ram->type == PB_E820_RAM && wanted->gpa >= ram->gpa && wanted->gpa - ram->gpa <= ram->len &&
		    wanted->len <= ram->len - (wanted->gpa - ram->gpa))
			return true;
	}
	return false;
}

/* The machine's RAM as --ram would give it: "0x0:0x9f000 0x100000:0x1fec0000". */
static void print_machine(const struct engine_memory *memory, char *buf, size_t buf_len)
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < memory->nr_ram && len < buf_len; i++)
		if (memory->ram[i].type == PB_E820_RAM)
			len += (size_t)snprintf(buf + len, buf_len - len, " 0x%llx:0x%llx",
						(unsigned long long)memory->ram[i].gpa,
						(unsigned long long)memory->ram[i].len);
}

/* The user's own map has to be RAM of the machine that is to run it. */
static int check_own_map(const struct options *opt, const struct engine_memory *memory)
{
	char has[256];

	for (size_t i = 0; i < opt->rams; i++) {
		if (opt->ram[i].type != PB_E820_RAM || machine_has(memory, &opt->ram[i]))
			continue;
		print_machine(memory, has, sizeof(has));
		return complain("--ram", "0x%llx:0x%llx is not inside the machine's memory, which is%s (-m)",
				(unsigned long long)opt->ram[i].gpa, (unsigned long long)opt->ram[i].len, has);
	}
	return STATUS_OK;
}

int domain_set_memory(const struct options *opt, struct domain *domain)
{
	struct pb_request *request = &domain->request;
	struct engine_error err;

	request->ram = opt->ram;
	request->rams = opt->rams;
	if (!domain->engine && !opt->rams) {
		domain->memory.ram[0] = (struct pb_range){ 0, opt->memory_len, PB_E820_RAM };
		request->ram = domain->memory.ram;
		request->rams = 1;
	}
	if (!domain->engine)
		return STATUS_OK;
	if (domain->engine->memory(&domain->machine, &domain->memory, &err) < 0)
		return complain_engine("engine", &err);
	request->keep = domain->memory.keep;
	request->keeps = domain->memory.nr_keep;
	request->rsdp_gpa = domain->memory.rsdp_gpa;
	if (opt->rams)
		return check_own_map(opt, &domain->memory);
	request->ram = domain->memory.ram;
	request->rams = domain->memory.nr_ram;
	return STATUS_OK;
}
