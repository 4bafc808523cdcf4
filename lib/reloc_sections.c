/* SPDX-License-Identifier: MIT */
/*
 * A vmlinux linked with --emit-relocs has in sections, of SHT_RELA or (32-bit)
 * SHT_REL, what the linker did to every field. Linux's build makes the table
 * at the end of a bzImage's payload of that (arch/x86/tools/relocs). Here the
 * same is done, for the same fields have to follow when the kernel moves:
 *
 *     an address of something in the kernel         moves with it
 *     a distance between two things in the kernel   stays
 *     an address of per-CPU data, which 64-bit      stays: it is an offset
 *       kernels up to 6.14 link at 0
 *     a distance to such data                       moves the other way
 *
 * Sections that are not loaded (debugging) and notes, which are read before
 * the kernel moves, are no part of it.
 */
#include "reloc_sections.h"

#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "kernel.h"

#define CHUNK_ENTRIES 512u

/* What a symbol's value does when the kernel moves. */
enum symbol_kind { SYMBOL_FIXED, SYMBOL_MOVES, SYMBOL_PERCPU, SYMBOL_KINDS };

/* A relocation type, for what it makes of the symbol. */
enum meaning { NOTHING, DISTANCE32, DISTANCE64, ADDRESS32, ADDRESS64, MEANINGS };

struct maker {
	const struct elf_file *elf;
	const struct kernel *kernel;
	bool wide;
	uint64_t budget_len;   /* of sections that may yet be read */
	unsigned percpu;       /* the per-CPU section that is linked at 0, or 0 */
	uint64_t percpu_vaddr; /* where it is loaded, in the kernel's mapping */
	unsigned symtab;       /* the section that kinds[] is about; 0: none so far */
	uint8_t *kinds;        /* enum symbol_kind of each symbol */
	uint64_t nr_symbols;
	struct reloc_lists lists;
};

/* An entry of a relocation section, of either class. */
struct reloc {
	uint64_t offset, off; /* r_offset; and its own place in the file */
	uint32_t type, symbol;
};

/* ---- Sections ---- */

/* How many entries of that size a section has; it counts against the budget. */
static int take_entries(struct maker *maker, const Elf64_Shdr *s, size_t entry_len, uint64_t *ret, struct pb_error *err)
{
	if (s->sh_entsize != entry_len)
		return fail(err, PB_E_RANGE, "sh_entsize", s->sh_entsize, entry_len, s->sh_offset);
	if (s->sh_size > maker->budget_len)
		return fail(err, PB_E_LIMIT, "sh_size", s->sh_size, maker->budget_len, s->sh_offset);
	maker->budget_len -= s->sh_size;
	*ret = s->sh_size / entry_len;
	return 0;
}

/* The section that another names in a field. */
static int named_section(const struct maker *maker, const char *field, uint32_t index, Elf64_Shdr *ret,
			 struct pb_error *err)
{
	if (index >= maker->elf->ehdr.e_shnum)
		return fail(err, PB_E_RANGE, field, index, maker->elf->ehdr.e_shnum, 0);
	return elf_shdr(maker->elf, index, ret, err);
}

/* Where a section's first byte is loaded, in the kernel's own mapping. */
static int loaded_at(const struct maker *maker, const Elf64_Shdr *s, uint64_t *ret, struct pb_error *err)
{
	const struct kernel *kernel = maker->kernel;

	for (unsigned i = 0; i < kernel->nr_segments; i++) {
		const struct segment *segment = &kernel->segments[i];

		if (s->sh_offset < segment->file_off || s->sh_offset - segment->file_off >= segment->file_len)
			continue;
		*ret = segment->gpa + (s->sh_offset - segment->file_off) + kernel_bias(kernel);
		return 0;
	}
	return fail(err, PB_E_RELOC, ".data..percpu", s->sh_offset, kernel->elf_len, s->sh_offset);
}

