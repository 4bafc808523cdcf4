/* SPDX-License-Identifier: MIT */
/*
 * The `qemu` engine: the domain goes into a memfd as a PVH ELF file, and
 * qemu-system-x86_64 runs it, with KVM where the host's KVM is good and by
 * emulation (TCG) otherwise. Under TCG the machine is `pc`: microvm has no HPET
 * and no PM timer, and on a busy host most kernels hang there calibrating
 * their clock; with KVM, or when the clock counts instructions, it has not that
 * trouble and boots with fewer instructions.
 */
#include "../kvmprobe.h"
#include "../process.h"
#include "arguments.h"
#include "session.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

static const char program_name[] = "qemu-system-x86_64";
static const char program_variable[] = "PARABOOT_QEMU";

/* ---- What was left to choose ------------------------------------------- */

static int settle_accel(struct engine_options *options, struct engine_error *err)
{
	struct kvm_verdict kvm;

	if (options->accel == ENGINE_ACCEL_TCG)
		return 0;
	if (options->icount) {
		if (options->accel == ENGINE_ACCEL_KVM)
			return engine_fail(err, ENGINE_BAD_INPUT, "icount: KVM counts no instructions");
		options->accel = ENGINE_ACCEL_TCG;
		return 0;
	}
	kvm = kvm_probe();
	if (options->accel == ENGINE_ACCEL_KVM && kvm.quality <= KVM_FORBIDDEN)
		return engine_fail(err, ENGINE_UNABLE, "KVM: %s", kvm.text);
	if (options->accel == ENGINE_ACCEL_AUTO) {
		options->accel = kvm.quality == KVM_GOOD ? ENGINE_ACCEL_KVM : ENGINE_ACCEL_TCG;
		snprintf(options->accel_why, sizeof(options->accel_why), "%s", kvm.text);
	}
	return 0;
}

static void settle_machine(struct engine_options *options)
{
	bool microvm = options->accel == ENGINE_ACCEL_KVM || options->icount;

	if (options->machine == ENGINE_MACHINE_AUTO)
		options->machine = microvm ? ENGINE_MICROVM : ENGINE_PC;
}

int qemu_usable(struct engine_options *options, struct engine_error *err)
{
	char *program = process_find(program_variable, program_name);

	free(program);
	if (!program)
		return engine_fail(err, ENGINE_UNABLE, "%s is not in $PATH, and $%s does not name it", program_name,
				   program_variable);
	if (options->vcpus > ENGINE_QEMU_VCPUS)
		return engine_fail(err, ENGINE_UNABLE, "%u processors: engine qemu gives at most %u", options->vcpus,
				   ENGINE_QEMU_VCPUS);
	if (settle_accel(options, err) < 0)
		return -1;
	settle_machine(options);
	return 0;
}

int qemu_memory(const struct engine_options *options, struct engine_memory *ret, struct engine_error *err)
{
	return engine_memory_map(options->machine, options->mem_len, ret, err);
}

/* ---- Descriptors ------------------------------------------------------- */

/* What a run opens: QEMU's ends, and ours. -1: not open. */
struct ends {
	struct qemu_fds qemu;
	int console, qmp, log; /* ours; a session takes them over */
	int output;            /* QEMU's standard output and error */
};

static int socket_pair(int *ours, int *theirs)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	*ours = pair[0];
	*theirs = pair[1];
	return 0;
}

/*
 * The firmware writes to its variables, and each run begins with those that were shipped. QEMU would copy them to a
 * file (snapshot=on), which it leaves behind if it is killed in the wrong moment.
 */
static int copy_vars(const char *path, int *ret)
{
	int from = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	*ret = from < 0 ? -1 : memfd_create("paraboot-flash", MFD_CLOEXEC);
	if (*ret >= 0)
		while ((n = sendfile(*ret, from, NULL, 1 << 20)) > 0)
			;
	if (from >= 0)
		close(from);
	return n < 0 ? -1 : 0;
}

/* What QEMU is to load: a file of our own for the domain, or the image as shipped. */
static int open_loaded(const struct engine_shipped *shipped, struct qemu_fds *fds)
{
	if (!shipped) {
		fds->domain = memfd_create("paraboot-domain", MFD_CLOEXEC);
		return fds->domain;
	}
	fds->domain = fcntl(shipped->image_fd, F_DUPFD_CLOEXEC, 3);
	if (shipped->firmware.vars && copy_vars(shipped->firmware.vars, &fds->vars) < 0)
		return -1;
	if (fds->domain < 0 || shipped->initrd_fd < 0)
		return fds->domain;
	fds->initrd = fcntl(shipped->initrd_fd, F_DUPFD_CLOEXEC, 3);
	return fds->initrd;
}

