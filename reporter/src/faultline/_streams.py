"""
The streams of a dump, each one function: snapshot → bytes.

minidumpapiset.h for the numbers below 0x10000; minidump_format.h of Breakpad (0x4767....) and minidump_extensions.h of
Crashpad (0x4350....) for the others. 0x47670007 (the environment) is written only when the host asked for it.
"""

from __future__ import annotations

import os
import struct
import time
from bisect import bisect_left
from typing import Callable, Dict, List, Optional, Tuple

from ._limits import MAX_COMMENT_BYTES, MAX_STRING_CHARS
from ._memory import Range
from ._minidump import Location, MinidumpWriter
from ._modules import Module
from ._procfs import read_file
from ._snapshot import Snapshot

THREAD_LIST, MODULE_LIST, MEMORY_LIST, EXCEPTION = 3, 4, 5, 6
SYSTEM_INFO, COMMENT_A, MISC_INFO, MEMORY_INFO_LIST, THREAD_NAMES = 7, 10, 15, 16, 24
LINUX_CPU_INFO, LINUX_PROC_STATUS, LINUX_LSB_RELEASE = 0x47670003, 0x47670004, 0x47670005
LINUX_CMD_LINE, LINUX_ENVIRON, LINUX_AUXV = 0x47670006, 0x47670007, 0x47670008
LINUX_MAPS, LINUX_DSO_DEBUG = 0x47670009, 0x4767000A
CRASHPAD_INFO = 0x43500001

_OS_LINUX = 0x8201
_CODEVIEW_ELF = 0x4270454C
_MISC_PROCESS_ID, _MISC_TIMES = 1, 2
_MEM_COMMIT, _MEM_PRIVATE, _MEM_MAPPED = 0x1000, 0x20000, 0x40000
_PROTECTIONS = {
    "---": 0x01,
    "r--": 0x02,
    "rw-": 0x04,
    "--x": 0x10,
    "r-x": 0x20,
    "rwx": 0x40,
    "-w-": 0x04,
    "-wx": 0x40,
}

Piece = Tuple[Range, Location]


def write_dump(snapshot: Snapshot, text: bytes, when: Optional[float] = None) -> Tuple[bytes, List[str]]:
    """
    The dump's bytes, and what could not be written of it.

    Args:
        text: what faulthandler wrote; kept as the comment.
        when: seconds since 1970; now by default.
    """
    streams: List[Tuple[int, Callable[[MinidumpWriter], Optional[bytes]]]] = []
    writer = MinidumpWriter(32)
    pieces = _put_memory(writer, snapshot)
    context = _put_contexts(writer, snapshot)

    def add(kind: int, write: Callable[[MinidumpWriter], Optional[bytes]]) -> None:
        streams.append((kind, write))

    add(THREAD_LIST, lambda _: _thread_list(snapshot, pieces, context))
    add(MODULE_LIST, lambda w: _module_list(w, snapshot.modules))
    add(MEMORY_LIST, lambda _: _memory_list(pieces))
    add(EXCEPTION, lambda _: _exception(snapshot, context))
    add(SYSTEM_INFO, lambda w: _system_info(w, snapshot))
    add(MISC_INFO, lambda _: _misc_info(snapshot))
    add(MEMORY_INFO_LIST, lambda _: _memory_info_list(snapshot))
    add(THREAD_NAMES, lambda w: _thread_names(w, snapshot))
    for kind, data in snapshot.files.items():
        if data:
            add(kind, lambda _, data=data: data)  # type: ignore[misc]
    add(LINUX_DSO_DEBUG, lambda w: _dso_debug(w, snapshot))
    add(CRASHPAD_INFO, lambda w: _crashpad_info(w, snapshot))
    if text:
        add(COMMENT_A, lambda _: text[:MAX_COMMENT_BYTES] + b"\0")
    for kind, write in streams:
        writer.stream(kind, write)
    return writer.finish(int(time.time() if when is None else when)), writer.errors


def _put_memory(writer: MinidumpWriter, snapshot: Snapshot) -> List[Piece]:
    """Ranges sorted and cut where they overlap: Breakpad refuses a list with overlaps."""
    ranges = [thread.stack for thread in snapshot.threads if thread.stack and thread.stack[1]]
    pieces: List[Piece] = []
    end = 0
    for start, data in sorted(ranges + snapshot.memory, key=lambda item: (item[0], -len(item[1]))):
        if start < end:
            start, data = end, data[end - start :]
        if data:
            pieces.append(((start, data), writer.put(data)))
            end = start + len(data)
    return pieces


def _put_contexts(writer: MinidumpWriter, snapshot: Snapshot) -> "dict[int, Location]":
    return {
        thread.tid: writer.put(snapshot.cpu.context(thread.registers))
        for thread in snapshot.threads
        if thread.registers is not None
    }


def _thread_list(snapshot: Snapshot, pieces: List[Piece], contexts: "dict[int, Location]") -> bytes:
    data = [struct.pack("<I", len(snapshot.threads))]
    starts = [start for (start, _), _ in pieces]
    for thread in snapshot.threads:
        start, stack = _stack_location(thread.stack, pieces, starts)
        teb = snapshot.cpu.thread_pointer(thread.registers) if thread.registers else 0
        context = contexts.get(thread.tid, Location(0, 0))
        data.append(struct.pack("<IIIIQQIIII", thread.tid, 0, 0, 0, teb, start, *stack, *context))
    return b"".join(data)


