/* SPDX-License-Identifier: MIT */
/* 32-bit processes: runs each test of compat32.c, a program beside this one; its exit status is the line that failed.
 */
#define _GNU_SOURCE
#include "abi.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *which;

static void run(void)
{
	static char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 8);

	if (len > 0) {
		strcpy(strrchr(path, '/') + 1, "abi32");
		execl(path, path, which, NULL);
	}
	_exit(255);
}

static const char *compat(const char *name)
{
	int status;

	which = name;
	status = in_child(run);
	if (WIFSIGNALED(status))
		return complain("signal %d", WTERMSIG(status));
	return status ? complain("line %d of compat32.c", WEXITSTATUS(status)) : NULL;
}

#define COMPAT(name)                                                                                                   \
	static const char *name(void)                                                                                  \
	{                                                                                                              \
		return compat(#name);                                                                                  \
	}
COMPAT(calls)
COMPAT(vdso)
COMPAT(tls)
COMPAT(signals)
COMPAT(faults)

const struct test compat_tests[] = {
	{ "32 bits: int $0x80", calls },
	{ "32 bits: the vDSO's sysenter or syscall", vdso },
	{ "32 bits: set_thread_area, over switches and fork", tls },
	{ "32 bits: signals", signals },
	{ "32 bits: faults", faults },
	{ 0 },
};
