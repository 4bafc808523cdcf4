/* SPDX-License-Identifier: MIT */
/*
 * Virtqueues: descriptors, then the ring of what the guest offers, and from the
 * next page on the ring of what is done. All by copies: the queue may lie in
 * two pieces of the machine's memory.
 */
#include "virtqueue.h"

#define AVAIL_OFF (QUEUE_NUM * (uint32_t)sizeof(struct vring_desc))
#define USED_OFF  (2 * (uint32_t)PAGE)

_Static_assert(AVAIL_OFF + 6 + 2 * QUEUE_NUM <= USED_OFF, "both rings of QUEUE_NUM");
_Static_assert(USED_OFF + 6 + 8 * QUEUE_NUM <= QUEUE_PAGES * PAGE, "both rings of QUEUE_NUM");

static uint16_t get16(const struct queue *q, uint32_t off)
{
	uint16_t value = 0;

	gpa_read(q->gpa + off, &value, sizeof(value));
	return value;
}

void queue_reset(struct queue *q)
{
	q->seen = 0;
	for (unsigned i = 0; i < QUEUE_PAGES; i++)
		memset(gpa_va(q->gpa + i * PAGE), 0, PAGE);
}

bool queue_offers(const struct queue *q, uint16_t *head)
{
	uint16_t offered = get16(q, AVAIL_OFF + offsetof(struct vring_avail, idx));

	if (offered == q->seen)
		return false;
	if ((uint16_t)(offered - q->seen) > QUEUE_NUM)
		guest_crash(vcpu_at(0), "a virtqueue that offers %u chains", (uint16_t)(offered - q->seen));
	*head = get16(q, AVAIL_OFF + offsetof(struct vring_avail, ring) + q->seen % QUEUE_NUM * 2);
	return true;
}

void queue_take(struct queue *q)
{
	q->seen++;
}

struct vring_desc queue_descriptor(const struct queue *q, uint16_t index)
{
	struct vring_desc desc = { 0 };

	if (index >= QUEUE_NUM)
		guest_crash(vcpu_at(0), "virtqueue descriptor %u of %u", index, QUEUE_NUM);
	gpa_read(q->gpa + index * (uint32_t)sizeof(desc), &desc, sizeof(desc));
	return desc;
}

void queue_done(struct queue *q, uint16_t head, uint32_t written)
{
	const struct vring_used_elem elem = { head, written };
	uint16_t idx = get16(q, USED_OFF + offsetof(struct vring_used, idx));

	gpa_write(q->gpa + USED_OFF + offsetof(struct vring_used, ring) + idx % QUEUE_NUM * sizeof(elem), &elem,
		  sizeof(elem));
	barrier();
	idx++;
	gpa_write(q->gpa + USED_OFF + offsetof(struct vring_used, idx), &idx, sizeof(idx));
	if (!(get16(q, AVAIL_OFF) & VRING_AVAIL_F_NO_INTERRUPT))
		irq_raise(q->irq);
}
