#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a kernel logs here that it does not log there.

kernellog.py REFERENCE LOG prints each record of LOG that REFERENCE lacks, or
that it has fewer times, one a line. Status: 0 if there is none, 1 if there are,
2 if one of the files is not the whole word of the built-in init, started with
`paraboot.log` (docs/init.md): what was cut must not pass for quiet.

Two starts of the same kernel differ in numbers that mean nothing. NORMAL lists
what is put in their place, NOISE what is left out altogether, each with its
reason. A record that is in neither list counts letter by letter.
"""

import collections
import re
import sys

PREFIX = "paraboot-init: "

NORMAL = [
    # Linux hands out its irq numbers in the order in which devices and CPUs ask.
    (r"\birq \d+", "irq N"),
    # Addresses: randomised, hashed by printk, or a matter of where memory was placed.
    (r"\b0x[0-9a-f]{6,16}\b", "ADDRESS"),
    (r"\b[0-9a-f]{16}\b", "ADDRESS"),
    # A time stamp that is part of the text, as in records of a nested log.
    (r"\[ *\d+\.\d{6}\]", "[TIME]"),
]

NOISE = [
    # The host kept the emulated CPU waiting.
    r"hrtimer: interrupt took \d+ ns",
    r"workqueue: .* hogged CPU for >\d+us \d+ times",
    r"sched: DL replenish lagged too much",
    r"clocksource: Long readout interval",
]


def broken(path, why):
    print(f"{path}: {why}", file=sys.stderr)
    sys.exit(2)


def values(lines, key):
    return [line[len(PREFIX + key) + 1 :] for line in lines if line.startswith(f"{PREFIX}{key}=")]


def normal(record):
    for pattern, word in NORMAL:
        record = re.sub(pattern, word, record)
    return record


def records(path):
    """The normalised records of a log, each with how often it is there."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line.rstrip("\r\n") for line in file]
    found = values(lines, "log")
    if PREFIX + "done" not in lines:
        broken(path, "init did not come to its end")
    if values(lines, "warnings") != [str(len(found))]:
        broken(path, f"{len(found)} records, but init counted {values(lines, 'warnings')}")
    return collections.Counter(normal(r) for r in found if not any(re.search(p, r) for p in NOISE))


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: kernellog.py REFERENCE LOG")
    reference, log = records(sys.argv[1]), records(sys.argv[2])
    more = log - reference
    for record, times in more.items():
        print(record if times == 1 else f"{record} ({times} times more)")
    sys.exit(1 if more else 0)


main()
