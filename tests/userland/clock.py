#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""clock.py QEMU OPTION...: start a guest that sleeps a lot and powers off
(step "sleeps" of job), and compare its clock with the machine's real-time clock, in TAP.

The guest counts instructions (-icount), and the machine's clock goes by the
same count, so a busy host cannot come in between. A Xen PV guest has no way to
read that clock. The machine stands still as it powers off, and then QEMU tells
what its clock says, in whole seconds; the guest's last word was the time
by its own. Both are counted from the moment that the machine is switched on,
which the clock is told to be; a second's difference is less than 2 % of that
many sleeps. The exit status is 0 if the guest powered off."""

import datetime
import json
import re
import socket
import subprocess
import sys
import threading

BEGIN = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone.utc)
CLOCK = ["-icount", "shift=0,sleep=off", "-rtc", f"base={BEGIN:%Y-%m-%dT%H:%M:%S},clock=vm"]
PLAIN = ["-M", "pc", "-accel", "tcg", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-no-shutdown"]


class Machine:
    """QEMU with its console and its monitor on sockets."""

    def __init__(self, command):
        self.monitor, monitor = socket.socketpair()
        self.output = b""
        chardevs = ["-chardev", f"socket,id=qmp,fd={monitor.fileno()}", "-mon", "chardev=qmp,mode=control"]
        self.process = subprocess.Popen(
            command + PLAIN + CLOCK + chardevs + ["-serial", "stdio"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, pass_fds=[monitor.fileno()])
        monitor.close()
        self.lines = self.monitor.makefile("r")
        self.reader = threading.Thread(target=self.read_console, daemon=True)
        self.reader.start()
        self.ask("qmp_capabilities")

    def read_console(self):
        for line in self.process.stdout:
            sys.stdout.buffer.write(line)
            sys.stdout.flush()
            self.output += line

    def ask(self, command, **arguments):
        self.monitor.sendall(json.dumps({"execute": command, "arguments": arguments, "id": command}).encode() + b"\n")
        for line in self.lines:
            message = json.loads(line)
            if message.get("id") == command:
                return message["return"]
        sys.exit("clock.py: QEMU is gone")

    def wait_shutdown(self):
        for line in self.lines:
            message = json.loads(line)
            if message.get("event") == "SHUTDOWN":
                return message["data"]["reason"]
        return "QEMU is gone"

    def rtc(self):
        t = self.ask("qom-get", path="/machine", property="rtc-time")
        return datetime.datetime(
            t["tm_year"] + 1900, t["tm_mon"] + 1, t["tm_mday"], t["tm_hour"], t["tm_min"], t["tm_sec"],
            tzinfo=datetime.timezone.utc)

    def end(self):
        self.ask("quit")
        self.process.wait()
        self.reader.join()


def main():
    machine = Machine(sys.argv[1:])
    reason = machine.wait_shutdown()
    rtc = (machine.rtc() - BEGIN).total_seconds()
    machine.end()
    said = re.search(rb"userland: date ([\d.]+)", machine.output)
    guest = float(said[1]) - BEGIN.timestamp() if said else 0
    fits = rtc > 100 and abs(guest - rtc) <= 0.02 * rtc
    print(f"\n# the machine's clock ran {rtc:.0f} s, the guest's {guest:.2f} s")
    print("ok" if fits else "not ok", "- the guest's clock agrees with the machine's to 2 %")
    sys.exit(0 if reason == "guest-shutdown" else 1)


main()
