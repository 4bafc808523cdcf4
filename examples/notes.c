/* SPDX-License-Identifier: MIT */
/* Print all ELF notes of a kernel image: cc notes.c $(pkg-config --cflags --libs paraboot) */
#include <fcntl.h>
#include <paraboot.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	struct pb_error err = PB_INIT(err);
	struct pb_note note = PB_INIT(note);
	pb_image *image = NULL;
	char line[200];
	int rc = pb_image_open_fd(&image, open(argc > 1 ? argv[1] : "", O_RDONLY), NULL, &err);

	for (unsigned i = 0; rc == 0 && (rc = pb_image_note(image, i, &note, &err)) == 0; i++)
		printf("%s %s (%u): %u bytes\n", note.owner, note.name ? note.name : "", note.type, note.desc_len);
	pb_image_close(image);
	if (rc == -PB_E_ARG) /* past the last note */
		return 0;
	pb_error_line(&err, line, sizeof(line));
	fprintf(stderr, "%s\n", line);
	return 1;
}
