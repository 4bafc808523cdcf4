/* SPDX-License-Identifier: MIT */
/*
 * The good images: every format, every protocol, every place for notes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "images.h"

const struct image_spec good_images[] = {
	{ "elf64", 0 },
	{ "elf32", KERNEL_32 },
	{ "elf64-dyn", KERNEL_DYN },
	{ "elf64-virtual-entry", KERNEL_VIRTUAL_ENTRY },
	{ "elf64-section-notes", KERNEL_SECTION_NOTES },
	{ "elf64-two-notes", KERNEL_TWO_PT_NOTES },
	{ "elf64-bare-owner", KERNEL_BARE_OWNER },
	{ "elf64-no-notes", KERNEL_NO_NOTES },
	{ "elf64-banner", KERNEL_NO_NOTES | KERNEL_BANNER },
	{ "elf64-no-inverse", KERNEL_NO_INVERSE },
	{ "elf64-no-relocs", KERNEL_NO_RELOCS },
	{ "elf64-emitted", KERNEL_EMITTED },
	{ "elf32-emitted", KERNEL_32 | KERNEL_EMITTED },
	{ "elf64-emitted-section-notes", KERNEL_EMITTED | KERNEL_SECTION_NOTES },
	{ "elf64-emitted.gz", KERNEL_EMITTED, "gzip" },
	{ "elf64-big", KERNEL_BIG },
	{ "elf32-xen-guest", KERNEL_32 | KERNEL_XEN_GUEST },
	{ "elf32-lguest", KERNEL_32 | KERNEL_BANNER | KERNEL_LGUEST },
	{ "elf32-no-notes", KERNEL_32 | KERNEL_NO_NOTES },
	{ "elf64.gz", 0, "gzip" },
	{ "elf64.lz4", 0, "lz4" },
	{ "elf64-big.lz4", KERNEL_BIG, "lz4" },
	{ "elf64.xz", 0, "xz" },
	{ "elf64.zst", 0, "zstd" },
	{ "elf64-filler.xz", 0, "xz", 0, IMAGE_FILLER },
	{ "elf64-filler.zst", 0, "zstd", 0, IMAGE_FILLER },
	{ "zimage-2.00", KERNEL_32, "none", 0x200, IMAGE_ZIMAGE },
	{ "zimage-2.08", KERNEL_32, "gzip", 0x208, IMAGE_ZIMAGE },
	{ "bz-2.00", KERNEL_32, "gzip", 0x200 },
	{ "bz-2.01", KERNEL_32, "gzip", 0x201 },
	{ "bz-2.02", KERNEL_32, "gzip", 0x202 },
	{ "bz-2.03", KERNEL_32, "gzip", 0x203 },
	{ "bz-2.04", KERNEL_32, "gzip", 0x204 },
	{ "bz-2.05", KERNEL_32, "gzip", 0x205 },
	{ "bz-2.06", KERNEL_32, "gzip", 0x206 },
	{ "bz-2.07", KERNEL_32, "gzip", 0x207 },
	{ "bz-2.08", KERNEL_32, "gzip", 0x208 },
	{ "bz-2.09", 0, "gzip", 0x209 },
	{ "bz-2.10", 0, "gzip", 0x20a },
	{ "bz-2.11", 0, "gzip", 0x20b },
	{ "bz-2.12", 0, "gzip", 0x20c },
	{ "bz-2.13", 0, "gzip", 0x20d },
	{ "bz-2.14", 0, "gzip", 0x20e },
	{ "bz-2.15", 0, "gzip", 0x20f },
	{ "bz-lz4", 0, "lz4", 0x20f },
	{ "bz-none", 0, "none", 0x20f },
	{ "bz-big", KERNEL_BIG, "lz4", 0x20f },
	{ "bz-big-gzip", KERNEL_BIG, "gzip", 0x20f },
	{ "bz-32", KERNEL_32, "gzip", 0x20f },
	{ "bz-32-none", KERNEL_32, "none", 0x20f },
	{ "bz-lguest", KERNEL_32 | KERNEL_LGUEST, "gzip", 0x20c },
	{ "bz-mz", 0, "none", 0x20f, IMAGE_MZ },
	{ "bz-elf", 0, "none", 0x20f, IMAGE_ELF },
	{ "bz-elf-lists", 0, "none", 0x20f, IMAGE_ELF | IMAGE_LISTS },
	{ "bz-sects-0", 0, "none", 0x20f, IMAGE_SECTS_0 },
	{ "bz-signed", 0, "gzip", 0x20f, IMAGE_SIGNED },
	{ "bz-no-payload", 0, NULL, 0x20f, IMAGE_NO_PAYLOAD },
	{ "uki-bz", 0, "gzip", 0x20f, IMAGE_PE | IMAGE_MZ },
	{ "uki-elf", 0, NULL, 0, IMAGE_PE },
	{ "uki-gz", 0, "gzip", 0, IMAGE_PE },
	{ 0 },
};

static const struct image_spec *find(const char *name)
{
	const struct image_spec *spec = good_images;

	while (spec->name && strcmp(spec->name, name) != 0)
		spec++;
	if (!spec->name) {
		fprintf(stderr, "no good image is called %s\n", name);
		abort();
	}
	return spec;
}

const char *image_codec(const char *name)
{
	return find(name)->codec;
}

static void build_bzimage(struct blob *out, const struct image_spec *spec, const struct blob *kernel)
{
	struct bzimage_spec bz = {
		.protocol = spec->protocol,
		.codec = spec->codec,
		.kernel = spec->flags & IMAGE_NO_PAYLOAD ? NULL : kernel,
		.zimage = spec->flags & IMAGE_ZIMAGE,
		.mz = spec->flags & IMAGE_MZ,
		.elf = spec->flags & IMAGE_ELF,
		.lists_entries = spec->flags & IMAGE_LISTS,
		.sects_0 = spec->flags & IMAGE_SECTS_0,
		.signature_len = spec->flags & IMAGE_SIGNED ? 1472 : 0,
	};

	image_bzimage(out, &bz);
}

void image_build_kernel(struct blob *out, const char *name)
{
	image_kernel_elf(out, find(name)->kernel);
}

void image_build_around(struct blob *out, const char *name, const struct blob *kernel)
{
	const struct image_spec *spec = find(name);
	struct blob image = { 0 };

	if (spec->protocol)
		build_bzimage(&image, spec, kernel);
	else
		image_encode(&image, spec->codec ? spec->codec : "none", spec->flags & IMAGE_FILLER, kernel);
	if (spec->flags & IMAGE_PE)
		image_pe(out, &image);
	else
		blob_put_blob(out, &image);
	blob_free(&image);
}

void image_build(struct blob *out, const char *name, void (*spoil)(struct blob *kernel))
{
	struct blob kernel = { 0 };

	image_build_kernel(&kernel, name);
	if (spoil)
		spoil(&kernel);
	image_build_around(out, name, &kernel);
	blob_free(&kernel);
}
