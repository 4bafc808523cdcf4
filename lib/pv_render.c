/* SPDX-License-Identifier: MIT */
/*
 * Makes the pages of a PV domain that hold machine frame numbers. Nothing is
 * looked up in memory: pv_layout.h's runs say what each entry of each table
 * leads to, so a page costs its 512 entries and no page is needed twice.
 */
#include "pv_render.h"

#include <string.h>
#include <xen/xen.h>

#include "plan/arith.h"
#include "plan/memory_map.h"

#define TABLE_ENTRIES 512u

#define PTE_PRESENT   1ull
#define PTE_WRITABLE  2ull
#define PTE_USER      4ull
#define PTE_ACCESSED  0x20ull
#define PTE_DIRTY     0x40ull

/*
 * A leaf that is read-only, what makes it writable, and a link to a table. A
 * 32-bit kernel's pages are its own by not being its processes'; a 64-bit
 * one, which runs where they do, needs the user bit. PAE's top level has no
 * bits of protection at all.
 */
#define LEAF32   (PTE_PRESENT | PTE_ACCESSED)
#define LEAF64   (LEAF32 | PTE_USER)
#define WRITABLE (PTE_WRITABLE | PTE_DIRTY)
#define LINK     (LEAF64 | WRITABLE)
#define LINK_TOP PTE_PRESENT

/* ---- Page tables ------------------------------------------------------- */

/* A table's entries that lead to frames of this run. */
struct piece {
	unsigned first; /* of the entries */
	uint64_t count, pfn;
};

/* What a run of the level below has for the table of that number. */
static struct piece piece_of(const struct pv_run *run, uint64_t table)
{
	uint64_t from = max_u64(run->first, table * TABLE_ENTRIES);
	uint64_t end = min_u64(run->first + run->count, (table + 1) * TABLE_ENTRIES);

	if (from >= end)
		return (struct piece){ 0 };
	return (struct piece){ from % TABLE_ENTRIES, end - from, run->pfn + (from - run->first) };
}

/* A page table is read-only to its own guest. */
static uint64_t leaf_flags(const struct pv_layout *layout, uint64_t pfn)
{
	bool table = pv_holds(&layout->tables, pfn) || pv_holds(&layout->p2m_tables, pfn);

	return (layout->notes.elf_class == 32 ? LEAF32 : LEAF64) | (table ? 0 : WRITABLE);
}

static uint64_t entry_flags(const struct pv_layout *layout, unsigned level, uint64_t pfn)
{
	if (level == 1)
		return leaf_flags(layout, pfn);
	return level == layout->levels && layout->notes.elf_class == 32 ? LINK_TOP : LINK;
}

static void fill_piece(struct pv_renderer *renderer, unsigned level, const struct piece *piece, uint64_t *entries)
{
	const struct pv_layout *layout = &renderer->body->pv;
	uint64_t done = 0, run, mfn = 0;

	for (; done < piece->count; done += run) {
		run = min_u64(frames_run(&renderer->frames, piece->pfn + done, &mfn), piece->count - done);
		if (run == 0)
			return;
		for (uint64_t i = 0; i < run; i++) {
			uint64_t flags = entry_flags(layout, level, piece->pfn + done + i);

			entries[piece->first + done + i] = (mfn + i) << 12 | flags;
		}
	}
}

/* Which table a frame is: its level, and its number there. Level 0: none. */
static unsigned table_at(const struct pv_layout *layout, uint64_t pfn, uint64_t *ret_number)
{
	for (unsigned i = 0; i < PV_MAPPINGS; i++)
		for (unsigned level = layout->levels; level > 0; level--) {
			const struct pv_run *run = &layout->mappings[i].level[level];

			if (pfn < run->pfn || pfn - run->pfn >= run->count)
				continue;
			*ret_number = run->first + (pfn - run->pfn);
			return level;
		}
	return 0;
}

static void render_table(struct pv_renderer *renderer, uint64_t pfn, uint8_t *page)
{
	const struct pv_layout *layout = &renderer->body->pv;
	uint64_t entries[TABLE_ENTRIES] = { 0 }, number = 0;
	unsigned level = table_at(layout, pfn, &number);

	for (unsigned i = 0; level && i < PV_MAPPINGS; i++) {
		struct piece piece = piece_of(&layout->mappings[i].level[level - 1], number);

		fill_piece(renderer, level, &piece, entries);
	}
	memcpy(page, entries, sizeof(entries));
}

