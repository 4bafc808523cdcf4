/* SPDX-License-Identifier: MIT */
/*
 * The console: what the guest prints, in texts or by a virtio queue, and what
 * is typed. How the guest finds it is not its business.
 */
#include "console.h"

#define TEXT_MAX  4096u
#define CHAIN_MAX 0x100000u /* bytes at once */

struct queue console_queues[CONSOLE_QUEUES];

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

void console_text(uint32_t gpa)
{
	print(gpa, TEXT_MAX, true);
}

static void print_chain(const struct queue *q, uint16_t head)
{
	struct vring_desc desc = queue_descriptor(q, head);
	uint64_t sum = desc.len;

	for (unsigned n = 0; n < q->num && sum <= CHAIN_MAX; n++) {
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
	struct queue *q = &console_queues[CONSOLE_INPUT];
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

void console_notify(unsigned queue)
{
	if (queue == CONSOLE_OUTPUT)
		print_queue(&console_queues[CONSOLE_OUTPUT]);
	else if (queue == CONSOLE_INPUT)
		console_input();
}
