/* SPDX-License-Identifier: MIT */
/*
 * The devices of kernels until 3.19: described in the page behind RAM, with
 * their queues in pages behind that. There is one, the console:
 *
 *   RAM's end   the descriptor; a page of its own
 *   + 1 page    what is typed
 *   + 4 pages   what is printed
 *   last two    the tables that pgdir of lguest_data names (tables_give())
 *
 * A descriptor had one form in 2.6.24 and another from 2.6.25 on, and nothing
 * else that a kernel tells before it reads it sets these two apart. But the
 * first byte that a kernel writes there does: each begins with the status,
 * which had another place, and neither has read until then what the other form
 * has different. So that write faults (shadow.c), and the page becomes what the
 * kernel takes it for.
 */
#include "console.h"

#include <linux/virtio_ids.h>

#define QUEUE_PAGES 3u
#define AVAIL_OFF   (QUEUE_NUM * (uint32_t)sizeof(struct vring_desc))
#define USED_OFF    (2 * (uint32_t)PAGE)

_Static_assert(AVAIL_OFF + sizeof(struct vring_avail) + 2 * QUEUE_NUM <= USED_OFF, "both rings of QUEUE_NUM");
_Static_assert(USED_OFF + sizeof(struct vring_used) + 8 * QUEUE_NUM <= QUEUE_PAGES * PAGE, "both rings of QUEUE_NUM");

struct first_form {
	struct lguest_device_desc_2_6_24 desc;
	struct {
		struct lguest_field_2_6_24 field;
		struct lguest_vqconfig config;
	} __attribute__((packed)) queues[CONSOLE_QUEUES];
} __attribute__((packed));

struct later_form {
	struct lguest_device_desc desc;
	struct lguest_vqconfig queues[CONSOLE_QUEUES];
} __attribute__((packed));

uint64_t devpage_fresh; /* its frame in the guest, until something was written there; then PV_NONE */

static uint32_t ram_end(void)
{
	return (uint32_t)(facts.ram_pages << PAGE_SHIFT);
}

static uint32_t queue_gpa(unsigned n)
{
	return ram_end() + (uint32_t)PAGE * (1 + n * QUEUE_PAGES);
}

static struct lguest_vqconfig queue_config(unsigned n)
{
	return (struct lguest_vqconfig){ QUEUE_NUM, (uint16_t)(CONSOLE_IRQ + n), queue_gpa(n) >> PAGE_SHIFT };
}

static void describe_as_later(void)
{
	struct later_form page = { .desc = { .type = VIRTIO_ID_CONSOLE, .num_vq = CONSOLE_QUEUES } };

	for (unsigned n = 0; n < CONSOLE_QUEUES; n++)
		page.queues[n] = queue_config(n);
	gpa_write(ram_end(), &page, sizeof(page));
}

static void describe_as_first(void)
{
	struct first_form page = { .desc = { .type = VIRTIO_ID_CONSOLE, .config_len = sizeof(page.queues) } };

	for (unsigned n = 0; n < CONSOLE_QUEUES; n++) {
		page.queues[n].field =
			(struct lguest_field_2_6_24){ LGUEST_FIELD_VIRTQUEUE, sizeof(struct lguest_vqconfig) };
		page.queues[n].config = queue_config(n);
	}
	gpa_write(ram_end(), &page, sizeof(page));
}

static void queue_reset(unsigned n)
{
	uint32_t gpa = queue_gpa(n);

	for (unsigned i = 0; i < QUEUE_PAGES; i++)
		memset(gpa_va(gpa + i * PAGE), 0, PAGE);
	queue_start(&console_queues[n], QUEUE_NUM, gpa, gpa + AVAIL_OFF, gpa + USED_OFF);
}

void devpage_init(void)
{
	for (unsigned n = 0; n < CONSOLE_QUEUES; n++) {
		console_queues[n].irq = CONSOLE_IRQ + n;
		queue_reset(n);
	}
	memset(gpa_va(ram_end()), 0, PAGE);
	describe_as_later();
	devpage_fresh = facts.ram_pages;
}

void devpage_first_write(uint32_t offset)
{
	devpage_fresh = PV_NONE;
	if (offset == offsetof(struct lguest_device_desc_2_6_24, status))
		describe_as_first();
}

/* The guest changed the status byte: 0 asks for a reset. */
static void status_changed(void)
{
	const struct lguest_device_desc *desc = gpa_va(ram_end());

	for (unsigned n = 0; n < CONSOLE_QUEUES && !desc->status; n++)
		queue_reset(n);
}

void devpage_notify(struct vcpu *v, uint32_t gpa)
{
	if (gpa < ram_end()) {
		console_text(gpa);
		return;
	}
	if (gpa == ram_end()) {
		status_changed();
		return;
	}
	for (unsigned n = 0; n < CONSOLE_QUEUES; n++)
		if (gpa == queue_gpa(n)) {
			console_notify(n);
			return;
		}
	guest_crash(v, "NOTIFY of %x, which is neither its memory nor a device", gpa);
}
