/* SPDX-License-Identifier: MIT */
/*
 * info --json: one object whose keys keep their meaning from release to
 * release (paraboot-info.1 lists them). What an image does not have is null.
 */
#include "image.h"
#include "info.h"
#include "json.h"
#include "tool.h"

static json_t *xloadflag_names(uint16_t flags)
{
	json_t *names = json_array();

	for (unsigned bit = 0; bit < 16; bit++)
		if (flags >> bit & 1 && pb_xloadflag_name(bit))
			json_array_append_new(names, json_text(pb_xloadflag_name(bit)));
	return names;
}

static json_t *payload(const struct pb_facts *facts)
{
	if (!facts->codec)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o}", "codec", json_text(facts->codec), "offset",
			 json_number(facts->payload_off), "length", json_number(facts->payload_len), "size",
			 facts->unpacked_len ? json_number(facts->unpacked_len) : json_null());
}

static json_t *segments(const struct info *info)
{
	struct pb_segment segment = PB_INIT(segment);
	json_t *array = json_array();

	for (unsigned i = 0; pb_image_segment(info->image, i, &segment, NULL) == 0; i++)
		json_array_append_new(array,
				      json_pack("{s:o, s:o, s:o, s:o, s:o}", "gpa", json_gpa(segment.gpa), "vaddr",
						json_gpa(segment.vaddr), "file_size", json_number(segment.file_len),
						"mem_size", json_number(segment.mem_len), "flags",
						json_number(segment.flags)));
	return array;
}

static json_t *relocs(const struct info *info)
{
	if (!info->all)
		return json_null();
	return json_pack("{s:o, s:o, s:o}", "abs32", json_number(info->relocs.abs32), "inverse32",
			 json_number(info->relocs.inverse32), "abs64", json_number(info->relocs.abs64));
}

static json_t *kernel(const struct info *info)
{
	const struct pb_kernel *facts = &info->kernel;

	if (!info->has_kernel)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "class", json_number(facts->elf_class), "entry",
			 json_gpa(facts->entry), "segments", segments(info), "build_id",
			 json_bytes(facts->build_id, facts->build_id_len), "relocs", relocs(info), "low",
			 json_gpa(facts->low_gpa), "high", json_gpa(facts->high_gpa), "ram_needed",
			 json_number(facts->ram_len));
}

static json_t *note_value(const struct pb_note *note)
{
	switch (note->kind) {
	case PB_NOTE_NUMBER:
		return note_is_address(note) ? json_gpa(note->number) : json_number(note->number);
	case PB_NOTE_STRING:
		return json_text(note->desc);
	case PB_NOTE_BYTES:
		break;
	}
	return json_bytes(note->desc, note->desc_len);
}

static json_t *notes(const struct info *info)
{
	struct pb_note note = PB_INIT(note);
	json_t *array = json_array();

	for (unsigned i = 0; info->has_kernel && pb_image_note(info->image, i, &note, NULL) == 0; i++)
		json_array_append_new(array, json_pack("{s:o, s:o, s:o, s:o}", "owner", json_text(note.owner), "type",
						       json_number(note.type), "name", json_text(note.name), "value",
						       note_value(&note)));
	return array;
}

static json_t *elf_header(const struct info *info)
{
	const struct info *elf = info->elf_header;

	if (!elf)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o}", "class", json_number(elf->kernel.elf_class), "entry",
			 json_gpa(elf->kernel.entry), "segments", segments(elf), "notes", notes(elf));
}

/* possible, reason and code, of an entry or of one way to unpack for it. */
static json_t *answer(bool possible, const struct pb_error *why)
{
	char reason[512];

	if (possible)
		return json_pack("{s:b, s:n, s:n}", "possible", 1, "reason", "code");
	pb_error_line(why, reason, sizeof(reason));
	return json_pack("{s:b, s:o, s:s}", "possible", 0, "reason", json_text(reason), "code",
			 pb_code_name(why->code));
}

static json_t *entries(const struct info *info)
{
	json_t *object = json_object();

	for (enum pb_entry entry = FIRST_ENTRY; entry < PB_ENTRIES; entry++) {
		const struct starts *starts = &info->starts[entry];
		json_t *both = answer(starts_possible(starts), starts_reason(starts)), *unpack = json_object();

		for (enum pb_unpack way = PB_UNPACK_HOST; way < UNPACKS; way++)
			json_object_set_new(unpack, pb_unpack_name(way),
					    answer(starts->by[way].possible, &starts->by[way].why));
		json_object_set_new(both, "unpack", unpack);
		json_object_set_new(object, pb_entry_name(entry), both);
	}
	return object;
}

