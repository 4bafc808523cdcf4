/* SPDX-License-Identifier: MIT */
/*
 * The page tables that stand in for the guest's. Its own hold guest-physical
 * addresses, in two levels of 32-bit entries or in PAE's three; the processor
 * walks four levels of ours, made from them when something faults, and
 * forgotten when the guest says that it changed something:
 *
 *   guest     top level                     tables           pages
 *              | one of ROOTS, by address     | one or two leaves, by address
 *   ours      level 4 - 3 - four level 2 --- level 1 -------- machine frames
 *
 * A leaf stands for 512 entries of one guest table wherever that is linked, so
 * that the kernel's are shared by all its processes. It lives as long as a
 * root links it. Leaves and roots are given out of a fixed stock: when the
 * leaves are used up everything is forgotten, a root goes when it was unused
 * the longest.
 *
 * An entry of ours may be there only if the guest's has its accessed bit, and
 * be writable only if that has the dirty bit: so the guest finds these bits as
 * a processor would have left them. No entry ever leads to a frame that is not
 * the guest's; nothing it writes into its tables can change that.
 *
 * Until it has tables of its own, its RAM is mapped one to one, and again from
 * kernel_address on once that is known. Kernels until 2.6.36 run on that for a
 * while, take it for tables that they were given (pgdir of lguest_data), and
 * put entries of their own into them: so wherever the page that they were
 * shown has an entry, that counts, and one to one it is in all other places.
 */
#include "../asm.h"
#include "lguest.h"

#define ROOTS         16
#define LEAVES        2048
#define BUCKETS       512
#define NOBODY        0xffff
#define ENTRIES       512u
#define TOPS          4u /* level 2 tables of a root: a GiB each */
#define LINK          (PTE_P | PTE_W | PTE_U | PTE_A)
#define PAGE_MASK     0xfffff000u

#define LINEAR_RIGHTS (PTE_P | PTE_A | PTE_W | PTE_D)

#define GIVEN_REACH   0xfe000000u /* a kernel's address for the tables it is given: below its fixed mappings */
#define GIVEN_TOP     3u          /* of PAE's four entries, where those are */

/* What a leaf stands for, if not for a guest's table: RAM from here on, one to one. */
#define KEY_LINEAR 1u
#define KEY_SECOND 2u /* the second half of a table of 1024 entries */

struct leaf {
	uint64_t key;
	uint16_t next; /* in its hash chain, or of the free ones */
	uint16_t links;
};

struct root {
	uint32_t gpa; /* NOWHERE: of the one-to-one map, or none */
	bool used;
	uint64_t age;
	uint64_t *l4, *l2[TOPS];
};

static struct root roots[ROOTS], *current;
static struct leaf leaves[LEAVES];
static uint64_t *leaf_pages;
static unsigned nr_leaves;
static uint16_t buckets[BUCKETS], free_leaf;
static uint64_t ages;

static bool linear = true;                       /* the guest has no tables yet */
static enum { UNDECIDED, TWO_LEVEL, PAE } shape; /* of its tables: what it was built for */

/* ---- Leaves ---- */

static uint64_t *page_of(const struct leaf *leaf)
{
	return leaf_pages + (leaf - leaves) * (size_t)ENTRIES;
}

static struct leaf *leaf_of(uint64_t entry)
{
	return &leaves[pte_mfn(entry) - va_frame(leaf_pages)];
}

static uint16_t *bucket(uint64_t key)
{
	return &buckets[(key >> PAGE_SHIFT ^ key) % BUCKETS];
}

static struct leaf *find_leaf(uint64_t key)
{
	for (unsigned i = *bucket(key); i != NOBODY; i = leaves[i].next)
		if (leaves[i].key == key)
			return &leaves[i];
	return NULL;
}

static void give_leaf(struct leaf *leaf)
{
	uint16_t *at = bucket(leaf->key);

	while (&leaves[*at] != leaf)
		at = &leaves[*at].next;
	*at = leaf->next;
	leaf->next = free_leaf;
	free_leaf = (uint16_t)(leaf - leaves);
}

/* Empty. */
static struct leaf *take_leaf(uint64_t key)
{
	struct leaf *leaf;

