/* SPDX-License-Identifier: MIT */
/*
 * info for people: one page, the answer to "how can I start this?" in its
 * middle. Everything that comes out of the file is escaped on its way.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "info.h"
#include "say.h"
#include "tool.h"

enum { LABEL_WIDTH = 14 };

/* "  label         text" */
__attribute__((format(printf, 2, 3))) static void line(const char *label, const char *format, ...)
{
	va_list args;

	printf("  %-*s", LABEL_WIDTH, label);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

/* A length as people read it, in a buffer that lives as long as its struct. */
struct size_text {
	char text[24];
};

static struct size_text size_text(uint64_t len)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	struct size_text size;
	double shown = (double)len;
	size_t unit = 0;

	while (shown >= 1024 && unit + 1 < ARRAY_LEN(units)) {
		shown /= 1024;
		unit++;
	}
	snprintf(size.text, sizeof(size.text), unit ? "%.1f %s" : "%.0f %s", shown, units[unit]);
	return size;
}

static void print_escaped(const char *before, const char *text, const char *after)
{
	char *fit = escaped(text, strlen(text));

	printf("%s%s%s", before, fit, after);
	free(fit);
}

/* ---- What it is ---------------------------------------------------------- */

static void print_container(const struct pb_facts *facts)
{
	if (facts->protocol)
		line("format", "%s, boot protocol %s, %" PRIu64 " bytes", format_name(facts->format),
		     protocol_name(facts->protocol).text, facts->file_len);
	else
		line("format", "%s, %" PRIu64 " bytes", format_name(facts->format), facts->file_len);
	if (facts->image_off)
		line("image", "%" PRIu64 " bytes at offset 0x%" PRIx64, facts->image_len, facts->image_off);
	if (facts->version) {
		printf("  %-*s", LABEL_WIDTH, "version");
		print_escaped("", facts->version, "\n");
	}
}

static void print_payload(const struct pb_facts *facts)
{
	if (!facts->codec)
		line("payload", "none that the image tells of");
	else if (strcmp(facts->codec, "none") == 0)
		line("payload", "not compressed, %s at offset 0x%" PRIx64, size_text(facts->payload_len).text,
		     facts->payload_off);
	else if (facts->unpacked_len)
		line("payload", "%s, %s at offset 0x%" PRIx64 ", unpacks to %s", facts->codec,
		     size_text(facts->payload_len).text, facts->payload_off, size_text(facts->unpacked_len).text);
	else
		line("payload", "%s, %s at offset 0x%" PRIx64, facts->codec, size_text(facts->payload_len).text,
		     facts->payload_off);
}

static void print_xloadflags(uint16_t flags)
{
	printf("  %-*s", LABEL_WIDTH, "xloadflags");
	for (unsigned bit = 0; bit < 16; bit++)
		if (flags >> bit & 1 && pb_xloadflag_name(bit))
			printf("%s ", pb_xloadflag_name(bit) + strlen("XLF_"));
	printf("(0x%x)\n", flags);
}

static void print_efi(const struct pb_facts *facts)
{
	if (facts->efi_entry_off)
		line("EFI", "entry 0x%x, handover 0x%x", facts->efi_entry_off, facts->efi_handover_off);
	if (facts->kernel_info_total_len)
		line("kernel_info", "%u of %u bytes, setup_type_max 0x%x", facts->kernel_info_len,
		     facts->kernel_info_total_len, facts->setup_type_max);
}

/* What each protocol has brought; an ELF file has none of it. */
static void print_boot_facts(const struct pb_facts *facts)
{
	if (facts->protocol >= 0x20a)
		line("loads at", "0x%" PRIx64 "%s", facts->pref_gpa,
		     facts->relocatable ? ", or elsewhere: it is relocatable" : "");
	if (facts->protocol >= 0x205)
		line("alignment", "0x%x", facts->alignment);
	if (facts->protocol >= 0x20a)
		line("init_size", "%s", size_text(facts->init_size).text);
	if (facts->protocol)
		line("command line", "up to %u bytes", facts->cmdline_max);
	if (facts->protocol >= 0x20c)
		print_xloadflags(facts->xloadflags);
	print_efi(facts);
}

/* ---- The kernel inside ---------------------------------------------------- */

static void print_segments(const struct info *info)
{
	struct pb_segment segment = PB_INIT(segment);

	for (unsigned i = 0; pb_image_segment(info->image, i, &segment, NULL) == 0; i++)
		printf("  %-*s0x%010" PRIx64 " - 0x%010" PRIx64 "  %c%c%c  at 0x%" PRIx64 ", %s from the file\n",
		       LABEL_WIDTH, i ? "" : "segments", segment.gpa, segment.gpa + segment.mem_len,
		       segment.flags & 4 ? 'r' : '-', segment.flags & 2 ? 'w' : '-', segment.flags & 1 ? 'x' : '-',
		       segment.vaddr, size_text(segment.file_len).text);
}

