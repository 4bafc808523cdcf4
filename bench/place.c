/* SPDX-License-Identifier: MIT */
/*
 * place VMLINUX: plan and place of an uncompressed kernel into fresh guest
 * memory, against a plain copy of the same bytes into fresh memory, in turn.
 * Three ways: memory that permits mappings of the image's own file, memory that
 * permits mappings of sealed memory (and an image that is in such), and memory
 * that permits neither. Prints one line each: name, least and median µs.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <paraboot.h>

#define ROUNDS    31
#define GUEST_LEN (512u << 20)

struct subject {
	const char *name;
	pb_image *image; /* NULL: the plain copy */
	uint32_t flags;
	double us[ROUNDS];
};

static const uint8_t *bytes;
static size_t bytes_len;

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void die(const char *what, const struct pb_error *err)
{
	char line[200] = "";

	if (err)
		pb_error_line(err, line, sizeof(line));
	fprintf(stderr, "place: %s %s\n", what, line);
	exit(1);
}

static void *fresh_memory(size_t len)
{
	void *mem = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		die("mmap", NULL);
	return mem;
}

static double plain_copy(void)
{
	double start = now_us();
	void *mem = fresh_memory(bytes_len);

	memcpy(mem, bytes, bytes_len);

	double took = now_us() - start;

	munmap(mem, bytes_len);
	return took;
}

static double plan_and_place(const struct subject *subject)
{
	double start = now_us();
	struct pb_range range = { .gpa = 0, .len = GUEST_LEN, .type = PB_E820_RAM };
	struct pb_request request = PB_INIT(request);
	struct pb_error err = PB_INIT(err);
	struct pb_ram ram = { .len = GUEST_LEN, .host = fresh_memory(GUEST_LEN), .flags = subject->flags };
	pb_plan *plan;

	request.entry = PB_PVH;
	request.unpack = PB_UNPACK_HOST;
	request.ram = &range;
	request.rams = 1;
	if (pb_plan_make(&plan, subject->image, &request, &err) < 0 || pb_place(plan, &ram, 1, &err) < 0)
		die(subject->name, &err);

	double took = now_us() - start;

	pb_plan_close(plan);
	munmap(ram.host, GUEST_LEN);
	return took;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static pb_image *open_image(int fd)
{
	struct pb_error err = PB_INIT(err);
	struct pb_kernel kernel = PB_INIT(kernel);
	pb_image *image;

	if (pb_image_open_fd(&image, fd, NULL, &err) < 0 || pb_image_kernel(image, &kernel, &err) < 0)
		die("open", &err);
	return image;
}

static int sealed_copy(void)
{
	int fd = memfd_create("vmlinux", MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, bytes, bytes_len) != (ssize_t)bytes_len ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		die("memfd", NULL);
	return fd;
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		die("usage: place VMLINUX", NULL);
	bytes_len = (size_t)st.st_size;
	bytes = mmap(NULL, bytes_len, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (bytes == MAP_FAILED)
		die("mmap", NULL);

	struct subject subjects[] = {
		{ .name = "plain copy" },
		{ .name = "place, mapping the file",
		  .image = open_image(fd),
		  .flags = PB_RAM_ZEROED | PB_RAM_MAP_FILE },
		{ .name = "place, mapping sealed memory",
		  .image = open_image(sealed_copy()),
		  .flags = PB_RAM_ZEROED | PB_RAM_MAP_SEALED },
		{ .name = "place, copying", .image = open_image(fd), .flags = PB_RAM_ZEROED },
	};
	size_t count = sizeof(subjects) / sizeof(subjects[0]);

	for (int round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < count; i++)
			subjects[i].us[round] = subjects[i].image ? plan_and_place(&subjects[i]) : plain_copy();
	for (size_t i = 0; i < count; i++) {
		qsort(subjects[i].us, ROUNDS, sizeof(double), compare);
		printf("%s\t%.0f\t%.0f\n", subjects[i].name, subjects[i].us[0], subjects[i].us[ROUNDS / 2]);
		pb_image_close(subjects[i].image);
	}
	return 0;
}
