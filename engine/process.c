/* SPDX-License-Identifier: MIT */
/*
 * Starts and ends a program; see process.h. Between us and the program is its
 * guard, a fork of ours that reads a pipe to which only we have the other end:
 * the kernel closes that however we die, the guard sees it, and ends the
 * program with all that it started. A signal at our death (PR_SET_PDEATHSIG)
 * would reach the program alone, which may be a script around the real one.
 */
#include "process.h"
#include "internal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- The program ----------------------------------------------------- */

/* In a session of its own: a key typed at our terminal is the guest's affair, or ours. */
static int become_program(pid_t guard, int out_fd, const int *keep)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	sigemptyset(&none);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != guard)
		return -1;
	if (setsid() < 0 || sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return -1;
	if (null < 0 || dup2(null, 0) < 0 || dup2(out_fd, 1) < 0 || dup2(out_fd, 2) < 0)
		return -1;
	for (; *keep >= 0; keep++)
		if (fcntl(*keep, F_SETFD, 0) < 0)
			return -1;
	return 0;
}

_Noreturn static void report_errno(int report)
{
	int code = errno;

	if (write(report, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

_Noreturn static void run_program(pid_t guard, char *const argv[], int out_fd, const int *keep, int report)
{
	if (become_program(guard, out_fd, keep) == 0)
		execv(argv[0], argv);
	report_errno(report);
}

/* ---- The guard ------------------------------------------------------- */

/* "12 345 ", of this thread's children; empty where the kernel does not tell. No malloc: we are a fork of who knows
 * what. */
static void list_children(char *ret, size_t len)
{
	int fd = open("/proc/thread-self/children", O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, ret, len - 1);

	ret[n > 0 ? n : 0] = 0;
	if (fd >= 0)
		close(fd);
}

/* Are there any? */
static bool kill_children(void)
{
	char list[1024], *at = list, *end;
	bool any = false;

	list_children(list, sizeof(list));
	for (;; at = end + 1) {
		long pid = strtol(at, &end, 10);

		if (end == at || *end != ' ') /* the last one may be cut */
			return any;
		any = true;
		kill((pid_t)pid, SIGKILL);
	}
}

static void await_death(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/*
 * The program may be a script that started others. Those in its session die
 * with it; the rest become our children as their parents die.
 */
static void end_program(pid_t program)
{
	kill(-program, SIGKILL);
	kill(program, SIGKILL); /* it got no session of its own yet */
	await_death(program);
	while (kill_children())
		await_death(-1);
}

/* No signal that is meant for us ends it, and it holds nothing of ours but the end of `life` that it reads. */
static int become_guard(void)
{
	sigset_t all;

	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0 || setsid() < 0)
		return -1;
	prctl(PR_SET_NAME, "paraboot-guard");
	return prctl(PR_SET_CHILD_SUBREAPER, 1);
}

_Noreturn static void run_guard(char *const argv[], int out_fd, const int *keep, int life, int report)
{
	pid_t guard = getpid(), program = become_guard() < 0 ? -1 : fork();
	char byte;

	if (program < 0)
		report_errno(report);
	if (program == 0)
		run_program(guard, argv, out_fd, keep, report);
	if (dup2(life, 0) == 0 && close_range(1, ~0u, 0) == 0)
		while (read(0, &byte, 1) > 0)
			;
	end_program(program);
	_exit(0);
}

/* ---- Who starts it --------------------------------------------------- */

/* exec closes the report pipe; a failure before that writes errno into it. */
static int await_exec(int report)
{
	int code = 0;
	ssize_t n;

	do
		n = read(report, &code, sizeof(code));
	while (n < 0 && errno == EINTR);
	return n == sizeof(code) ? code : 0;
}

static int start_guard(struct process *process, char *const argv[], int out_fd, const int *keep, int life)
{
	int report[2], code;

	if (pipe2(report, O_CLOEXEC) < 0)
		return errno;
	process->guard = fork();
	if (process->guard == 0) {
		close(process->life);
		run_guard(argv, out_fd, keep, life, report[1]);
	}
	code = process->guard < 0 ? errno : 0;
	close(report[1]);
	if (process->guard > 0)
		code = await_exec(report[0]);
	close(report[0]);
	return code;
}

int process_start(struct process *ret, char *const argv[], int out_fd, const int *keep, struct engine_error *err)
{
	struct process process = { .guard = -1 };
	int life[2], code;

	if (pipe2(life, O_CLOEXEC) < 0)
		return engine_fail_errno(err, argv[0]);
	process.life = life[1];
	code = start_guard(&process, argv, out_fd, keep, life[0]);
	close(life[0]);
	if (code) {
		process_end(&process);
		errno = code;
		return engine_fail_errno(err, argv[0]);
	}
	*ret = process;
	return 0;
}

void process_end(struct process *process)
{
	close(process->life);
	if (process->guard > 0)
		await_death(process->guard);
}

/* ---- Its path -------------------------------------------------------- */

/* The program in one directory of $PATH: [dir, dir+len). */
static char *in_directory(const char *dir, size_t len, const char *name)
{
	char *path;

	if (!len || asprintf(&path, "%.*s/%s", (int)len, dir, name) < 0)
		return NULL;
	if (access(path, X_OK) == 0)
		return path;
	free(path);
	return NULL;
}

char *process_find(const char *variable, const char *name)
{
	const char *dir = getenv(variable);
	char *path = NULL;

	if (dir && *dir)
		return access(dir, X_OK) == 0 ? strdup(dir) : NULL;
	dir = getenv("PATH");
	while (dir && !path) {
		size_t len = strcspn(dir, ":");

		path = in_directory(dir, len, name);
		dir = dir[len] ? dir + len + 1 : NULL;
	}
	return path;
}
