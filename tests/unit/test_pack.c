/* SPDX-License-Identifier: MIT */
/*
 * The packer: what the packed image says of itself, what the page tells the
 * guest, and that a start laid out by it gives the kernel that a builder
 * would have placed.
 */
#include <elf.h>
#include <stdlib.h>

#include <xen/elfnote.h>

#include "../../lib/entry/rows.h"
#include "../../lib/notes.h"
#include "../../lib/pack/pack.h"
#include "image_util.h"

static struct opened pack_spoilt(const char *name, void (*spoil)(struct blob *kernel), const struct pb_pack *pack)
{
	struct opened source = open_spoilt(name, spoil), ret = { 0 };
	struct pb_error err = PB_INIT(err);
	int fd = memfd_create("packed", MFD_CLOEXEC);
	off_t len;

	assert_true(fd >= 0);
	if (pb_pack_write(source.image, pack, fd, &err) < 0)
		fail_msg("%s: %s", name, err.field);
	len = lseek(fd, 0, SEEK_CUR);
	ret.blob.data = malloc((size_t)len);
	ret.blob.len = (size_t)len;
	assert_int_equal(pread(fd, ret.blob.data, ret.blob.len, 0), len);
	close(fd);
	close_good(&source);
	assert_int_equal(pb_image_open_mem(&ret.image, ret.blob.data, ret.blob.len, NULL, &err), 0);
	return ret;
}

extern const uint8_t guest_setup[], guest_setup_end[];

static struct opened pack_open(const char *name, const struct pb_pack *pack)
{
	return pack_spoilt(name, NULL, pack);
}

static const struct pack_page *page_of(const struct opened *packed)
{
	struct pb_facts facts = PB_INIT(facts);

	assert_int_equal(pb_image_facts(packed->image, &facts), 0);
	return (const void *)(packed->blob.data + facts.setup_len + PACK_PAGE_OFF);
}

static void facts(void **state)
{
	struct pb_pack pack = { .size = sizeof(pack), .codec = "none" };
	struct opened packed = pack_open("bz-none", &pack);
	struct pb_facts facts = PB_INIT(facts);

	(void)state;
	assert_int_equal(pb_image_facts(packed.image, &facts), 0);
	assert_int_equal(facts.format, PB_BZIMAGE);
	assert_int_equal(facts.protocol, 0x20f);
	assert_string_equal(facts.codec, "none");
	assert_string_equal(facts.version, BZ_VERSION);
	assert_true(facts.relocatable);
	assert_int_equal(facts.pref_gpa, KERNEL_GPA);
	assert_int_equal(facts.init_size, page_of(&packed)->window_len);
	assert_int_equal(facts.kernel_info_len, 16);
	assert_int_equal(facts.setup_type_max, 0x80000009);
	assert_int_equal(facts.efi_entry_off, 0);
	close_good(&packed);
}

/* The steps of main.c after decoding, as the page tells them. */
static uint8_t *follow(const struct pack_page *page, const uint8_t *payload, uint32_t delta)
{
	uint8_t *window = calloc(1, page->window_len);

	assert_non_null(window);
	memcpy(window + page->out_at, payload, page->out_len);
	for (uint32_t i = 0; i < page->nr_segments; i++) {
		const struct pack_segment *segment = &page->segments[i];

		memmove(window + segment->to, window + page->out_at + segment->from, segment->file_len);
	}
	for (unsigned group = 0; group < PACK_RELOC_GROUPS; group++)
		for (uint32_t n = 0; n < page->relocs[group].count; n++) {
			uint32_t word, value;

			memcpy(&word, window + page->out_at + page->relocs[group].off + 4 * n, 4);
			word -= (uint32_t)page->link_vaddr;
			memcpy(&value, window + word, 4);
			value += group == PACK_INVERSE32 ? -delta : delta;
			memcpy(window + word, &value, 4);
		}
	for (uint32_t i = 0; i < page->nr_segments; i++) {
		const struct pack_segment *segment = &page->segments[i];

		memset(window + segment->to + segment->file_len, 0, segment->mem_len - segment->file_len);
	}
	return window;
}

/* What a builder would place for each segment, with nothing relocated. */
static void compare_segments(pb_image *image, const uint8_t *window, const uint8_t *kernel)
{
	struct pb_kernel facts = PB_INIT(facts);
	struct pb_error err = PB_INIT(err);

	assert_int_equal(pb_image_kernel(image, &facts, &err), 0);
	for (unsigned i = 0; i < facts.segments; i++) {
		struct pb_segment segment = PB_INIT(segment);
		const uint8_t *at;

		assert_int_equal(pb_image_segment(image, i, &segment, &err), 0);
		at = window + (segment.gpa - facts.low_gpa);
		assert_memory_equal(at, kernel + segment.file_off, segment.file_len);
		for (uint64_t n = segment.file_len; n < segment.mem_len; n++)
			assert_int_equal(at[n], 0);
	}
}