static int open_ends(const struct engine_run *run, struct ends *ends, struct engine_error *err)
{
	int pair[2];

	*ends = (struct ends){ { -1, -1, -1, -1, -1, -1 }, -1, -1, -1, -1 };
	if (open_loaded(run->shipped, &ends->qemu) < 0)
		return engine_fail_errno(err, "qemu");
	ends->output = memfd_create("paraboot-qemu-output", MFD_CLOEXEC);
	if (ends->output < 0 || socket_pair(&ends->console, &ends->qemu.console) < 0 ||
	    socket_pair(&ends->qmp, &ends->qemu.qmp) < 0 || pipe2(pair, O_CLOEXEC) < 0)
		return engine_fail_errno(err, "qemu");
	ends->log = pair[0];
	ends->qemu.log = pair[1];
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Once QEMU runs, ours are the only ends that we hold: so its death is the end of file on them. */
static void close_qemu_ends(struct ends *ends)
{
	close_fd(&ends->qemu.domain);
	close_fd(&ends->qemu.initrd);
	close_fd(&ends->qemu.vars);
	close_fd(&ends->qemu.console);
	close_fd(&ends->qemu.qmp);
	close_fd(&ends->qemu.log);
}

static void close_ends(struct ends *ends)
{
	close_qemu_ends(ends);
	close_fd(&ends->console);
	close_fd(&ends->qmp);
	close_fd(&ends->log);
	close_fd(&ends->output);
}

/* ---- A run ------------------------------------------------------------- */

static void note_arguments(const struct engine_run *run, char *const argv[])
{
	char line[2000];
	size_t len = 0;

	if (!run->note)
		return;
	for (; *argv && len < sizeof(line); argv++)
		len += (size_t)snprintf(line + len, sizeof(line) - len, "%s%s", len ? " " : "", *argv);
	run->note(run->console.ctx, line);
}

#define QEMU_FDS (sizeof(struct qemu_fds) / sizeof(int))

/* Those that are open, and a -1. */
static void list_open(const struct qemu_fds *fds, int ret[QEMU_FDS + 1])
{
	const int all[] = { fds->domain, fds->console, fds->qmp, fds->log, fds->initrd, fds->vars };

	for (size_t i = 0; i < QEMU_FDS; i++)
		if (all[i] >= 0)
			*ret++ = all[i];
	*ret = -1;
}

static int start(const struct engine_run *run, struct ends *ends, struct process *ret, struct engine_error *err)
{
	int keep[QEMU_FDS + 1];
	char *program = process_find(program_variable, program_name);
	char **argv = program ? qemu_arguments(program, run, &ends->qemu) : NULL;
	int code = -1;

	list_open(&ends->qemu, keep);
	if (argv) {
		note_arguments(run, argv);
		code = process_start(ret, argv, ends->output, keep, err);
	} else {
		engine_fail(err, ENGINE_UNABLE, "%s: gone, or too many arguments", program_name);
	}
	free(argv);
	free(program);
	close_qemu_ends(ends);
	return code;
}

/* QEMU's own complaint: the first line that it printed. */
static int fail_unstarted(const struct ends *ends, struct engine_error *err)
{
	char line[300];
	ssize_t len = pread(ends->output, line, sizeof(line) - 1, 0);

	line[len > 0 ? len : 0] = 0;
	line[strcspn(line, "\r\n")] = 0;
	engine_fail(err, ENGINE_UNABLE, "%s: %s", program_name, line[0] ? line : "ended before the guest began");
	if (err)
		err->shortage = engine_tells_of_shortage(line);
	return -1;
}

static int run_session(const struct engine_run *run, struct ends *ends, struct process *qemu,
		       const struct signals *signals, struct engine_result *ret, struct engine_error *err)
{
	struct session session = { .run = run,
				   .console = ends->console,
				   .log = ends->log,
				   .qmp = { .fd = ends->qmp },
				   .resets_are_crashes = run->options->accel == ENGINE_ACCEL_KVM };
	int code = session_run(&session, signals);

	ends->console = ends->log = ends->qmp = -1;
	process_end(qemu);
	session_drain(&session);
	if (code == 0)
		session_result(&session, ret);
	else
		fail_unstarted(ends, err);
	session_free(&session);
	return code;
}

/* From before there is a QEMU until there is none any more, no signal ends us. */
static int start_and_serve(const struct engine_run *run, struct ends *ends, struct engine_result *ret,
			   struct engine_error *err)
{
	struct signals signals;
	struct process qemu;
	int code;

	signals_catch(&signals);
	code = start(run, ends, &qemu, err);
	if (code == 0)
		code = run_session(run, ends, &qemu, &signals, ret, err);
	signals_release(&signals);
	return code;
}

int qemu_run(const struct engine_run *run, struct engine_result *ret, struct engine_error *err)
{
	struct ends ends;
	struct engine_result result = { .registers = NULL };
	int code = open_ends(run, &ends, err);

	if (code == 0 && !run->shipped)
		code = engine_write_domain(ends.qemu.domain, run->plan, run->memory, err);
	if (code == 0)
		code = start_and_serve(run, &ends, &result, err);
	close_ends(&ends);
	if (code == 0)
		*ret = result;
	return code;
}
