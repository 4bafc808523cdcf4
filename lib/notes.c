/* SPDX-License-Identifier: MIT */
/*
 * ELF notes, from three places of three ages: PT_NOTE segments (all of them),
 * SHT_NOTE sections, and the string in the section __xen_guest with which
 * kernels spoke to Xen before there were notes. Their sizes are hostile: one
 * area after the other is cut out, bounded, and then read.
 */
#include "notes.h"

#include <stdlib.h>
#include <string.h>
#include <xen/elfnote.h>

#include "error.h"

/* All notes of a file together; Debian's kernels have less than 1 KiB. */
#define AREAS_LEN_MAX (1024u * 1024)

#define NOTE_ALIGN    4u

/* ---- Names ---- */

/* PHYS32_RELOC is younger than Debian 12's <xen/elfnote.h>. */
#define ELFNOTE_PHYS32_RELOC 19

/* Linux: include/linux/elfnote.h has the owner, init/version.c and its like the numbers. */
#define ELFNOTE_BUILD_SALT 0x100
#define ELFNOTE_LTO_INFO   0x101

/* Owners and types we know; a number whose descriptor has no number's length is shown as bytes. */
static const struct {
	const char *owner;
	uint32_t type;
	const char *name;
	enum pb_note_kind kind;
} names[] = {
#define XEN(name, kind)                                                                                                \
	{                                                                                                              \
		"Xen", XEN_ELFNOTE_##name, #name, kind                                                                 \
	}
	XEN(INFO, PB_NOTE_BYTES),
	XEN(ENTRY, PB_NOTE_NUMBER),
	XEN(HYPERCALL_PAGE, PB_NOTE_NUMBER),
	XEN(VIRT_BASE, PB_NOTE_NUMBER),
	XEN(PADDR_OFFSET, PB_NOTE_NUMBER),
	XEN(XEN_VERSION, PB_NOTE_STRING),
	XEN(GUEST_OS, PB_NOTE_STRING),
	XEN(GUEST_VERSION, PB_NOTE_STRING),
	XEN(LOADER, PB_NOTE_STRING),
	XEN(PAE_MODE, PB_NOTE_STRING),
	XEN(FEATURES, PB_NOTE_STRING),
	XEN(BSD_SYMTAB, PB_NOTE_STRING),
	XEN(HV_START_LOW, PB_NOTE_NUMBER),
	XEN(L1_MFN_VALID, PB_NOTE_BYTES),
	XEN(SUSPEND_CANCEL, PB_NOTE_NUMBER),
	XEN(INIT_P2M, PB_NOTE_NUMBER),
	XEN(MOD_START_PFN, PB_NOTE_NUMBER),
	XEN(SUPPORTED_FEATURES, PB_NOTE_NUMBER),
	XEN(PHYS32_ENTRY, PB_NOTE_NUMBER),
#undef XEN
	{ "Xen", ELFNOTE_PHYS32_RELOC, "PHYS32_RELOC", PB_NOTE_BYTES },
	{ NOTES_OWN, NOTE_OWN_SUBARCH, "SUBARCH", PB_NOTE_NUMBER },
	{ NOTES_OWN, NOTE_OWN_FIXMAP, "FIXMAP", PB_NOTE_BYTES },
	{ NOTES_OWN, NOTE_OWN_SUBARCH_ENTRY, "SUBARCH_ENTRY", PB_NOTE_BYTES },
	{ "GNU", NT_GNU_ABI_TAG, "ABI_TAG", PB_NOTE_BYTES },
	{ "GNU", NT_GNU_BUILD_ID, "BUILD_ID", PB_NOTE_BYTES },
	{ "GNU", NT_GNU_GOLD_VERSION, "GOLD_VERSION", PB_NOTE_STRING },
	{ "GNU", NT_GNU_PROPERTY_TYPE_0, "PROPERTY_TYPE_0", PB_NOTE_BYTES },
	{ "Linux", 0, "VERSION", PB_NOTE_NUMBER },
	{ "Linux", ELFNOTE_BUILD_SALT, "BUILD_SALT", PB_NOTE_STRING },
	{ "Linux", ELFNOTE_LTO_INFO, "LTO_INFO", PB_NOTE_NUMBER },
};

