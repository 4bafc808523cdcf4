/* SPDX-License-Identifier: MIT */
/*
 * The built-in init: the first and only process of a kernel that was started
 * without an initrd of the user's. It prints what the kernel says of itself,
 * one `paraboot-init: KEY=VALUE` line each, so that a script can tell whether
 * the kernel got what its loader meant to give it; then it powers off, or does
 * what `paraboot.action=` on the kernel's command line says. docs/init.md
 * lists the lines and the words.
 *
 * Freestanding: no C library, no startup code but _start below, static
 * buffers only. It must run on any kernel that can be started at all, so
 * whatever the kernel lacks (no devtmpfs, no sysfs, no kmsg) costs a line,
 * never the run.
 */
#include "pattern.h"
#include "sys.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/reboot.h>
#include <linux/time.h>
#include <linux/utsname.h>
#include <stdbool.h>
#include <stdint.h>

enum { SYSLOG_CONSOLE_OFF = 6, SYSLOG_CONSOLE_ON = 7 }; /* syslog(2) */
enum { LOG_WARNING = 4 };

static char cmdline[64 << 10];
static char buf[64 << 10];  /* one file, one kernel log record or one directory at a time */
static char line[72 << 10]; /* the line being made */
static size_t line_len;

/* ---- Strings, as far as they are needed -------------------------------- */

static size_t length(const char *s)
{
	size_t len = 0;

	while (s[len])
		len++;
	return len;
}

/* Does s begin with prefix? */
static bool begins(const char *s, const char *prefix)
{
	while (*prefix)
		if (*s++ != *prefix++)
			return false;
	return true;
}

static bool equals(const char *a, const char *b)
{
	return begins(a, b) && length(a) == length(b);
}

/* The compiler makes calls of it, whatever -ffreestanding says. */
void *memset(void *dst, int c, size_t len);
void *memset(void *dst, int c, size_t len)
{
	char *p = dst;

	while (len--)
		*p++ = (char)c;
	return dst;
}

static unsigned long number(const char **s)
{
	unsigned long n = 0;

	while (**s >= '0' && **s <= '9')
		n = n * 10 + (unsigned long)(*(*s)++ - '0');
	return n;
}

/* ---- Lines on the console ---------------------------------------------- */

static void add(const char *s)
{
	while (*s && line_len < sizeof(line) - 1)
		line[line_len++] = *s++;
}

static void add_number(unsigned long n)
{
	char digits[21];
	char *p = digits + sizeof(digits) - 1;

	*p = 0;
	do
		*--p = (char)('0' + n % 10);
	while (n /= 10);
	add(p);
}