static int find_percpu(struct maker *maker, struct pb_error *err)
{
	for (unsigned i = 1; maker->wide && i < maker->elf->ehdr.e_shnum; i++) {
		Elf64_Shdr s;
		bool found = false;
		int rc = elf_shdr(maker->elf, i, &s, err);

		if (rc == 0 && s.sh_addr == 0 && s.sh_flags & SHF_ALLOC && s.sh_size)
			rc = elf_section_is(maker->elf, &s, ".data..percpu", &found, err);
		if (rc == 0 && found) {
			maker->percpu = i;
			return loaded_at(maker, &s, &maker->percpu_vaddr, err);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- Symbols ---- */

/*
 * Symbols that linker scripts set to a place in the kernel, and that linkers
 * of some years call absolute, or count to the per-CPU section behind which
 * they stand. A star: whatever follows.
 */
static const char *const moving[] = {
	"_end",
	"__alt_instructions",
	"__alt_instructions_end",
	"__apicdrivers",
	"__apicdrivers_end",
	"__end_builtin_fw",
	"__end_pci_*",
	"__end_rodata",
	"__end_rodata_aligned",
	"__end_rodata_hpage_align",
	"__init_begin",
	"__init_end",
	"__initramfs_start",
	"__iommu_table",
	"__iommu_table_end",
	"__parainstructions",
	"__parainstructions_end",
	"__per_cpu_load",
	"__smp_locks",
	"__smp_locks_end",
	"__start___bug_table",
	"__start___kcrctab",
	"__start___kcrctab_gpl",
	"__start___ksymtab",
	"__start___ksymtab_gpl",
	"__start___modver",
	"__start___param",
	"__start_builtin_fw",
	"__start_notes",
	"__start_pci_*",
	"__stop___bug_table",
	"__stop___kcrctab",
	"__stop___kcrctab_gpl",
	"__stop___ksymtab",
	"__stop___ksymtab_gpl",
	"__stop___modver",
	"__stop___param",
	"__stop_notes",
	"__tracedata_end",
	"__tracedata_start",
	"__vvar_page",
	"__x86_cpu_dev_end",
	"__x86_cpu_dev_start",
	"init_per_cpu__*",
	"jiffies",
	"jiffies_64",
};

static bool name_moves(const char *name)
{
	for (size_t i = 0; i < sizeof(moving) / sizeof(moving[0]); i++) {
		size_t len = strcspn(moving[i], "*");

		if (strncmp(name, moving[i], len) == 0 && (moving[i][len] == '*' || name[len] == '\0'))
			return true;
	}
	return false;
}

/* The symbols' names, with a NUL behind them. */
struct names {
	char *text;
	uint64_t len;
};

static int load_names(struct maker *maker, uint32_t index, struct names *ret, struct pb_error *err)
{
	Elf64_Shdr s;
	uint64_t len = 0;
	int rc = named_section(maker, "symbol table's sh_link", index, &s, err);

	if (rc == 0) {
		s.sh_entsize = 1; /* most linkers leave it 0 */
		rc = take_entries(maker, &s, 1, &len, err);
	}
	if (rc < 0)
		return rc;

	char *text = calloc(1, len + 1);

	if (!text)
		return fail_nomem(err, len + 1);
	rc = elf_read(maker->elf, s.sh_offset, text, len, "symbol names", err);
	if (rc < 0)
		free(text);
	else
		*ret = (struct names){ text, len };
	return rc;
}

static int kind_of(const struct maker *maker, const struct names *names, const Elf64_Sym *symbol, uint8_t *ret,
		   struct pb_error *err)
{
	const char *name = symbol->st_name < names->len ? names->text + symbol->st_name : "";
	enum symbol_kind kind = SYMBOL_MOVES;

	if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx == SHN_ABS)
		kind = SYMBOL_FIXED;
	else if (symbol->st_shndx >= maker->elf->ehdr.e_shnum)
		return fail(err, PB_E_RELOC, "st_shndx", symbol->st_shndx, maker->elf->ehdr.e_shnum, 0);
	else if (symbol->st_shndx == maker->percpu)
		kind = SYMBOL_PERCPU;
	if (kind != SYMBOL_MOVES && symbol->st_shndx != SHN_UNDEF && name_moves(name))
		kind = SYMBOL_MOVES;
	*ret = (uint8_t)kind;
	return 0;
}

static int read_symbols(const struct maker *maker, uint64_t off, size_t count, Elf64_Sym *ret, struct pb_error *err)
{
	Elf32_Sym narrow[CHUNK_ENTRIES];
	int rc;

	if (maker->wide)
		return elf_read(maker->elf, off, ret, count * sizeof(*ret), "symbol table", err);
	rc = elf_read(maker->elf, off, narrow, count * sizeof(*narrow), "symbol table", err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		ret[i] = (Elf64_Sym){ .st_name = narrow[i].st_name, .st_shndx = narrow[i].st_shndx };
	return rc;
}

static size_t chunk_of(uint64_t left)
{
	return left < CHUNK_ENTRIES ? (size_t)left : CHUNK_ENTRIES;
}

static int sort_symbols(struct maker *maker, const Elf64_Shdr *s, const struct names *names, struct pb_error *err)
{
	Elf64_Sym symbols[CHUNK_ENTRIES];
	int rc = 0;

	for (uint64_t done = 0; done < maker->nr_symbols && rc == 0;) {
		size_t count = chunk_of(maker->nr_symbols - done);

		rc = read_symbols(maker, s->sh_offset + done * s->sh_entsize, count, symbols, err);
		for (size_t i = 0; i < count && rc == 0; i++)
			rc = kind_of(maker, names, &symbols[i], &maker->kinds[done + i], err);
		done += count;
	}
	return rc;
}

/* The symbol table that relocations are about: a linked file has one. */
static int load_symbols(struct maker *maker, uint32_t index, struct pb_error *err)
{
	struct names names = { 0 };
	Elf64_Shdr s;
	int rc;

	if (maker->symtab && maker->symtab == index)
		return 0;
	rc = named_section(maker, "sh_link", index, &s, err);
	if (rc < 0)
		return rc;
	if (maker->symtab)
		return fail(err, PB_E_RELOC, "sh_link", index, maker->symtab, s.sh_offset);
	if (s.sh_type != SHT_SYMTAB)
		return fail(err, PB_E_RELOC, "symbol table's sh_type", s.sh_type, SHT_SYMTAB, s.sh_offset);
	rc = take_entries(maker, &s, maker->wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym), &maker->nr_symbols, err);
	if (rc == 0)
		rc = load_names(maker, s.sh_link, &names, err);
	if (rc < 0)
		return rc;
	maker->symtab = index;
	maker->kinds = malloc(maker->nr_symbols + 1);
	rc = maker->kinds ? sort_symbols(maker, &s, &names, err) : fail_nomem(err, maker->nr_symbols + 1);
	free(names.text);
	return rc;
}

/* ---- One relocation ---- */

struct type_row {
	uint32_t type;
	enum meaning meaning;
};

static const struct type_row types64[] = {
	{ R_X86_64_PC32, DISTANCE32 },
	{ R_X86_64_PLT32, DISTANCE32 },
	{ R_X86_64_64, ADDRESS64 },
	{ R_X86_64_32S, ADDRESS32 },
	{ R_X86_64_32, ADDRESS32 },
	{ R_X86_64_PC64, DISTANCE64 },
	{ R_X86_64_REX_GOTPCRELX, DISTANCE32 }, /* clang's, and the linker has made a PC32 of it */
	{ R_X86_64_NONE, NOTHING },
};

static const struct type_row types32[] = {
	{ R_386_32, ADDRESS32 }, { R_386_PC32, NOTHING }, { R_386_PLT32, NOTHING },
	{ R_386_PC16, NOTHING }, { R_386_PC8, NOTHING },  { R_386_NONE, NOTHING },
};

#define NO_GROUP RELOC_GROUPS       /* the field stays as it is */
#define REFUSED  (RELOC_GROUPS + 1) /* the table has no group for it */

/* In which group a field goes. */
static const unsigned groups[MEANINGS][SYMBOL_KINDS] = {
	[NOTHING] = { NO_GROUP, NO_GROUP, NO_GROUP },
	[DISTANCE32] = { NO_GROUP, NO_GROUP, [SYMBOL_PERCPU] = RELOC_INVERSE32 },
	[DISTANCE64] = { NO_GROUP, NO_GROUP, [SYMBOL_PERCPU] = REFUSED },
	[ADDRESS32] = { NO_GROUP, [SYMBOL_MOVES] = RELOC_ABS32, NO_GROUP },
	[ADDRESS64] = { NO_GROUP, [SYMBOL_MOVES] = RELOC_ABS64, NO_GROUP },
};

static int group_of(const struct maker *maker, const struct reloc *reloc, unsigned *ret, struct pb_error *err)
{
	const struct type_row *rows = maker->wide ? types64 : types32;
	size_t count = maker->wide ? sizeof(types64) / sizeof(*rows) : sizeof(types32) / sizeof(*rows);

	if (reloc->symbol >= maker->nr_symbols)
		return fail(err, PB_E_RELOC, "relocation's symbol", reloc->symbol, maker->nr_symbols, reloc->off);
	*ret = REFUSED;
	for (size_t i = 0; i < count; i++)
		if (rows[i].type == reloc->type)
			*ret = groups[rows[i].meaning][maker->kinds[reloc->symbol]];
	if (*ret == REFUSED)
		return fail(err, PB_E_RELOC, "relocation type", reloc->type, 0, reloc->off);
	return 0;
}

static int add_word(struct reloc_lists *lists, unsigned group, uint32_t word, struct pb_error *err)
{
	size_t room = lists->group[group].room;

	if (lists->group[group].count == room) {
		uint32_t *words;

		room = room ? 2 * room : CHUNK_ENTRIES;
		words = realloc(lists->group[group].words, room * sizeof(*words));
		if (!words)
			return fail_nomem(err, room * sizeof(*words));
		lists->group[group].words = words;
		lists->group[group].room = room;
	}
	lists->group[group].words[lists->group[group].count++] = word;
	return 0;
}

/* The table has room for the low half of an address, which is where 64-bit kernels are linked. */
static int take_reloc(struct maker *maker, const Elf64_Shdr *target, uint64_t load_delta, const struct reloc *reloc,
		      struct pb_error *err)
{
	uint64_t vaddr = reloc->offset + load_delta;
	unsigned group;
	int rc = group_of(maker, reloc, &group, err);

	if (rc < 0 || group == NO_GROUP)
		return rc;
	if (reloc->offset < target->sh_addr || reloc->offset - target->sh_addr >= target->sh_size)
		return fail(err, PB_E_RELOC, "r_offset", reloc->offset, target->sh_addr + target->sh_size, reloc->off);
	if (maker->wide && vaddr != (uint64_t)(int64_t)(int32_t)vaddr)
		return fail(err, PB_E_RELOC, "relocated address", vaddr, INT32_MAX, reloc->off);
	return add_word(&maker->lists, group, (uint32_t)vaddr, err);
}

/* ---- A section of relocations ---- */

static int read_relocs(const struct maker *maker, uint64_t off, size_t count, struct reloc *ret, struct pb_error *err)
{
	union {
		Elf64_Rela wide[CHUNK_ENTRIES];
		Elf32_Rel narrow[CHUNK_ENTRIES];
	} raw;
	size_t entry_len = maker->wide ? sizeof(raw.wide[0]) : sizeof(raw.narrow[0]);
	int rc = elf_read(maker->elf, off, &raw, count * entry_len, "relocation section", err);

	for (size_t i = 0; i < count && rc == 0; i++) {
		const Elf64_Rela *w = &raw.wide[i];
		const Elf32_Rel *n = &raw.narrow[i];

		if (maker->wide)
			ret[i] = (struct reloc){ .offset = w->r_offset,
						 .type = (uint32_t)ELF64_R_TYPE(w->r_info),
						 .symbol = (uint32_t)ELF64_R_SYM(w->r_info) };
		else
			ret[i] = (struct reloc){ .offset = n->r_offset,
						 .type = ELF32_R_TYPE(n->r_info),
						 .symbol = ELF32_R_SYM(n->r_info) };
		ret[i].off = off + i * entry_len;
	}
	return rc;
}

static int take_section(struct maker *maker, const Elf64_Shdr *s, const Elf64_Shdr *target, struct pb_error *err)
{
	uint64_t load_delta = maker->percpu && s->sh_info == maker->percpu ? maker->percpu_vaddr : 0, count;
	struct reloc relocs[CHUNK_ENTRIES];
	int rc = load_symbols(maker, s->sh_link, err);

	if (rc == 0)
		rc = take_entries(maker, s, maker->wide ? sizeof(Elf64_Rela) : sizeof(Elf32_Rel), &count, err);
	for (uint64_t done = 0; rc == 0 && done < count;) {
		size_t chunk = chunk_of(count - done);

		rc = read_relocs(maker, s->sh_offset + done * s->sh_entsize, chunk, relocs, err);
		for (size_t i = 0; i < chunk && rc == 0; i++)
			rc = take_reloc(maker, target, load_delta, &relocs[i], err);
		done += chunk;
	}
	return rc;
}

/* Relocations that are loaded themselves are a dynamic linker's; each class has one kind of the others. */
static int look_at_section(struct maker *maker, const Elf64_Shdr *s, struct pb_error *err)
{
	Elf64_Shdr target;
	int rc;

	if ((s->sh_type != SHT_RELA && s->sh_type != SHT_REL) || s->sh_flags & SHF_ALLOC)
		return 0;
	rc = named_section(maker, "sh_info", s->sh_info, &target, err);
	if (rc < 0 || !(target.sh_flags & SHF_ALLOC) || target.sh_type == SHT_NOTE)
		return rc;
	if (s->sh_type != (maker->wide ? SHT_RELA : SHT_REL))
		return fail(err, PB_E_RELOC, "sh_type", s->sh_type, maker->wide ? SHT_RELA : SHT_REL, s->sh_offset);
	return take_section(maker, s, &target, err);
}

/* ---- All of them ---- */

static int compare_words(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

void reloc_lists_free(struct reloc_lists *lists)
{
	for (unsigned g = 0; g < RELOC_GROUPS; g++)
		free(lists->group[g].words);
	*lists = (struct reloc_lists){ 0 };
}

int reloc_lists_make(const struct elf_file *elf, const struct kernel *kernel, const struct pb_limits *limits,
		     struct reloc_lists *ret, struct pb_error *err)
{
	struct maker maker = {
		.elf = elf, .kernel = kernel, .wide = elf->elf_class == 64, .budget_len = limits->unpacked_len
	};
	int rc = find_percpu(&maker, err);

	for (unsigned i = 1; i < elf->ehdr.e_shnum && rc == 0; i++) {
		Elf64_Shdr s;

		rc = elf_shdr(elf, i, &s, err);
		if (rc == 0)
			rc = look_at_section(&maker, &s, err);
	}
	free(maker.kinds);
	for (unsigned g = 0; g < RELOC_GROUPS && rc == 0; g++)
		if (maker.lists.group[g].count)
			qsort(maker.lists.group[g].words, maker.lists.group[g].count, sizeof(uint32_t), compare_words);
	if (rc < 0)
		reloc_lists_free(&maker.lists);
	else
		*ret = maker.lists;
	return rc;
}
