#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""table.py SIZE[,SIZE] COMMAND...: run COMMAND on a terminal of that size
(LINESxCOLUMNS; with a second one, the terminal gets that as soon as a row is
running) and print what a reader sees at the end, and before that "live" if
the table was rewritten in place, "plain" if it was not. The exit status is
COMMAND's.

The terminal understands what a table needs and nothing else: any other escape
sequence, a line too long and a cursor beyond an edge are failures."""

import fcntl
import os
import pty
import re
import struct
import sys
import termios

PIECES = re.compile(rb"\x1b\[(\d*)([A-Z])|(\r)|(\n)|([^\x1b\r\n]+)")


def fail(what):
    sys.exit(f"table.py: {what}")


class Screen:
    """Lines from the top on. Those that scroll away are kept, but the cursor does not get there."""

    def __init__(self, lines, columns):
        self.height, self.width = lines, columns
        self.lines, self.row, self.column, self.live = [""], 0, 0, False

    def top(self):
        return max(0, len(self.lines) - self.height)

    def move(self, rows):
        # Only going up begins a rewrite: the way back down may come after a change of size.
        self.live = self.live or rows < 0
        self.row += rows
        if not self.top() <= self.row < len(self.lines):
            fail("the cursor left the screen")

    def newline(self):
        self.row += 1
        if self.row == len(self.lines):
            self.lines.append("")

    def text(self, text):
        line = self.lines[self.row]
        if self.live and self.column + len(text) > self.width:
            fail(f"a line of a live table is too long: {text!r}")
        self.lines[self.row] = line[: self.column] + text + line[self.column + len(text) :]
        self.column += len(text)

    def escape(self, number, letter):
        if letter == b"K":
            self.lines[self.row] = self.lines[self.row][: self.column]
        elif letter in b"AB":
            self.move(int(number or 1) * (-1 if letter == b"A" else 1))
        else:
            fail(f"an escape sequence that no table needs: {letter!r}")

    def feed(self, data):
        """Returns what was cut off at the end, to be fed with what follows."""
        at = 0
        while piece := PIECES.match(data, at):
            number, letter, to_begin, newline, text = piece.groups()
            if letter:
                self.escape(number, letter)
            elif to_begin:
                self.column = 0
            elif newline:
                self.newline()
            else:
                self.text(text.decode())
            at = piece.end()
        return data[at:]


def set_size(fd, size):
    lines, columns = map(int, size.split("x"))
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    return lines, columns


def start(command, size):
    """In a session of its own, whose terminal has its size from the beginning."""
    ours, theirs = pty.openpty()
    set_size(theirs, size)
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        attach(theirs)
        os.execvp(command[0], command)
    os.close(theirs)
    return pid, ours


def attach(fd):
    os.setsid()
    fcntl.ioctl(fd, termios.TIOCSCTTY, 0)
    for standard in range(3):
        os.dup2(fd, standard)


def read(fd):
    try:
        return os.read(fd, 4096)
    except OSError:  # the other side has no user any more
        return b""


def main():
    sizes, command = sys.argv[1].split(","), sys.argv[2:]
    pid, fd = start(command, sizes[0])
    screen = Screen(*map(int, sizes[0].split("x")))
    rest, seen_live = b"", False
    while data := read(fd):
        rest = screen.feed(rest + data)
        seen_live = seen_live or screen.live
        if len(sizes) > 1 and any(" running " in line for line in screen.lines):
            screen.height, screen.width = set_size(fd, sizes.pop())
            screen.live = False
    print("live" if seen_live else "plain")
    print("\n".join(line.rstrip() for line in screen.lines).rstrip())
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


main()
