/* SPDX-License-Identifier: MIT */
/*
 * The two things all codecs share: see common.h.
 */
#include "common.h"

#include <stdlib.h>

enum codec_step codec_used(struct codec_io *io, size_t in_used, size_t out_used)
{
	bool wants_input = io->in_len == 0 && !io->in_last;
	bool wants_room = io->out_len == 0;

	io->in += in_used;
	io->in_len -= in_used;
	io->out += out_used;
	io->out_len -= out_used;
	return in_used || out_used || wants_input || wants_room ? CODEC_MORE : CODEC_BAD;
}

/* In front of each allocation, so that freeing knows its length; keeps malloc's alignment. */
union budget_head {
	uint64_t len;
	max_align_t align;
};

void *budget_alloc(struct budget *budget, uint64_t len)
{
	union budget_head *head;

	if (len > budget->left_len || len > SIZE_MAX - sizeof(*head)) {
		budget->broken = true;
		return NULL;
	}
	head = malloc(sizeof(*head) + (size_t)len);
	if (!head)
		return NULL;
	head->len = len;
	budget->left_len -= len;
	return head + 1;
}

void budget_free(struct budget *budget, void *mem)
{
	if (!mem)
		return;

	union budget_head *head = (union budget_head *)mem - 1;

	budget->left_len += head->len;
	free(head);
}