static void page_places_every_segment(void **state)
{
	static const char *const names[] = { "elf64",         "elf64-dyn",           "elf64-no-relocs",
					     "elf64-big",     "elf64-virtual-entry", "elf32",
					     "elf64-emitted", "elf32-emitted",       "elf64-emitted-section-notes" };
	struct pb_pack pack = { .size = sizeof(pack), .codec = "none" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct opened packed = pack_open(names[i], &pack);
		const struct pack_page *page = page_of(&packed);
		const uint8_t *payload = (const uint8_t *)page - PACK_PAGE_OFF + page->payload_off;
		uint8_t *window = follow(page, payload, 0);

		assert_int_equal(pack_sum(page, offsetof(struct pack_page, page_sum)), page->page_sum);
		assert_int_equal(pack_sum(payload, page->payload_len), page->payload_sum);
		assert_true(page->code_at >= page->payload_off + page->payload_len);
		compare_segments(packed.image, window, payload);
		free(window);
		close_good(&packed);
	}
}

/* tests/images: the first field of each group is 0x100, 0x4000 and 0x1000 from the kernel's start. */
static void finds_every_relocation(const char *name)
{
	struct pb_pack pack = { .size = sizeof(pack), .codec = "none" };
	struct opened packed = pack_open(name, &pack);
	const struct pack_page *page = page_of(&packed);
	const uint8_t *payload = (const uint8_t *)page - PACK_PAGE_OFF + page->payload_off;
	uint8_t *still = follow(page, payload, 0), *moved = follow(page, payload, 0x200000);
	static const uint32_t at[] = { 0x100, 0x4000, 0x1000 };

	for (unsigned group = 0; group < PACK_RELOC_GROUPS; group++) {
		uint32_t before, after;

		assert_int_equal(page->relocs[group].count, KERNEL_RELOCS);
		memcpy(&before, still + at[group], 4);
		memcpy(&after, moved + at[group], 4);
		assert_int_equal((uint32_t)(after - before), group == PACK_INVERSE32 ? -0x200000u : 0x200000u);
	}
	assert_true(page->virt_room > 0);
	free(still);
	free(moved);
	close_good(&packed);
}

static void page_finds_every_relocation(void **state)
{
	(void)state;
	finds_every_relocation("elf64");
	finds_every_relocation("elf64-emitted");
	finds_every_relocation("elf64-emitted-section-notes");
}

/*
 * A vmlinux with relocations in sections is packed as Linux's build would pack it: without its sections, the table in
 * their place. What only a section header leads to stays where it is.
 */
static void sections_become_a_table(void **state)
{
	static const struct {
		const char *name;
		bool has_sections;
	} rows[] = { { "elf64-emitted", false }, { "elf32-emitted", false }, { "elf64-emitted-section-notes", true } };
	struct pb_pack pack = { .size = sizeof(pack), .codec = "none", .relocatable = true };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct opened packed = pack_open(rows[i].name, &pack), source = open_good(rows[i].name);
		struct pb_kernel before = PB_INIT(before), after = PB_INIT(after);
		struct pb_relocs relocs = PB_INIT(relocs);
		struct pb_error err = PB_INIT(err);

		assert_int_equal(page_of(&packed)->out_len < source.blob.len, !rows[i].has_sections);
		assert_int_equal(pb_image_relocs(packed.image, &relocs, &err), 0);
		assert_int_equal(relocs.abs32, KERNEL_RELOCS);
		assert_int_equal(pb_image_kernel(source.image, &before, &err), 0);
		assert_int_equal(pb_image_kernel(packed.image, &after, &err), 0);
		assert_int_equal(after.notes, before.notes);
		assert_true(after.notes > 0);
		close_good(&source);
		close_good(&packed);
	}
}

/* Whatever the codec, the library takes out what was put in, and the decoder's page says how long that is. */
static void every_codec(void **state)
{
	static const char *const names[] = { "none", "gzip", "lz4", "zstd", "xz" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct pb_pack pack = { .size = sizeof(pack), .codec = names[i] };
		struct pb_error err = PB_INIT(err);
		struct pb_relocs relocs = PB_INIT(relocs);
		struct opened packed, plain = open_good("elf64-big");
		struct pb_facts facts = PB_INIT(facts);

		if (!pb_pack_has_codec(names[i])) {
			assert_int_equal(pb_pack_write(plain.image, &pack, -1, &err), -PB_E_CODEC_OFF);
			close_good(&plain);
			continue;
		}
		packed = pack_open("elf64-big", &pack);
		assert_int_equal(pb_image_facts(packed.image, &facts), 0);
		assert_string_equal(facts.codec, names[i]);
		assert_int_equal(page_of(&packed)->out_len, plain.blob.len);
		assert_int_equal(pb_image_relocs(packed.image, &relocs, &err), 0);
		assert_int_equal(relocs.abs64, KERNEL_RELOCS);
		close_good(&packed);
		close_good(&plain);
	}
}

/* The header before the setup header: what the library itself makes of it, and what it leaves out. */
static void elf_header(void **state)
{
	static const char *const names[] = { "elf64", "elf32" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct pb_pack pack = { .size = sizeof(pack), .codec = "none", .elf = true };
		struct opened packed = pack_open(names[i], &pack);
		struct pb_error err = PB_INIT(err);
		struct pb_facts facts = PB_INIT(facts);

		assert_int_equal(pb_image_facts(packed.image, &facts), 0);
		assert_int_equal(facts.format, PB_BZIMAGE);
		assert_memory_equal(packed.blob.data, "\177ELF", 4);
		assert_int_equal(packed.blob.data[16] | packed.blob.data[17], 0); /* e_type: ET_NONE */
		assert_int_equal(pb_image_can(packed.image, PB_PVH, PB_UNPACK_GUEST, &err), 0);
		assert_int_equal(pb_image_can(packed.image, i ? PB_XEN_PV32 : PB_XEN_PV64, PB_UNPACK_GUEST, &err), 0);
		close_good(&packed);
	}
}