	if (free_leaf == NOBODY)
		tables_flush_all();
	leaf = &leaves[free_leaf];
	free_leaf = leaf->next;
	*leaf = (struct leaf){ .key = key, .next = *bucket(key) };
	*bucket(key) = (uint16_t)(leaf - leaves);
	memset(page_of(leaf), 0, PAGE);
	return leaf;
}

static void leaves_init(void)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		buckets[i] = NOBODY;
	for (unsigned i = 0; i < nr_leaves; i++)
		leaves[i].next = (uint16_t)(i + 1 < nr_leaves ? i + 1 : NOBODY);
	free_leaf = 0;
}

/* ---- Roots ---- */

static uint64_t *slot_of(const struct root *root, uint32_t va)
{
	return &root->l2[va >> 30][va >> 21 & (ENTRIES - 1)];
}

static void unlink_slot(uint64_t *slot)
{
	struct leaf *leaf;

	if (!(*slot & PTE_P))
		return;
	leaf = leaf_of(*slot);
	*slot = 0;
	if (!--leaf->links)
		give_leaf(leaf);
}

static void unlink_range(struct root *root, unsigned first, unsigned end)
{
	for (unsigned i = first; i < end; i++)
		unlink_slot(&root->l2[i / ENTRIES][i % ENTRIES]);
}

static void flush(const struct root *root)
{
	if (root == current)
		write_cr3(read_cr3());
}

static struct root *find_root(uint32_t gpa)
{
	for (unsigned i = 0; i < ROOTS; i++)
		if (roots[i].used && roots[i].gpa == gpa)
			return &roots[i];
	return NULL;
}

/* The longest unused, empty; never the one that the processor is on. */
static struct root *take_root(uint32_t gpa)
{
	struct root *victim = NULL;

	for (unsigned i = 0; i < ROOTS; i++)
		if (&roots[i] != current && (!victim || roots[i].age < victim->age))
			victim = &roots[i];
	unlink_range(victim, 0, TOPS * ENTRIES);
	victim->gpa = gpa;
	victim->used = true;
	return victim;
}

static void use_root(struct vcpu *v, struct root *root)
{
	root->age = ++ages;
	current = root;
	v->kernel_cr3 = va_frame(root->l4) << PAGE_SHIFT;
	v->kernel_mfn = root->gpa >> PAGE_SHIFT; /* for the crash block */
	if (v->up)
		write_cr3(v->kernel_cr3);
}

static void root_init(struct root *root)
{
	uint64_t *l3 = boot_alloc(1);

	root->gpa = NOWHERE;
	root->l4 = boot_alloc(1);
	memcpy(root->l4 + HV_FIRST, hv_root + HV_FIRST, (HV_END - HV_FIRST) * sizeof(*hv_root));
	root->l4[0] = va_frame(l3) << PAGE_SHIFT | LINK;
	for (unsigned i = 0; i < TOPS; i++) {
		root->l2[i] = boot_alloc(1);
		l3[i] = va_frame(root->l2[i]) << PAGE_SHIFT | LINK;
	}
}

void tables_init(struct vcpu *v)
{
	uint64_t left;

	for (unsigned i = 0; i < ROOTS; i++)
		root_init(&roots[i]);
	left = boot_pages_left();
	nr_leaves = left < LEAVES ? (unsigned)left : LEAVES;
	leaf_pages = boot_alloc(nr_leaves);
	leaves_init();
	use_root(v, take_root(NOWHERE));
}

/* ---- The guest's own tables ---- */

struct walk {
	uint64_t key;   /* of the leaf that stands for the table */
	uint32_t table; /* where in guest memory its 512 entries are; NOWHERE: one to one */
	uint32_t first; /* the page that the leaf's first entry shows, one to one */
	uint64_t upper; /* what the levels above allow: PTE_P, PTE_W, PTE_U */
};

static unsigned entry_len(void)
{
	return shape == PAE ? 8 : 4;
}

static uint64_t entry_at(uint64_t gpa)
{
	uint64_t entry = 0;

	if (!gpa_read(gpa, &entry, entry_len()))
		guest_crash(vcpu_at(0), "a page table at %lx, which is not its memory", gpa);
	return entry;
}

/* One more level down: *at becomes the table there. */
static bool descend(uint64_t *at, unsigned index)
{
	uint64_t entry = entry_at(*at + (uint64_t)index * entry_len());

	*at = entry & PTE_MFN;
	return entry & PTE_P;
}

