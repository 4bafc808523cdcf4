#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""dialog.py PARABOOT ENTRY GUEST LAST: start GUEST, a GRUB built for Xen PV, in
our paravisor; wait for its prompt, ask it for its devices and to evaluate a
command, and leave it by LAST, which is "halt" or "reboot".

One line of TAP for each thing that it must do. GRUB draws its line editor with
cursor movements, which are taken out before anything is looked for."""

import re
import subprocess
import sys
import threading
import time

PATIENCE = 90
MOVEMENT = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\r")
STATUS = {"halt": 0, "reboot": 10}


class Guest:
    def __init__(self, paraboot, entry, image):
        self.seen = b""
        self.process = subprocess.Popen(
            [paraboot, "run", "--entry", entry, "--engine", "qemu", "--no-initrd", "-m", "128M",
             "--timeout", str(PATIENCE), image],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        while chunk := self.process.stdout.read1(4096):
            self.seen += chunk

    def says(self, what, after):
        """Wait until it says so, behind what it had said before."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if what in MOVEMENT.sub(b"", self.seen[after:]):
                return True
            if not self.reader.is_alive():
                return what in MOVEMENT.sub(b"", self.seen[after:])
            time.sleep(0.05)
        return False

    def ask(self, command, answer):
        """Type a command; its answer and a new prompt must come."""
        after = len(self.seen)
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        return self.says(answer, after) and (not answer or self.says(b"\ngrub> ", after))

    def end(self):
        self.process.wait(PATIENCE)
        self.reader.join(PATIENCE)
        return self.process.returncode


def main(paraboot, entry, image, last):
    guest, failed = Guest(paraboot, entry, image), False

    def check(true, what):
        nonlocal failed
        failed |= not true
        print("ok" if true else "not ok", f"- GRUB by {entry}", what, flush=True)

    check(guest.says(b"grub> ", 0), "comes to its prompt")
    check(guest.ask("ls", b"(memdisk) (proc)"), "lists its devices")
    check(guest.ask("set a=para; echo ${a}visor", b"\nparavisor"), "evaluates what is typed")
    check(guest.ask("cat (memdisk)/grub.cfg", b"pvboot"), "reads a file")
    guest.ask(last, b"")
    check(guest.end() == STATUS[last], f"ends by {last}, status {STATUS[last]}")
    if failed:
        for line in MOVEMENT.sub(b"", guest.seen).decode(errors="replace").splitlines()[-30:]:
            print("#  ", line)
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
