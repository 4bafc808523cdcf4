/* SPDX-License-Identifier: MIT */
/*
 * What a compiler expects of a C library, and printing: numbers and strings
 * to the serial port or into a buffer.
 */
#include <stdarg.h>

#include "paravisor.h"

#include <xen/sched.h>

void *memcpy(void *to, const void *from, size_t len)
{
	void *ret = to;
	size_t words = len / 8;

	len %= 8;
	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words)::"memory");
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(len)::"memory");
	return ret;
}

void *memmove(void *to, const void *from, size_t len)
{
	char *t = to;
	const char *f = from;

	if ((uint64_t)t - (uint64_t)f >= len)
		return memcpy(to, from, len);
	while (len--)
		t[len] = f[len];
	return to;
}

void *memset(void *to, int byte, size_t len)
{
	void *ret = to;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(len) : "a"(byte) : "memory");
	return ret;
}

int memcmp(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a, *y = b;

	for (size_t i = 0; i < len; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

size_t strlen(const char *s)
{
	size_t len = 0;

	while (s[len])
		len++;
	return len;
}

struct out {
	char *buf;
	size_t len, at; /* at counts what did not fit too */
};

static void put(struct out *o, char c)
{
	if (o->at + 1 < o->len)
		o->buf[o->at] = c;
	o->at++;
}

static void put_number(struct out *o, uint64_t value, unsigned base, unsigned width, char pad)
{
	char digits[24];
	unsigned n = 0;

	do
		digits[n++] = "0123456789abcdef"[value % base];
	while (value /= base);
	for (unsigned i = n; i < width; i++)
		put(o, pad);
	while (n)
		put(o, digits[--n]);
}

static void put_string(struct out *o, const char *s, unsigned width)
{
	unsigned n = 0;

	for (; s[n]; n++)
		put(o, s[n]);
	for (; n < width; n++)
		put(o, ' ');
}

static void put_signed(struct out *o, int64_t value, unsigned width, char pad)
{
	if (value < 0) {
		put(o, '-');
		value = -value;
	}
	put_number(o, (uint64_t)value, 10, width, pad);
}

/* One conversion, after the '%'; returns the character behind it. */
static const char *convert(struct out *o, const char *f, va_list *args)
{
	char pad = *f == '0' ? '0' : ' ';
	unsigned width = 0;
	bool is_long = false;

	while (*f >= '0' && *f <= '9')
		width = width * 10 + (unsigned)(*f++ - '0');
	while (*f == 'l') {
		is_long = true;
		f++;
	}
	switch (*f) {
	case 's':
		put_string(o, va_arg(*args, const char *), width);
		break;
	case 'c':
		put(o, (char)va_arg(*args, int));
		break;
	case 'd':
		put_signed(o, is_long ? va_arg(*args, long) : va_arg(*args, int), width, pad);
		break;
	default:
		put_number(o, is_long ? va_arg(*args, unsigned long) : va_arg(*args, unsigned), *f == 'x' ? 16 : 10,
			   width, pad);
	}
	return f + 1;
}

static void vformat(struct out *o, const char *fmt, va_list *args)
{
	while (*fmt) {
		if (*fmt != '%')
			put(o, *fmt++);
		else
			fmt = convert(o, fmt + 1, args);
	}
	if (o->len)
		o->buf[o->at < o->len ? o->at : o->len - 1] = 0;
}

int format(char *buf, size_t len, const char *fmt, ...)
{
	struct out o = { buf, len, 0 };
	va_list args;

	va_start(args, fmt);
	vformat(&o, fmt, &args);
	va_end(args);
	return (int)o.at;
}

void say(const char *fmt, ...)
{
	char line[200];
	struct out o = { line, sizeof(line), 0 };
	va_list args;

	va_start(args, fmt);
	vformat(&o, fmt, &args);
	va_end(args);
	uart_write(line, strlen(line));
}

void panic(const char *fmt, ...)
{
	char line[200];
	struct out o = { line, sizeof(line), 0 };
	va_list args;

	va_start(args, fmt);
	vformat(&o, fmt, &args);
	va_end(args);
	uart_last_words();
	say("\n---- paravisor: %s\n", line);
	machine_off(SHUTDOWN_crash);
}

void guest_crash(struct vcpu *v, const char *fmt, ...)
{
	static char line[200];
	struct out o = { line, sizeof(line), 0 };
	va_list args;

	va_start(args, fmt);
	vformat(&o, fmt, &args);
	va_end(args);
	crash(guest_regs(v), line);
}
