/* SPDX-License-Identifier: MIT */
/*
 * The command line. A subcommand describes its options in tables of rows; the
 * parser, --help and, through --help, the shell completion all read those, so
 * they cannot disagree. The values of all subcommands' options share one
 * struct, so that plan and run can share rows as well.
 */
#ifndef TOOL_OPTIONS_H
#define TOOL_OPTIONS_H

#include <paraboot.h>

/* Added to a command line that names no console. */
#define CONSOLE_ARG     "console=ttyS0"
#define CONSOLE_ARG_XEN "console=hvc0" /* for a Xen PV or lguest kernel */

struct command;

/* OWNER:TYPE=VALUE; the value is a part of the owner's memory. */
struct note_arg {
	char *owner;
	uint32_t type;
	const char *value;
};

struct options {
	const char *image; /* the operand */
	bool json, all, verbose, icount, no_initrd, fifo_events, keep, paused;
	const char *output;    /* NULL: not given; "-": standard output */
	enum pb_entry entry;   /* 0: the best there is */
	enum pb_unpack unpack; /* 0: likewise */
	enum pb_ring0 ring0;
	uint32_t subarch;
	bool subarch_insist; /* given by number */
	bool subarch_entry;
	uint64_t subarch_data;
	struct pb_range fixmap; /* of virtual addresses */
	const char *engine;     /* NULL: not given */
	const char *name;       /* of the domain; NULL: not given */
	uint64_t memory_len;
	uint32_t vcpus;
	const char *cmdline; /* NULL: not given */
	const char **initrds;
	size_t nr_initrds;
	struct pb_range *ram; /* --ram; none: a machine's usual map of memory_len bytes */
	size_t rams;
	bool kaslr;
	uint64_t kaslr_seed;
	uint32_t timeout;   /* in seconds; 0: none */
	uint32_t jobs;      /* starts at once; 0: as many as there are processors */
	const char *expect; /* an earlier table; NULL: not given */
	const char *codec;  /* pack: NULL: not given */
	bool relocatable, elf;
	struct pb_pack_value *values; /* pack: --set; the names are ours to free */
	size_t nr_values;
	struct note_arg *notes; /* pack: --note; the owners are ours to free */
	size_t nr_notes;
};

struct option_row {
	char letter;      /* 0: none */
	const char *name; /* the long one */
	const char *arg;  /* what follows it: "FILE", or a choice, "host|guest"; NULL: nothing */
	const char *help;
	int (*set)(struct options *opt, const char *arg); /* 0, or -1 if arg is no such value; NULL: */
	size_t at; /* offsetof the bool to set (no arg), the uint32_t (most) or the const char * to point to arg */
	uint64_t least, most; /* of the number that arg is, or may be; most 0: of none */
	const char *limits;   /* in words, where they are not the same for all; NULL: least and most say it */
};

/*
 * Parse argv[1..] of a subcommand: options in any place, exactly one IMAGE.
 * -1: go on; else the exit status to leave with, everything having been said.
 */
int options_parse(const struct command *cmd, int argc, char **argv, struct options *ret);

/* Free what options_parse() put there. */
void options_release(struct options *opt);

/*
 * Rows that several subcommands have: --json; which start; the guest that is
 * started; and what a user brings along in place of our own.
 */
extern const struct option_row json_rows[], choice_rows[], guest_rows[], own_rows[];

#define OPTION_ENTRIES "linux16|linux32|linux64|pvh|xen-pv32|xen-pv64|lguest"
#define OPTION_UNPACKS "host|guest"
#define OPTION_CODECS  "none|gzip|lz4|zstd|xz"

/* What --timeout may be: in milliseconds it has to fit poll(). */
#define TIMEOUT_MOST (INT32_MAX / 1000)

int set_entry(struct options *opt, const char *arg);
int set_unpack(struct options *opt, const char *arg);

#endif
