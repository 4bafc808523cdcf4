/* SPDX-License-Identifier: MIT */
/*
 * A virtqueue in guest memory (<linux/virtio_ring.h>, split), from the
 * device's side. Nothing in it is trusted: what makes no sense ends the guest.
 */
#ifndef LGUEST_VIRTQUEUE_H
#define LGUEST_VIRTQUEUE_H

#include "lguest.h"

#include <linux/virtio_ring.h>

#define QUEUE_NUM 256u /* descriptors at most */

struct queue {
	uint16_t num; /* descriptors, a power of two; 0: it is not there */
	uint32_t desc_gpa, avail_gpa, used_gpa;
	unsigned irq;
	uint8_t *isr;  /* a register of the device that says why it interrupts; or NULL */
	uint16_t seen; /* chains of the guest's that were taken */
};

/* Where its three parts are is the guest's word. */
void queue_start(struct queue *q, uint32_t num, uint64_t desc_gpa, uint64_t avail_gpa, uint64_t used_gpa);
/* Does the guest offer a chain? *head is its first descriptor; queue_take() makes it ours until queue_done(). */
bool queue_offers(const struct queue *q, uint16_t *head);
void queue_take(struct queue *q);
void queue_done(struct queue *q, uint16_t head, uint32_t written);
struct vring_desc queue_descriptor(const struct queue *q, uint16_t index);

#endif
