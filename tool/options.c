/* SPDX-License-Identifier: MIT */
/*
 * One parser for all subcommands: getopt_long over a subcommand's tables, and
 * --help printed from the same tables.
 */
#include "options.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "engine.h"
#include "say.h"
#include "tool.h"
#include "values.h"

#define MAX_ROWS 32

/* ---- Setters ------------------------------------------------------------ */

int set_entry(struct options *opt, const char *arg)
{
	opt->entry = pb_entry_by_name(arg);
	return opt->entry ? 0 : -1;
}

int set_unpack(struct options *opt, const char *arg)
{
	for (enum pb_unpack way = PB_UNPACK_HOST; way <= PB_UNPACK_GUEST; way++) {
		if (strcmp(pb_unpack_name(way), arg) == 0) {
			opt->unpack = way;
			return 0;
		}
	}
	return -1;
}

/* A name is asked for; a number is insisted on, whether or not the image says that it serves it. */
static int set_subarch(struct options *opt, const char *arg)
{
	uint64_t number;

	opt->subarch_insist = value_number(arg, UINT32_MAX, &number);
	if (!opt->subarch_insist)
		return pb_subarch_by_name(arg, &opt->subarch) == 0 ? 0 : -1;
	opt->subarch = (uint32_t)number;
	return 0;
}

static int set_subarch_data(struct options *opt, const char *arg)
{
	return value_number(arg, UINT64_MAX, &opt->subarch_data) ? 0 : -1;
}

static int set_fixmap(struct options *opt, const char *arg)
{
	return value_range(arg, &opt->fixmap) ? 0 : -1;
}

static int set_memory(struct options *opt, const char *arg)
{
	return value_size(arg, &opt->memory_len) && opt->memory_len > 0 ? 0 : -1;
}

static int add_initrd(struct options *opt, const char *arg)
{
	opt->initrds = must_grow(opt->initrds, opt->nr_initrds + 1, sizeof(*opt->initrds));
	opt->initrds[opt->nr_initrds++] = arg;
	return 0;
}

static int add_ram(struct options *opt, const char *arg)
{
	struct pb_range range;

	if (!value_range(arg, &range))
		return -1;
	opt->ram = must_grow(opt->ram, opt->rams + 1, sizeof(*opt->ram));
	opt->ram[opt->rams++] = range;
	return 0;
}

static int set_kaslr(struct options *opt, const char *arg)
{
	opt->kaslr = strcmp(arg, "off") != 0;
	if (!opt->kaslr)
		return 0;
	if (strcmp(arg, "on") != 0)
		return value_number(arg, UINT64_MAX, &opt->kaslr_seed) ? 0 : -1;
	return getrandom(&opt->kaslr_seed, sizeof(opt->kaslr_seed), 0) == sizeof(opt->kaslr_seed) ? 0 : -1;
}

/* ---- Rows --------------------------------------------------------------- */

#define TEXT_OF(number) #number
#define VCPUS_OF(limit) TEXT_OF(limit)

/* A plan has none of its own. */
#define VCPU_LIMITS                                                                                                    \
	"engine kvm gives at most " VCPUS_OF(ENGINE_KVM_VCPUS) ", qemu " VCPUS_OF(                                     \
		ENGINE_QEMU_VCPUS) ", xen " VCPUS_OF(ENGINE_XEN_VCPUS)

const struct option_row json_rows[] = {
	{ 0, "json", NULL, "print one JSON object, for scripts", .at = offsetof(struct options, json) },
	{ 0 },
};

const struct option_row choice_rows[] = {
	{ 'e', "entry", OPTION_ENTRIES,
	  "how the CPU enters the kernel; by default the best that image and engine share", set_entry },
	{ 'u', "unpack", OPTION_UNPACKS, "who unpacks the kernel: paraboot, or the image itself", set_unpack },
	{ 0, "subarch", "N|pc|lguest|xen|intel-mid|moorestown|ce4100",
	  "the subarchitecture that boot_params tells of; a number even if the image does not say that it serves it",
	  set_subarch, .most = UINT32_MAX },
	{ 0, "subarch-data", "ADDR", "hardware_subarch_data, for --subarch", set_subarch_data, .most = UINT64_MAX },
	{ 0, "subarch-entry", NULL,
	  "enter a 32-bit PV kernel by the boot protocol with --subarch (default xen), not by its notes",
	  .at = offsetof(struct options, subarch_entry) },
	{ 0, "fixmap", "START:LENGTH",
	  "virtual addresses for which a Xen PV kernel is to find page tables (default what its note says)", set_fixmap,
	  .most = UINT64_MAX },
	{ 0 },
};