static enum pb_note_kind kind_of(const char *owner, uint32_t type, const char **ret_name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].type == type && strcmp(names[i].owner, owner) == 0) {
			*ret_name = names[i].name;
			return names[i].kind;
		}
	*ret_name = NULL;
	return PB_NOTE_BYTES;
}

int pb_note_type(const char *owner, const char *name, uint32_t *ret)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].owner, owner) == 0 && strcmp(names[i].name, name) == 0) {
			*ret = names[i].type;
			return 0;
		}
	return -PB_E_ARG;
}

/* ---- The list ---- */

/* Room for one more. */
static int list_grow(struct note_list *list, struct pb_error *err)
{
	bool full = (list->count & (list->count - 1)) == 0; /* at every power of two, and at 0 */
	size_t room = list->count ? 2 * (size_t)list->count : 1;

	if (list->count >= list->max)
		return fail(err, PB_E_LIMIT, "notes", (uint64_t)list->count + 1, list->max, 0);
	if (!full)
		return 0;

	struct note *notes = realloc(list->notes, room * sizeof(*notes));

	if (!notes)
		return fail_nomem(err, room * sizeof(*notes));
	list->notes = notes;
	return 0;
}

/* Owner and descriptor in one allocation, each with a NUL behind it. */
static int list_add(struct note_list *list, const char *owner, size_t owner_len, uint32_t type, const void *desc,
		    uint32_t desc_len, struct pb_error *err)
{
	size_t len = owner_len + 1 + desc_len + 1;
	int rc = list_grow(list, err);

	if (rc < 0)
		return rc;

	char *block = calloc(1, len);

	if (!block)
		return fail_nomem(err, len);
	if (owner_len)
		memcpy(block, owner, owner_len);
	if (desc_len)
		memcpy(block + owner_len + 1, desc, desc_len);
	list->notes[list->count++] = (struct note){
		.owner = block, .type = type, .desc_len = desc_len, .desc = (uint8_t *)block + owner_len + 1
	};
	return 0;
}

void notes_free(struct note_list *list)
{
	for (unsigned i = 0; i < list->count; i++)
		free(list->notes[i].owner);
	free(list->notes);
	list->notes = NULL;
	list->count = 0;
}

const struct note *note_find(const struct note *notes, unsigned count, const char *owner, uint32_t type)
{
	for (unsigned i = 0; i < count; i++)
		if (notes[i].type == type && strcmp(notes[i].owner, owner) == 0)
			return &notes[i];
	return NULL;
}

/* ---- One area ---- */

static bool all_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

/* Cut `len` bytes and the padding behind them off the area; the last padding may be missing. */
static int cut(const uint8_t **area, size_t *area_len, uint32_t len, const char *field, const uint8_t **ret,
	       struct pb_error *err)
{
	size_t padding = -(size_t)len % NOTE_ALIGN;

	if (len > *area_len)
		return fail(err, PB_E_NOTE, field, len, *area_len, 0);
	*ret = *area;
	*area += len;
	*area_len -= len;
	if (padding > *area_len)
		padding = *area_len;
	*area += padding;
	*area_len -= padding;
	return 0;
}

/*
 * GRUB's i386-xen image claims 12 bytes for its last note's "yes", and its
 * PT_NOTE ends behind the 4 that are there. Xen's builders read a string up to
 * its NUL and take it. So a Xen string that ends where the area does is whole.
 */
static uint32_t real_desc_len(const Elf64_Nhdr *head, const uint8_t *owner, const uint8_t *area, size_t area_len)
{
	const char *name;
	bool xen_string = kind_of("Xen", head->n_type, &name) == PB_NOTE_STRING;
	bool xen = head->n_namesz == sizeof("Xen") && memcmp(owner, "Xen", sizeof("Xen")) == 0;

	if (head->n_descsz <= area_len || area_len == 0 || !xen || !xen_string)
		return head->n_descsz;
	return memchr(area, 0, area_len) == area + area_len - 1 ? (uint32_t)area_len : head->n_descsz;
}

/* start is where the area began, which is what desc_off counts from until add_area() knows better. */
static int parse_one(struct note_list *list, const uint8_t *start, const uint8_t **area, size_t *area_len,
		     struct pb_error *err)
{
	Elf64_Nhdr head; /* the same in both classes */
	const uint8_t *bytes = NULL, *owner = NULL, *desc = NULL;
	int rc = cut(area, area_len, sizeof(head), "Nhdr", &bytes, err);