/* ---- What the file's own notes say ---- */

enum { HYPERCALL_GPA = KERNEL_GPA + 0x1000 };

/* SUSPEND_CANCEL, which nobody reads here, becomes a note that names an address in the kernel. */
static void wants_hypercall_page(struct blob *kernel)
{
	size_t off = kernel_note_off(kernel, "Xen", 14);

	blob_set_le(kernel, off - 8, XEN_ELFNOTE_HYPERCALL_PAGE, 4);
	blob_set_le(kernel, off, 0xffffffff80000000 + HYPERCALL_GPA, 8);
}

static void wants_p2m(struct blob *kernel)
{
	size_t off = kernel_note_off(kernel, "Xen", 14);

	blob_set_le(kernel, off - 8, XEN_ELFNOTE_INIT_P2M, 4);
	blob_set_le(kernel, off, 0x8000000000, 8);
}

static void wants_symbols(struct blob *kernel)
{
	blob_set_le(kernel, kernel_note_off(kernel, "Xen", 9) - 8, XEN_ELFNOTE_BSD_SYMTAB, 4);
}

/* As Debian's 686-pae kernels have: PVH alone. */
static void lost_its_entry(struct blob *kernel)
{
	blob_set_le(kernel, kernel_note_off(kernel, "Xen", XEN_ELFNOTE_ENTRY) - 8, XEN_ELFNOTE_INFO, 4);
}

/* A packed image, its page, and the kernel that its own ELF header describes. */
struct own {
	struct opened packed;
	const struct pack_page *page;
	struct entered_elf elf;
};

static struct own pack_own_with(const char *name, void (*spoil)(struct blob *kernel), const struct pb_pack_note *notes,
				size_t nr_notes)
{
	const struct pb_pack pack = {
		.size = sizeof(pack), .codec = "none", .elf = true, .notes = notes, .nr_notes = nr_notes
	};
	struct own own = { .packed = pack_spoilt(name, spoil, &pack) };
	struct pb_error err = PB_INIT(err);

	own.page = page_of(&own.packed);
	assert_int_equal(entered_elf(own.packed.image, PB_UNPACK_GUEST, &own.elf, &err), 0);
	return own;
}

static struct own pack_own(const char *name, void (*spoil)(struct blob *kernel))
{
	return pack_own_with(name, spoil, NULL, 0);
}

static void close_own(struct own *own)
{
	entered_elf_done(&own->elf);
	close_good(&own->packed);
}

static uint64_t own_number(const struct own *own, uint32_t type)
{
	struct pb_error err = PB_INIT(err);
	uint64_t value = 0;

	assert_int_equal(xen_number(own->elf.kernel, type, "a note", &value, &err), 0);
	return value;
}

static bool own_has(const struct own *own, uint32_t type)
{
	struct pb_error err = PB_INIT(err);
	uint64_t value;

	return xen_number(own->elf.kernel, type, "a note", &value, &err) != -PB_E_NO_NOTE;
}

/* Who builds a domain by them enters the decompressor, with the window mapped where the kernel is linked. */
static void notes_tell_of_this_file(void **state)
{
	struct own own = pack_own("elf64", wants_hypercall_page);
	uint64_t base = 0xffffffff80000000 + KERNEL_GPA;

	(void)state;
	assert_int_equal(own.elf.kernel->low_gpa, KERNEL_GPA);
	assert_int_equal(own.elf.kernel->high_gpa, KERNEL_GPA + own.page->window_len);
	assert_int_equal(own.elf.kernel->segments[0].vaddr, own.page->link_vaddr);
	assert_int_equal(own.elf.kernel->entry, KERNEL_GPA + PACK_ENTRY64);
	assert_int_equal(own_number(&own, XEN_ELFNOTE_PHYS32_ENTRY), KERNEL_GPA + own.page->pvh_entry_off);
	assert_int_equal(own_number(&own, XEN_ELFNOTE_VIRT_BASE), 0xffffffff80000000);
	assert_int_equal(own_number(&own, XEN_ELFNOTE_PADDR_OFFSET), 0);
	assert_int_equal(own_number(&own, XEN_ELFNOTE_ENTRY), base + own.page->pv_entry_off);
	assert_int_equal(own_number(&own, XEN_ELFNOTE_HYPERCALL_PAGE),
			 base + own.page->code_at + own.page->hypercall_off);
	assert_int_equal(own.page->kernel_hypercall_off, HYPERCALL_GPA - KERNEL_GPA);
	assert_int_equal(own.page->pv_kernel_off, 0x10);
	assert_int_equal(own.page->pv_base, 0xffffffff80000000);
	assert_false(own_has(&own, XEN_ELFNOTE_INIT_P2M) || own_has(&own, 19)); /* PHYS32_RELOC */
	close_own(&own);
}

/* The kernel's wish, not an address in it. */
static void notes_keep_the_kernels_p2m(void **state)
{
	struct own own = pack_own("elf64", wants_p2m);

	(void)state;
	assert_int_equal(own_number(&own, XEN_ELFNOTE_INIT_P2M), 0x8000000000);
	assert_false(own_has(&own, XEN_ELFNOTE_HYPERCALL_PAGE));
	assert_int_equal(own.page->kernel_hypercall_off, PACK_NOWHERE);
	close_own(&own);
}

