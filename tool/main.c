/* SPDX-License-Identifier: MIT */
/*
 * paraboot, the command: a table of subcommands, and the way into them. Only
 * the tool speaks to people; the library below it and the engines beside it
 * hand their errors up to here.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "say.h"
#include "tool.h"

static const struct command *const commands[] = { &info_command, &unpack_command, &pack_command,
						  &plan_command, &run_command,    &try_command };

static void print_usage(void)
{
	puts("usage: paraboot COMMAND [OPTION]... IMAGE\n"
	     "Start any x86 kernel image in any way it allows.\n");
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		printf("  %-10s%s\n", commands[i]->name, commands[i]->summary);
	puts("\n  --help      print this help; paraboot COMMAND --help tells a command's options\n"
	     "  --version   print the version\n"
	     "\nSee paraboot(1).");
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int run_command_line(const struct command *cmd, int argc, char **argv)
{
	struct options opt;
	int status = options_parse(cmd, argc, argv, &opt);

	if (status < 0)
		status = cmd->run(&opt);
	options_release(&opt);
	return status;
}

static int dispatch(int argc, char **argv)
{
	if (argc < 2)
		return complain("COMMAND", "is missing; see paraboot --help");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_usage();
		return STATUS_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("paraboot " PARABOOT_VERSION);
		return STATUS_OK;
	}

	const struct command *cmd = find_command(argv[1]);

	if (!cmd)
		return complain(argv[1], "no such command; see paraboot --help");
	return run_command_line(cmd, argc - 1, argv + 1);
}

/*
 * Started with a standard descriptor closed, the first file opened would become
 * it, and messages would go into that file. What is put in its place reads as
 * empty, and fails to be written as a closed one does.
 */
static void open_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	open_standard_fds();
	signal(SIGXFSZ, SIG_IGN); /* a limit on files is an error of a write, to be told, and no reason to die mutely */

	int status = dispatch(argc, argv);
	int output_status = finish_output();

	return status == STATUS_OK ? output_status : status;
}
