/* SPDX-License-Identifier: MIT */
/*
 * The console. A kernel writes texts by LHCALL_NOTIFY before it has drivers;
 * from 2.6.25 to 4.0 it then finds a virtio console described in the page
 * behind its RAM, with a queue for each direction behind that:
 *
 *   RAM's end   the descriptor; a page of its own
 *   + 1 page    what is typed
 *   + 4 pages   what is printed
 *   last two    the tables that pgdir of lguest_data names (tables_give())
 */
#include "virtqueue.h"

#include <linux/virtio_ids.h>

#define TEXT_MAX  4096u
#define CHAIN_MAX 0x100000u /* bytes at once */
#define INPUT_IRQ 1         /* 0 is the clock's */

enum { INPUT, OUTPUT, QUEUES };

static struct queue queues[QUEUES];

static const struct {
	struct lguest_device_desc desc;
	struct lguest_vqconfig queues[QUEUES];
} __attribute__((packed)) console = { .desc = { .type = VIRTIO_ID_CONSOLE, .num_vq = QUEUES } };

static uint32_t ram_end(void)
{
	return (uint32_t)(facts.ram_pages << PAGE_SHIFT);
}

void devices_init(void)
{
	uint8_t bytes[sizeof(console)];
	struct lguest_vqconfig config;

	memcpy(bytes, &console, sizeof(bytes));
	for (unsigned i = 0; i < QUEUES; i++) {
		queues[i].gpa = ram_end() + (uint32_t)PAGE * (1 + i * QUEUE_PAGES);
		queues[i].irq = INPUT_IRQ + i;
		queue_reset(&queues[i]);
		config = (struct lguest_vqconfig){ QUEUE_NUM, (uint16_t)queues[i].irq, queues[i].gpa >> PAGE_SHIFT };
		memcpy(bytes + sizeof(console.desc) + i * sizeof(config), &config, sizeof(config));
	}
	memset(gpa_va(ram_end()), 0, PAGE);
	gpa_write(ram_end(), bytes, sizeof(bytes));
}

/* ---- Output ---- */

/* As it is: whoever writes to a console has ended its lines for a terminal. */
static void print(uint64_t gpa, uint32_t len, bool is_text)
{
	const char *c;

	for (uint32_t n = 0; n < len; n++) {
		c = gpa_va(gpa + n);
		if (!c && !is_text)
			guest_crash(vcpu_at(0), "console output from %lx, which is not its memory", gpa);
		if (!c || (is_text && !*c))
			return;
		uart_put(*c);
	}
}

static void print_chain(const struct queue *q, uint16_t head)
{
	struct vring_desc desc = queue_descriptor(q, head);
	uint64_t sum = desc.len;

	for (unsigned n = 0; n < QUEUE_NUM && sum <= CHAIN_MAX; n++) {
		print(desc.addr, desc.len, false);
		if (!(desc.flags & VRING_DESC_F_NEXT))
			return;
		desc = queue_descriptor(q, desc.next);
		sum += desc.len;
	}
	guest_crash(vcpu_at(0), "console output without an end");
}

static void print_queue(struct queue *q)
{
	uint16_t head;

	while (queue_offers(q, &head)) {
		queue_take(q);
		print_chain(q, head);
		queue_done(q, head, 0);
	}
}

/* ---- Input: as much as there are buffers for; the rest waits in the port ---- */

static uint32_t read_into(const struct vring_desc *desc)
{
	uint32_t len = 0;

	if (!(desc->flags & VRING_DESC_F_WRITE) || !desc->len)
		guest_crash(vcpu_at(0), "a buffer for console input that cannot be written");
	for (int c; len < desc->len && (c = uart_get()) >= 0; len++) {
		uint8_t byte = (uint8_t)c;

		if (!gpa_write(desc->addr + len, &byte, 1))
			guest_crash(vcpu_at(0), "console input to %lx, which is not its memory", (uint64_t)desc->addr);
	}
	return len;
}

void console_input(void)
{
	struct queue *q = &queues[INPUT];
	uint16_t head;

	while (queue_offers(q, &head)) {
		struct vring_desc desc = queue_descriptor(q, head);
		uint32_t len = read_into(&desc);

		if (!len)
			return;
		queue_take(q);
		queue_done(q, head, len);
	}
}

/* ---- LHCALL_NOTIFY ---- */

/* The guest changed the status byte: 0 asks for a reset. */
static void status_changed(void)
{
	const struct lguest_device_desc *desc = gpa_va(ram_end());

	for (unsigned i = 0; i < QUEUES && !desc->status; i++)
		queue_reset(&queues[i]);
}

void device_notify(struct vcpu *v, uint32_t gpa)
{
	if (gpa < ram_end())
		print(gpa, TEXT_MAX, true);
	else if (gpa == ram_end())
		status_changed();
	else if (gpa == queues[OUTPUT].gpa)
		print_queue(&queues[OUTPUT]);
	else if (gpa == queues[INPUT].gpa)
		console_input();
	else
		guest_crash(v, "NOTIFY of %x, which is neither its memory nor a device", gpa);
}
