/* SPDX-License-Identifier: MIT */
/*
 * Preloaded into a domain builder, whichever it is: counts what it asks of the
 * kernel's Xen devices, and kills it at a chosen moment.
 *
 *   WATCHER_COUNT=FILE    at its end, appends "hypercalls N others N writes N peak_kib N" to FILE
 *   WATCHER_KILL=call:N   kills it before its Nth ioctl on such a device
 *   WATCHER_KILL=write:N  ... before its Nth write to a socket, which is a message to xenstored or a part of one
 *   WATCHER_VICTIM=PID    kills that process instead, once
 *
 * A hypercall is an ioctl that is one and nothing else; the others map memory, or ask the devices for what they keep.
 */
#include <dlfcn.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
#include <xen/xen.h>
#define __user /* a word of the kernel's */
#include <xen/sys/privcmd.h>

static unsigned long calls, writes, hypercalls;

static void die_at(const char *kind, unsigned long count)
{
	const char *wanted = getenv("WATCHER_KILL");
	size_t len = strlen(kind);

	const char *victim = getenv("WATCHER_VICTIM");

	if (wanted && strncmp(wanted, kind, len) == 0 && wanted[len] == ':' &&
	    strtoul(wanted + len + 1, NULL, 10) == count)
		kill(victim ? atoi(victim) : getpid(), SIGKILL);
}

static int is_device(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && !isatty(fd);
}

int ioctl(int fd, unsigned long request, ...)
{
	static int (*real)(int, unsigned long, void *);
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "ioctl");
	if (!is_device(fd))
		return real(fd, request, arg);
	die_at("call", ++calls);
	hypercalls += request == IOCTL_PRIVCMD_HYPERCALL;
	return real(fd, request, arg);
}

ssize_t write(int fd, const void *buf, size_t len)
{
	static ssize_t (*real)(int, const void *, size_t);
	struct stat st;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "write");
	if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
		die_at("write", ++writes);
	return real(fd, buf, len);
}

__attribute__((destructor)) static void tell(void)
{
	const char *path = getenv("WATCHER_COUNT");
	struct rusage usage;
	FILE *file = path ? fopen(path, "a") : NULL;

	if (!file)
		return;
	getrusage(RUSAGE_SELF, &usage);
	fprintf(file, "hypercalls %lu others %lu writes %lu peak_kib %ld\n", hypercalls, calls - hypercalls, writes,
		usage.ru_maxrss);
	fclose(file);
}
