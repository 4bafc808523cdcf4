/* SPDX-License-Identifier: MIT */
/*
 * The rows of `paraboot try`: entry x unpack x engine, and the image as it was
 * shipped, by a BIOS and by UEFI. What the image does not allow, or this
 * machine cannot do, is a row too, and its reason is the row's answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "say.h"
#include "starts.h"
#include "tool.h"
#include "try.h"

static const char firmware_variable[] = "PARABOOT_OVMF";

/* Where distributions put OVMF, by the class of the kernels that it starts. */
static const struct {
	unsigned elf_class;
	struct engine_firmware files;
} firmwares[] = {
	{ 64, { .code = "/usr/share/ovmf/OVMF.fd" } },
	{ 64, { .code = "/usr/share/qemu/OVMF.fd" } },
	{ 64, { .code = "/usr/share/edk2/ovmf/OVMF.fd" } },
	{ 64, { .code = "/usr/share/edk2-ovmf/OVMF.fd" } },
	{ 32, { "/usr/share/OVMF/OVMF32_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF32_VARS_4M.fd" } },
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

	*row = (struct try_row){ .entry_name = name, .unpack = unpack, .pid = -1, .complaints = -1 };
	return row;
}

static void settle(struct try_row *row, enum try_outcome outcome, const char *reason)
{
	row->outcome = outcome;
	snprintf(row->reason, sizeof(row->reason), "%s", reason);
}

/*
 * By whose fault it is (enum pb_code): what a damaged image says of its starts
 * is no answer of a good one's, and what is only too much for us is none at all.
 */
static enum try_outcome outcome_of(int code)
{
	if (code >= PB_E_PROTOCOL)
		return TRY_NOT_POSSIBLE;
	if (code < PB_E_FORMAT || code == PB_E_LIMIT || code == PB_E_CODEC_UNKNOWN)
		return TRY_CANNOT_HERE;
	return TRY_FAILED;
}

static void settle_error(struct try_row *row, const struct pb_error *why)
{
	row->outcome = outcome_of(why->code);
	pb_error_line(why, row->reason, sizeof(row->reason));
}

/* Is the engine here, and can its machine be had with these options? */
static bool engine_works(const struct options *opt, const struct engine *engine, struct engine_error *err)
{
	struct engine_options machine = {
		.mem_len = opt->memory_len, .vcpus = opt->vcpus, .icount = opt->icount, .output_fd = -1
	};
	struct engine_memory memory;

	return engine_serves(engine, &machine, err) && engine->memory(&machine, &memory, err) == 0;
}

static bool engine_is_wanted(const struct options *opt, const char *name)
{
	return !opt->engine || strcmp(opt->engine, name) == 0;
}

/* What pb_plan_make() says of such a start, with RAM that any kernel fits in. */
static int plan_code(const struct options *opt, pb_image *image, enum pb_entry entry, enum pb_unpack unpack, bool kaslr)
{
	const struct pb_range ram = { .gpa = 0, .len = UINT64_C(3) << 30, .type = PB_E820_RAM };
	struct pb_request request = { .size = sizeof(request),
				      .entry = entry,
				      .unpack = unpack,
				      .ram = &ram,
				      .rams = 1,
				      .kaslr = kaslr,
				      .kaslr_seed = opt->kaslr_seed };
	pb_plan *plan = NULL;
	int rc = pb_plan_make(&plan, image, &request, NULL);

	pb_plan_close(plan);
	return rc;
}

static void add_engine_row(struct try_table *table, enum pb_entry entry, enum pb_unpack unpack, bool kaslr,
			   const struct engine *engine)
{
	struct try_row *row = add_row(table, pb_entry_name(entry), unpack);
	struct engine_error err;

	row->entry = entry;
	row->engine = engine;
	row->kaslr = kaslr;
	if (!engine_works(table->opt, engine, &err))
		settle(row, TRY_CANNOT_HERE, err.text);
}

static void add_entry_rows(struct try_table *table, enum pb_entry entry, enum pb_unpack unpack)
{
	const struct options *opt = table->opt;
	struct pb_error why = PB_INIT(why);
	bool kaslr;

	if (pb_image_can(table->image, entry, unpack, &why) != 0) {
		settle_error(add_row(table, pb_entry_name(entry), unpack), &why);
		return;
	}
	if (plan_code(opt, table->image, entry, unpack, false) == -PB_E_NOT_BUILT) {
		settle(add_row(table, pb_entry_name(entry), unpack), TRY_CANNOT_HERE, pb_code_text(PB_E_NOT_BUILT));
		return;
	}
	kaslr = opt->kaslr && plan_code(opt, table->image, entry, unpack, true) != -PB_E_KASLR;
	for (const struct engine *engine = engines; engine->name; engine++)
		if (!engine->by_name && engine_is_wanted(opt, engine->name))
			add_engine_row(table, entry, unpack, kaslr, engine);
}

