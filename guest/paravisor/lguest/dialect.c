/* SPDX-License-Identifier: MIT */
/*
 * Which year's struct lguest_data a guest has. Nothing in it is a version; but
 * of each layout some words are known from its source on: a ring without
 * calls is 64 bytes of 0xff, kernel_address is a boundary in the upper part of
 * the address space, and the addresses without interrupts lie above it.
 */
#include "lguest.h"

#define STATUS_IDLE   0xff
#define LOWEST_KERNEL 0x40000000u
#define KERNEL_ALIGN  0x400000u
#define FIRST_SYSCALL 32u
#define LAST_VECTOR   255u

/* What follows the ring. */
static const struct tail {
	bool pgdir;
	unsigned noirq_words;
} tails[] = {
	{ true, 2 },  /* until 2.6.37 */
	{ false, 2 }, /* 2.6.38 to 4.0 */
	{ false, 1 }, /* from 4.1 on */
};

static struct dialect layout(bool has_pending, unsigned words, const struct tail *tail)
{
	struct dialect d = { .has_pending = has_pending, .words = words, .noirq_words = tail->noirq_words };

	d.may_have_pci = !tail->pgdir;
	d.has_notify = tail->noirq_words == 2;
	d.status = LGUEST_IRQ_PENDING + (has_pending ? 4 : 0);
	d.ring = d.status + LGUEST_RING;
	d.tail = d.ring + LGUEST_RING * words * 4;
	d.pgdir = tail->pgdir ? d.tail + 8 : 0;
	d.noirq = d.tail + (tail->pgdir ? 12 : 8);
	d.kernel_address = d.noirq + 4 * tail->noirq_words;
	d.syscall_vec = d.kernel_address + 4;
	return d;
}

static uint32_t word_at(uint32_t gpa)
{
	uint32_t word = 0;

	gpa_read(gpa, &word, sizeof(word));
	return word;
}

static bool ring_is_idle(uint32_t gpa)
{
	for (unsigned i = 0; i < LGUEST_RING / 4; i++)
		if (word_at(gpa + 4 * i) != STATUS_IDLE * 0x01010101u)
			return false;
	return true;
}

static bool fits(uint32_t gpa, const struct dialect *d)
{
	uint32_t kernel = word_at(gpa + d->kernel_address), vector = word_at(gpa + d->syscall_vec);

	if (kernel < LOWEST_KERNEL || kernel % KERNEL_ALIGN || vector < FIRST_SYSCALL || vector > LAST_VECTOR)
		return false;
	for (unsigned i = 0; i < d->noirq_words; i++)
		if (word_at(gpa + d->noirq + 4 * i) < kernel)
			return false;
	return (!d->has_pending || word_at(gpa + LGUEST_IRQ_PENDING) == 0) && ring_is_idle(gpa + d->status);
}

bool dialect_find(uint32_t gpa, struct dialect *ret)
{
	if (gpa % 4 || !gpa_va(gpa))
		return false;
	for (unsigned n = 0; n < 4 * ARRAY(tails); n++) {
		struct dialect d = layout(n & 1, n & 2 ? 5 : 4, &tails[n / 4]);

		if (fits(gpa, &d)) {
			*ret = d;
			return true;
		}
	}
	return false;
}