/* Nobody starts it so: neither the kernel nor the file that holds it; and there are no symbols here to load. */
static void notes_promise_no_pv_start_of_others(void **state)
{
	struct own own = pack_own("elf32", lost_its_entry);

	(void)state;
	assert_false(own_has(&own, XEN_ELFNOTE_ENTRY) || own_has(&own, XEN_ELFNOTE_VIRT_BASE));
	assert_int_equal(own.page->pv_kernel_off, PACK_NOWHERE);
	close_own(&own);
	own = pack_own("elf64", wants_symbols);
	assert_false(own_has(&own, XEN_ELFNOTE_BSD_SYMTAB));
	close_own(&own);
}

/* ---- Notes of the caller's, and ours ---- */

static const struct note *own_note(const struct own *own, const char *owner, uint32_t type)
{
	return note_find(own->elf.kernel->notes, own->elf.kernel->nr_notes, owner, type);
}

static void given_notes(void **state)
{
	static const struct pb_pack_note notes[] = {
		{ "Xen", XEN_ELFNOTE_GUEST_VERSION, "9.9", 4 },
		{ "mine", 77, "\1\2\3", 3 },
	};
	struct own own = pack_own_with("elf64", NULL, notes, 2);
	unsigned versions = 0;

	(void)state;
	assert_int_equal(own_note(&own, "mine", 77)->desc_len, 3);
	assert_memory_equal(own_note(&own, "mine", 77)->desc, "\1\2\3", 3);
	assert_string_equal(own_note(&own, "Xen", XEN_ELFNOTE_GUEST_VERSION)->desc, "9.9");
	assert_string_equal(own_note(&own, "Xen", XEN_ELFNOTE_GUEST_OS)->desc, "linux"); /* the kernel's */
	for (unsigned i = 0; i < own.elf.kernel->nr_notes; i++)
		versions += own.elf.kernel->notes[i].type == XEN_ELFNOTE_GUEST_VERSION;
	assert_int_equal(versions, 1);
	close_own(&own);
}

static uint64_t served_bits(const struct own *own)
{
	struct pb_error err = PB_INIT(err);
	uint64_t bits = 0;

	assert_int_equal(note_number(own_note(own, NOTES_OWN, NOTE_OWN_SUBARCH), "SUBARCH", &bits, &err), 0);
	return bits;
}

static void has_entries(const struct own *own, const struct subarch_entry *rows, size_t count)
{
	const struct note *note = own_note(own, NOTES_OWN, NOTE_OWN_SUBARCH_ENTRY);

	assert_int_equal(note->desc_len, count * sizeof(*rows));
	assert_memory_equal(note->desc, rows, count * sizeof(*rows));
}

/* Whom it serves is the kernel's word or the caller's; where it is entered is the packer's. */
static void subarchitectures(void **state)
{
	static const uint64_t all = 0xf;
	static const struct pb_pack_note word = { NOTES_OWN, NOTE_OWN_SUBARCH, &all, sizeof(all) };
	static const struct subarch_entry in64[] = { { 0, SUBARCH_LINUX32, KERNEL_GPA },
						     { 0, SUBARCH_LINUX64, KERNEL_GPA + PACK_ENTRY64 } };
	static const struct subarch_entry in32[] = { { 0, SUBARCH_LINUX32, KERNEL_GPA },
						     { 3, SUBARCH_LINUX32, KERNEL_GPA },
						     { 1, SUBARCH_RING1, KERNEL_GPA },
						     { 2, SUBARCH_RING1, KERNEL_GPA } };
	struct own own = pack_own("elf64", NULL);
	struct pb_error err = PB_INIT(err);

	(void)state;
	assert_int_equal(served_bits(&own), 1);
	has_entries(&own, in64, 2);
	close_own(&own);
	own = pack_own_with("elf32", NULL, &word, 1);
	assert_int_equal(served_bits(&own), all);
	has_entries(&own, in32, 4);
	close_own(&own);
	own = pack_own("elf32-lguest", NULL);
	assert_int_equal(served_bits(&own), 3);
	assert_int_equal(pb_image_can(own.packed.image, PB_LGUEST, PB_UNPACK_GUEST, &err), 0);
	assert_int_equal(pb_image_can(own.packed.image, PB_LGUEST, PB_UNPACK_HOST, &err), 0);
	close_own(&own);
}

static void entered_by_xen_alone(struct blob *kernel)
{
	blob_set_le(kernel, 0x18, 0xffffffff80000000 + KERNEL_GPA + 0x10, 8);
}

/* Its e_entry is no place for a boot loader: the image says so, and has no other entry. */
static void kernel_for_xen_alone(void **state)
{
	struct own own = pack_own("elf64", entered_by_xen_alone);
	struct pb_error err = PB_INIT(err);

	(void)state;
	assert_int_equal(own.page->entry_off, PACK_NOWHERE);
	assert_false(own_has(&own, XEN_ELFNOTE_PHYS32_ENTRY));
	assert_true(own_has(&own, XEN_ELFNOTE_ENTRY));
	assert_int_equal(served_bits(&own), 0);
	for (enum pb_entry entry = PB_LINUX16; entry <= PB_LINUX64; entry++)
		assert_int_equal(pb_image_can(own.packed.image, entry, PB_UNPACK_GUEST, &err), -PB_E_NO_ENTRY);
	assert_int_equal(pb_image_can(own.packed.image, PB_XEN_PV64, PB_UNPACK_GUEST, &err), 0);
	close_own(&own);
}