def _stack_location(stack: Optional[Range], pieces: List[Piece], starts: List[int]) -> Tuple[int, Location]:
    """The piece that begins where the stack does; a stack that overlaps another range begins a little later."""
    if stack is None:
        return 0, Location(0, 0)
    index = bisect_left(starts, stack[0])
    if index < len(starts) and starts[index] < stack[0] + len(stack[1]):
        return starts[index], pieces[index][1]
    return stack[0], Location(0, 0)


def _module_list(writer: MinidumpWriter, modules: List[Module]) -> bytes:
    data = [struct.pack("<I", len(modules))]
    for module in modules:
        name = writer.put_string(module.path[:MAX_STRING_CHARS])
        identity = Location(0, 0)
        if module.build_id:
            identity = writer.put(struct.pack("<I", _CODEVIEW_ELF) + module.build_id)
        size = min(module.size, 0xFFFFFFFF)
        data.append(struct.pack("<QIIII52xII8x16x", module.base, size, 0, 0, name, *identity))
    return b"".join(data)


def _memory_list(pieces: List[Piece]) -> bytes:
    data = [struct.pack("<I", len(pieces))]
    data.extend(struct.pack("<QII", start, *location) for (start, _), location in pieces)
    return b"".join(data)


def _exception(snapshot: Snapshot, contexts: "dict[int, Location]") -> bytes:
    cause = snapshot.cause
    record = struct.pack(
        "<IIIIQQII120x",
        cause.tid,
        0,
        cause.signal & 0xFFFFFFFF,
        cause.code & 0xFFFFFFFF,
        0,
        cause.address,
        0,
        0,
    )
    return record + struct.pack("<II", *contexts.get(cause.tid, Location(0, 0)))


def _system_info(writer: MinidumpWriter, snapshot: Snapshot) -> bytes:
    uname = os.uname()
    version = [int("".join(filter(str.isdigit, part)) or 0) for part in uname.release.split(".")[:3]]
    major, minor, build = [*version, 0, 0, 0][:3]
    text = writer.put_string(f"{uname.sysname} {uname.release} {uname.version} {uname.machine}")
    family, model, stepping, vendor = _cpu_identity()
    return struct.pack(
        "<HHHBBIIIIIHH12s12x",
        snapshot.cpu.minidump_architecture,
        family,
        (model & 0xFF) << 8 | stepping & 0xFF,
        min(os.cpu_count() or 1, 255),
        0,
        major,
        minor,
        build & 0xFFFFFFFF,
        _OS_LINUX,
        text,
        0,
        0,
        vendor,
    )


def _cpu_identity() -> Tuple[int, int, int, bytes]:
    fields: Dict[bytes, bytes] = {}
    for line in read_file("/proc/cpuinfo").split(b"\n"):
        key, _, value = line.partition(b":")
        fields.setdefault(key.strip(), value.strip())

    def number(name: bytes) -> int:
        try:
            return int(fields.get(name, b"0"), 0)
        except ValueError:
            return 0

    family, model, stepping = number(b"cpu family"), number(b"model"), number(b"stepping")
    return family & 0xFFFF, model, stepping, fields.get(b"vendor_id", b"")[:12]


def _misc_info(snapshot: Snapshot) -> bytes:
    times = (value & 0xFFFFFFFF for value in snapshot.times)
    return struct.pack("<6I", 24, _MISC_PROCESS_ID | _MISC_TIMES, snapshot.pid, *times)


def _memory_info_list(snapshot: Snapshot) -> bytes:
    """Without it Breakpad's minidump_dump exits 1."""
    data = [struct.pack("<IIQ", 16, 48, len(snapshot.maps))]
    for mapping in snapshot.maps:
        protection = _PROTECTIONS.get(mapping.permissions[:3], 0x01)
        kind = _MEM_PRIVATE if mapping.permissions.endswith("p") else _MEM_MAPPED
        size = mapping.end - mapping.start
        data.append(
            struct.pack(
                "<QQIIQIIII",
                mapping.start,
                mapping.start,
                protection,
                0,
                size,
                _MEM_COMMIT,
                protection,
                kind,
                0,
            )
        )
    return b"".join(data)


def _thread_names(writer: MinidumpWriter, snapshot: Snapshot) -> bytes:
    named = [thread for thread in snapshot.threads if thread.name]
    data = [struct.pack("<I", len(named))]
    data.extend(struct.pack("<IQ", one.tid, writer.put_string(one.name)) for one in named)
    return b"".join(data)


def _dso_debug(writer: MinidumpWriter, snapshot: Snapshot) -> Optional[bytes]:
    dso = snapshot.dso
    if dso is None:
        return None
    entries = b"".join(
        struct.pack("<QI4xQ", link.address, writer.put_string(link.name), link.dynamic) for link in dso.links
    )
    table = writer.put(entries).rva if entries else 0
    head = struct.pack("<III4xQQQ", dso.version, table, len(dso.links), dso.brk, dso.ldbase, dso.dynamic_address)
    return head + dso.dynamic


def _crashpad_info(writer: MinidumpWriter, snapshot: Snapshot) -> bytes:
    report = _guid(snapshot.annotations.get("faultline.id", ""))
    pairs = b"".join(
        struct.pack("<II", writer.put_utf8(key), writer.put_utf8(value[:MAX_STRING_CHARS]))
        for key, value in snapshot.annotations.items()
    )
    dictionary = writer.put(struct.pack("<I", len(snapshot.annotations)) + pairs)
    return struct.pack("<I16s16sIIIIIQ", 1, report, bytes(16), *dictionary, 0, 0, 0, 0)


def _guid(text: str) -> bytes:
    """A UUID as Windows lays it out: the first three fields little endian."""
    raw = bytes.fromhex(text.replace("-", "").ljust(32, "0")[:32])
    return raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]
