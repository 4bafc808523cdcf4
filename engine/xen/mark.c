/* SPDX-License-Identifier: MIT */
/*
 * Whose a domain is while it is built, and while it runs for us: its handle,
 * which Xen gives it in the hypercall that makes it, says "paraboot" and which
 * process, by pid and the time at which that was started. A domain whose process
 * is gone was left by one that died, and is removed at the next start, keys
 * first: as long as any are there, so is the mark.
 */
#include "builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DOMAINS 64 /* asked for at a time */

struct mark {
	char whose[8];
	uint32_t pid;
	uint32_t started; /* in clock ticks since boot, their lower half */
};

static const char ours[8] = { 'p', 'a', 'r', 'a', 'b', 'o', 'o', 't' };

_Static_assert(sizeof(struct mark) == sizeof(xen_domain_handle_t), "a mark is a handle");

/* Field 22 of /proc/PID/stat; the program's name before it may have any byte in it, but no ")" follows. 0: gone. */
static uint32_t start_time(uint32_t pid)
{
	char path[40], text[1024];
	unsigned long long ticks = 0;
	char *at;
	size_t len = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	file = fopen(path, "re");
	if (file) {
		len = fread(text, 1, sizeof(text) - 1, file);
		fclose(file);
	}
	text[len] = 0;
	at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (at)
		ticks = strtoull(at + 1, NULL, 10);
	return (uint32_t)ticks;
}

void mark_make(xen_domain_handle_t handle)
{
	struct mark mark = { .pid = (uint32_t)getpid(), .started = start_time((uint32_t)getpid()) };

	memcpy(mark.whose, ours, sizeof(ours));
	memcpy(handle, &mark, sizeof(mark));
}

static bool is_orphan(const xc_domaininfo_t *info)
{
	struct mark mark;

	memcpy(&mark, info->handle, sizeof(mark));
	return memcmp(mark.whose, ours, sizeof(ours)) == 0 && !(info->flags & XEN_DOMINF_dying) &&
	       start_time(mark.pid) != mark.started;
}

unsigned mark_sweep(const struct xen_host *host)
{
	xc_domaininfo_t infos[DOMAINS];
	uint32_t next = 1; /* dom0 is nobody's */
	unsigned removed = 0;
	int got;

	do {
		got = xc_domain_getinfolist(host->control, next, DOMAINS, infos);
		for (int i = 0; i < got; i++) {
			next = infos[i].domain + 1u;
			if (!is_orphan(&infos[i]))
				continue;
			store_remove(host, infos[i].domain);
			removed += xc_domain_destroy(host->control, infos[i].domain) == 0;
		}
	} while (got == DOMAINS);
	return removed;
}