/* A PAE root's four entries have no rights to give, and no others of a kernel's tables lack them all. */
static void decide_shape(uint32_t root_gpa)
{
	uint32_t words[8] = { 0 };
	bool any = false;

	gpa_read(root_gpa, words, sizeof(words));
	shape = PAE;
	for (unsigned i = 0; i < ARRAY(words); i += 2) {
		any |= words[i] & PTE_P;
		if ((words[i] & (PTE_W | PTE_U)) || words[i + 1])
			shape = TWO_LEVEL;
	}
	if (!any)
		shape = TWO_LEVEL;
}

static bool walk_two_levels(uint32_t va, struct walk *w)
{
	uint64_t pde = entry_at((current->gpa & PAGE_MASK) + (va >> 22) * 4);

	w->upper = pde & (PTE_P | PTE_W | PTE_U);
	if (!(pde & PTE_P))
		return false;
	if (pde & PTE_PS)
		guest_crash(vcpu_at(0), "a page of 4 MiB at %x", va);
	w->table = ((uint32_t)pde & PAGE_MASK) + (va >> 21 & 1) * ENTRIES * 4;
	w->key = ((uint32_t)pde & PAGE_MASK) | (va >> 21 & 1 ? KEY_SECOND : 0);
	return true;
}

static bool walk_pae(uint32_t va, struct walk *w)
{
	uint64_t at = current->gpa, pde;

	w->upper = 0;
	if (!descend(&at, va >> 30))
		return false;
	pde = entry_at(at + (va >> 21 & (ENTRIES - 1)) * 8ul);
	w->upper = pde & (PTE_P | PTE_W | PTE_U);
	if (!(pde & PTE_P))
		return false;
	if (pde & PTE_PS)
		guest_crash(vcpu_at(0), "a page of 2 MiB at %x", va);
	if ((pde & PTE_MFN) >> 32)
		guest_crash(vcpu_at(0), "a page table at %lx, which is not its memory", (uint64_t)(pde & PTE_MFN));
	w->table = (uint32_t)(pde & PTE_MFN);
	w->key = w->table;
	return true;
}

static bool walk_linear(uint32_t va, struct walk *w)
{
	uint64_t end = facts.nr_pages << PAGE_SHIFT;
	uint32_t gpa = lg.kernel_address && va >= lg.kernel_address ? va - lg.kernel_address : va;

	w->upper = 0;
	if (gpa >= end)
		return false;
	w->first = gpa & ~(uint32_t)(ENTRIES * PAGE - 1);
	w->key = w->first | KEY_LINEAR;
	w->table = NOWHERE;
	w->upper = PTE_P | PTE_W;
	return true;
}

static bool walk_own(uint32_t va, struct walk *w)
{
	return shape == PAE ? walk_pae(va, w) : walk_two_levels(va, w);
}

static bool walk_tables(uint32_t va, struct walk *w)
{
	if (!linear)
		return walk_own(va, w);
	return (shape != UNDECIDED && walk_own(va, w)) || walk_linear(va, w);
}

/* ---- Filling ---- */

/* A guest's page may be written without a fault: a processor has done it before. That of its devices tells by its
 * first. */
static bool is_dirty(uint64_t pte)
{
	return (pte & PTE_D) && pte_mfn(pte) != devpage_fresh;
}

/* What our entry is for a guest's; 0 where a processor has not been yet, or that leads to nothing of the guest's. */
static uint64_t shadow_of(uint64_t pte)
{
	uint64_t mfn;

	if ((pte & (PTE_P | PTE_A)) != (PTE_P | PTE_A))
		return 0;
	mfn = pfn_to_mfn(pte_mfn(pte));
	if (mfn == PV_NONE)
		return 0;
	return mfn << PAGE_SHIFT | (pte & (PTE_P | PTE_A | PTE_U)) | (is_dirty(pte) ? pte & (PTE_W | PTE_D) : 0);
}

/* A new leaf shows at once what the guest has used already. */
static void fill(struct leaf *leaf, const struct walk *w)
{
	uint64_t *to = page_of(leaf);

	for (unsigned i = 0; i < ENTRIES; i++)
		to[i] = w->table == NOWHERE ? shadow_of((w->first + i * PAGE) | LINEAR_RIGHTS)
					    : shadow_of(entry_at(w->table + (uint64_t)i * entry_len()));
}

