#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""compare.py PARABOOT IMAGE WORKDIR [WAY...]: what `paraboot info` and `unpack` say of
a real kernel, held against readelf, the codec's own command, and a second
reading of the setup header (bzimage.py); and that it can be started in the ways in which it is known to
start (tests/boot/known.tsv, unless WAYs are given). Prints TAP.
"""
import fnmatch
import json
import pathlib
import re
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "lib"))
import bzimage

KNOWN = pathlib.Path(__file__).parent.parent / "boot" / "known.tsv"

# What readelf calls a few note types, without looking at their owner.
READELF_TYPES = {
    "NT_VERSION (version)": 1,
    "NT_ARCH (architecture)": 2,
    "NT_GNU_BUILD_ID (unique build ID bitstring)": 3,
    "GO BUILDID": 4,
    "OPEN": 0x100,
    "func": 0x101,
}


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout


def same(what, paraboot, other):
    if paraboot == other:
        print("ok -", what)
    else:
        print("not ok -", what)
        print(f"# paraboot: {paraboot!r:.2000}\n# otherwise: {other!r:.2000}")


def compare_header(info, bz):
    version = bz.get("version")
    same("format", info["format"], "bzImage" if bz.get("loadflags") & 1 else "zImage")
    same("protocol", info["protocol"], f"{version >> 8}.{version & 0xff:02}")
    same("version", info["version"], bz.version)
    for name in bzimage.FIELDS:
        value = info["header"][name]
        same(f"header field {name}", int(value, 0) if isinstance(value, str) else value, bz.get(name))
    payload = info["payload"]
    same("payload.codec", payload["codec"], bz.codec)
    same("payload.offset", payload["offset"], bz.payload_off)
    same("payload.length", payload["length"], bz.get("payload_length"))
    same("payload.size", payload["size"], bz.claimed_len)


def readelf_segments(vmlinux):
    for line in output("readelf", "-lW", vmlinux).splitlines():
        match = re.match(r"\s+LOAD\s+(\S+) (\S+) (\S+) (\S+) (\S+) (.{3})", line)
        if match:
            numbers = [int(number, 16) for number in match.groups()[1:5]]
            flags = sum(bit for bit, letter in ((4, "R"), (2, "W"), (1, "E")) if letter in match[6])
            yield (*numbers, flags)


def compare_kernel(kernel, vmlinux):
    header = output("readelf", "-hW", vmlinux)
    same("kernel.class", kernel["class"], int(re.search(r"Class:\s+ELF(\d+)", header)[1]))
    same("kernel.entry", int(kernel["entry"], 16), int(re.search(r"Entry point address:\s+(\S+)", header)[1], 16))
    ours = [
        (int(s["vaddr"], 16), int(s["gpa"], 16), s["file_size"], s["mem_size"], s["flags"]) for s in kernel["segments"]
    ]
    same("kernel.segments", ours, list(readelf_segments(vmlinux)))


def readelf_notes(vmlinux):
    """(owner, type, descriptor) of each; the descriptor is None where readelf does not show its bytes."""
    for line in output("readelf", "-nW", vmlinux).splitlines():
        match = re.match(r"\s+(\S+)\s+0x([0-9a-f]+)\s+([^\t]*)\t(.*)", line)
        if not match:
            continue
        unknown = re.search(r"\(0x([0-9a-f]+)\)$", match[3])
        type_ = int(unknown[1], 16) if unknown else READELF_TYPES[match[3]]
        shown = re.search(r"(?:description data|Build ID): ([0-9a-f ]+)", match[4])
        yield match[1], type_, bytes.fromhex(shown[1]) if shown else None


def value_matches(value, desc):
    if isinstance(value, int):
        return value == int.from_bytes(desc, "little")
    if value.startswith("0x"):
        return int(value, 16) == int.from_bytes(desc, "little")
    return value in (desc.rstrip(b"\0").decode(errors="replace"), desc.hex())


def compare_notes(info, vmlinux):
    theirs = list(readelf_notes(vmlinux))
    same("owners and types of notes", [(n["owner"], n["type"]) for n in info["notes"]], [note[:2] for note in theirs])
    for note, (owner, _, desc) in zip(info["notes"], theirs):
        same(f"note {owner} {note['name']}", desc is None or value_matches(note["value"], desc), True)
    build_id = next((desc.hex() for owner, type_, desc in theirs if (owner, type_) == ("GNU", 3)), None)
    same("kernel.build_id", info["kernel"]["build_id"], build_id)


def relocs(vmlinux, elf_class):
    """Counts of the groups, read backwards from the end; kernels of some years have no inverse group."""
    words = struct.unpack(f"<{len(vmlinux) // 4}I", vmlinux[: len(vmlinux) // 4 * 4])
    counts, end = [], len(words)
    for _ in range(1 if elf_class == 32 else 3):
        start = end
        while words[start - 1]:
            start -= 1
        counts.append(end - start)
        end = start - 1
    names = ["abs32"] if elf_class == 32 else ["abs32", "inverse32", "abs64"]
    return {"abs32": 0, "inverse32": 0, "abs64": 0} | dict(zip(names, counts))


def compare_unpack(paraboot, image, expected, workdir):
    out = workdir / "unpacked"
    subprocess.run([paraboot, "unpack", "-o", out, image], check=True)
    same("unpack gives what the codec's own command gives", out.read_bytes() == expected, True)
    piped = subprocess.run([paraboot, "unpack", "-o", "-", image], stdout=subprocess.PIPE, check=True).stdout
    same("unpack to a pipe gives the same", piped == expected, True)


def known_ways(name):
    rows = (line.split("\t") for line in KNOWN.read_text().splitlines() if line and not line.startswith("#"))
    return next(row[3] for row in rows if fnmatch.fnmatch(name, row[0])).split()


def main():
    paraboot, image, workdir = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    info = json.loads(output(paraboot, "info", "--json", "--all", image))
    bz = bzimage.BzImage(image)
    vmlinux = bz.vmlinux()
    path = workdir / "vmlinux"
    path.write_bytes(vmlinux)

    compare_header(info, bz)
    compare_kernel(info["kernel"], path)
    compare_notes(info, path)
    same("kernel.relocs", info["kernel"]["relocs"], relocs(vmlinux, info["kernel"]["class"]))
    compare_unpack(paraboot, image, vmlinux, workdir)
    for way in sys.argv[4:] or known_ways(image.name):
        entry, unpack = way.split("/")
        same(f"{way} is possible", info["entries"][entry]["unpack"][unpack]["possible"], True)
    same("without --all, relocs is null", json.loads(output(paraboot, "info", "--json", image))["kernel"]["relocs"], None)


if __name__ == "__main__":
    main()
