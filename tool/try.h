/* SPDX-License-Identifier: MIT */
/*
 * What the parts of `paraboot try` share: the rows, each one way to start the
 * image. The way of a row: try_rows.c lists it, try_work.c runs it in a process
 * of its own, try_hear.c reads what its console said, try_print.c and
 * try_json.c show it, and try_expect.c holds it against an earlier run, which
 * try_expect_load.c read.
 */
#ifndef TOOL_TRY_H
#define TOOL_TRY_H

#include <jansson.h>
#include <paraboot.h>
#include <signal.h>
#include <sys/types.h>

#include "domain.h"
#include "options.h"

enum try_outcome {
	TRY_WAITING,
	TRY_RUNNING,
	TRY_STARTED,      /* reached the built-in init, and ended by power-off */
	TRY_FAILED,       /* should have, and did not */
	TRY_NOT_POSSIBLE, /* the image does not allow it */
	TRY_CANNOT_HERE,  /* this machine, or this version, cannot */
	TRY_OUTCOMES,
};

/* The row that is called so: no entry of the boot protocol is. */
#define TRY_EFI "efi"

/* What a row's process leaves in memory that it shares with us. */
#define TRY_CONSOLE_MAX (1u << 20)
#define TRY_CRASH_MAX   (256u << 10)
struct try_report {
	int status;     /* enum engine_status, once ran is set */
	bool ran;       /* the engine ran the guest; else text says why not */
	bool shortage;  /* it did not, because this machine had too little left for it */
	char text[400]; /* how it ended, or why it did not start */
	uint64_t first_byte_ns, init_ns, done_ns;
	char crash[TRY_CRASH_MAX]; /* the block that tells where the processors were, or empty */
	size_t console_len;        /* of the first TRY_CONSOLE_MAX bytes that the guest wrote */
	char console[TRY_CONSOLE_MAX];
};

struct try_row {
	const char *entry_name; /* an entry's, or TRY_EFI */
	enum pb_entry entry;    /* 0: the image as shipped */
	enum pb_unpack unpack;
	const struct engine *engine;     /* NULL: none was asked */
	struct engine_firmware firmware; /* of an image as shipped */
	bool kaslr;                      /* asked for, and the host can move this kernel */
	enum try_outcome outcome;
	char reason[400]; /* what is not TRY_STARTED says why */
	struct try_report *report;
	pid_t pid;
	int complaints; /* a file: what its process said on standard error */
	/* What was heard on its console. */
	json_t *init;     /* the built-in init's KEY=VALUE lines, an object */
	json_t *warnings; /* an array of the kernel log's lines of warning level or above */
	char *last_line;  /* the last that says anything, or NULL */
};

struct try_table {
	const struct options *opt;
	pb_image *image;
	struct try_row *rows;
	size_t nr_rows;
	sigset_t signals_before; /* what was blocked when we began: a row's process has it so again */
	bool live;               /* each row is rewritten in place, as long as the terminal can hold them */
};

const char *try_outcome_name(enum try_outcome outcome);

/* List every way; rows that need no run have their outcome already. */
void try_list(struct try_table *table);

/* Do the options ask for such a row? engine may be NULL: any. */
bool try_wants(const struct options *opt, const char *entry_name, const char *unpack, const char *engine);

/* Start a row's process, if this machine has one left: else that is the row's outcome. */
void try_start(const struct try_table *table, struct try_row *row);

/* A row's process ended with that wait status: take over what it left. */
void try_finish(struct try_row *row, int wait_status);

/* End and reap what still runs. */
void try_stop(struct try_table *table);

/* From the console's bytes to row->init, row->warnings and row->last_line. */
void try_hear(struct try_row *row);

/* The table for people: begun, after a row changed, and its last words. Nothing with --json but the last. */
void try_print_begin(struct try_table *table);
void try_print_row(struct try_table *table, const struct try_row *row);
void try_print_end(const struct try_table *table);

json_t *try_json(const struct try_table *table);

/* Read an earlier --json; STATUS_OK and a table in full form, or STATUS_BAD_INPUT after having said why it is none. */
int try_expect_load(const char *path, json_t **ret);

/* What got worse against it; says each in a line. STATUS_OK or STATUS_WORSE. */
int try_expect(const struct try_table *table, const json_t *old);

#endif
