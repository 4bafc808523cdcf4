/* SPDX-License-Identifier: MIT */
/*
 * Virtqueues: descriptors, the ring of what the guest offers, and the ring of
 * what is done, each where it lies. All by copies: a ring may lie in two pieces
 * of the machine's memory.
 */
#include "virtqueue.h"

static uint16_t get16(uint64_t gpa)
{
	uint16_t value = 0;

	gpa_read(gpa, &value, sizeof(value));
	return value;
}

/* The guest's memory is one range. */
static void check_part(uint64_t gpa, uint64_t len, uint64_t align)
{
	uint64_t end = facts.nr_pages << PAGE_SHIFT;

	if (gpa % align || gpa > end || len > end - gpa)
		guest_crash(vcpu_at(0), "a virtqueue's part at %lx, %lu bytes, where none may be", gpa, len);
}

void queue_start(struct queue *q, uint32_t num, uint64_t desc_gpa, uint64_t avail_gpa, uint64_t used_gpa)
{
	if (!num || num > QUEUE_NUM || (num & (num - 1)))
		guest_crash(vcpu_at(0), "a virtqueue of %u descriptors, not a power of two up to %u", num, QUEUE_NUM);
	check_part(desc_gpa, num * sizeof(struct vring_desc), VRING_DESC_ALIGN_SIZE);
	check_part(avail_gpa, sizeof(struct vring_avail) + num * sizeof(uint16_t), VRING_AVAIL_ALIGN_SIZE);
	check_part(used_gpa, sizeof(struct vring_used) + num * sizeof(struct vring_used_elem), VRING_USED_ALIGN_SIZE);
	q->num = (uint16_t)num;
	q->desc_gpa = (uint32_t)desc_gpa;
	q->avail_gpa = (uint32_t)avail_gpa;
	q->used_gpa = (uint32_t)used_gpa;
	q->seen = 0;
}

bool queue_offers(const struct queue *q, uint16_t *head)
{
	uint16_t offered, waiting;

	if (!q->num)
		return false;
	offered = get16(q->avail_gpa + offsetof(struct vring_avail, idx));
	waiting = (uint16_t)(offered - q->seen);
	if (waiting > q->num)
		guest_crash(vcpu_at(0), "a virtqueue that offers %u chains", waiting);
	if (waiting)
		*head = get16(q->avail_gpa + offsetof(struct vring_avail, ring) + q->seen % q->num * sizeof(*head));
	return waiting;
}

void queue_take(struct queue *q)
{
	q->seen++;
}

struct vring_desc queue_descriptor(const struct queue *q, uint16_t index)
{
	struct vring_desc desc = { 0 };

	if (index >= q->num)
		guest_crash(vcpu_at(0), "virtqueue descriptor %u of %u", index, q->num);
	gpa_read(q->desc_gpa + index * sizeof(desc), &desc, sizeof(desc));
	return desc;
}

static void interrupt(const struct queue *q)
{
	if (get16(q->avail_gpa) & VRING_AVAIL_F_NO_INTERRUPT)
		return;
	if (q->isr)
		*q->isr = 1;
	irq_raise(q->irq);
}

void queue_done(struct queue *q, uint16_t head, uint32_t written)
{
	const struct vring_used_elem elem = { head, written };
	uint64_t idx_gpa = q->used_gpa + offsetof(struct vring_used, idx);
	uint16_t idx = get16(idx_gpa);

	gpa_write(q->used_gpa + offsetof(struct vring_used, ring) + idx % q->num * sizeof(elem), &elem, sizeof(elem));
	barrier();
	idx++;
	gpa_write(idx_gpa, &idx, sizeof(idx));
	interrupt(q);
}
