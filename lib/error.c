/* SPDX-License-Identifier: MIT */
/*
 * The one error domain: filling the caller's pb_error, and the words for it.
 */
#include "error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * What a code's value and limit are, and so how a line shows them. A code
 * whose field says it all has neither.
 */
static int plain(const struct pb_error *err, char *buf, size_t buf_len)
{
	return snprintf(buf, buf_len, "%s: %s", err->field, pb_code_text(err->code));
}

static int numbers(const struct pb_error *err, char *buf, size_t buf_len)
{
	return snprintf(buf, buf_len, "%s: %s (value 0x%" PRIx64 ", limit 0x%" PRIx64 ")", err->field,
			pb_code_text(err->code), err->value, err->limit);
}

/* A note is a word or a number; so is an argument, some of which are there or not. */
static int either(const struct pb_error *err, char *buf, size_t buf_len)
{
	return (err->value || err->limit ? numbers : plain)(err, buf, buf_len);
}

/* How much there is tells a user more than where it would have to be. */
static int room(const struct pb_error *err, char *buf, size_t buf_len)
{
	if (!err->off)
		return numbers(err, buf, buf_len);
	return snprintf(buf, buf_len,
			"%s: %s (value 0x%" PRIx64 ", limit 0x%" PRIx64 ", largest free piece 0x%" PRIx64 ")",
			err->field, pb_code_text(err->code), err->value, err->limit, err->off);
}

static int bits(const struct pb_error *err, char *buf, size_t buf_len)
{
	return snprintf(buf, buf_len, "%s: %s (%" PRIu64 "-bit, wanted %" PRIu64 "-bit)", err->field,
			pb_code_text(err->code), err->value, err->limit);
}

static int protocols(const struct pb_error *err, char *buf, size_t buf_len)
{
	return snprintf(buf, buf_len, "%s: %s (%u.%02u, since %u.%02u)", err->field, pb_code_text(err->code),
			(unsigned)(err->value >> 8 & 0xff), (unsigned)(err->value & 0xff),
			(unsigned)(err->limit >> 8 & 0xff), (unsigned)(err->limit & 0xff));
}

static int number(const struct pb_error *err, char *buf, size_t buf_len)
{
	return snprintf(buf, buf_len, "%s: %s (%" PRIu64 ")", err->field, pb_code_text(err->code), err->value);
}

static int system_word(const struct pb_error *err, char *buf, size_t buf_len)
{
	return snprintf(buf, buf_len, "%s: %s", err->field, strerror((int)err->value));
}

static const struct word {
	int code;
	const char *name, *text;
	int (*line)(const struct pb_error *err, char *buf, size_t buf_len);
} words[] = {
#define ROW(code, text, line)                                                                                          \
	{                                                                                                              \
		code, #code, text, line                                                                                \
	}
	ROW(PB_OK, "no error", numbers),
	ROW(PB_E_ARG, "is not a valid argument", either),
	ROW(PB_E_NOMEM, "not enough memory", numbers),
	ROW(PB_E_IO, "cannot be read or written", system_word),
	ROW(PB_E_CHANGED, "the file got shorter while it was in use", numbers),
	ROW(PB_E_CODEC_OFF, "this codec is not in this build", plain),
	ROW(PB_E_NOT_BUILT, "this version cannot plan that entry yet", plain),
	ROW(PB_E_FORMAT, "is not a kernel image", plain),
	ROW(PB_E_MACHINE, "is not for x86", numbers),
	ROW(PB_E_ELF_TYPE, "is an ELF file that cannot be executed", numbers),
	ROW(PB_E_TRUNCATED, "reaches past the end", numbers),
	ROW(PB_E_RANGE, "is out of range", numbers),
	ROW(PB_E_WRAP, "wraps around the address space", numbers),
	ROW(PB_E_OVERLAP, "overlaps another segment", numbers),
	ROW(PB_E_CODEC, "the compressed data is damaged", numbers),
	ROW(PB_E_CODEC_UNKNOWN, "begins like no known codec", numbers),
	ROW(PB_E_SIZE_CLAIM, "the unpacked size is not the claimed one", numbers),
	ROW(PB_E_TRAILING, "bytes follow the end of the compressed data", numbers),
	ROW(PB_E_NOTE, "is a malformed ELF note", numbers),
	ROW(PB_E_RELOC, "is a bad relocation", numbers),
	ROW(PB_E_LIMIT, "is more than the limit allows", numbers),
	ROW(PB_E_EMPTY, "is missing", plain),
	ROW(PB_E_MAGIC, "lacks its magic number", numbers),
	ROW(PB_E_PROTOCOL, "the boot protocol is too old", protocols),
	ROW(PB_E_CLASS, "the kernel is of the other class", bits),
	ROW(PB_E_NO_NOTE, "the kernel has no such ELF note", plain),
	ROW(PB_E_NOTE_VALUE, "this ELF note's value does not allow it", either),
	ROW(PB_E_NO_ENTRY, "the image has no such entry point", plain),
	ROW(PB_E_NO_PAYLOAD, "there is no payload to unpack so", numbers),
	ROW(PB_E_FEATURE, "the kernel requires this feature, which is never given", plain),
	ROW(PB_E_ENTRY_OUTSIDE, "the entry point lies in no segment", numbers),
	ROW(PB_E_MEMORY_MAP, "is not a usable memory map", numbers),
	ROW(PB_E_NO_ROOM, "no free RAM of that size", room),
	ROW(PB_E_CMDLINE, "is longer than the kernel takes", numbers),
	ROW(PB_E_INITRD, "does not fit where the kernel can reach it", room),
	ROW(PB_E_KASLR, "the kernel cannot be moved", plain),
	ROW(PB_E_SUBARCH, "the image does not say that it serves that subarchitecture", number),
	ROW(PB_E_NO_GUEST_MEMORY, "lies in no region of guest memory", numbers),
	ROW(PB_E_FRAMES, "is not a usable map of the domain's frames", numbers),
#undef ROW
};

static const struct word *word_of(int code)
{
	static const struct word unknown = { 0, "PB_E_UNKNOWN", "unknown error", numbers };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].code == code)
			return &words[i];
	return &unknown;
}

const char *pb_code_text(int code)
{
	return word_of(code)->text;
}

const char *pb_code_name(int code)
{
	return word_of(code)->name;
}

int pb_error_line(const struct pb_error *err, char *buf, size_t buf_len)
{
	return word_of(err->code)->line(err, buf, buf_len);
}

void error_fill(struct pb_error *err, enum pb_code code, const char *field, uint64_t value, uint64_t limit,
		uint64_t off)
{
	struct pb_error filled = { .code = (int)code, .field = field, .value = value, .limit = limit, .off = off };

	if (err) {
		size_t len = err->size < sizeof(filled) ? err->size : sizeof(filled);

		filled.size = err->size;
		memcpy(err, &filled, len);
	}
}
