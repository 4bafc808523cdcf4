/* SPDX-License-Identifier: MIT */
/*
 * The system calls that init makes, for both classes, without a C library:
 * x86-64 by `syscall`, i386 by `int $0x80`. A call returns what the kernel
 * returned: a negative errno on failure. Only calls that have been there since
 * Linux 2.6 are used, so that old kernels can be started too.
 */
#ifndef GUEST_INIT_SYS_H
#define GUEST_INIT_SYS_H

#include <asm/unistd.h>
#include <stddef.h>

#ifdef __x86_64__
static inline long syscall5(long nr, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return ret;
}
#else
static inline long syscall5(long nr, long a, long b, long c, long d, long e)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e) : "memory");
	return ret;
}
#endif

static inline long sys_open(const char *path, int flags)
{
	return syscall5(__NR_open, (long)path, flags, 0, 0, 0);
}

static inline long sys_read(int fd, void *buf, size_t len)
{
	return syscall5(__NR_read, fd, (long)buf, (long)len, 0, 0);
}

static inline long sys_write(int fd, const void *buf, size_t len)
{
	return syscall5(__NR_write, fd, (long)buf, (long)len, 0, 0);
}

static inline long sys_close(int fd)
{
	return syscall5(__NR_close, fd, 0, 0, 0, 0);
}

static inline long sys_dup2(int from, int to)
{
	return syscall5(__NR_dup2, from, to, 0, 0, 0);
}

static inline long sys_lseek(int fd, long off, int whence)
{
	return syscall5(__NR_lseek, fd, off, whence, 0, 0);
}

static inline long sys_ioctl(int fd, unsigned long request, long arg)
{
	return syscall5(__NR_ioctl, fd, (long)request, arg, 0, 0);
}

static inline long sys_mkdir(const char *path, int mode)
{
	return syscall5(__NR_mkdir, (long)path, mode, 0, 0, 0);
}

static inline long sys_mount(const char *what, const char *where, const char *type)
{
	return syscall5(__NR_mount, (long)what, (long)where, (long)type, 0, 0);
}

static inline long sys_getdents64(int fd, void *buf, size_t len)
{
	return syscall5(__NR_getdents64, fd, (long)buf, (long)len, 0, 0);
}

static inline long sys_uname(void *buf)
{
	return syscall5(__NR_uname, (long)buf, 0, 0, 0, 0);
}

static inline long sys_clock_gettime(int clock, void *timespec)
{
	return syscall5(__NR_clock_gettime, clock, (long)timespec, 0, 0, 0);
}

static inline long sys_syslog(int action, char *buf, int len)
{
	return syscall5(__NR_syslog, action, (long)buf, len, 0, 0);
}

static inline long sys_reboot(int magic, int magic2, unsigned cmd)
{
	return syscall5(__NR_reboot, magic, magic2, (long)cmd, 0, 0);
}

static inline void sys_pause(void)
{
	syscall5(__NR_pause, 0, 0, 0, 0, 0);
}

_Noreturn static inline void sys_exit(int status)
{
	for (;;)
		syscall5(__NR_exit, status, 0, 0, 0, 0);
}

#endif