/* The leaf for va, linked into the current root with the rights that the levels above leave. */
static struct leaf *link_leaf(uint32_t va, const struct walk *w)
{
	struct leaf *leaf = find_leaf(w->key);
	uint64_t *slot = slot_of(current, va);
	bool same = leaf && (*slot & PTE_P) && leaf_of(*slot) == leaf;

	if (!same)
		unlink_slot(slot);
	leaf = find_leaf(w->key);
	if (!leaf) {
		leaf = take_leaf(w->key);
		fill(leaf, w);
	}
	leaf->links += !same;
	*slot = va_frame(page_of(leaf)) << PAGE_SHIFT | PTE_P | PTE_A | (w->upper & (PTE_W | PTE_U));
	return leaf;
}

static bool allows(uint64_t rights, uint32_t error)
{
	return (rights & PTE_P) && (!(error & PF_WRITE) || (rights & PTE_W)) &&
	       (!(error & PF_USER) || (rights & PTE_U));
}

/* The guest's entry allows it: it was used now, as a processor would write down. */
static uint64_t use_entry(uint64_t gpa, uint64_t pte, uint32_t error)
{
	uint64_t used = pte | PTE_A | (error & PF_WRITE ? PTE_D : 0);

	if (used != pte)
		gpa_write(gpa, &used, 4); /* both bits are in the low word */
	return used;
}

static void note_write(uint32_t va, uint64_t pte, uint32_t error)
{
	if ((error & PF_WRITE) && pte_mfn(pte) == devpage_fresh)
		devpage_first_write(va & (PAGE - 1));
}

/* Its entry for va in the leaf that w says, as it is from now on. */
static void show(uint32_t va, const struct walk *w, uint64_t pte)
{
	page_of(link_leaf(va, w))[va >> PAGE_SHIFT & (ENTRIES - 1)] = shadow_of(pte);
	invlpg(va);
}

static enum fault linear_fault(uint32_t va, const struct walk *w, uint32_t error)
{
	uint64_t pte = w->first + (va & (uint32_t)(ENTRIES * PAGE - PAGE));

	if (pfn_to_mfn(pte_mfn(pte)) == PV_NONE)
		return FAULT_OF_GUEST;
	note_write(va, pte, error);
	show(va, w, pte | LINEAR_RIGHTS);
	return FAULT_MENDED;
}

/* The guest's memory, or else a device's: then nothing is ever linked there. */
static enum fault fault_where(uint32_t va, uint64_t pte)
{
	if (pfn_to_mfn(pte_mfn(pte)) != PV_NONE)
		return FAULT_MENDED;
	if (!pci_decodes(pte & PTE_MFN))
		guest_crash(vcpu_at(0), "it maps %lx at %x, which is not its memory", pte, va);
	return FAULT_OF_DEVICE;
}

enum fault tables_fault(uint64_t va, uint32_t *error)
{
	struct walk w = { 0 };
	uint64_t pte_gpa, pte;
	unsigned index = va >> PAGE_SHIFT & (ENTRIES - 1);
	enum fault where;

	*error &= ~PF_PRESENT;
	if (va >> 32 || !walk_tables((uint32_t)va, &w))
		return FAULT_OF_GUEST;
	if (w.table == NOWHERE)
		return linear_fault((uint32_t)va, &w, *error);
	pte_gpa = w.table + (uint64_t)index * entry_len();
	pte = entry_at(pte_gpa);
	if (!(pte & PTE_P))
		return FAULT_OF_GUEST;
	*error |= PF_PRESENT;
	if (!allows(w.upper & pte, *error))
		return FAULT_OF_GUEST;
	where = fault_where((uint32_t)va, pte);
	pte = use_entry(pte_gpa, pte, *error);
	note_write((uint32_t)va, pte, *error);
	show((uint32_t)va, &w, pte);
	return where;
}

uint32_t tables_gpa(uint32_t va)
{
	struct walk w = { 0 };
	uint64_t pte;

	if (!walk_tables(va, &w))
		return NOWHERE;
	if (w.table == NOWHERE)
		return w.first + (va & (uint32_t)(ENTRIES * PAGE - 1));
	pte = entry_at(w.table + (uint64_t)(va >> PAGE_SHIFT & (ENTRIES - 1)) * entry_len());
	return pte & PTE_P && !(pte >> 32 & 0xfffff) ? ((uint32_t)pte & PAGE_MASK) | (va & (PAGE - 1)) : NOWHERE;
}

