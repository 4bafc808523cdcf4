/* SPDX-License-Identifier: MIT */
/*
 * A virtqueue in guest memory (<linux/virtio_ring.h>, of before 1.0), from the
 * device's side. Nothing in it is trusted: what makes no sense ends the guest.
 */
#ifndef LGUEST_VIRTQUEUE_H
#define LGUEST_VIRTQUEUE_H

#include "lguest.h"

#include <linux/virtio_ring.h>

#define QUEUE_NUM   256u /* descriptors */
#define QUEUE_PAGES 3u

struct queue {
	uint32_t gpa;
	unsigned irq;
	uint16_t seen; /* chains of the guest's that were taken */
};

void queue_reset(struct queue *q);
/* Does the guest offer a chain? *head is its first descriptor; queue_take() makes it ours until queue_done(). */
bool queue_offers(const struct queue *q, uint16_t *head);
void queue_take(struct queue *q);
void queue_done(struct queue *q, uint16_t head, uint32_t written);
struct vring_desc queue_descriptor(const struct queue *q, uint16_t index);

#endif
