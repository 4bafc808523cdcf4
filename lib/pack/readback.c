/* SPDX-License-Identifier: MIT */
/*
 * The proof that an image will unpack itself: the guest's own decoder, run in
 * memory laid out as the guest's window is, has to give the kernel back. So a
 * stream whose end needs more room than the layout left, or an encoder that
 * uses what the decoder does not know, is found here and not in a guest.
 */
#include <stdlib.h>
#include <string.h>

#include "../error.h"
#include "pack.h"

static int read_back(const struct packing *packing, uint8_t *window, void *work, struct pb_error *err)
{
	const struct pack_page *page = &packing->page;
	struct decode decode = { .in = window + page->payload_at,
				 .in_len = page->payload_len,
				 .out = window + page->out_at,
				 .out_len = page->out_len,
				 .work = work };

	memcpy(window + page->payload_at, packing->payload.mem, packing->payload.len);
	if (!packing->codec->decode(&decode) || memcmp(decode.out, packing->out.mem, page->out_len) != 0)
		return fail(err, PB_E_CODEC, packing->codec->name, page->out_len, page->payload_len, 0);
	return 0;
}

int pack_readback(const struct packing *packing, struct pb_error *err)
{
	uint8_t *window = malloc(packing->page.code_at), *work = malloc(DECODE_WORK_LEN);
	int rc = -1;

	if (window && work)
		rc = read_back(packing, window, work, err);
	else
		rc = fail_nomem(err, packing->page.code_at);
	free(window);
	free(work);
	return rc;
}