	if (rc < 0)
		return rc;
	memcpy(&head, bytes, sizeof(head));
	if (all_zero(bytes, sizeof(head))) /* what a linker puts between sections of different alignment */
		return 0;
	rc = cut(area, area_len, head.n_namesz, "n_namesz", &owner, err);
	if (rc == 0) {
		head.n_descsz = real_desc_len(&head, owner, *area, *area_len);
		rc = cut(area, area_len, head.n_descsz, "n_descsz", &desc, err);
	}
	if (rc < 0)
		return rc;
	rc = list_add(list, (const char *)owner, strnlen((const char *)owner, head.n_namesz), head.n_type, desc,
		      head.n_descsz, err);
	if (rc == 0)
		list->notes[list->count - 1].desc_off = (uint64_t)(desc - start);
	return rc;
}

int notes_parse(struct note_list *list, const uint8_t *area, size_t area_len, struct pb_error *err)
{
	const uint8_t *start = area;
	int rc = 0;

	while (rc == 0 && area_len > 0) {
		if (area_len < sizeof(Elf64_Nhdr) && all_zero(area, area_len))
			break;
		rc = parse_one(list, start, &area, &area_len, err);
	}
	return rc;
}

/* ---- All areas of a file ---- */

struct areas {
	const struct elf_file *elf;
	struct note_list *list;
	uint64_t sum_len;
};

static int add_area(struct areas *areas, uint64_t off, uint64_t len, const char *field, struct pb_error *err)
{
	const struct bytes *bytes = &areas->elf->bytes;
	unsigned first = areas->list->count;

	if (len > AREAS_LEN_MAX - areas->sum_len)
		return fail(err, PB_E_LIMIT, field, len, AREAS_LEN_MAX - areas->sum_len, off);
	if (off > bytes->len || len > bytes->len - off)
		return fail(err, PB_E_TRUNCATED, field, len, bytes->len, off);

	uint8_t *area = malloc(len);

	if (!area)
		return fail_nomem(err, len);

	int rc = bytes->read(bytes->ctx, off, area, len, field, err);

	if (rc == 0)
		rc = notes_parse(areas->list, area, len, err);
	free(area);
	for (unsigned i = first; i < areas->list->count; i++)
		areas->list->notes[i].desc_off += off;
	areas->sum_len += len;
	return rc;
}

