/* SPDX-License-Identifier: MIT */
/*
 * What info knows of an image before it prints any of it, and its two ways to
 * print: a page for an engineer, an object for a script.
 */
#ifndef TOOL_INFO_H
#define TOOL_INFO_H

#include "starts.h"

#define INFO_SUBARCHS 5u

struct info {
	const char *path;
	pb_image *image;
	bool all; /* --all */
	struct pb_facts facts;
	bool has_kernel; /* or nothing that the host could unpack */
	struct pb_kernel kernel;
	struct pb_relocs relocs; /* with all and has_kernel */
	struct starts starts[PB_ENTRIES];
	enum pb_serves serves[INFO_SUBARCHS]; /* by number: those that have names */
	struct info *elf_header;              /* of a bzImage that has one: image and kernel alone; or NULL */
};

void info_print_text(const struct info *info);
void info_print_json(const struct info *info);

/* How it is known whether an image serves a subarchitecture: a word for it, or why there is none. */
const char *serves_text(enum pb_serves serves);

/* Is the number that this note holds an address? */
bool note_is_address(const struct pb_note *note);

/* Is the number that this field of the setup header holds an address? */
bool header_field_is_address(const char *name);

#endif
