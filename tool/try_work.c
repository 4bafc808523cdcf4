/* SPDX-License-Identifier: MIT */
/*
 * One row of `paraboot try`, run in a process of its own. It leaves what came
 * of it in memory shared with the parent, which alone judges it.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image.h"
#include "say.h"
#include "tool.h"
#include "try.h"

/* The init prints the kernel's warnings with it; a panic ends the start at once. */
#define TRY_ARGS "paraboot.log panic=-1"

/* ---- In the row's process ------------------------------------------------- */

static void keep_console(void *ctx, const char *buf, size_t len)
{
	struct try_report *report = ctx;
	size_t room = TRY_CONSOLE_MAX - report->console_len;

	if (len > room)
		len = room;
	memcpy(report->console + report->console_len, buf, len);
	report->console_len += len;
}

static void take_result(const struct engine_result *result, struct try_report *report)
{
	report->ran = true;
	report->status = (int)result->status;
	report->first_byte_ns = result->first_byte_ns;
	report->init_ns = result->init_ns;
	report->done_ns = result->done_ns;
	snprintf(report->text, sizeof(report->text), "%s", result->text);
	snprintf(report->crash, sizeof(report->crash), "%s", result->registers ? result->registers : "");
}

static void take_error(const struct engine_error *err, struct try_report *report)
{
	report->shortage = err->shortage;
	snprintf(report->text, sizeof(report->text), "%s", err->text);
}

static void run_engine(const struct domain *domain, const struct engine_shipped *shipped, uint32_t timeout,
		       struct try_report *report)
{
	struct engine_result result = { 0 };
	struct engine_error err;
	struct engine_run run = {
		.options = &domain->machine,
		.memory = &domain->memory,
		.plan = domain->plan,
		.shipped = shipped,
		.console = { .in_fd = -1, .out_fd = -1, .wrote = keep_console, .ctx = report },
		.timeout_ms = (uint64_t)timeout * 1000,
	};

	if (domain->engine->run(&run, &result, &err) == 0)
		take_result(&result, report);
	else
		take_error(&err, report);
	engine_result_free(&result);
}

/* The words of a row: what the user gave, and ours. */
static char *row_cmdline(const char *given)
{
	size_t len = (given ? strlen(given) : 0) + sizeof(" " TRY_ARGS);
	char *line = must_alloc(len);

	snprintf(line, len, "%s%s%s", given ? given : "", given ? " " : "", TRY_ARGS);
	return line;
}

/* In a file, as QEMU's loader wants it. */
static int open_init(pb_image *image, int *ret)
{
	struct pb_kernel kernel = PB_INIT(kernel);
	bool known = pb_image_kernel(image, &kernel, NULL) == 0;
	struct pb_blob init = domain_init(known ? kernel.elf_class : 0);
	int fd = memfd_create("paraboot-init", MFD_CLOEXEC);

	if (fd < 0 || write(fd, init.mem, init.len) != (ssize_t)init.len)
		return complain_errno("the built-in init");
	*ret = fd;
	return STATUS_OK;
}

/* What a plan would refuse, and QEMU's loader passes on to a kernel that dies of it without a word. */
static int check_cmdline(const struct options *opt, pb_image *image, const char *cmdline)
{
	struct pb_facts facts = PB_INIT(facts);
	struct pb_error err = { sizeof(err), PB_E_CMDLINE, "cmdline", strlen(cmdline), 0, 0 };

	pb_image_facts(image, &facts);
	err.limit = facts.cmdline_max;
	return err.value > err.limit ? complain_error(opt->image, &err) : STATUS_OK;
}

/*
 * The machine's own loader gets the file itself. Only QEMU's ordinary machine
 * has a place for every firmware.
 */
static int run_shipped(const struct options *opt, const struct try_row *row, struct domain *domain)
{
	char *cmdline = domain_cmdline(opt->cmdline, PB_LINUX16, opt->ring0);
	struct engine_shipped shipped = { .cmdline = cmdline, .firmware = row->firmware };
	int status = open_file(opt->image, &shipped.image_fd);

	if (status == STATUS_OK)
		status = open_init(domain->image, &shipped.initrd_fd);
	if (status == STATUS_OK)
		status = check_cmdline(opt, domain->image, cmdline);
	domain->machine.machine = ENGINE_PC;
	if (status == STATUS_OK)
		run_engine(domain, &shipped, opt->timeout, row->report);
	free(cmdline);
	return status;
}