static void print_kernel(const struct info *info)
{
	const struct pb_kernel *kernel = &info->kernel;

	if (!info->has_kernel) {
		line("kernel", "the image keeps it to itself: only the image can unpack it");
		return;
	}
	line("kernel", "ELF%u, entry 0x%" PRIx64, kernel->elf_class, kernel->entry);
	print_segments(info);
	line("needs", "%s of RAM from its address on", size_text(kernel->ram_len).text);
	if (kernel->build_id) {
		char *digits = hex_digits(kernel->build_id, kernel->build_id_len);

		line("build id", "%s", digits);
		free(digits);
	}
	if (info->all)
		line("relocations", "%u abs32, %u inverse32, %u abs64", info->relocs.abs32, info->relocs.inverse32,
		     info->relocs.abs64);
}

/* ---- How it can be started ------------------------------------------------ */

static const char *yes_or_no(const struct start *start)
{
	return start->possible ? "yes" : "-";
}

static void print_start(enum pb_entry entry, const struct starts *starts)
{
	const char *host = yes_or_no(&starts->by[PB_UNPACK_HOST]), *guest = yes_or_no(&starts->by[PB_UNPACK_GUEST]);
	char reason[512];

	if (starts_possible(starts)) {
		printf("    %-14s%-6s%s\n", pb_entry_name(entry), host, guest);
		return;
	}
	pb_error_line(starts_reason(starts), reason, sizeof(reason));
	printf("    %-14s%-6s%-6s%s\n", pb_entry_name(entry), host, guest, reason);
}

static void print_starts(const struct info *info)
{
	printf("\n%-18s%-6s%s\n", "Starts, unpacked", "host", "guest");
	for (enum pb_entry entry = FIRST_ENTRY; entry < PB_ENTRIES; entry++)
		print_start(entry, &info->starts[entry]);
}

/* By what each is known, or that it is not; the header has no word for it. */
static void print_serves(const struct info *info)
{
	printf("\nSubarchitectures, and how that is known\n");
	for (uint32_t i = 0; i < INFO_SUBARCHS; i++)
		printf("    %" PRIu32 "  %-11s%s\n", i, pb_subarch_name(i), serves_text(info->serves[i]));
}

/* ---- Notes and the whole header ------------------------------------------- */

/* docs/notes.md, SUBARCH_ENTRY: rows of a number, a mode and an address. */
static bool print_subarch_entries(const struct pb_note *note)
{
	static const char *const modes[] = { NULL, "linux32", "linux64", "linux32 in ring 1" };
	struct {
		uint32_t number, mode;
		uint64_t gpa;
	} row;

	if (!note->name || strcmp(note->name, "SUBARCH_ENTRY") != 0)
		return false;
	for (uint32_t off = 0; sizeof(row) <= note->desc_len - off; off += sizeof(row)) {
		memcpy(&row, (const char *)note->desc + off, sizeof(row));
		printf("%s%" PRIu32 ": ", off ? ", " : "", row.number);
		if (row.mode > 0 && row.mode < ARRAY_LEN(modes))
			printf("%s at 0x%" PRIx64, modes[row.mode], row.gpa);
		else
			printf("mode %" PRIu32 " at 0x%" PRIx64, row.mode, row.gpa);
	}
	putchar('\n');
	return true;
}

static void print_note_value(const struct pb_note *note)
{
	char *text;

	if (print_subarch_entries(note))
		return;
	if (note->kind == PB_NOTE_NUMBER) {
		printf(note_is_address(note) ? "0x%" PRIx64 "\n" : "%" PRIu64 "\n", note->number);
		return;
	}
	text = note->kind == PB_NOTE_STRING ? escaped(note->desc, note->desc_len)
					    : hex_digits(note->desc, note->desc_len);
	printf(note->kind == PB_NOTE_STRING ? "\"%s\"\n" : "%s\n", text);
	free(text);
}

static void print_notes(const struct info *info, const char *title)
{
	struct pb_note note = PB_INIT(note);

	if (!info->has_kernel || info->kernel.notes == 0)
		return;
	printf("\n%s\n", title);
	for (unsigned i = 0; pb_image_note(info->image, i, &note, NULL) == 0; i++) {
		char *owner = escaped(note.owner, strlen(note.owner)), type[16];

		snprintf(type, sizeof(type), "%" PRIu32, note.type);
		printf("    %-10s%-22s", owner, note.name ? note.name : type);
		print_note_value(&note);
		free(owner);
	}
}

/* What the file is to a loader that looks for ELF first. */
static void print_elf_header(const struct info *info)
{
	const struct info *elf = info->elf_header;

	if (!elf)
		return;
	printf("\nThe image's own ELF header\n");
	line("file", "ELF%u, entry 0x%" PRIx64, elf->kernel.elf_class, elf->kernel.entry);
	print_segments(elf);
	print_notes(elf, "Its notes");
}

static void print_header(const struct info *info)
{
	struct pb_header_field field = PB_INIT(field);

	if (!info->all || !info->facts.protocol)
		return;
	printf("\nSetup header\n");
	for (unsigned i = 0; pb_image_header_field(info->image, i, &field) == 0; i++)
		printf("    0x%03x  %-24s0x%0*" PRIx64 "\n", field.off, field.name, 2 * field.len, field.value);
}

void info_print_text(const struct info *info)
{
	print_escaped("", info->path, "\n");
	print_container(&info->facts);
	print_payload(&info->facts);
	print_boot_facts(&info->facts);
	print_kernel(info);
	print_starts(info);
	print_serves(info);
	print_notes(info, "Notes");
	print_elf_header(info);
	print_header(info);
}
