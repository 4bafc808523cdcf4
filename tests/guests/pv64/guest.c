/* SPDX-License-Identifier: MIT */
/* What every guest here needs: hypercalls, lines of TAP on the console ring, and its own page tables. */
#include "guest.h"

const struct start_info *start_info;
uint64_t *p2m;
static unsigned number, failures;

/* ---- Hypercalls and printing ---- */

long call(uint64_t nr, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8)
			 : "0"(nr)
			 : "rcx", "r11", "memory");
	return ret;
}

size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

/* The initial area maps every page of the guest at its place above VIRT_BASE. */
struct xencons_interface *console_ring(void)
{
	const uint64_t *pfn_of_mfn = (const uint64_t *)0xffff800000000000;

	return (void *)(VIRT_BASE + pfn_of_mfn[start_info->console.domU.mfn] * PAGE);
}

/* By the shared ring: console_io is not for a domain's guests on a release build of Xen. */
void print(const char *s)
{
	struct xencons_interface *ring = console_ring();
	struct evtchn_send send = { start_info->console.domU.evtchn };

	while (*s) {
		if (ring->out_prod - *(volatile XENCONS_RING_IDX *)&ring->out_cons == sizeof(ring->out)) {
			call(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (uint64_t)&send, 0, 0, 0);
			call(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
			continue;
		}
		ring->out[MASK_XENCONS_IDX(ring->out_prod, ring->out)] = *s++;
		__asm__ volatile("" ::: "memory");
		ring->out_prod++;
	}
	call(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (uint64_t)&send, 0, 0, 0);
}

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

void shut_down(unsigned reason)
{
	struct sched_shutdown op = { reason };

	call(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (uint64_t)&op, 0, 0, 0);
}

/* ---- The guest's own memory ---- */

uint64_t pfn_of(const void *va)
{
	return ((uint64_t)va - VIRT_BASE) / PAGE;
}

uint64_t mfn_of(const void *va)
{
	return p2m[pfn_of(va)];
}

/* The initial tables, top level first: the one below an entry, by looking for its frame. */
static uint64_t *table_of(uint64_t pte)
{
	uint64_t *tables = (uint64_t *)start_info->pt_base;

	for (uint64_t i = 0; i < start_info->nr_pt_frames; i++)
		if (mfn_of(tables + i * 512) == (pte >> 12 & 0xffffffffff))
			return tables + i * 512;
	return NULL;
}

uint64_t *table_at(const void *va, unsigned level)
{
	uint64_t *table = (uint64_t *)start_info->pt_base;

	for (unsigned l = 4; l > level && table; l--)
		table = table_of(table[(uint64_t)va >> (12 + 9 * (l - 1)) & 511]);
	return table;
}

long map_at(const void *va, uint64_t pte)
{
	return call(__HYPERVISOR_update_va_mapping, (uint64_t)va, pte, UVMF_INVLPG, 0, 0);
}

long update(uint64_t maddr, uint64_t value)
{
	struct mmu_update u = { maddr, value };

	return call(__HYPERVISOR_mmu_update, (uint64_t)&u, 1, 0, DOMID_SELF, 0);
}

long ext(unsigned cmd, uint64_t mfn)
{
	struct mmuext_op op = { .cmd = cmd, .arg1.mfn = mfn };

	return call(__HYPERVISOR_mmuext_op, (uint64_t)&op, 1, 0, DOMID_SELF, 0);
}

uint64_t pte_of(const void *va)
{
	return table_at(va, 1)[(uint64_t)va >> 12 & 511];
}

/* ---- The start and the end ---- */

/* Handlers of start.S, one a vector; int n from a process is for 3, 4 and the gate by which it comes back. */
void set_traps(void)
{
	struct trap_info traps[TRAPS + 1] = { { 0 } };

	for (unsigned n = 0; n < TRAPS; n++)
		traps[n] = (struct trap_info){ (uint8_t)(n < 32 ? n : BACK), n == 3 || n == 4 || n == 32 ? 3 : 0,
					       FLAT_KERNEL_CS, trap_entries[n] };
	call(__HYPERVISOR_set_trap_table, (uint64_t)traps, 0, 0, 0, 0);
}

void guest_start(const struct start_info *si)
{
	start_info = si;
	p2m = (uint64_t *)si->mfn_list;
	set_traps();
	guest_main();
	print("1..");
	print_number(number);
	print("\n");
	shut_down(failures ? SHUTDOWN_crash : SHUTDOWN_poweroff);
	for (;;)
		;
}

/* "KEY=NAME" on the command line. */
bool asked_for(const char *key, const char *name)
{
	size_t k = length(key), n = length(name);

	for (const char *line = (const char *)start_info->cmd_line; *line; line++) {
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