/* A line goes out by one write, so that the kernel's own messages rarely split it. */
static void end_line(void)
{
	size_t done = 0;

	line[line_len++] = '\n';
	while (done < line_len) {
		long n = sys_write(1, line + done, line_len - done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	line_len = 0;
}

static void begin_line(const char *key)
{
	add("paraboot-init: ");
	add(key);
	add("=");
}

static void say(const char *key, const char *value)
{
	begin_line(key);
	add(value);
	end_line();
}

static void say_hex(const char *key, uint64_t value)
{
	char digit[2] = { 0 };

	begin_line(key);
	add("0x");
	for (int shift = 60; shift >= 0; shift -= 4) {
		digit[0] = "0123456789abcdef"[value >> shift & 15];
		add(digit);
	}
	end_line();
}

static void say_number(const char *key, unsigned long value)
{
	begin_line(key);
	add_number(value);
	end_line();
}

/* ---- What the kernel says ---------------------------------------------- */

/* A whole file, cut at its first newline, as a string; false: there is none. */
static bool read_first_line(const char *path, char *ret, size_t size)
{
	long fd = sys_open(path, O_RDONLY);
	size_t len = 0;

	if (fd < 0)
		return false;
	while (len < size - 1) {
		long n = sys_read((int)fd, ret + len, size - 1 - len);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	sys_close((int)fd);
	ret[len] = 0;
	for (size_t i = 0; i < len; i++)
		if (ret[i] == '\n')
			ret[i] = 0;
	return true;
}

static void say_file(const char *key, const char *path, const char *otherwise)
{
	say(key, read_first_line(path, buf, sizeof(buf)) ? buf : otherwise);
}

static void say_uname(void)
{
	struct new_utsname name;

	if (sys_uname(&name) < 0)
		return;
	say("release", name.release);
	say("machine", name.machine);
	say("version", name.version);
}

/* /sys/devices/system/cpu/online is a list such as "0-3,5". */
static void say_cpus(void)
{
	const char *s = buf;
	unsigned long cpus = 0;

	if (!read_first_line("/sys/devices/system/cpu/online", buf, sizeof(buf))) {
		say("cpus", "unknown");
		return;
	}
	while (*s >= '0' && *s <= '9') {
		unsigned long first = number(&s), last = first;

		if (*s == '-') {
			s++;
			last = number(&s);
		}
		cpus += last - first + 1;
		if (*s == ',')
			s++;
	}
	say_number("cpus", cpus);
}

/* MemTotal is the first line of /proc/meminfo: "MemTotal:        497904 kB". */
static void say_memory(void)
{
	const char *s = buf;

	if (!read_first_line("/proc/meminfo", buf, sizeof(buf)) || !begins(buf, "MemTotal:")) {
		say("memory_kb", "unknown");
		return;
	}
	while (*s && (*s < '0' || *s > '9'))
		s++;
	say_number("memory_kb", number(&s));
}

/* The pattern is the archive's last file: it is whole only if the whole initrd arrived. */
static bool pattern_is_whole(void)
{
	long fd = sys_open(PATTERN_PATH, O_RDONLY);
	uint32_t state = PATTERN_SEED;
	size_t len = 0;
	bool good = fd >= 0;

	while (good) {
		long n = sys_read((int)fd, buf, sizeof(buf));

		if (n <= 0)
			break;
		for (long i = 0; i < n; i++)
			good = good && (uint8_t)buf[i] == pattern_next(&state);
		len += (size_t)n;
	}
	if (fd >= 0)
		sys_close((int)fd);
	return good && len == PATTERN_LEN;
}

static void say_uptime(void)
{
	struct __kernel_old_timespec now = { 0 };

	if (sys_clock_gettime(CLOCK_MONOTONIC, &now) == 0)
		say_number("uptime_ms", (unsigned long)now.tv_sec * 1000 + (unsigned long)now.tv_nsec / 1000000);
}

/* ---- Where the kernel runs --------------------------------------------- */

/* Does the line at s end so? *next is the line behind it. */
static bool line_ends(const char *s, const char *end, const char **next)
{
	size_t len = 0, end_len = length(end);

	while (s[len] && s[len] != '\n')
		len++;
	*next = s + len + (s[len] != 0);
	return len >= end_len && begins(s + len - end_len, end);
}

static uint64_t hex_number(const char *s)
{
	uint64_t n = 0;

	while (*s == ' ')
		s++;
	for (; (*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'f'); s++)
		n = n << 4 | (uint64_t)(*s <= '9' ? *s - '0' : *s - 'a' + 10);
	return n;
}

/* The number with which the first line begins that ends so; a list in /proc is read by whole lines. */
static void say_from_list(const char *key, const char *path, const char *end)
{
	long fd = sys_open(path, O_RDONLY), n;

	while (fd >= 0 && (n = sys_read((int)fd, buf, sizeof(buf) - 1)) > 0) {
		buf[n] = 0;
		for (const char *s = buf, *next; *s; s = next)
			if (line_ends(s, end, &next)) {
				say_hex(key, hex_number(s));
				sys_close((int)fd);
				return;
			}
	}
	if (fd >= 0)
		sys_close((int)fd);
	say(key, "unknown");
}

static void say_place(void)
{
	say_from_list("kernel_gpa", "/proc/iomem", " : Kernel code");
	say_from_list("kernel_vaddr", "/proc/kallsyms", " T _text");
}

/* ---- The kernel's log -------------------------------------------------- */

/*
 * A record of /dev/kmsg is "PRIORITY,SEQUENCE,TIME,FLAGS;TEXT\n", then lines
 * that begin with a space; PRIORITY has the facility above its low 3 bits.
 */
static bool record_warns(unsigned long *level)
{
	const char *s = buf;

	*level = number(&s) & 7;
	return *level <= LOG_WARNING;
}

static void say_record(unsigned long level)
{
	const char *s = buf;
	char *end;

	while (*s && *s != ';')
		s++;
	if (*s)
		s++;
	for (end = buf; *end && *end != '\n'; end++)
		;
	*end = 0;
	begin_line("log");
	add_number(level);
	add(" ");
	add(s);
	end_line();
}

/* Count what the kernel logged as a warning or worse; with `paraboot.log`, print it too. */
static void say_warnings(bool each)
{
	long fd = sys_open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	unsigned long warnings = 0, level;

	if (fd < 0) {
		say("warnings", "unknown");
		return;
	}
	for (;;) {
		long n = sys_read((int)fd, buf, sizeof(buf) - 1);

		if (n == -32) /* EPIPE: the oldest records were overwritten meanwhile; the next read goes on */
			continue;
		if (n <= 0)
			break;
		buf[n] = 0;
		if (!record_warns(&level))
			continue;
		warnings++;
		if (each)
			say_record(level);
	}
	sys_close((int)fd);
	say_number("warnings", warnings);
}

/* ---- Files of further initrds ------------------------------------------ */

struct dirent64 { /* getdents64(2) */
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

static void say_extra_file(const char *name)
{
	char path[300] = "/";
	size_t len = length(name);
	long fd, size;

	if (len > sizeof(path) - 2)
		return;
	for (size_t i = 0; i < len; i++)
		path[1 + i] = name[i];
	fd = sys_open(path, O_RDONLY);
	if (fd < 0)
		return;
	size = sys_lseek((int)fd, 0, SEEK_END);
	sys_close((int)fd);
	begin_line("file");
	add(name);
	add(":");
	add_number((unsigned long)size);
	end_line();
}

/* Each /paraboot-extra* with its size: they come in initrds that were concatenated behind this one. */
static void say_extra_files(void)
{
	long fd = sys_open("/", O_RDONLY | O_DIRECTORY), len;

	if (fd < 0)
		return;
	while ((len = sys_getdents64((int)fd, buf, sizeof(buf))) > 0)
		for (long at = 0; at < len;) {
			const struct dirent64 *entry = (const void *)(buf + at);

			if (begins(entry->name, "paraboot-extra"))
				say_extra_file(entry->name);
			at += entry->reclen;
		}
	sys_close((int)fd);
}

/* ---- The end ----------------------------------------------------------- */

static void reboot(unsigned cmd)
{
	sys_reboot((int)LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, cmd);
}

static void power_off(void)
{
	reboot(LINUX_REBOOT_CMD_POWER_OFF);
}

static void restart(void)
{
	reboot(LINUX_REBOOT_CMD_RESTART);
}

/* Pid 1 may not end: the kernel panics. */
static void panic(void)
{
	sys_exit(1);
}

static void hang(void)
{
	for (;;)
		sys_pause();
}

/* The kernel dereferences a null pointer: an oops, then a panic. */
static void crash(void)
{
	long fd = sys_open("/proc/sysrq-trigger", O_WRONLY);

	if (fd >= 0)
		sys_write((int)fd, "c", 1);
	panic();
}

/* One line of what is typed, without its end; false: nothing more will come. */
static bool read_line(char *ret, size_t size)
{
	size_t len = 0;
	char c = 0;

	while (len < size - 1 && c != '\n') {
		if (sys_read(0, &c, 1) != 1)
			return false;
		if (c != '\n' && c != '\r')
			ret[len++] = c;
	}
	ret[len] = 0;
	return true;
}

/*
 * The kernel must neither echo what is typed, or its characters come in
 * between ours, nor take more than it can keep: with hardware flow control it
 * tells the other end to wait. (Not every machine's port has that.)
 */
static void set_terminal(tcflag_t flow_control)
{
	struct termios termios;

	if (sys_ioctl(0, TCGETS, (long)&termios) < 0)
		return;
	termios.c_lflag &= ~(tcflag_t)ECHO;
	termios.c_cflag |= flow_control;
	sys_ioctl(0, TCSETS, (long)&termios);
}

/* Show that what is typed arrives: each line comes back, until "quit". */
static void echo(void)
{
	say("echo", "ready");
	while (read_line(buf, sizeof(buf)) && !equals(buf, "quit"))
		say("echo", buf);
	power_off();
}

static const struct {
	const char *word;
	void (*run)(void);
} actions[] = {
	{ "poweroff", power_off }, { "reboot", restart }, { "panic", panic },
	{ "hang", hang },          { "crash", crash },    { "shell-echo", echo },
};

/* The word that begins so on the kernel's command line, from there on; NULL: none. */
static const char *cmdline_word(const char *begin)
{
	const char *s = cmdline;

	while (*s) {
		if (begins(s, begin))
			return s + length(begin);
		while (*s && *s != ' ')
			s++;
		while (*s == ' ')
			s++;
	}
	return NULL;
}

static void act(void)
{
	const char *word = cmdline_word("paraboot.action=");

	for (size_t i = 0; word && i < sizeof(actions) / sizeof(actions[0]); i++) {
		size_t len = length(actions[i].word);

		if (begins(word, actions[i].word) && (word[len] == 0 || word[len] == ' '))
			actions[i].run();
	}
	power_off();
}

/* ---- The story --------------------------------------------------------- */

static void mount_all(void)
{
	sys_mkdir("/proc", 0755);
	sys_mkdir("/sys", 0755);
	sys_mkdir("/dev", 0755);
	sys_mount("proc", "/proc", "proc");
	sys_mount("sysfs", "/sys", "sysfs");
	sys_mount("devtmpfs", "/dev", "devtmpfs");
}

/* The kernel opens /dev/console for us, but warns and goes on without where it cannot. */
static void open_console(void)
{
	long fd = sys_open("/dev/console", O_RDWR);

	if (fd < 0)
		return;
	for (int i = 0; i < 3; i++)
		sys_dup2((int)fd, i);
	if (fd > 2)
		sys_close((int)fd);
}

static void read_cmdline(void)
{
	if (!read_first_line("/proc/cmdline", cmdline, sizeof(cmdline)))
		cmdline[0] = 0;
}

/* Under QEMU's -icount the time stamp counter counts the machine's instructions since reset: the cost of a boot. */
static uint64_t time_stamp(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static void say_all(uint64_t begin_tsc)
{
	say_uname();
	say("cmdline", cmdline);
	say_file("hypervisor", "/sys/hypervisor/type", "none");
	say_cpus();
	say_memory();
	say_place();
	say("initrd", pattern_is_whole() ? "ok" : "bad");
	say_extra_files();
	say_uptime();
	say_hex("tsc", begin_tsc);
	say_warnings(cmdline_word("paraboot.log") != NULL);
	add("paraboot-init: done");
	end_line();
}

_Noreturn void init_main(void);
_Noreturn void init_main(void)
{
	uint64_t begin_tsc = time_stamp();
	bool typed_at;

	mount_all();
	open_console();
	read_cmdline();
	typed_at = cmdline_word("paraboot.action=shell-echo");
	set_terminal(typed_at ? CRTSCTS : 0);
	sys_syslog(SYSLOG_CONSOLE_OFF, NULL, 0); /* the lines stay whole */
	if (typed_at)
		end_line(); /* the kernel's echo of what was typed before now may stand in this one */
	say_all(begin_tsc);
	sys_ioctl(1, TCSBRK, 1); /* tcdrain: what is still in the tty layer dies with the machine */
	sys_syslog(SYSLOG_CONSOLE_ON, NULL, 0);
	act();
	hang(); /* a kernel that cannot power off has halted, or comes back: the engine ends it */
	__builtin_unreachable();
}

/* The kernel's stack pointer is aligned to 16; a C function expects it after a call. */
__asm__(".globl _start\n"
	"_start:\n"
	"	call init_main\n");
