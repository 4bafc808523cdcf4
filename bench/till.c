/* SPDX-License-Identifier: MIT */
/*
 * till WORDS COMMAND...: the milliseconds from before the command is started
 * to the moment when its output first holds these words; then it is killed.
 * With $TILL_SMAPS set, its memory map at that moment goes there.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static pid_t start(char **argv, int *ret_output)
{
	int pair[2];
	pid_t pid;

	if (pipe(pair) < 0 || (pid = fork()) < 0)
		return -1;
	if (pid == 0) {
		dup2(pair[1], STDOUT_FILENO);
		close(pair[0]);
		close(pair[1]);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(pair[1]);
	*ret_output = pair[0];
	return pid;
}

/* In a line: output is kept up to its end only. */
static int wait_for(FILE *output, const char *words)
{
	char line[4096];

	while (fgets(line, sizeof(line), output))
		if (strstr(line, words))
			return 0;
	return -1;
}

static void copy(FILE *from, FILE *to)
{
	char buf[4096];
	size_t len;

	while ((len = fread(buf, 1, sizeof(buf), from)) > 0)
		fwrite(buf, 1, len, to);
}

static void keep_smaps(pid_t pid)
{
	const char *path = getenv("TILL_SMAPS");
	char smaps[40];
	FILE *from, *to;

	snprintf(smaps, sizeof(smaps), "/proc/%d/smaps", (int)pid);
	from = path ? fopen(smaps, "r") : NULL;
	to = from ? fopen(path, "w") : NULL;
	if (to)
		copy(from, to);
	if (from)
		fclose(from);
	if (to && fclose(to))
		perror(path);
}

int main(int argc, char **argv)
{
	double begin = now_ms();
	int output = -1, failed;
	pid_t pid = argc > 2 ? start(argv + 2, &output) : -1;
	FILE *lines = pid < 0 ? NULL : fdopen(output, "r");

	if (!lines)
		return 2;
	failed = wait_for(lines, argv[1]);
	if (!failed)
		printf("%.1f\n", now_ms() - begin);
	keep_smaps(pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	fclose(lines);
	return failed ? 1 : 0;
}