const struct option_row guest_rows[] = {
	{ 'm', "memory", "SIZE", "the guest's memory: 512M (the default), 8G, 0x20000000", set_memory, .least = 1,
	  .most = UINT64_MAX },
	{ 'c', "cpus", "N", "virtual CPUs (default 1; " VCPU_LIMITS ")", .at = offsetof(struct options, vcpus),
	  .least = 1, .most = UINT32_MAX, .limits = "at least 1; " VCPU_LIMITS },
	{ 'a', "append", "CMDLINE",
	  "the kernel's command line; " CONSOLE_ARG " (" CONSOLE_ARG_XEN
	  " for xen-pv and lguest) is added if it names no console",
	  .at = offsetof(struct options, cmdline) },
	{ 0, "kaslr", "on|off|SEED", "move the kernel to addresses chosen at random (default off)", set_kaslr,
	  .most = UINT64_MAX },
	{ 0 },
};

const struct option_row own_rows[] = {
	{ 'i', "initrd", "FILE", "an initrd; several are concatenated in order", add_initrd },
	{ 0, "no-initrd", NULL, "no initrd at all; by default, without -i, it is the built-in one",
	  .at = offsetof(struct options, no_initrd) },
	{ 0, "ram", "START:LEN[:TYPE]",
	  "a range of the memory map, instead of -m; TYPE is ram, reserved, acpi or nvs; may be repeated", add_ram,
	  .most = UINT64_MAX },
	{ 0 },
};

static const struct option_row help_rows[] = {
	{ 'h', "help", NULL, "print this help" },
	{ 0 },
};

/* All rows of a subcommand in one array, --help last; returns how many. */
static size_t collect_rows(const struct command *cmd, const struct option_row **ret)
{
	size_t n = 0;

	for (const struct option_row *const *table = cmd->tables; *table; table++)
		for (const struct option_row *row = *table; row->name && n < MAX_ROWS - 1; row++)
			ret[n++] = row;
	ret[n++] = help_rows;
	return n;
}

/* ---- Help --------------------------------------------------------------- */

static void print_row(const struct option_row *row)
{
	enum { HELP_COLUMN = 28 };
	char letter[] = { '-', row->letter, ',', '\0' };
	char left[128];
	int width = snprintf(left, sizeof(left), "  %3s --%s%s%s", row->letter ? letter : "", row->name,
			     row->arg ? " " : "", row->arg ? row->arg : "");

	if (width < HELP_COLUMN)
		printf("%-*s%s\n", HELP_COLUMN, left, row->help);
	else
		printf("%s\n%*s%s\n", left, HELP_COLUMN, "", row->help);
}

static void print_help(const struct command *cmd, const struct option_row *const *rows, size_t count)
{
	printf("usage: paraboot %s [OPTION]... IMAGE\n%s.\n\n", cmd->name, cmd->summary);
	for (size_t i = 0; i < count; i++)
		print_row(rows[i]);
	printf("\nSee paraboot-%s(1).\n", cmd->name);
}

/* ---- Parsing ------------------------------------------------------------ */

/* getopt's own view of the rows. A long option's value is its row's number, from 1: below every letter. */
struct getopt_tables {
	char letters[2 * MAX_ROWS + 2];
	struct option longs[MAX_ROWS + 1];
};

static void fill_getopt(const struct option_row *const *rows, size_t count, struct getopt_tables *ret)
{
	char *letter = ret->letters;

	memset(ret, 0, sizeof(*ret));
	*letter++ = ':'; /* tell a missing argument from an unknown option */
	for (size_t i = 0; i < count; i++) {
		ret->longs[i] = (struct option){ rows[i]->name, rows[i]->arg ? required_argument : no_argument, NULL,
						 (int)i + 1 };
		if (!rows[i]->letter)
			continue;
		*letter++ = rows[i]->letter;
		if (rows[i]->arg)
			*letter++ = ':';
	}
}