/* serves is null where nobody can know. */
static json_t *subarchs(const struct info *info)
{
	json_t *object = json_object();

	for (uint32_t i = 0; i < INFO_SUBARCHS; i++) {
		enum pb_serves serves = info->serves[i];
		json_t *yes = serves == PB_SERVES_UNKNOWN ? json_null() : json_boolean(serves != PB_SERVES_NO);
		const char *by = serves < PB_SERVES_PROTOCOL ? NULL : serves_text(serves);

		json_object_set_new(object, pb_subarch_name(i),
				    json_pack("{s:o, s:o, s:o}", "number", json_number(i), "serves", yes, "known_by",
					      json_text(by)));
	}
	return object;
}

static json_t *header(const struct info *info)
{
	struct pb_header_field field = PB_INIT(field);
	json_t *object;

	if (!info->all || !info->facts.protocol)
		return json_null();
	object = json_object();
	for (unsigned i = 0; pb_image_header_field(info->image, i, &field) == 0; i++)
		json_object_set_new(object, field.name,
				    header_field_is_address(field.name) ? json_gpa(field.value)
									: json_number(field.value));
	return object;
}

/* json, or null for a protocol that is older than what it tells of. */
static json_t *since(uint16_t protocol, const struct pb_facts *facts, json_t *json)
{
	if (facts->protocol >= protocol)
		return json;
	json_decref(json);
	return json_null();
}

static json_t *efi(const struct pb_facts *facts)
{
	return json_pack("{s:o, s:o}", "handover_offset",
			 facts->efi_handover_off ? json_number(facts->efi_handover_off) : json_null(), "entry_offset",
			 facts->efi_entry_off ? json_number(facts->efi_entry_off) : json_null());
}

static json_t *kernel_info(const struct pb_facts *facts)
{
	if (!facts->kernel_info_total_len)
		return json_null();
	return json_pack("{s:o, s:o, s:o}", "size", json_number(facts->kernel_info_len), "size_total",
			 json_number(facts->kernel_info_total_len), "setup_type_max",
			 json_number(facts->setup_type_max));
}

/* What the setup header tells, from protocol 2.00 on: all null in an ELF file, which has none. */
static void set_boot_facts(json_t *object, const struct pb_facts *facts)
{
	const struct {
		const char *key;
		uint16_t protocol;
		json_t *value;
	} rows[] = {
		{ "protocol", 0x0200, json_text(protocol_name(facts->protocol).text) },
		{ "version", 0x0200, json_text(facts->version) },
		{ "setup_size", 0x0200, json_number(facts->setup_len) },
		{ "relocatable", 0x0205, json_boolean(facts->relocatable) },
		{ "alignment", 0x0205, json_number(facts->alignment) },
		{ "cmdline_max", 0x0200, json_number(facts->cmdline_max) },
		{ "pref_address", 0x020a, json_gpa(facts->pref_gpa) },
		{ "init_size", 0x020a, json_number(facts->init_size) },
		{ "xloadflags", 0x020c, xloadflag_names(facts->xloadflags) },
		{ "efi", 0x0200, efi(facts) },
		{ "kernel_info", 0x020f, kernel_info(facts) },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		json_object_set_new(object, rows[i].key, since(rows[i].protocol, facts, rows[i].value));
}

void info_print_json(const struct info *info)
{
	const struct pb_facts *facts = &info->facts;
	json_t *object;

	json_begin();
	object = json_pack("{s:s, s:o, s:o, s:o}", "format", format_name(facts->format), "file_size",
			   json_number(facts->file_len), "image_offset", json_number(facts->image_off), "image_length",
			   json_number(facts->image_len));
	set_boot_facts(object, facts);
	json_object_set_new(object, "payload", payload(facts));
	json_object_set_new(object, "kernel", kernel(info));
	json_object_set_new(object, "notes", notes(info));
	json_object_set_new(object, "elf_header", elf_header(info));
	json_object_set_new(object, "entries", entries(info));
	json_object_set_new(object, "subarchitectures", subarchs(info));
	json_object_set_new(object, "header", header(info));
	json_print(object);
}