/* Every PT_NOTE counts, but one at offset 0 tells nothing: seen in kernels whose linker script lost it. */
static int load_segments(struct areas *areas, struct pb_error *err)
{
	for (unsigned i = 0; i < areas->elf->ehdr.e_phnum; i++) {
		Elf64_Phdr p;
		int rc = elf_phdr(areas->elf, i, &p, err);

		if (rc == 0 && p.p_type == PT_NOTE && p.p_offset && p.p_filesz)
			rc = add_area(areas, p.p_offset, p.p_filesz, "PT_NOTE", err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* A file of 65280 sections and more says so elsewhere than in e_shnum; no kernel does. */
static int load_sections(struct areas *areas, struct pb_error *err)
{
	for (unsigned i = 0; i < areas->elf->ehdr.e_shnum; i++) {
		Elf64_Shdr s;
		int rc = elf_shdr(areas->elf, i, &s, err);

		if (rc == 0 && s.sh_type == SHT_NOTE && s.sh_size)
			rc = add_area(areas, s.sh_offset, s.sh_size, "SHT_NOTE", err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int read_xen_guest(struct note_list *list, const struct elf_file *elf, const Elf64_Shdr *s, struct pb_error *err)
{
	char text[4096];

	if (s->sh_size > sizeof(text))
		return fail(err, PB_E_LIMIT, "__xen_guest", s->sh_size, sizeof(text), s->sh_offset);
	if (s->sh_offset > elf->bytes.len || s->sh_size > elf->bytes.len - s->sh_offset)
		return fail(err, PB_E_TRUNCATED, "__xen_guest", s->sh_size, elf->bytes.len, s->sh_offset);

	int rc = elf->bytes.read(elf->bytes.ctx, s->sh_offset, text, s->sh_size, "__xen_guest", err);

	return rc < 0 ? rc : notes_from_xen_guest(list, text, strnlen(text, s->sh_size), err);
}

static int load_xen_guest(struct note_list *list, const struct elf_file *elf, struct pb_error *err)
{
	for (unsigned i = 0; i < elf->ehdr.e_shnum; i++) {
		Elf64_Shdr s;
		bool found = false;
		int rc = elf_shdr(elf, i, &s, err);

		if (rc == 0 && s.sh_type != SHT_NOBITS)
			rc = elf_section_is(elf, &s, "__xen_guest", &found, err);
		if (rc < 0)
			return rc;
		if (found) {
			list->in_sections = true;
			return read_xen_guest(list, elf, &s, err);
		}
	}
	return 0;
}

static bool has_owner(const struct note_list *list, const char *owner)
{
	for (unsigned i = 0; i < list->count; i++)
		if (strcmp(list->notes[i].owner, owner) == 0)
			return true;
	return false;
}

/* The sections' notes in place of the segments': they repeat those, and may have more. */
static int replace_by_sections(struct note_list *list, const struct elf_file *elf, struct pb_error *err)
{
	struct note_list found = { .max = list->max, .in_sections = true };
	struct areas areas = { .elf = elf, .list = &found };
	int rc = load_sections(&areas, err);

	if (rc < 0 || (list->count && !has_owner(&found, "Xen"))) {
		notes_free(&found);
		return rc;
	}
	notes_free(list);
	*list = found;
	return 0;
}

/* Who has Xen notes in segments is asked no further; what lies behind them would have to be unpacked for it. */
int notes_load(struct note_list *list, const struct elf_file *elf, struct pb_error *err)
{
	struct areas areas = { .elf = elf, .list = list };
	int rc = load_segments(&areas, err);

	if (rc == 0 && !has_owner(list, "Xen"))
		rc = replace_by_sections(list, elf, err);
	if (rc == 0 && !has_owner(list, "Xen"))
		rc = load_xen_guest(list, elf, err);
	return rc;
}

/* ---- __xen_guest ---- */

enum xen_guest_kind { TEXT, NUMBER, PAGE, FLAG };

/* The keys of the string and the notes they became (<xen/elfnote.h>, "LEGACY"). */
static const struct {
	const char *key;
	uint32_t type;
	enum xen_guest_kind kind;
} xen_guest_keys[] = {
	{ "VIRT_ENTRY", XEN_ELFNOTE_ENTRY, NUMBER },
	{ "HYPERCALL_PAGE", XEN_ELFNOTE_HYPERCALL_PAGE, PAGE },
	{ "VIRT_BASE", XEN_ELFNOTE_VIRT_BASE, NUMBER },
	{ "ELF_PADDR_OFFSET", XEN_ELFNOTE_PADDR_OFFSET, NUMBER },
	{ "XEN_VER", XEN_ELFNOTE_XEN_VERSION, TEXT },
	{ "GUEST_OS", XEN_ELFNOTE_GUEST_OS, TEXT },
	{ "GUEST_VER", XEN_ELFNOTE_GUEST_VERSION, TEXT },
	{ "LOADER", XEN_ELFNOTE_LOADER, TEXT },
	{ "PAE", XEN_ELFNOTE_PAE_MODE, TEXT },
	{ "FEATURES", XEN_ELFNOTE_FEATURES, TEXT },
	{ "BSD_SYMTAB", XEN_ELFNOTE_BSD_SYMTAB, FLAG },
};

struct pair {
	const char *key, *value;
	size_t key_len, value_len;
};

/* Take the next KEY or KEY=VALUE off the text; false at its end. */
static bool next_pair(const char **text, const char *end, struct pair *ret)
{
	if (*text >= end)
		return false;

	const char *comma = memchr(*text, ',', (size_t)(end - *text));
	const char *stop = comma ? comma : end;
	const char *equals = memchr(*text, '=', (size_t)(stop - *text));
	const char *key_end = equals ? equals : stop;

	ret->key = *text;
	ret->key_len = (size_t)(key_end - *text);
	ret->value = equals ? equals + 1 : stop;
	ret->value_len = (size_t)(stop - ret->value);
	*text = comma ? comma + 1 : end;
	return true;
}

/* A C number, decimal or hexadecimal, of at most 64 bits. */
static int parse_number(const struct pair *pair, uint64_t *ret, struct pb_error *err)
{
	char text[32] = "", *end;

	if (pair->value_len == 0 || pair->value_len >= sizeof(text))
		return fail(err, PB_E_NOTE, "__xen_guest", pair->value_len, sizeof(text) - 1, 0);
	memcpy(text, pair->value, pair->value_len);
	*ret = strtoull(text, &end, 0);
	if (*end)
		return fail(err, PB_E_NOTE, "__xen_guest", (uint8_t)*end, 0, 0);
	return 0;
}

static int add_number(struct note_list *list, uint32_t type, uint64_t number, struct pb_error *err)
{
	return list_add(list, "Xen", 3, type, &number, sizeof(number), err);
}

static int add_pair(struct note_list *list, const struct pair *pair, uint32_t type, enum xen_guest_kind kind,
		    struct pb_error *err)
{
	uint64_t number = 0;
	int rc;

	switch (kind) {
	case FLAG:
		return list_add(list, "Xen", 3, type, "yes", 3, err);
	case TEXT:
		return list_add(list, "Xen", 3, type, pair->value, (uint32_t)pair->value_len, err);
	case NUMBER:
	case PAGE:
		break;
	}
	rc = parse_number(pair, &number, err);
	return rc < 0 ? rc : add_number(list, type, kind == PAGE ? number << 12 : number, err);
}

static int add_key(struct note_list *list, const struct pair *pair, struct pb_error *err)
{
	for (size_t i = 0; i < sizeof(xen_guest_keys) / sizeof(xen_guest_keys[0]); i++) {
		const char *key = xen_guest_keys[i].key;

		if (strlen(key) == pair->key_len && memcmp(key, pair->key, pair->key_len) == 0)
			return add_pair(list, pair, xen_guest_keys[i].type, xen_guest_keys[i].kind, err);
	}
	return 0; /* keys that no note took over */
}

/*
 * Two things meant something else in the string: HYPERCALL_PAGE was a physical
 * page number, and ELF_PADDR_OFFSET defaulted to VIRT_BASE.
 */
static int modernise(struct note_list *list, struct pb_error *err)
{
	const struct note *base = note_find(list->notes, list->count, "Xen", XEN_ELFNOTE_VIRT_BASE);
	const struct note *page = note_find(list->notes, list->count, "Xen", XEN_ELFNOTE_HYPERCALL_PAGE);
	uint64_t virt_base = 0, number;

	if (base)
		memcpy(&virt_base, base->desc, sizeof(virt_base));
	if (page) {
		memcpy(&number, page->desc, sizeof(number));
		number += virt_base;
		memcpy(page->desc, &number, sizeof(number));
	}
	if (!base || note_find(list->notes, list->count, "Xen", XEN_ELFNOTE_PADDR_OFFSET))
		return 0;
	return add_number(list, XEN_ELFNOTE_PADDR_OFFSET, virt_base, err);
}

int notes_from_xen_guest(struct note_list *list, const char *text, size_t text_len, struct pb_error *err)
{
	const char *end = text + text_len;
	struct pair pair;
	int rc = 0;

	while (rc == 0 && next_pair(&text, end, &pair))
		rc = add_key(list, &pair, err);
	return rc < 0 ? rc : modernise(list, err);
}

int note_number(const struct note *note, const char *field, uint64_t *ret, struct pb_error *err)
{
	uint64_t number = 0;

	if (note->desc_len < 1 || note->desc_len > sizeof(number))
		return fail(err, PB_E_NOTE, field, note->desc_len, sizeof(number), 0);
	memcpy(&number, note->desc, note->desc_len);
	*ret = number;
	return 0;
}

void note_describe(const struct note *note, struct pb_note *ret)
{
	*ret = (struct pb_note){
		.owner = note->owner, .type = note->type, .desc = note->desc, .desc_len = note->desc_len
	};
	ret->kind = kind_of(note->owner, note->type, &ret->name);
	if (ret->kind == PB_NOTE_NUMBER && note_number(note, "note", &ret->number, NULL) < 0)
		ret->kind = PB_NOTE_BYTES;
	if (ret->kind == PB_NOTE_STRING)
		ret->desc_len = (uint32_t)strnlen((const char *)note->desc, note->desc_len);
}