/* The same file by its first bytes. */
static void opened_as_elf(void **state)
{
	struct own own = pack_own("elf64", NULL);
	struct pb_kernel kernel = PB_INIT(kernel);
	struct pb_note note = PB_INIT(note);
	struct pb_error err = PB_INIT(err);
	pb_image *elf, *again;

	(void)state;
	assert_int_equal(pb_image_open_elf_header(&elf, own.packed.image, &err), 0);
	assert_int_equal(pb_image_kernel(elf, &kernel, &err), 0);
	assert_int_equal(kernel.entry, KERNEL_GPA + PACK_ENTRY64);
	assert_int_equal(kernel.segments, 1);
	assert_int_equal(kernel.notes, own.elf.kernel->nr_notes);
	assert_int_equal(pb_image_note(elf, 0, &note, &err), 0);
	assert_string_equal(note.name, "PHYS32_ENTRY");
	assert_int_equal(note.number, KERNEL_GPA + own.page->pvh_entry_off);
	assert_int_equal(pb_image_open_elf_header(&again, elf, &err), -PB_E_NO_ENTRY);
	pb_image_close(elf);
	close_own(&own);
}

/* ---- A domain built by them ---- */

static void plan_enters_the_program(void **state)
{
	static const struct pb_range ram = { 0x100000, 128 << 20, PB_E820_RAM };
	struct own own = pack_own("elf64", wants_p2m);
	struct pb_request request = {
		.size = sizeof(request), .entry = PB_XEN_PV64, .unpack = PB_UNPACK_GUEST, .ram = &ram, .rams = 1
	};
	struct pb_placement placement = PB_INIT(placement);
	struct pb_error err = PB_INIT(err);
	struct pb_pv pv = PB_INIT(pv);
	pb_plan *plan;
	unsigned i = 0;

	(void)state;
	assert_int_equal(pb_plan_make(&plan, own.packed.image, &request, &err), 0);
	while (placement.kind != PB_KIND_KERNEL)
		assert_int_equal(pb_plan_placement(plan, i++, &placement), 0);
	assert_int_equal(placement.source, PB_FROM_IMAGE);
	assert_int_equal(placement.vaddr, own.page->link_vaddr);
	assert_int_equal(placement.len, own.page->window_len);
	assert_int_equal(placement.access, PB_ACCESS_WRITE);
	assert_int_equal(pb_plan_pv(plan, &pv), 0);
	assert_int_equal(pv.vcpu.rip, own_number(&own, XEN_ELFNOTE_ENTRY));
	assert_int_equal(pv.mfn_list, 0x8000000000);
	pb_plan_close(plan);
	close_own(&own);
}

/* ---- Without an ELF header ---- */

static enum pb_serves serves(pb_image *image, uint32_t number)
{
	enum pb_serves ret = PB_SERVES_UNKNOWN;
	struct pb_error err = PB_INIT(err);

	assert_int_equal(pb_image_serves(image, number, &ret, &err), 0);
	return ret;
}

/* There are no notes; but kernel_info has room. */
static void kernel_info_says_whom_it_serves(void **state)
{
	static const struct {
		const char *name;
		enum pb_serves lguest;
	} rows[] = { { "elf32-lguest", PB_SERVES_NOTE },
		     { "bz-lguest", PB_SERVES_NOTE },
		     { "elf32", PB_SERVES_NO },
		     { "elf64", PB_SERVES_NO } };
	struct pb_pack pack = { .size = sizeof(pack), .codec = "none" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct opened packed;
		struct pb_error err = PB_INIT(err);
		int wanted = rows[i].lguest == PB_SERVES_NOTE ? 0 : -PB_E_NO_ENTRY;

		if (!can_unpack(rows[i].name))
			continue;
		packed = pack_open(rows[i].name, &pack);
		assert_int_equal(serves(packed.image, 0), PB_SERVES_NOTE);
		assert_int_equal(serves(packed.image, 1), rows[i].lguest);
		assert_int_equal(pb_image_can(packed.image, PB_LGUEST, PB_UNPACK_GUEST, &err), wanted);
		assert_int_equal(pb_image_can(packed.image, PB_LGUEST, PB_UNPACK_HOST, &err), wanted);
		close_good(&packed);
	}
}

/* What is not an item, or not that one, says nothing; and another's before it is passed over. */
static void kernel_info_items(void **state)
{
	static const struct {
		uint32_t magic, len;
		enum pb_serves lguest;
	} rows[] = { { 0x41534250, 16, PB_SERVES_NOTE }, { 0x41534250, 15, PB_SERVES_NO },
		     { 0x41534250, 17, PB_SERVES_NO },   { 0x41534250, 0, PB_SERVES_NO },
		     { 0x58585858, 16, PB_SERVES_NO },   { 0x58585858, UINT32_MAX, PB_SERVES_NO } };
	struct pb_pack pack = { .size = sizeof(pack), .codec = "none" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct opened packed = pack_open("elf32-lguest", &pack);
		const struct pack_page *page = page_of(&packed);
		size_t at = (size_t)((const uint8_t *)page - packed.blob.data) - PACK_PAGE_OFF + page->kernel_info_off;
		struct pb_error err = PB_INIT(err);
		pb_image *image;

		assert_int_equal(page->kernel_info_off % 4, 0);
		blob_set_le(&packed.blob, at + 16, rows[i].magic, 4);
		blob_set_le(&packed.blob, at + 20, rows[i].len, 4);
		assert_int_equal(pb_image_open_mem(&image, packed.blob.data, packed.blob.len, NULL, &err), 0);
		assert_int_equal(serves(image, 1), rows[i].lguest);
		pb_image_close(image);
		close_good(&packed);
	}
}

