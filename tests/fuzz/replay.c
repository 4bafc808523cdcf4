/* SPDX-License-Identifier: MIT */
/*
 * What stands in for libFuzzer in an ordinary build: runs a fuzz target once
 * on each file of the corpus directories named on the command line, and says
 * so in TAP, one test a file. An empty corpus is a failure: nothing was tested.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The whole file in memory of exactly its size, so that ASan sees a read past its end. */
static uint8_t *slurp(const char *path, size_t *ret_len)
{
	FILE *file = fopen(path, "rb");
	struct stat st;
	uint8_t *bytes = NULL;

	if (!file)
		return NULL;
	if (fstat(fileno(file), &st) == 0) {
		bytes = malloc((size_t)st.st_size + !st.st_size);
		*ret_len = (size_t)st.st_size;
	}
	if (bytes && fread(bytes, 1, *ret_len, file) != *ret_len) {
		free(bytes);
		bytes = NULL;
	}
	fclose(file);
	return bytes;
}

static int replay_file(const char *dir, const char *name, int number)
{
	char path[4096];
	size_t len = 0;
	uint8_t *bytes;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	bytes = slurp(path, &len);
	if (!bytes) {
		printf("not ok %d - %s: cannot be read\n", number, name);
		return 0;
	}
	/* Before the call: if it dies, the last line names the file. */
	printf("# %s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(bytes, len);
	free(bytes);
	printf("ok %d - %s\n", number, name);
	return 1;
}

static int replay_dir(const char *dir, int *number)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, NULL, alphasort);
	int good = 1;

	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.')
			good &= replay_file(dir, entries[i]->d_name, ++*number);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return good;
}

int main(int argc, char **argv)
{
	int number = 0, good = 1;

	for (int i = 1; i < argc; i++)
		good &= replay_dir(argv[i], &number);
	if (number == 0)
		printf("not ok %d - a corpus with at least one file\n", ++number);
	printf("1..%d\n", number);
	return good && number > 0 ? 0 : 1;
}
