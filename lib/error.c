/* SPDX-License-Identifier: MIT */
/*
 * The one error domain: filling the caller's pb_error, and the words for it.
 */
#include "error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
	int code;
	const char *name, *text;
} words[] = {
#define ROW(code, text)                                                                                                \
	{                                                                                                              \
		code, #code, text                                                                                      \
	}
	ROW(PB_OK, "no error"),
	ROW(PB_E_ARG, "is not a valid argument"),
	ROW(PB_E_NOMEM, "not enough memory"),
	ROW(PB_E_IO, "cannot be read or written"),
	ROW(PB_E_CHANGED, "the file got shorter while it was in use"),
	ROW(PB_E_CODEC_OFF, "this codec is not in this build"),
	ROW(PB_E_NOT_BUILT, "this version cannot plan that entry yet"),
	ROW(PB_E_FORMAT, "is not a kernel image"),
	ROW(PB_E_MACHINE, "is not for x86"),
	ROW(PB_E_ELF_TYPE, "is an ELF file that cannot be executed"),
	ROW(PB_E_TRUNCATED, "reaches past the end"),
	ROW(PB_E_RANGE, "is out of range"),
	ROW(PB_E_WRAP, "wraps around the address space"),
	ROW(PB_E_OVERLAP, "overlaps another segment"),
	ROW(PB_E_CODEC, "the compressed data is damaged"),
	ROW(PB_E_CODEC_UNKNOWN, "begins like no known codec"),
	ROW(PB_E_SIZE_CLAIM, "the unpacked size is not the claimed one"),
	ROW(PB_E_TRAILING, "bytes follow the end of the compressed data"),
	ROW(PB_E_NOTE, "is a malformed ELF note"),
	ROW(PB_E_RELOC, "is a bad relocation"),
	ROW(PB_E_LIMIT, "is more than the limit allows"),
	ROW(PB_E_EMPTY, "is missing"),
	ROW(PB_E_MAGIC, "lacks its magic number"),
	ROW(PB_E_PROTOCOL, "the boot protocol is too old"),
	ROW(PB_E_CLASS, "the kernel is of the other class"),
	ROW(PB_E_NO_NOTE, "the kernel has no such ELF note"),
	ROW(PB_E_NOTE_VALUE, "this ELF note's value does not allow it"),
	ROW(PB_E_NO_ENTRY, "the image has no such entry point"),
	ROW(PB_E_NO_PAYLOAD, "there is no payload to unpack so"),
	ROW(PB_E_FEATURE, "the kernel requires this feature, which is never given"),
	ROW(PB_E_ENTRY_OUTSIDE, "the entry point lies in no segment"),
	ROW(PB_E_MEMORY_MAP, "is not a usable memory map"),
	ROW(PB_E_NO_ROOM, "no free RAM of that size"),
	ROW(PB_E_CMDLINE, "is longer than the kernel takes"),
	ROW(PB_E_INITRD, "does not fit where the kernel can reach it"),
	ROW(PB_E_KASLR, "the kernel cannot be moved"),
	ROW(PB_E_SUBARCH, "the image does not serve that subarchitecture"),
	ROW(PB_E_NO_GUEST_MEMORY, "lies in no region of guest memory"),
#undef ROW
};

const char *pb_code_text(int code)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].code == code)
			return words[i].text;
	return "unknown error";
}

const char *pb_code_name(int code)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].code == code)
			return words[i].name;
	return "PB_E_UNKNOWN";
}

int pb_error_line(const struct pb_error *err, char *buf, size_t buf_len)
{
	if (err->code == PB_E_IO)
		return snprintf(buf, buf_len, "%s: %s", err->field, strerror((int)err->value));
	return snprintf(buf, buf_len, "%s: %s (value 0x%" PRIx64 ", limit 0x%" PRIx64 ")", err->field,
			pb_code_text(err->code), err->value, err->limit);
}

int fail(struct pb_error *err, enum pb_code code, const char *field, uint64_t value, uint64_t limit, uint64_t off)
{
	struct pb_error filled = { .code = (int)code, .field = field, .value = value, .limit = limit, .off = off };

	if (err) {
		size_t len = err->size < sizeof(filled) ? err->size : sizeof(filled);

		filled.size = err->size;
		memcpy(err, &filled, len);
	}
	return -(int)code;
}

int fail_io(struct pb_error *err, const char *field)
{
	return fail(err, PB_E_IO, field, (uint64_t)errno, 0, 0);
}

int fail_nomem(struct pb_error *err, uint64_t wanted_len)
{
	return fail(err, PB_E_NOMEM, "memory", wanted_len, 0, 0);
}