/* ---- Codecs and entries ---- */

static const char *const codec_names[] = { "none", "gzip", "lz4", "zstd", "xz" };

/* No codec takes an entry away from the image, or gives one. */
static void every_codec_has_every_entry(void **state)
{
	static const char *const names[] = { "elf64", "elf32", "elf32-lguest" };
	const size_t rounds = sizeof(codec_names) / sizeof(codec_names[0]) * sizeof(names) / sizeof(names[0]);

	(void)state;
	for (size_t i = 0; i < rounds; i++) {
		const char *name = names[i % 3], *codec = codec_names[i / 3];
		struct pb_pack plain = { .size = sizeof(plain), .codec = "none", .elf = true };
		struct pb_pack pack = { .size = sizeof(pack), .codec = codec, .elf = true };
		struct opened wanted, packed;

		if (!pb_pack_has_codec(codec))
			continue;
		wanted = pack_open(name, &plain);
		packed = pack_open(name, &pack);
		for (unsigned entry = PB_LINUX16; entry < PB_ENTRIES; entry++) {
			struct pb_error err = PB_INIT(err);
			int rc = pb_image_can(packed.image, (enum pb_entry)entry, PB_UNPACK_GUEST, &err);

			assert_int_equal(rc, pb_image_can(wanted.image, (enum pb_entry)entry, PB_UNPACK_GUEST, &err));
			assert_true(rc == 0 || entry == PB_LGUEST || entry == PB_XEN_PV32 || entry == PB_XEN_PV64 ||
				    (entry == PB_LINUX64 && i % 3 != 0));
		}
		close_good(&packed);
		close_good(&wanted);
	}
}

static uint32_t window_of(const char *codec)
{
	struct pb_pack pack = { .size = sizeof(pack), .codec = codec, .elf = true };
	struct opened packed = pack_open("elf32", &pack);
	uint32_t len = page_of(&packed)->window_len;

	close_good(&packed);
	return len;
}

static uint32_t linked_up; /* by how much */

static void add_le32(struct blob *kernel, size_t off)
{
	uint32_t value;

	memcpy(&value, kernel->data + off, sizeof(value));
	blob_set_le(kernel, off, value + linked_up, sizeof(value));
}

/* Its segments, and what its notes say of them. The relocation table would have to follow, and goes. */
static void link_up(struct blob *kernel)
{
	for (unsigned i = 0; i < KERNEL_SEGMENTS; i++)
		add_le32(kernel, sizeof(Elf32_Ehdr) + i * sizeof(Elf32_Phdr) + offsetof(Elf32_Phdr, p_vaddr));
	add_le32(kernel, kernel_note_off(kernel, "Xen", XEN_ELFNOTE_VIRT_BASE));
	add_le32(kernel, kernel_note_off(kernel, "Xen", XEN_ELFNOTE_ENTRY));
	blob_cut(kernel, kernel->len - 4 * (KERNEL_RELOCS + 1));
}

/* A kernel so close below the hypervisor that a PV domain has room for it, but not for decoding: "none" is all it can
 * have. */
static void codec_without_room_in_a_pv_domain(void **state)
{
	struct pb_pack pack = { .size = sizeof(pack), .codec = "none", .elf = true };
	struct opened packed, source;
	struct pb_error err = PB_INIT(err);
	int fd = memfd_create("packed", MFD_CLOEXEC);

	(void)state;
	linked_up = (uint32_t)(0xf5800000 - window_of("none") - (KERNEL_VIRT32 + KERNEL_GPA));
	packed = pack_spoilt("elf32", link_up, &pack);
	assert_int_equal(pb_image_can(packed.image, PB_XEN_PV32, PB_UNPACK_GUEST, &err), 0);
	close_good(&packed);
	source = open_spoilt("elf32", link_up);
	for (size_t i = 1; i < sizeof(codec_names) / sizeof(codec_names[0]); i++) {
		pack.codec = codec_names[i];
		if (!pb_pack_has_codec(pack.codec))
			continue;
		pack.elf = true;
		assert_int_equal(pb_pack_write(source.image, &pack, fd, &err), -PB_E_LIMIT);
		assert_string_equal(err.field, "the codec's window in a PV domain");
		assert_int_equal(err.limit, 0xf5800000);
		assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	}
	pack.elf = false; /* promises no such start */
	assert_int_equal(pb_pack_write(source.image, &pack, fd, &err),
			 pb_pack_has_codec(pack.codec) ? 0 : -PB_E_CODEC_OFF);
	close_good(&source);
	close(fd);
}

/* Beyond what the boot sector's part may hold. */
static const uint8_t too_much[0x8000];