/* ---- The p2m list ------------------------------------------------------ */

/* Frames that follow one another, as the words of a list; each of a length that the compiler knows. */
static void put_frames(const struct pv_layout *layout, uint8_t *list, uint64_t mfn, uint64_t count)
{
	uint8_t *end = list + count * layout->word_len;
	uint32_t low;

	if (layout->word_len == sizeof(mfn))
		for (; list < end; list += sizeof(mfn), mfn++)
			memcpy(list, &mfn, sizeof(mfn));
	for (; list < end; list += sizeof(low), mfn++) {
		low = (uint32_t)mfn;
		memcpy(list, &low, sizeof(low));
	}
}

static void render_p2m(struct pv_renderer *renderer, uint64_t pfn, uint8_t *page)
{
	const struct pv_layout *layout = &renderer->body->pv;
	uint64_t per_page = PLAN_PAGE_LEN / layout->word_len, first = (pfn - layout->p2m.pfn) * per_page;
	uint64_t count = min_u64(per_page, layout->nr_pages - first), mfn = 0, run;

	memset(page, 0, PLAN_PAGE_LEN);
	for (uint64_t done = 0; done < count; done += run) {
		run = min_u64(frames_run(&renderer->frames, first + done, &mfn), count - done);
		if (run == 0)
			return;
		put_frames(layout, page + done * layout->word_len, mfn, run);
	}
}

/* ---- start_info -------------------------------------------------------- */

static uint64_t mfn_of(struct pv_renderer *renderer, uint64_t pfn)
{
	uint64_t mfn = 0;

	frames_run(&renderer->frames, pfn, &mfn);
	return mfn;
}

/* struct start_info of either class: its longs are 8 or 4 bytes, and nothing else differs. */
struct writer {
	uint8_t *at;
	unsigned long_len;
};

static void put_int(struct writer *writer, uint32_t value)
{
	memcpy(writer->at, &value, sizeof(value));
	writer->at += writer->long_len; /* what follows each of them is aligned to a long */
}

static void put_long(struct writer *writer, uint64_t value)
{
	memcpy(writer->at, &value, writer->long_len);
	writer->at += writer->long_len;
}

static void put_text(struct writer *writer, const void *text, size_t len, size_t field_len)
{
	memcpy(writer->at, text, len);
	writer->at += field_len;
}

static void render_start_info(struct pv_renderer *renderer, uint8_t *page)
{
	const struct pb_pv *pv = &renderer->body->pv_start;
	const char *magic = pv->elf_class == 32 ? "xen-3.0-x86_32p" : "xen-3.0-x86_64";
	struct writer writer = { page, pv->elf_class / 8 };

	memset(page, 0, PLAN_PAGE_LEN);
	put_text(&writer, magic, strlen(magic), sizeof(((struct start_info *)NULL)->magic));
	put_long(&writer, pv->nr_pages);
	put_long(&writer, renderer->told.shared_info_maddr);
	put_int(&writer, (uint32_t)pv->flags);
	put_long(&writer, mfn_of(renderer, pv->store_pfn));
	put_int(&writer, renderer->told.store_port);
	put_long(&writer, mfn_of(renderer, pv->console_pfn));
	put_int(&writer, renderer->told.console_port);
	put_long(&writer, pv->pt_base);
	put_long(&writer, pv->nr_pt_frames);
	put_long(&writer, pv->mfn_list);
	put_long(&writer, pv->mod_start);
	put_long(&writer, pv->mod_len);
	put_text(&writer, renderer->cmdline, renderer->body->pv_cmdline.len, MAX_GUEST_CMDLINE);
	put_long(&writer, pv->first_p2m_pfn);
	put_long(&writer, pv->nr_p2m_frames);
}

/* ---- All --------------------------------------------------------------- */

void pv_render(struct pv_renderer *renderer, enum pb_kind kind, uint64_t pfn, uint8_t page[4096])
{
	switch (kind) {
	case PB_KIND_PAGE_TABLES:
		render_table(renderer, pfn, page);
		break;
	case PB_KIND_P2M:
		render_p2m(renderer, pfn, page);
		break;
	default:
		render_start_info(renderer, page);
		break;
	}
}