/* STATUS_OK: the engine was asked, and its answer is in the report. */
static int work(const struct try_table *table, const struct try_row *row)
{
	struct options opt = *table->opt;
	struct domain domain = { .image = table->image };
	char *cmdline = row_cmdline(opt.cmdline);
	int status;

	opt.entry = row->entry;
	opt.unpack = row->unpack;
	opt.engine = row->engine->name;
	opt.cmdline = cmdline;
	opt.kaslr = row->kaslr;
	status = domain_choose_engine(&opt, &domain);
	if (status == STATUS_OK && !row->entry)
		return run_shipped(&opt, row, &domain);
	if (status == STATUS_OK)
		status = domain_make(&opt, &domain);
	if (status == STATUS_OK)
		run_engine(&domain, NULL, opt.timeout, row->report);
	return status;
}

/* What it complains of is the row's reason, and its status whose fault that is: its standard error is a file of ours.
 */
_Noreturn static void become_worker(const struct try_table *table, const struct try_row *row, pid_t parent,
				    int complaints)
{
	int status;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || dup2(complaints, STDERR_FILENO) < 0)
		_exit(STATUS_UNABLE);
	sigprocmask(SIG_SETMASK, &table->signals_before, NULL);
	status = work(table, row);
	fflush(stderr);
	_exit(status);
}

/* ---- In the parent ---------------------------------------------------------- */

static int make_report(struct try_row *row)
{
	void *report = mmap(NULL, sizeof(*row->report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (report == MAP_FAILED)
		return -1;
	row->report = report;
	row->complaints = memfd_create("paraboot-complaints", MFD_CLOEXEC);
	return row->complaints < 0 ? -1 : 0;
}

static void give_up(struct try_row *row, int code)
{
	row->outcome = TRY_CANNOT_HERE;
	snprintf(row->reason, sizeof(row->reason), "a process for it: %s", strerror(code));
	if (row->complaints >= 0)
		close(row->complaints);
}

void try_start(const struct try_table *table, struct try_row *row)
{
	pid_t parent = getpid();

	fflush(stdout);
	row->pid = make_report(row) < 0 ? -1 : fork();
	if (row->pid == 0)
		become_worker(table, row, parent, row->complaints);
	row->outcome = TRY_RUNNING;
	if (row->pid < 0)
		give_up(row, errno);
}

/* The worker's own line, without "paraboot: FILE: " before it. */
static void read_complaint(struct try_row *row)
{
	char line[sizeof(row->reason)];
	ssize_t len = pread(row->complaints, line, sizeof(line) - 1, 0);
	const char *at = line;

	line[len > 0 ? len : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	for (int i = 0; i < 2 && strstr(at, ": "); i++)
		at = strstr(at, ": ") + 2;
	snprintf(row->reason, sizeof(row->reason), "%s", at);
}

static bool reached_init(const struct try_row *row)
{
	const char *initrd = json_string_value(json_object_get(row->init, "initrd"));

	return row->report->done_ns && initrd && strcmp(initrd, "ok") == 0;
}

/* What it did last, by its own words: of a start that hangs, they are all that there is. */
static void fail_with_last_words(struct try_row *row, const char *when)
{
	const char *last = row->last_line;

	snprintf(row->reason, sizeof(row->reason), "%s: %.180s%s%.180s", when, row->report->text,
		 last ? "; last line: " : "; it printed nothing", last ? last : "");
}

/* Was it this machine that could not, so that nothing is known of the image? */
static bool was_unable(const struct try_report *report, int wait_status)
{
	return report->shortage || (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == STATUS_UNABLE);
}

static void judge(struct try_row *row, int wait_status)
{
	const struct try_report *report = row->report;

	row->outcome = was_unable(report, wait_status) ? TRY_CANNOT_HERE : TRY_FAILED;
	if (!report->ran && WIFSIGNALED(wait_status))
		snprintf(row->reason, sizeof(row->reason), "paraboot itself died of signal %d", WTERMSIG(wait_status));
	else if (!report->ran && report->text[0])
		snprintf(row->reason, sizeof(row->reason), "%s", report->text);
	else if (!report->ran)
		read_complaint(row);
	else if (!reached_init(row))
		fail_with_last_words(row, "before its init");
	else if (report->status != 0)
		snprintf(row->reason, sizeof(row->reason), "reached init, then: %.370s", report->text);
	else
		row->outcome = TRY_STARTED;
}

void try_finish(struct try_row *row, int wait_status)
{
	row->pid = -1;
	try_hear(row);
	judge(row, wait_status);
	close(row->complaints);
}

void try_stop(struct try_table *table)
{
	for (size_t i = 0; i < table->nr_rows; i++) {
		struct try_row *row = &table->rows[i];

		if (row->pid > 0) {
			kill(row->pid, SIGTERM);
			while (waitpid(row->pid, NULL, 0) < 0 && errno == EINTR)
				;
		}
	}
}