static void refusals(void **state)
{
	static const struct pb_pack_note address = { "Xen", XEN_ELFNOTE_INIT_P2M, "", 0 },
					 where = { NOTES_OWN, NOTE_OWN_SUBARCH_ENTRY, "", 0 },
					 nobodys = { "", 1, "", 0 }, large = { "mine", 1, too_much, sizeof(too_much) },
					 no_number = { NOTES_OWN, NOTE_OWN_SUBARCH, "123456789", 9 };
	static const struct pb_pack_value room = { "cmdline_size", 2042 };
	static const struct pb_pack_value unknown = { "no_such_field", 1 }, ours = { "init_size", 1 },
					  wide = { "vid_mode", 0x10000 };
	static const struct {
		const char *image;
		struct pb_pack pack;
		int code;
		const char *field;
	} rows[] = {
		{ "elf64", { .codec = NULL }, PB_E_ARG, "codec" },
		{ "elf64", { .codec = "rar" }, PB_E_ARG, "codec" },
		{ "elf64-no-relocs", { .codec = "none", .relocatable = true }, PB_E_EMPTY, "relocations" },
		{ "elf64", { .codec = "none", .values = &unknown, .nr_values = 1 }, PB_E_ARG, "field" },
		{ "elf64", { .codec = "none", .values = &ours, .nr_values = 1 }, PB_E_ARG, "field" },
		{ "elf64", { .codec = "none", .values = &wide, .nr_values = 1 }, PB_E_RANGE, "vid_mode" },
		{ "elf64",
		  { .codec = "none", .cmdline = "quiet", .values = &room, .nr_values = 1 },
		  PB_E_RANGE,
		  "cmdline_size" },
		{ "elf64",
		  { .codec = "none", .notes = &large, .nr_notes = 1 },
		  PB_E_ARG,
		  "notes without an ELF header" },
		{ "elf64",
		  { .codec = "none", .elf = true, .notes = &address, .nr_notes = 1 },
		  PB_E_ARG,
		  "note that tells of the packed file" },
		{ "elf64",
		  { .codec = "none", .elf = true, .notes = &where, .nr_notes = 1 },
		  PB_E_ARG,
		  "note that tells of the packed file" },
		{ "elf64",
		  { .codec = "none", .elf = true, .notes = &nobodys, .nr_notes = 1 },
		  PB_E_ARG,
		  "note's owner" },
		{ "elf64", { .codec = "none", .elf = true, .notes = &large, .nr_notes = 1 }, PB_E_LIMIT, "notes" },
		{ "elf64", { .codec = "none", .elf = true, .notes = &no_number, .nr_notes = 1 }, PB_E_NOTE, "SUBARCH" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct opened source = open_good(rows[i].image);
		struct pb_pack pack = rows[i].pack;
		struct pb_error err = PB_INIT(err);
		int fd = memfd_create("packed", MFD_CLOEXEC);

		pack.size = sizeof(pack);
		assert_int_equal(pb_pack_write(source.image, &pack, fd, &err), -rows[i].code);
		assert_string_equal(err.field, rows[i].field);
		assert_int_equal(lseek(fd, 0, SEEK_END), 0);
		close(fd);
		close_good(&source);
	}
}

static void entered_nowhere(struct blob *kernel)
{
	blob_set_le(kernel, 0x18, 0x10, 8);
	blob_set_le(kernel, kernel_note_off(kernel, "Xen", XEN_ELFNOTE_ENTRY) - 8, XEN_ELFNOTE_INFO, 4);
}

static Elf64_Phdr *segment(struct blob *kernel, unsigned i)
{
	return (Elf64_Phdr *)(void *)(kernel->data + sizeof(Elf64_Ehdr)) + i;
}

/* One more than the page tells the guest of; without bytes, behind one another. */
static void many_segments(struct blob *kernel)
{
	const unsigned count = PACK_SEGMENTS + 1;

	blob_align(kernel, 8);
	blob_set_le(kernel, offsetof(Elf64_Ehdr, e_phoff), kernel->len, 8);
	blob_set_le(kernel, offsetof(Elf64_Ehdr, e_phnum), count, 2);
	for (unsigned i = 0; i < count; i++) {
		Elf64_Phdr phdr = { .p_type = PT_LOAD,
				    .p_paddr = KERNEL_GPA + i * UINT64_C(0x1000),
				    .p_vaddr = KERNEL_VIRT64 + KERNEL_GPA + i * UINT64_C(0x1000),
				    .p_memsz = 0x1000 };

		blob_put(kernel, &phdr, sizeof(phdr));
	}
}

static void ends_above_4g(struct blob *kernel)
{
	segment(kernel, 2)->p_paddr = 0xffffffff;
}

/* It ends below; what decodes it would not. */
static void ends_below_4g(struct blob *kernel)
{
	segment(kernel, 2)->p_paddr = 0xffffe000;
}

static void off_by_a_page(struct blob *kernel)
{
	for (unsigned i = 0; i < KERNEL_SEGMENTS; i++)
		segment(kernel, i)->p_paddr += 0x1000;
}

/* Nothing is written of a kernel that nobody could start, or whose guest could not unpack it. */
static void refused_kernels(void **state)
{
	static const struct {
		const char *image;
		void (*spoil)(struct blob *kernel);
		bool elf, relocatable;
		int code;
		const char *field;
	} rows[] = {
		{ "elf64-no-relocs", many_segments, false, false, PB_E_LIMIT, "PT_LOAD" },
		{ "elf64-no-relocs", ends_above_4g, false, false, PB_E_LIMIT, "p_paddr" },
		{ "elf64-no-relocs", ends_below_4g, false, false, PB_E_LIMIT, "init_size" },
		{ "elf64", off_by_a_page, false, true, PB_E_RANGE, "p_paddr" },
		{ "elf64", entered_nowhere, true, false, PB_E_ENTRY_OUTSIDE, "e_entry" },
		{ "elf64", entered_by_xen_alone, false, false, PB_E_NO_ENTRY, "e_entry, which is Xen's ENTRY" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct pb_pack pack = {
			.size = sizeof(pack), .codec = "none", .elf = rows[i].elf, .relocatable = rows[i].relocatable
		};
		struct opened source = open_spoilt(rows[i].image, rows[i].spoil);
		struct pb_error err = PB_INIT(err);
		int fd = memfd_create("packed", MFD_CLOEXEC);

		assert_int_equal(pb_pack_write(source.image, &pack, fd, &err), -rows[i].code);
		assert_string_equal(err.field, rows[i].field);
		assert_int_equal(lseek(fd, 0, SEEK_END), 0);
		close(fd);
		close_good(&source);
	}
}

/* A file that is no payload has no size that was looked at before; and a request has one. */
static void refused_sizes(void **state)
{
	const struct pb_limits limits = { .size = sizeof(limits), .unpacked_len = 1000 };
	struct pb_pack pack = { .size = sizeof(pack), .codec = "none" };
	struct opened source = open_good("elf64");
	struct pb_error err = PB_INIT(err);
	pb_image *image;

	(void)state;
	assert_int_equal(pb_image_open_mem(&image, source.blob.data, source.blob.len, &limits, &err), 0);
	assert_int_equal(pb_pack_write(image, &pack, -1, &err), -PB_E_LIMIT);
	assert_string_equal(err.field, "unpacked size");
	assert_int_equal(err.value, source.blob.len);
	pb_image_close(image);
	pack.size = sizeof(pack.size) - 1;
	assert_int_equal(pb_pack_write(source.image, &pack, -1, &err), -PB_E_ARG);
	assert_string_equal(err.field, "pack");
	close_good(&source);
}

/* One wrong word is always seen, wherever it is. */
static void sum_sees_each_bit(void **state)
{
	uint8_t bytes[77];
	uint64_t sum;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 37);
	sum = pack_sum(bytes, sizeof(bytes));
	for (size_t bit = 0; bit < 8 * sizeof(bytes); bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_true(pack_sum(bytes, sizeof(bytes)) != sum);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

/* What docs/pack.md promises of an image's head, of both classes. */
static void sizes(void **state)
{
	enum { KIB = 1024, HEAD_MAX = 12 * KIB };
	static const struct {
		const char *codec;
		size_t max;
	} decoders[] = { { "gzip", 16 * KIB }, { "lz4", 16 * KIB }, { "zstd", 48 * KIB }, { "xz", 32 * KIB } };
	const struct pack_codec *none = pack_codec_find("none");
	size_t none64 = (uintptr_t)none->program64.end - (uintptr_t)none->program64.start;
	size_t none32 = (uintptr_t)none->program32.end - (uintptr_t)none->program32.start;
	size_t setup = (uintptr_t)guest_setup_end - (uintptr_t)guest_setup;

	(void)state;
	assert_true(setup > 0x200 && setup + none64 <= HEAD_MAX && setup + none32 <= HEAD_MAX);
	for (size_t i = 0; i < sizeof(decoders) / sizeof(decoders[0]); i++) {
		const struct pack_codec *codec = pack_codec_find(decoders[i].codec);
		size_t len64 = (uintptr_t)codec->program64.end - (uintptr_t)codec->program64.start;
		size_t len32 = (uintptr_t)codec->program32.end - (uintptr_t)codec->program32.start;

		assert_true(len64 > none64 && len64 - none64 <= decoders[i].max);
		assert_true(len32 > none32 && len32 - none32 <= decoders[i].max);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts),
		cmocka_unit_test(page_places_every_segment),
		cmocka_unit_test(page_finds_every_relocation),
		cmocka_unit_test(sections_become_a_table),
		cmocka_unit_test(every_codec),
		cmocka_unit_test(elf_header),
		cmocka_unit_test(notes_tell_of_this_file),
		cmocka_unit_test(notes_keep_the_kernels_p2m),
		cmocka_unit_test(notes_promise_no_pv_start_of_others),
		cmocka_unit_test(given_notes),
		cmocka_unit_test(subarchitectures),
		cmocka_unit_test(kernel_for_xen_alone),
		cmocka_unit_test(opened_as_elf),
		cmocka_unit_test(plan_enters_the_program),
		cmocka_unit_test(kernel_info_says_whom_it_serves),
		cmocka_unit_test(kernel_info_items),
		cmocka_unit_test(every_codec_has_every_entry),
		cmocka_unit_test(codec_without_room_in_a_pv_domain),
		cmocka_unit_test(refusals),
		cmocka_unit_test(refused_kernels),
		cmocka_unit_test(refused_sizes),
		cmocka_unit_test(sum_sees_each_bit),
		cmocka_unit_test(sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