/* The row that getopt's value, a number or a letter, stands for; NULL: none. */
static const struct option_row *find_row(const struct option_row *const *rows, size_t count, int value)
{
	if (value > 0 && (size_t)value <= count)
		return rows[value - 1];
	for (size_t i = 0; i < count; i++)
		if (rows[i]->letter && rows[i]->letter == value)
			return rows[i];
	return NULL;
}

/* getopt said '?' or ':' about optopt: what exactly was wrong with that word. */
static int complain_usage(const struct command *cmd, int kind, const struct option_row *row, const char *long_word)
{
	char short_word[] = { '-', (char)optopt, '\0' };
	const char *word = optopt > MAX_ROWS ? short_word : long_word;

	if (kind == ':')
		return complain(word, "needs an argument");
	if (row)
		return complain(word, "takes no argument");
	return complain(word, "no such option; see paraboot %s --help", cmd->name);
}

static bool store_number(const struct option_row *row, const char *arg, uint32_t *ret)
{
	uint64_t number;

	if (!value_number(arg, row->most, &number) || number < row->least)
		return false;
	*ret = (uint32_t)number;
	return true;
}

static bool store(const struct option_row *row, const char *arg, struct options *opt)
{
	void *at = (char *)opt + row->at;

	if (row->set)
		return row->set(opt, arg) == 0;
	if (row->most)
		return store_number(row, arg, at);
	if (row->arg)
		*(const char **)at = arg;
	else
		*(bool *)at = true;
	return true;
}

/* The option, the value, and what it may be, for a number with its limits. */
static int complain_value(const struct option_row *row, const char *arg)
{
	char *value = escaped(arg, strlen(arg));
	char name[40], limits[80] = "";

	snprintf(name, sizeof(name), "--%s", row->name);
	if (row->limits)
		snprintf(limits, sizeof(limits), "; %s", row->limits);
	else if (row->most)
		snprintf(limits, sizeof(limits), "; a number from %" PRIu64 " to %" PRIu64, row->least, row->most);
	complain(name, "not a valid value: %.300s (wanted: %s%s)", value, row->arg, limits);
	free(value);
	return STATUS_BAD_INPUT;
}

/* All options; -1: go on with the operands. */
static int parse_rows(const struct command *cmd, int argc, char **argv, struct options *opt)
{
	const struct option_row *rows[MAX_ROWS];
	size_t count = collect_rows(cmd, rows);
	struct getopt_tables tables;
	int value, status = -1;

	fill_getopt(rows, count, &tables);
	while (status < 0 && (value = getopt_long(argc, argv, tables.letters, tables.longs, NULL)) != -1) {
		bool bad = value == '?' || value == ':';
		const struct option_row *row = find_row(rows, count, bad ? optopt : value);

		if (bad)
			return complain_usage(cmd, value, row, argv[optind - 1]);
		if (row == help_rows) {
			print_help(cmd, rows, count);
			return STATUS_OK;
		}
		if (!store(row, optarg, opt))
			status = complain_value(row, optarg);
	}
	return status;
}

int options_parse(const struct command *cmd, int argc, char **argv, struct options *ret)
{
	*ret = (struct options){ .memory_len = UINT64_C(512) << 20, .vcpus = 1 };
	opterr = 0;

	int status = parse_rows(cmd, argc, argv, ret);

	if (status >= 0)
		return status;
	if (optind == argc)
		return complain(cmd->name, "needs an IMAGE; see paraboot %s --help", cmd->name);
	if (optind + 1 < argc)
		return complain(argv[optind + 1], "one IMAGE is enough");
	ret->image = argv[optind];
	return -1;
}

void options_release(struct options *opt)
{
	free(opt->initrds);
	free(opt->ram);
	for (size_t i = 0; i < opt->nr_values; i++)
		free((void *)(uintptr_t)opt->values[i].field);
	free(opt->values);
	for (size_t i = 0; i < opt->nr_notes; i++)
		free(opt->notes[i].owner);
	free(opt->notes);
}
