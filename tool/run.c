/* SPDX-License-Identifier: MIT */
/*
 * paraboot run: start an image, and be its console until it ends. How it
 * ended is the exit status.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "domain.h"
#include "leave.h"
#include "output.h"
#include "say.h"
#include "signals.h"
#include "terminal.h"
#include "tool.h"

/* -o is where `file` writes; no other engine makes a file. */
static int check_output(const struct options *opt)
{
	bool writes = opt->engine && strcmp(opt->engine, "file") == 0;

	if (writes && !opt->output)
		return complain("--output", "is needed with --engine file");
	if (!writes && opt->output)
		return complain("--output", "is for --engine file only");
	return STATUS_OK;
}

/* Only there does a domain have a name, and can it go on without us. */
static int check_xen(const struct options *opt)
{
	bool xen = opt->engine && strcmp(opt->engine, "xen") == 0;

	if (!xen && (opt->name || opt->keep || opt->paused))
		return complain(opt->name ? "--name" : opt->keep ? "--keep" : "--paused", "is for --engine xen only");
	return STATUS_OK;
}

static void print_note(void *ctx, const char *line)
{
	(void)ctx;
	fprintf(stderr, "paraboot: %s\r\n", line);
}

/* What ended otherwise than well is said, always: in one line, and for a crash with where the processors were. */
static void report(const struct options *opt, const struct engine_result *result)
{
	if (result->status != ENGINE_POWERED_OFF || opt->verbose)
		complain(opt->image, "%s", result->text);
	if (result->registers)
		fputs(result->registers, stderr);
}

/*
 * A domain with a console, by an engine that hears signals itself: between that
 * and leaving for one there is no moment in which another ends us.
 */
static int run_attached(const struct domain *domain, const struct engine_run *run, struct engine_result *ret,
			struct engine_error *err)
{
	sigset_t ends, before;
	int rc;

	signals_to_end(&ends);
	sigprocmask(SIG_BLOCK, &ends, &before);
	rc = domain->engine->run(run, ret, err);
	terminal_give_back();
	if (rc == 0 && ret->status == ENGINE_LEFT)
		leave_once(&ends, ENGINE_LEFT);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

/* output: the name of the file that the domain is written to; NULL: it runs, on our console. */
static int run_domain(const struct options *opt, const struct domain *domain, const char *output)
{
	struct engine_result result = { 0 };
	struct engine_error err;
	struct terminal_keys keys = { 0 };
	struct engine_run run = {
		.options = &domain->machine,
		.memory = &domain->memory,
		.plan = domain->plan,
		.console = { .in_fd = STDIN_FILENO, .out_fd = STDOUT_FILENO, .ctx = &keys },
		.timeout_ms = (uint64_t)opt->timeout * 1000,
		.note = opt->verbose ? print_note : NULL,
	};
	int rc;

	if (!output && terminal_take())
		run.console.typed = terminal_typed;
	rc = output ? domain->engine->run(&run, &result, &err) : run_attached(domain, &run, &result, &err);
	if (rc < 0)
		return complain_engine(output && err.output ? output : opt->image, &err);
	report(opt, &result);
	engine_result_free(&result);
	return (int)result.status;
}

/* Into a file that is there whole or not at all. */
static int write_domain(const struct options *opt, struct domain *domain)
{
	struct output out;
	int status = output_open(opt->output, &out);

	if (status != STATUS_OK)
		return status;
	if (!output_is_file(&out)) {
		output_abandon(&out);
		return complain(out.path, "is no regular file, which a domain has to be written to");
	}
	domain->machine.output_fd = out.fd;
	status = run_domain(opt, domain, out.path);
	if (status == STATUS_OK)
		return output_commit(&out);
	output_abandon(&out);
	return status;
}

static int start(const struct options *opt, struct domain *domain)
{
	int status = check_output(opt);

	if (status == STATUS_OK)
		status = check_xen(opt);
	if (status == STATUS_OK)
		status = domain_choose_engine(opt, domain);
	if (status == STATUS_OK)
		status = domain_make(opt, domain);
	if (status != STATUS_OK)
		return status;
	return opt->output ? write_domain(opt, domain) : run_domain(opt, domain, NULL);
}

static int run_run(const struct options *opt)
{
	struct domain domain = { 0 };
	int status;

	/* Whoever reads the console may go away: that is an error of a write, and no reason to die on the spot. */
	signal(SIGPIPE, SIG_IGN);
	status = start(opt, &domain);
	/* What is still mapped of a domain goes with the process, all at once; page by page, dom0 is trapped for each.
	 */
	if (!domain.engine || !domain.engine->in_memory)
		domain_release(&domain);
	return status;
}

static const struct option_row run_rows[] = {
	{ 0, "engine", "auto|kvm|qemu|file|xen", "what executes it; auto (the default) is the fastest that works here",
	  .at = offsetof(struct options, engine) },
	{ 'o', "output", "FILE", "with --engine file: where the domain is written",
	  .at = offsetof(struct options, output) },
	{ 't', "timeout", "SECONDS", "end it after that time, with status 124", .at = offsetof(struct options, timeout),
	  .least = 1, .most = TIMEOUT_MOST },
	{ 0, "icount", NULL, "let the guest's clock count instructions, so that a boot repeats exactly",
	  .at = offsetof(struct options, icount) },
	{ 0, "fifo-events", NULL, "offer a Xen PV kernel FIFO event channels, not only two-level ones",
	  .at = offsetof(struct options, fifo_events) },
	{ 0, "name", "NAME", "with --engine xen: the domain's name", .at = offsetof(struct options, name) },
	{ 0, "keep", NULL, "with --engine xen: the domain outlives the run", .at = offsetof(struct options, keep) },
	{ 0, "paused", NULL, "with --engine xen: build the domain and leave it, paused; no console",
	  .at = offsetof(struct options, paused) },
	{ 'v', "verbose", NULL, "say what the engine does and how the run ended",
	  .at = offsetof(struct options, verbose) },
	{ 0 },
};

static const struct option_row *const run_tables[] = { choice_rows, guest_rows, own_rows, run_rows, NULL };

const struct command run_command = {
	.name = "run",
	.summary = "Start an image and attach the console; Ctrl-A x leaves",
	.tables = run_tables,
	.run = run_run,
};