/* ---- Tables that it is given ---- */

/* Behind RAM; where a kernel's own address for that would be none, in what is high memory to it. */
uint32_t tables_give(bool may_be_pae)
{
	uint32_t top = (uint32_t)(facts.nr_pages - 1) << PAGE_SHIFT, middle;
	uint64_t entry;

	if (top > GIVEN_REACH - lg.kernel_address)
		top = GIVEN_REACH - lg.kernel_address;
	middle = top - (uint32_t)PAGE;
	entry = middle | PTE_P;
	memset(gpa_va(top), 0, PAGE);
	memset(gpa_va(middle), 0, PAGE);
	if (may_be_pae)
		gpa_write(top + GIVEN_TOP * sizeof(entry), &entry, sizeof(entry));
	current->gpa = top;
	return top;
}

/* The first entry that it puts there tells; where it has no PAE, PAE's is none. */
static void decide_given(bool is_pae)
{
	const uint64_t none = 0;

	if (!linear || shape != UNDECIDED || current->gpa == NOWHERE)
		return;
	shape = is_pae ? PAE : TWO_LEVEL;
	if (!is_pae && entry_at(current->gpa + GIVEN_TOP * sizeof(none)) == ((current->gpa - PAGE) | PTE_P))
		gpa_write(current->gpa + GIVEN_TOP * sizeof(none), &none, sizeof(none));
}

/* ---- What the guest tells ---- */

void tables_root(struct vcpu *v, uint32_t gpa)
{
	struct root *root;

	if (!gpa_va(gpa))
		guest_crash(v, "page tables at %x, which is not its memory", gpa);
	if (shape == UNDECIDED)
		decide_shape(gpa);
	if (linear && gpa != current->gpa) {
		linear = false;
		tables_flush_all();
	}
	root = find_root(gpa);
	use_root(v, root ? root : take_root(gpa));
}

void tables_flush_user(void)
{
	unlink_range(current, 0, lg.kernel_address >> 21);
	flush(current);
}

void tables_flush_all(void)
{
	for (unsigned i = 0; i < ROOTS; i++)
		for (unsigned n = 0; n < TOPS; n++)
			memset(roots[i].l2[n], 0, PAGE);
	leaves_init();
	flush(current);
}

static void set_entry(struct root *root, uint32_t va, uint64_t pte)
{
	uint64_t slot = *slot_of(root, va);

	if (!(slot & PTE_P) || (leaf_of(slot)->key & KEY_LINEAR))
		return;
	page_of(leaf_of(slot))[va >> PAGE_SHIFT & (ENTRIES - 1)] = shadow_of(pte);
	if (root == current)
		invlpg(va);
}

/* Of the kernel's addresses all its tables are alike, and it tells of one only. */
void tables_set_pte(uint32_t root_gpa, uint32_t va, uint64_t pte)
{
	bool everywhere = lg.kernel_address && va >= lg.kernel_address;

	for (unsigned i = 0; i < ROOTS; i++)
		if (roots[i].used && (everywhere || roots[i].gpa == root_gpa))
			set_entry(&roots[i], va, pte);
}

void tables_set_top(uint32_t root_gpa, uint32_t index)
{
	struct root *root = find_root(root_gpa);
	unsigned slots, count;

	if (root)
		decide_given(false);
	slots = shape == PAE ? ENTRIES : 2;
	count = TOPS * ENTRIES / slots;
	if (index >= count)
		guest_crash(vcpu_at(0), "top-level entry %u of %u", index, count);
	if (!root)
		return;
	unlink_range(root, index * slots, (index + 1) * slots);
	flush(root);
}

/* Every root that has this level 2. */
void tables_set_middle(uint32_t gpa, uint32_t index)
{
	if (index >= ENTRIES)
		guest_crash(vcpu_at(0), "level 2 entry %u of %u", index, ENTRIES);
	decide_given(true);
	if (shape != PAE)
		return;
	for (unsigned i = 0; i < ROOTS; i++)
		for (unsigned n = 0; roots[i].used && roots[i].gpa != NOWHERE && n < TOPS; n++) {
			uint64_t at = roots[i].gpa;

			if (gpa_va(at) && descend(&at, n) && at == gpa)
				unlink_range(&roots[i], n * ENTRIES + index, n * ENTRIES + index + 1);
		}
	flush(current);
}
