#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""terminal.py WAY PARABOOT IMAGE [ENGINE]: run IMAGE, a guest that says "ready" and
echoes (echo.S), by ENGINE (qemu) on a terminal of its own, leave it in that WAY, and
fail unless the terminal was raw meanwhile and is afterwards what it was before. The way
"try" is Ctrl-C while IMAGE is tried, on a terminal that stays as it is.

paraboot is the foreground job of a process that does what a shell does."""

import fcntl
import os
import pty
import select
import signal
import sys
import termios
import time

PATIENCE = 60
COOKED = termios.ICANON | termios.ECHO | termios.ISIG
LEFT, REBOOTED, TIMED_OUT = 130, 10, 124


def check(true, what):
    if not true:
        sys.exit(f"terminal.py: {what}")


class Job:
    """paraboot, as the foreground job of a session that is this process's."""

    def __init__(self, command):
        self.screen, self.tty = pty.openpty()
        self.seen = b""
        os.setsid()
        fcntl.ioctl(self.tty, termios.TIOCSCTTY, 0)
        # A shell is not stopped for giving its terminal away, nor ended with its job.
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        self.before = termios.tcgetattr(self.tty)
        self.pid = os.fork()
        if self.pid == 0:
            os.setpgid(0, 0)
            os.tcsetpgrp(self.tty, os.getpgrp())
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)
            for fd in range(3):
                os.dup2(self.tty, fd)
            os.execvp(command[0], command)

    def is_raw(self):
        return termios.tcgetattr(self.tty)[3] & COOKED == 0

    def is_as_before(self):
        return termios.tcgetattr(self.tty) == self.before

    def hang_up(self):
        """The terminal is dead: its screen and its keys are gone, and its settings with them."""
        os.close(self.screen)
        self.end = self.end_unread
        self.is_as_before = lambda: True

    def wait(self, condition, what):
        """Read what comes meanwhile: nobody can write to a screen that is full."""
        end = time.monotonic() + PATIENCE
        while not condition():
            check(time.monotonic() < end, f"{what}: waited in vain; seen: {self.seen!r}")
            if select.select([self.screen], [], [], 0.05)[0]:
                self.seen += os.read(self.screen, 4096)

    def see(self, text):
        self.wait(lambda: text in self.seen, f"see {text!r}")

    def type(self, text):
        os.write(self.screen, text)

    def stop(self):
        os.kill(self.pid, signal.SIGTSTP)
        _, status = os.waitpid(self.pid, os.WUNTRACED)
        check(os.WIFSTOPPED(status), "was to stop")
        os.tcsetpgrp(self.tty, os.getpgrp())

    def go_on(self, foreground):
        if foreground:
            os.tcsetpgrp(self.tty, self.pid)
        os.kill(self.pid, signal.SIGCONT)

    def end_unread(self):
        """As end(), of a job whose screen nobody reads."""
        end = time.monotonic() + PATIENCE
        while not (ended := os.waitpid(self.pid, os.WNOHANG))[0]:
            check(time.monotonic() < end, "does not end while nobody reads its screen")
            time.sleep(0.05)
        return os.waitstatus_to_exitcode(ended[1])

    def end(self):
        """Its exit status; minus the signal's number if one ended it."""
        result = []

        def ended():
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                result.append(os.waitstatus_to_exitcode(status))
            return pid

        self.wait(ended, "end")
        return result[0]


def keys(job):
    """Ctrl-A Ctrl-A is one Ctrl-A, Ctrl-C is the guest's, Ctrl-A x leaves."""
    job.type(b"a\x01\x01b\x03c\x01")
    job.see(b"ready\na\x01b\x03c")
    job.type(b"x")
    return LEFT


def guest_ends(job):
    job.type(b".")
    return REBOOTED


def stop(job):
    """The shell has its terminal while paraboot is stopped or in the background."""
    job.stop()
    check(job.is_as_before(), "is raw while stopped")
    job.go_on(foreground=False)
    time.sleep(0.5)
    check(job.is_as_before(), "is raw while in the background")
    job.stop()
    job.go_on(foreground=True)
    job.wait(job.is_raw, "raw again")
    return guest_ends(job)


def by_signal(number, wanted):
    def way(job):
        os.kill(job.pid, number)
        return wanted

    return way


def timeout(job):
    return TIMED_OUT


def stalled(job):
    """A reader that stalls, while the guest has more to say than a terminal holds, keeps it from nothing."""
    job.end = job.end_unread
    return TIMED_OUT


def mute(job):
    """One that stalls for good, with what it was to be told of the leaving: that waits for nobody either."""
    time.sleep(1)  # for the guest to fill it
    os.kill(job.pid, signal.SIGTERM)
    job.end = job.end_unread
    return LEFT


def hang_up_again(job):
    """Its exit status, with a SIGHUP at every moment of its leaving: it leaves already, and ends as it does for one."""
    end = time.monotonic() + PATIENCE
    while not (ended := os.waitpid(job.pid, os.WNOHANG))[0]:
        check(time.monotonic() < end, "does not end for all the hangups")
        os.kill(job.pid, signal.SIGHUP)
        time.sleep(0)
    return os.waitstatus_to_exitcode(ended[1])


def hangup(job):
    """A terminal goes away, and a shell passes the signal on, again and again."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    job.hang_up()
    job.end = lambda: hang_up_again(job)
    return LEFT


def deserted(job):
    """It goes away, and the shell tells nobody: that nobody reads any more is all that there is to see."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    job.hang_up()
    return LEFT


WAYS = {"keys": keys, "guest": guest_ends, "stop": stop, "timeout": timeout, "stalled": stalled, "mute": mute}
WAYS |= {"hangup": hangup, "deserted": deserted}
WAYS |= {name: by_signal(getattr(signal, name), LEFT) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")}
# These are no request to leave: they do what they do to any process.
WAYS |= {n: by_signal(getattr(signal, n), -getattr(signal, n)) for n in ("SIGUSR1", "SIGALRM", "SIGABRT")}


def run_it(way, paraboot, image, engine):
    limit = ["--timeout", "3"] if way in ("timeout", "stalled") else []
    # The last words, on standard error, would have to wait for a reader.
    elsewhere = ["env", "sh", "-c", 'exec "$@" 2>/dev/null', "-"] if way == "stalled" else ["env"]
    job = Job([*elsewhere, paraboot, "run", "--engine", engine, "--no-initrd", "-m", "64M", *limit, image])
    job.see(b"ready")
    check(job.is_raw(), "is not raw while the guest runs")
    return job, WAYS[way](job)


def try_it(paraboot, image):
    job = Job([paraboot, "try", "--engine", "qemu", "-m", "64M", "-e", "linux64", image])
    job.see(b"ENTRY")
    time.sleep(1)
    check(job.is_as_before(), "is changed while an image is tried")
    job.type(b"\x03")
    return job, 128 + signal.SIGINT


def main():
    way, paraboot, image, *engine = sys.argv[1:]
    if os.fork():  # the leader of a session has to be no leader of a group
        sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
    job, wanted = try_it(paraboot, image) if way == "try" else run_it(way, paraboot, image, *engine or ["qemu"])
    status = job.end()
    check(status == wanted, f"exit status {status}, not {wanted}")
    check(job.is_as_before(), "is not as it was before")


main()
