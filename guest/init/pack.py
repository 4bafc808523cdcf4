#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pack the built-in init into an initramfs (newc cpio), the same bytes every time.

usage: pack.py OUTPUT PATH=FILE...

PATH is where FILE goes in the archive. Parent directories, the console and
kmsg nodes (for kernels without devtmpfs) and, last, the pattern file that
proves the archive whole are added. Nothing of the build shows: no times, no
users, inode numbers from 1.
"""
import sys

DIRECTORY, DEVICE, FILE = 0o040755, 0o020600, 0o100755
PATTERN_LEN, PATTERN_SEED = 65536, 0x70617261  # pattern.h


def pattern():
    """The bytes of pattern.h's pattern_next()."""
    state, out = PATTERN_SEED, bytearray()
    for _ in range(PATTERN_LEN):
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        out.append(state >> 24)
    return bytes(out)


def padded(data):
    return data + bytes(-len(data) % 4)


def member(inode, name, mode, data=b"", device=(0, 0)):
    """One newc member: 13 numbers of 8 hex digits, the name, the data (Linux: early-userspace/buffer-format)."""
    links = 2 if mode == DIRECTORY else 1
    numbers = (inode, mode, 0, 0, links, 0, len(data), 0, 0, *device, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % n for n in numbers)
    return padded(head + name.encode() + b"\0") + padded(data)


def main(output, *files):
    members = [("dev", DIRECTORY, b"", (0, 0)), ("dev/console", DEVICE, b"", (5, 1)), ("dev/kmsg", DEVICE, b"", (1, 11))]
    for path, source in (f.split("=", 1) for f in files):
        parent = path.rpartition("/")[0]
        if parent:
            members.append((parent, DIRECTORY, b"", (0, 0)))
        with open(source, "rb") as f:
            members.append((path, FILE, f.read(), (0, 0)))
    members.append(("paraboot-pattern", FILE, pattern(), (0, 0)))
    with open(output, "wb") as out:
        for inode, (name, mode, data, device) in enumerate(members, 1):
            out.write(member(inode, name, mode, data, device))
        out.write(member(0, "TRAILER!!!", 0))


if __name__ == "__main__":
    main(*sys.argv[1:])
