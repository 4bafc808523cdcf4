#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""session.py END COMMAND...: COMMAND starts a guest whose shell has the
console. Type to it, on a terminal, what a person would, and compare what
comes back, in TAP; then END: poweroff, reboot or panic. The exit status is
COMMAND's."""

import hashlib
import os
import pty
import re
import select
import sys
import time

BOOT, PATIENCE = 300, 60
PROMPT = b"\n~# "
ENDS = {"poweroff": b"poweroff -f\r", "reboot": b"reboot -f\r", "panic": b"echo c >/proc/sysrq-trigger\r"}
# 64 KiB in lines of 64 bytes, no two the same.
PASTE = b"".join(b"%05d %s\n" % (n, b"0123456789abcdef" * 3 + b"012345678") for n in range(1024))
# Keystrokes, and what then stands between the echo and the next prompt.
LINES = [
    ("a command", b"echo $((6 * 7))\r", b"42\r\n"),
    ("two processes and a pipe", b"seq 1000 | tail -n 1\r", b"1000\r\n"),
    ("rubbing out", b"echo abd\x7fc\r", b"abc\r\n"),
    ("editing at the line's start", b"cho from\x01\x01e\x05 behind\r", b"from behind\r\n"),
    ("a line thrown away", b"nonsense\x15echo new\r", b"new\r\n"),
    ("the line before, changed", b"\x10\x7f\x7f\x7fold\r", b"old\r\n"),
    ("a status", b"false; echo $?\r", b"1\r\n"),
    ("a long line back", b"printf '%03000d\\n' 7\r", b"0" * 2999 + b"7\r\n"),
    ("much output", b"seq 20000\r", b"".join(b"%d\r\n" % n for n in range(1, 20001))),
]


class Session:
    """A guest's console; what was seen since the last keystrokes is kept."""

    def __init__(self, command):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvp(command[0], command)
        self.seen, self.all, self.failed, self.said = b"", b"", False, 0

    def read(self, seconds):
        """False: nothing more comes."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            got = os.read(self.fd, 65536)
        except OSError:
            got = b""
        self.seen += got
        self.all += got
        return bool(got)

    def see(self, condition, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while not condition(self.seen):
            if time.monotonic() > end or not self.read(0.2):
                return condition(self.seen)
        return True

    def prompt(self, seconds=PATIENCE):
        return self.see(lambda seen: seen.endswith(PROMPT), seconds)

    def type(self, keys):
        self.seen = b""
        while keys:
            keys = keys[os.write(self.fd, keys[:512]) :]
            self.read(0)

    def tell(self, true, what):
        self.said += 1
        print("ok -" if true else "not ok -", what, flush=True)
        if not true:
            print(f"seen: {self.seen[-600:]!r}")


def typed_lines(session):
    for name, keys, wanted in LINES:
        session.type(keys)
        came = session.prompt()
        session.tell(came and session.seen.endswith(b"\n" + wanted[:-1] + PROMPT), f"typed: {name}")


def begin(session, command):
    """A program that reads the terminal, or sleeps; what is typed before it runs would be the shell's."""
    session.type(command)
    session.see(lambda seen: b"\n" in seen)
    time.sleep(1)
    session.seen = b""


def status_is(session, status):
    session.type(b"echo $?\r")
    return session.prompt() and session.seen.endswith(b"\n%d\r" % status + PROMPT)


def signals(session):
    begin(session, b"sleep 1000\r")
    session.type(b"\x03")
    session.tell(session.prompt() and status_is(session, 130), "typed: Ctrl-C ends a program")
    begin(session, b"sleep 1000\r")
    session.type(b"\x1a")
    session.tell(session.prompt() and b"Stopped" in session.seen, "typed: Ctrl-Z stops a program")
    begin(session, b"fg\r")
    session.type(b"\x03")
    session.tell(session.prompt() and status_is(session, 130), "typed: it goes on, and Ctrl-C ends it")


def end_of_input(session):
    begin(session, b"wc -l\r")
    session.type(b"one\rtwo\r\x04")
    session.tell(session.prompt() and session.seen.endswith(b"\n2\r" + PROMPT), "typed: Ctrl-D ends a program's input")


def paste(session, echo):
    begin(session, b"stty %secho; cat >/tmp/paste; stty echo; sha256sum /tmp/paste\r" % (b"" if echo else b"-"))
    session.type(PASTE + b"\x04")
    wanted = hashlib.sha256(PASTE).hexdigest().encode()
    came = session.prompt(180) and wanted in session.seen
    session.tell(came, f"a paste of 64 KiB arrives whole, echo {'on' if echo else 'off'}")


def back(session):
    session.type(b"cat /tmp/paste\r")
    wanted = PASTE.replace(b"\n", b"\r\n")[:-1] + PROMPT
    session.tell(session.prompt() and session.seen.endswith(wanted), "and comes back whole")


def finish(session, end):
    print(f"userland: done, {session.said} tests", flush=True)
    session.type(ENDS[end])
    stop_at = time.monotonic() + PATIENCE
    while session.read(1) and time.monotonic() < stop_at:
        pass
    print(re.sub(rb"[^\n -~]", b"", session.seen).decode())
    return os.waitstatus_to_exitcode(os.waitpid(session.pid, 0)[1])


def main():
    end, *command = sys.argv[1:]
    session = Session(command)
    if not session.prompt(BOOT):
        session.tell(False, "a prompt")
        os.close(session.fd)
        sys.exit(1)
    session.tell(True, "a prompt")
    typed_lines(session)
    signals(session)
    end_of_input(session)
    paste(session, echo=False)
    paste(session, echo=True)
    back(session)
    sys.exit(finish(session, end))


main()
