/* SPDX-License-Identifier: MIT */
/*
 * Starts and ends a program; see process.h.
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

/* The program is in a session of its own: a key typed at our terminal is the guest's affair, or ours. */
static int become_child(pid_t parent, int out_fd, const int *keep)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	sigemptyset(&none);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
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

_Noreturn static void run_child(pid_t parent, char *const argv[], int out_fd, const int *keep, int report)
{
	int code;

	if (become_child(parent, out_fd, keep) == 0)
		execv(argv[0], argv);
	code = errno;
	if (write(report, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

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

int process_start(pid_t *ret, char *const argv[], int out_fd, const int *keep, struct engine_error *err)
{
	int report[2], code;
	pid_t parent = getpid(), pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		return engine_fail_errno(err, argv[0]);
	pid = fork();
	if (pid == 0)
		run_child(parent, argv, out_fd, keep, report[1]);
	code = pid < 0 ? errno : 0;
	close(report[1]);
	if (pid > 0)
		code = await_exec(report[0]);
	close(report[0]);
	if (code) {
		process_end(pid);
		return engine_fail(err, ENGINE_UNABLE, "%s: %s", argv[0], strerror(code));
	}
	*ret = pid;
	return 0;
}

void process_end(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(-pid, SIGKILL); /* its session: a script in its place may have started others */
	kill(pid, SIGKILL);  /* one that got no session of its own yet */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

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
