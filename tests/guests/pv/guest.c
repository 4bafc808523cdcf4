/* SPDX-License-Identifier: MIT */
/* What every PV guest here needs: lines of TAP on the console ring, its own page tables, a start and an end. */
#include "guest.h"

const struct start_info *start_info;
xen_pfn_t *p2m;
static unsigned number, failures;

/* ---- Printing ---- */

size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

bool same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

/* The initial area maps every page of the guest at its place above VIRT_BASE. */
struct xencons_interface *console_ring(void)
{
	const xen_pfn_t *pfn_of_mfn = (const xen_pfn_t *)M2P;

	return (void *)(VIRT_BASE + pfn_of_mfn[start_info->console.domU.mfn] * PAGE);
}

/* By the shared ring: console_io is not for a domain's guests on a release build of Xen. */
static void print_by_ring(const char *s)
{
	struct xencons_interface *ring = console_ring();
	struct evtchn_send send = { start_info->console.domU.evtchn };

	while (*s) {
		if (ring->out_prod - *(volatile XENCONS_RING_IDX *)&ring->out_cons == sizeof(ring->out)) {
			call(__HYPERVISOR_event_channel_op, EVTCHNOP_send, P(send), 0, 0, 0);
			call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
			continue;
		}
		ring->out[MASK_XENCONS_IDX(ring->out_prod, ring->out)] = *s++;
		__asm__ volatile("" ::: "memory");
		ring->out_prod++;
	}
	call(__HYPERVISOR_event_channel_op, EVTCHNOP_send, P(send), 0, 0, 0);
}

void (*print)(const char *s) = print_by_ring;

void print_number(long value)
{
	char digits[24], *p = digits + sizeof(digits) - 1;
	unsigned long v = value < 0 ? -(unsigned long)value : (unsigned long)value;

	*p = 0;
	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	if (value < 0)
		*--p = '-';
	print(p);
}

void check(const char *what, long got, long want)
{
	number++;
	if (got != want)
		failures++;
	print(got == want ? "ok " : "not ok ");
	print_number(number);
	print(" - ");
	print(what);
	if (got != want) {
		print(" # got ");
		print_number(got);
		print(", not ");
		print_number(want);
	}
	print("\n");
}

/* TAP's plan, at the end. */
bool all_held(void)
{
	print("1..");
	print_number((long)number);
	print("\n");
	return failures == 0;
}

void shut_down(unsigned reason)
{
	struct sched_shutdown op = { reason };

	call(__HYPERVISOR_sched_op, SCHEDOP_shutdown, P(op), 0, 0, 0);
}

/* ---- The guest's own memory ---- */

unsigned long pfn_of(const void *va)
{
	return ((unsigned long)va - VIRT_BASE) / PAGE;
}

uint64_t mfn_of(const void *va)
{
	return p2m[pfn_of(va)];
}

/* The initial tables, top level first: the one below an entry, by looking for its frame. */
static uint64_t *table_of(uint64_t pte)
{
	uint64_t *tables = (uint64_t *)start_info->pt_base;

	for (unsigned long i = 0; i < start_info->nr_pt_frames; i++)
		if (mfn_of(tables + i * 512) == (pte >> 12 & 0xffffffffff))
			return tables + i * 512;
	return NULL;
}

/* Where an address's entry is in its table of that level. */
unsigned slot_of(const void *va, unsigned level)
{
	return (unsigned long)va >> (12 + 9 * (level - 1)) & 511;
}

uint64_t *table_at(const void *va, unsigned level)
{
	uint64_t *table = (uint64_t *)start_info->pt_base;

	for (unsigned l = LEVELS; l > level && table; l--)
		table = table_of(table[slot_of(va, l)]);
	return table;
}

uint64_t *leaf_of(const void *va)
{
	return &table_at(va, 1)[slot_of(va, 1)];
}

long update(uint64_t maddr, uint64_t value)
{
	struct mmu_update u = { maddr, value };

	return call(__HYPERVISOR_mmu_update, P(u), 1, 0, DOMID_SELF, 0);
}

long ext(unsigned cmd, uint64_t mfn)
{
	struct mmuext_op op = { .cmd = cmd, .arg1.mfn = mfn };

	return call(__HYPERVISOR_mmuext_op, P(op), 1, 0, DOMID_SELF, 0);
}

uint64_t pte_of(const void *va)
{
	return *leaf_of(va);
}

/* ---- The start and the end ---- */

/* The class's handlers, one a vector; int n from a process is for 3, 4 and the gate by which it comes back. */
long set_traps(void)
{
	struct trap_info traps[TRAPS + 1] = { { 0 } };

	for (unsigned n = 0; n < TRAPS; n++)
		traps[n] = (struct trap_info){ (uint8_t)(n < 32 ? n : BACK), n == 3 || n == 4 || n == 32 ? 3 : 0,
					       FLAT_KERNEL_CS, trap_entries[n] };
	return call(__HYPERVISOR_set_trap_table, (unsigned long)traps, 0, 0, 0, 0);
}

void guest_start(const struct start_info *si)
{
	start_info = si;
	p2m = (xen_pfn_t *)si->mfn_list;
	set_traps();
	guest_main();
	shut_down(all_held() ? SHUTDOWN_poweroff : SHUTDOWN_crash);
	for (;;)
		;
}

/* "KEY=NAME" on the command line. */
bool asked_for(const char *key, const char *name)
{
	return stands_in((const char *)start_info->cmd_line, key, name);
}

bool stands_in(const char *line, const char *key, const char *name)
{
	size_t k = length(key), n = length(name);

	for (; *line; line++) {
		size_t i = 0;

		while (i < k && line[i] == key[i])
			i++;
		if (i < k || line[k] != '=')
			continue;
		for (i = 0; i < n && line[k + 1 + i] == name[i]; i++)
			;
		return i == n && (!line[k + 1 + n] || line[k + 1 + n] == ' ');
	}
	return false;
}