/* ---- As shipped --------------------------------------------------------- */

/* QEMU's loader puts the image's real-mode code below a BIOS and lets it begin there. */
static bool bios_starts(const struct pb_facts *facts, struct try_row *row)
{
	if (facts->protocol && facts->format != PB_PE)
		return true;
	settle(row, TRY_NOT_POSSIBLE,
	       facts->format == PB_PE ? "setup_header: the image is a program of UEFI alone, whatever it wraps"
				      : "setup_header: the image has no real-mode code");
	return false;
}

static bool is_there(const struct engine_firmware *files)
{
	return access(files->code, R_OK) == 0 && (!files->vars || access(files->vars, R_OK) == 0);
}

/* The user's, if $PARABOOT_OVMF names one for 64 bits: no other, then. */
static bool find_firmware(unsigned elf_class, struct engine_firmware *ret)
{
	const char *named = elf_class == 64 ? getenv(firmware_variable) : NULL;

	*ret = (struct engine_firmware){ .code = named };
	if (named && *named)
		return is_there(ret);
	for (size_t i = 0; i < ARRAY_LEN(firmwares); i++) {
		*ret = firmwares[i].files;
		if (firmwares[i].elf_class == elf_class && is_there(ret))
			return true;
	}
	return false;
}

/* A PE header makes the image a program of UEFI; its class has to be the firmware's. */
static bool efi_starts(struct try_table *table, const struct pb_facts *facts, struct try_row *row)
{
	struct pb_kernel kernel = PB_INIT(kernel);
	bool is_32;

	if (!facts->efi_entry_off && facts->format != PB_PE) {
		settle(row, TRY_NOT_POSSIBLE, "AddressOfEntryPoint: the image has no PE header");
		return false;
	}
	if (facts->format == PB_PE) {
		settle(row, TRY_CANNOT_HERE, "QEMU's loader hands firmware no program that wraps a kernel");
		return false;
	}
	is_32 = pb_image_kernel(table->image, &kernel, NULL) == 0 && kernel.elf_class != 64;
	if (find_firmware(is_32 ? 32 : 64, &row->firmware))
		return true;
	settle(row, TRY_CANNOT_HERE,
	       is_32 ? "no 32-bit UEFI firmware here (package ovmf-ia32)"
		     : "no UEFI firmware here (package ovmf, or $PARABOOT_OVMF)");
	return false;
}

static void add_shipped_row(struct try_table *table, const char *name, bool efi)
{
	const struct engine *engine = engine_by_name("qemu");
	struct pb_facts facts = PB_INIT(facts);
	struct engine_error err;
	struct try_row *row;

	if (!engine_is_wanted(table->opt, engine->name))
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

/* No entry of the boot protocol is called efi: any -e leaves it out. */
bool try_wants(const struct options *opt, const char *entry_name, const char *unpack, const char *engine)
{
	return (!opt->entry || opt->entry == pb_entry_by_name(entry_name)) &&
	       (!opt->unpack || strcmp(pb_unpack_name(opt->unpack), unpack) == 0) &&
	       (!engine || engine_is_wanted(opt, engine));
}

static bool is_wanted(const struct options *opt, const char *entry_name, enum pb_unpack unpack)
{
	return try_wants(opt, entry_name, pb_unpack_name(unpack), NULL);
}

void try_list(struct try_table *table)
{
	const struct options *opt = table->opt;

	if (is_wanted(opt, pb_entry_name(PB_LINUX16), PB_UNPACK_GUEST))
		add_shipped_row(table, pb_entry_name(PB_LINUX16), false);
	if (is_wanted(opt, TRY_EFI, PB_UNPACK_GUEST))
		add_shipped_row(table, TRY_EFI, true);
	for (enum pb_entry entry = PB_LINUX32; entry < PB_ENTRIES; entry++)
		for (enum pb_unpack unpack = PB_UNPACK_HOST; unpack < UNPACKS; unpack++)
			if (is_wanted(opt, pb_entry_name(entry), unpack))
				add_entry_rows(table, entry, unpack);
}
