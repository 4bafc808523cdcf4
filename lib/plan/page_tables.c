/* SPDX-License-Identifier: MIT */
/*
 * Identity page tables for 64-bit mode: four levels, 2 MiB pages (QEMU's
 * default CPU has no larger ones), whole GiBs at a time, one page directory each.
 *
 *     page 0        level 4: the table that CR3 points to
 *     pages 1..     level 3: one for each 512 GiB that holds something
 *     pages ..n     level 2: one for each GiB
 */
#include <stdlib.h>

#include "../error.h"
#include "arith.h"
#include "builder.h"
#include "memory_map.h"

#define GIB_SHIFT     30
#define LARGE_LEN     0x200000ull
#define TABLE_ENTRIES 512u
#define GIBS_MAX      64u /* 4, and what lies above 4 GiB: a kernel and its parameters */

#define PTE_PRESENT   0x1ull
#define PTE_WRITE     0x2ull
#define PTE_LARGE     0x80ull

typedef uint64_t page_table[TABLE_ENTRIES];

/* The GiBs to map: sorted, each once. */
struct gibs {
	uint64_t number[GIBS_MAX];
	size_t nr;
};

static bool gibs_add(struct gibs *gibs, uint64_t number)
{
	size_t at = 0;

	while (at < gibs->nr && gibs->number[at] < number)
		at++;
	if (at < gibs->nr && gibs->number[at] == number)
		return true;
	if (gibs->nr == GIBS_MAX)
		return false;
	for (size_t i = gibs->nr++; i > at; i--)
		gibs->number[i] = gibs->number[i - 1];
	gibs->number[at] = number;
	return true;
}

static bool gibs_add_range(struct gibs *gibs, const struct pb_range *range)
{
	uint64_t last = (range->gpa + max_u64(range->len, 1) - 1) >> GIB_SHIFT;

	for (uint64_t number = range->gpa >> GIB_SHIFT; number <= last; number++)
		if (!gibs_add(gibs, number))
			return false;
	return true;
}

/* How many level 3 tables they need. */
static size_t count_level3(const struct gibs *gibs)
{
	size_t n = 0;

	for (size_t i = 0; i < gibs->nr; i++)
		n += i == 0 || gibs->number[i] / TABLE_ENTRIES != gibs->number[i - 1] / TABLE_ENTRIES;
	return n;
}

static uint64_t table_entry(pb_gpa tables_gpa, size_t number)
{
	return (tables_gpa + number * sizeof(page_table)) | PTE_PRESENT | PTE_WRITE;
}

static void fill(page_table *tables, pb_gpa gpa, const struct gibs *gibs)
{
	size_t level3 = 0, level2 = count_level3(gibs);

	for (size_t i = 0; i < gibs->nr; i++) {
		uint64_t number = gibs->number[i];
		uint64_t *top = &tables[0][number / TABLE_ENTRIES];

		if (*top == 0)
			*top = table_entry(gpa, ++level3);
		tables[level3][number % TABLE_ENTRIES] = table_entry(gpa, ++level2);
		for (uint64_t e = 0; e < TABLE_ENTRIES; e++)
			tables[level2][e] =
				((number << GIB_SHIFT) + e * LARGE_LEN) | PTE_PRESENT | PTE_WRITE | PTE_LARGE;
	}
}

int page_tables_put(struct plan_builder *builder, const struct pb_range *ranges, size_t n, pb_gpa *ret,
		    struct pb_error *err)
{
	struct gibs gibs = { .nr = 0 };
	page_table *tables;
	uint64_t len;
	pb_gpa gpa;
	int rc;

	for (size_t i = 0; i < n; i++)
		if (!gibs_add_range(&gibs, &ranges[i]))
			return fail(err, PB_E_NO_ROOM, "page_tables", ranges[i].len, (uint64_t)GIBS_MAX << GIB_SHIFT,
				    0);
	len = (1 + count_level3(&gibs) + gibs.nr) * sizeof(page_table);
	rc = builder_take_small(builder, "page_tables", len, &gpa, err);
	if (rc)
		return rc;
	tables = calloc(1, len);
	if (!tables)
		return fail_nomem(err, len);
	fill(tables, gpa, &gibs);
	rc = builder_put(builder, PB_KIND_PAGE_TABLES, gpa, tables, len, err);
	free(tables);
	*ret = gpa;
	return rc;
}
