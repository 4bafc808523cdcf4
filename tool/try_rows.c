/* SPDX-License-Identifier: MIT */
/*
 * The rows of `paraboot try`: entry x unpack x engine, and the image as it was
 * shipped, by a BIOS and by UEFI. What the image does not allow, or this
 * machine cannot do, is a row too, and its reason is the row's answer.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "say.h"
#include "starts.h"
#include "tool.h"
#include "try.h"

/* UEFI firmware in one file that QEMU takes as its BIOS: where distributions put OVMF. */
static const char *const firmware_paths[] = {
	"/usr/share/ovmf/OVMF.fd",
	"/usr/share/qemu/OVMF.fd",
	"/usr/share/edk2/ovmf/OVMF.fd",
	"/usr/share/edk2-ovmf/OVMF.fd",
};

const char *try_outcome_name(enum try_outcome outcome)
{
	static const char *const names[] = { "waiting", "running", "started", "failed", "not possible", "cannot here" };

	return names[outcome];
}

static struct try_row *add_row(struct try_table *table, const char *name, enum pb_unpack unpack)
{
	table->rows = must_grow(table->rows, table->nr_rows + 1, sizeof(*table->rows));

	struct try_row *row = &table->rows[table->nr_rows++];

	*row = (struct try_row){ .entry_name = name, .unpack = unpack, .pid = -1 };
	return row;
}

static void settle(struct try_row *row, enum try_outcome outcome, const char *reason)
{
	row->outcome = outcome;
	snprintf(row->reason, sizeof(row->reason), "%s", reason);
}

static void settle_error(struct try_row *row, enum try_outcome outcome, const struct pb_error *why)
{
	row->outcome = outcome;
	pb_error_line(why, row->reason, sizeof(row->reason));
}

/* Is the engine here, and can its machine be had with these options? */
static bool engine_works(const struct options *opt, const struct engine *engine, struct engine_error *err)
{
	struct engine_options machine = {
		.mem_len = opt->memory_len, .vcpus = opt->vcpus, .icount = opt->icount, .output_fd = -1
	};

	return engine_serves(engine, &machine, err);
}

static bool engine_executes(const struct engine *engine)
{
	return strcmp(engine->name, "file") != 0;
}

static bool engine_is_wanted(const struct options *opt, const struct engine *engine)
{
	return !opt->engine || strcmp(opt->engine, engine->name) == 0;
}

/* Can this version plan it? Found out by asking for a plan, with RAM that any kernel fits in. */
static bool is_built(pb_image *image, enum pb_entry entry, enum pb_unpack unpack)
{
	const struct pb_range ram = { .gpa = 0, .len = UINT64_C(3) << 30, .type = PB_E820_RAM };
	struct pb_request request = {
		.size = sizeof(request), .entry = entry, .unpack = unpack, .ram = &ram, .rams = 1
	};
	pb_plan *plan = NULL;
	int rc = pb_plan_make(&plan, image, &request, NULL);

	pb_plan_close(plan);
	return rc != -PB_E_NOT_BUILT;
}

static void add_engine_row(struct try_table *table, enum pb_entry entry, enum pb_unpack unpack,
			   const struct engine *engine)
{
	struct try_row *row = add_row(table, pb_entry_name(entry), unpack);
	struct engine_error err;

	row->entry = entry;
	row->engine = engine;
	if (!engine_works(table->opt, engine, &err))
		settle(row, TRY_CANNOT_HERE, err.text);
}

static void add_entry_rows(struct try_table *table, enum pb_entry entry, enum pb_unpack unpack)
{
	struct pb_error why = PB_INIT(why);

	if (pb_image_can(table->image, entry, unpack, &why) != 0) {
		settle_error(add_row(table, pb_entry_name(entry), unpack), TRY_NOT_POSSIBLE, &why);
		return;
	}
	if (!is_built(table->image, entry, unpack)) {
		settle(add_row(table, pb_entry_name(entry), unpack), TRY_CANNOT_HERE, pb_code_text(PB_E_NOT_BUILT));
		return;
	}
	for (const struct engine *engine = engines; engine->name; engine++)
		if (engine_executes(engine) && engine_is_wanted(table->opt, engine))
			add_engine_row(table, entry, unpack, engine);
}

/* ---- As shipped --------------------------------------------------------- */

/* QEMU's loader puts the image's real-mode code below a BIOS and lets it begin there. */
static bool bios_starts(const struct pb_facts *facts, struct try_row *row)
{
	if (facts->protocol)
		return true;
	settle(row, TRY_NOT_POSSIBLE, "setup_header: the image has no real-mode code");
	return false;
}

/* A PE header makes the image a program of UEFI; its class has to be the firmware's. */
static bool efi_starts(struct try_table *table, const struct pb_facts *facts, struct try_row *row)
{
	struct pb_kernel kernel = PB_INIT(kernel);

	if (!facts->efi_entry_off && facts->format != PB_PE) {
		settle(row, TRY_NOT_POSSIBLE, "AddressOfEntryPoint: the image has no PE header");
		return false;
	}
	if (pb_image_kernel(table->image, &kernel, NULL) == 0 && kernel.elf_class != 64) {
		settle(row, TRY_CANNOT_HERE, "a 32-bit kernel wants 32-bit UEFI firmware");
		return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(firmware_paths) && !row->firmware; i++)
		if (access(firmware_paths[i], R_OK) == 0)
			row->firmware = firmware_paths[i];
	if (!row->firmware)
		settle(row, TRY_CANNOT_HERE, "no UEFI firmware here (package ovmf)");
	return row->firmware != NULL;
}

static void add_shipped_row(struct try_table *table, const char *name, bool efi)
{
	const struct engine *engine = engine_by_name("qemu");
	struct pb_facts facts = PB_INIT(facts);
	struct engine_error err;
	struct try_row *row;

	if (!engine_is_wanted(table->opt, engine))
		return;
	row = add_row(table, name, PB_UNPACK_GUEST);
	pb_image_facts(table->image, &facts);
	if (!(efi ? efi_starts(table, &facts, row) : bios_starts(&facts, row)))
		return;
	row->engine = engine;
	if (!engine_works(table->opt, engine, &err))
		settle(row, TRY_CANNOT_HERE, err.text);
}

/* ---- All ------------------------------------------------------------------ */

static bool is_wanted(const struct options *opt, enum pb_entry entry, enum pb_unpack unpack)
{
	return (!opt->entry || opt->entry == entry) && (!opt->unpack || opt->unpack == unpack);
}

void try_list(struct try_table *table)
{
	const struct options *opt = table->opt;

	if (is_wanted(opt, PB_LINUX16, PB_UNPACK_GUEST))
		add_shipped_row(table, pb_entry_name(PB_LINUX16), false);
	if (!opt->entry && is_wanted(opt, 0, PB_UNPACK_GUEST))
		add_shipped_row(table, "efi", true);
	for (enum pb_entry entry = PB_LINUX32; entry < PB_ENTRIES; entry++)
		for (enum pb_unpack unpack = PB_UNPACK_HOST; unpack < UNPACKS; unpack++)
			if (is_wanted(opt, entry, unpack))
				add_entry_rows(table, entry, unpack);
}
