/* SPDX-License-Identifier: MIT */
/*
 * Makes QEMU's command line; see arguments.h. The machine has what Linux needs
 * to print, keep time and power off, and nothing else; no configuration of
 * the user's own QEMU gets in. It starts paused (-S), so that its events are
 * heard from the first instruction on, and pauses when the guest ends, so that
 * a crash's registers can be asked for.
 */
#include "arguments.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGS_MAX = 512, TEXT_MAX = 4096 };

struct list {
	char *argv[ARGS_MAX];
	size_t count;
	char text[TEXT_MAX]; /* the strings that are made here */
	size_t used;
	bool full;
};

static void add(struct list *list, const char *arg)
{
	if (list->count == ARGS_MAX - 1)
		list->full = true;
	else
		list->argv[list->count++] = (char *)(uintptr_t)arg; /* execv changes none of them */
}

__attribute__((format(printf, 2, 3))) static void addf(struct list *list, const char *fmt, ...)
{
	size_t room = TEXT_MAX - list->used;
	char *at = list->text + list->used;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(at, room, fmt, args);
	va_end(args);
	if (len < 0 || (size_t)len >= room) {
		list->full = true;
		return;
	}
	list->used += (size_t)len + 1;
	add(list, at);
}

/* Debian builds firmware for the flash so that only code in system management mode may write there. */
static const char *machine_of(const struct engine_run *run)
{
	if (run->shipped && run->shipped->firmware.vars)
		return "q35,smm=on";
	return run->options->machine == ENGINE_MICROVM ? "microvm" : "pc";
}

static void add_machine(struct list *list, const struct engine_run *run)
{
	const struct engine_options *options = run->options;
	bool kvm = options->accel == ENGINE_ACCEL_KVM;

	add(list, "-M");
	add(list, machine_of(run));
	add(list, "-accel");
	/* One thread for all CPUs: Linux patches its code while other CPUs run it, and with a thread each they did not
	 * always see that in step (QEMU 7.2: now and then a panic at boot).
	 */
	add(list, kvm ? "kvm" : "tcg,thread=single");
	if (options->cpu || kvm) {
		add(list, "-cpu");
		add(list, options->cpu ? options->cpu : "host");
	}
	if (options->icount) {
		add(list, "-icount");
		add(list, "shift=0,sleep=off");
	}
	add(list, "-m");
	addf(list, "%lluM", (unsigned long long)(options->mem_len >> 20));
	add(list, "-smp");
	addf(list, "%u", options->vcpus ? options->vcpus : 1);
}

/* cpu_reset is what logs a triple fault. */
static void add_fds(struct list *list, const struct qemu_fds *fds)
{
	add(list, "-kernel");
	addf(list, "/proc/self/fd/%d", fds->domain);
	add(list, "-chardev");
	addf(list, "socket,id=console,fd=%d", fds->console);
	add(list, "-serial");
	add(list, "chardev:console");
	add(list, "-chardev");
	addf(list, "socket,id=qmp,fd=%d", fds->qmp);
	add(list, "-mon");
	add(list, "chardev=qmp,mode=control");
	add(list, "-d");
	add(list, "cpu_reset");
	add(list, "-D");
	addf(list, "/proc/self/fd/%d", fds->log);
}

/* A comma in a file's name is written twice; these are names of ours. */
static void add_flash(struct list *list, const struct engine_firmware *firmware, int vars)
{
	add(list, "-global");
	add(list, "driver=cfi.pflash01,property=secure,value=on");
	add(list, "-drive");
	addf(list, "if=pflash,unit=0,readonly=on,format=raw,file=%s", firmware->code);
	add(list, "-drive");
	addf(list, "if=pflash,unit=1,format=raw,file=/proc/self/fd/%d", vars);
}

static void add_firmware(struct list *list, const struct engine_firmware *firmware, int vars)
{
	if (firmware->vars) {
		add_flash(list, firmware, vars);
	} else if (firmware->code) {
		add(list, "-bios");
		add(list, firmware->code);
	}
}

/* For QEMU's own loader: what a domain has in it already. */
static void add_shipped(struct list *list, const struct engine_shipped *shipped, const struct qemu_fds *fds)
{
	add(list, "-append");
	add(list, shipped->cmdline);
	if (fds->initrd >= 0) {
		add(list, "-initrd");
		addf(list, "/proc/self/fd/%d", fds->initrd);
	}
	add_firmware(list, &shipped->firmware, fds->vars);
}

static void add_all(struct list *list, const char *program, const struct engine_run *run, const struct qemu_fds *fds)
{
	static const char *const plain[] = { "-S",      "-nodefaults",     "-no-user-config", "-display",      "none",
					     "-action", "reboot=shutdown", "-action",         "shutdown=pause" };

	add(list, program);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		add(list, plain[i]);
	add_machine(list, run);
	add_fds(list, fds);
	if (run->shipped)
		add_shipped(list, run->shipped, fds);
	for (const char *const *extra = run->options->extra_args; extra && *extra; extra++)
		add(list, *extra);
}

char **qemu_arguments(const char *program, const struct engine_run *run, const struct qemu_fds *fds)
{
	struct list *list = calloc(1, sizeof(*list));

	if (!list)
		return NULL;
	add_all(list, program, run, fds);
	if (list->full) {
		free(list);
		return NULL;
	}
	return list->argv; /* the list's first member, so that freeing it frees all */
}
