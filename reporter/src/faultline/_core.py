"""
ELF core files of Linux (fs/binfmt_elf.c) → a Source and what happened, as a live process would give them.

A core holds neither code nor symbol tables: those are read from the files it names, once their build ids agree.
Thread names are not in it. Left out: 32-bit, compressed cores (unpack them first), cores of other machines.
"""

from __future__ import annotations

import mmap
import os
import struct
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

from . import _procfs as procfs
from ._capture import Interrupted, Source, interrupted_thread
from ._cpu import Cpu, Registers
from ._elf import PT_LOAD, PT_NOTE, build_id, read_image
from ._limits import MAX_THREADS
from ._maps import Mapping, Maps
from ._memory import Memory
from ._procfs import ProcessTimes
from ._signals import SIGABRT
from ._snapshot import Cause
from ._streams import LINUX_AUXV, LINUX_CPU_INFO, LINUX_LSB_RELEASE, LINUX_MAPS

NT_PRSTATUS, NT_FPREGSET, NT_PRPSINFO, NT_AUXV = 1, 2, 3, 6
NT_SIGINFO, NT_FILE, NT_ARM_TLS = 0x53494749, 0x46494C45, 0x401
_ET_CORE = 4
_PN_XNUM = 0xFFFF
_SI_TKILL = -6
_MAX_SEGMENTS = 1 << 20
_MAX_NOTE_BYTES = 64 << 20


class CoreError(Exception):
    """The file is no core that can be read; the message says what was wanted and found."""


class Segment(NamedTuple):
    """A PT_LOAD."""

    vaddr: int
    offset: int
    filesz: int
    memsz: int
    flags: int


class Notes(NamedTuple):
    """What the kernel notes of a dead process."""

    registers: Dict[int, Registers]
    """The first thread is the one that died."""
    pid: int
    command: str
    auxv: bytes
    signal: int
    code: int
    address: int
    has_siginfo: bool
    files: List[Tuple[int, int, int, str]]
    """start, end, offset in the file, path."""


class CoreHeader(NamedTuple):
    """Everything in front of the memory."""

    machine: int
    segments: List[Segment]
    notes: Notes


def read_header(data: "bytes | mmap.mmap") -> CoreHeader:
    """`data`: the beginning of a core, up to the end of its notes at least. Raises CoreError."""
    if data[:6] != b"\x7fELF\x02\x01" or len(data) < 64:
        raise CoreError("wanted a 64-bit little-endian ELF file, found something else")
    kind, machine = struct.unpack_from("<HH", data, 16)
    if kind != _ET_CORE:
        raise CoreError(f"wanted a core (ELF type 4), found type {kind}")
    cpu = cpu_of_machine(machine)
    table, sections = struct.unpack_from("<QQ", data, 32)
    count = struct.unpack_from("<H", data, 56)[0]
    if count == _PN_XNUM:
        count = struct.unpack_from("<I", data, sections + 44)[0] if len(data) >= sections + 48 else 0
    if count > _MAX_SEGMENTS or len(data) < table + 56 * count:
        raise CoreError(f"program headers: wanted {count} of 56 bytes at 0x{table:x}, found the end of the file")
    segments: List[Segment] = []
    notes = b""
    for index in range(count):
        kind, flags, offset, vaddr, _, filesz, memsz, _ = struct.unpack_from("<IIQQQQQQ", data, table + 56 * index)
        if kind == PT_LOAD:
            segments.append(Segment(vaddr, offset, filesz, memsz, flags))
        elif kind == PT_NOTE and filesz <= _MAX_NOTE_BYTES:
            notes += data[offset : offset + filesz]
    return CoreHeader(machine, segments, _read_notes(notes, cpu))


def notes_end(data: bytes) -> int:
    """How much of a core must be there for `read_header`: the header must be. Raises CoreError."""
    if len(data) < 64:
        raise CoreError("wanted an ELF header of 64 bytes")
    table = struct.unpack_from("<Q", data, 32)[0]
    count = struct.unpack_from("<H", data, 56)[0]
    end = int(table) + 56 * int(count)
    if count == _PN_XNUM or end > _MAX_NOTE_BYTES:
        raise CoreError("too many program headers to read from a pipe")
    for index in range((len(data) - table) // 56 if len(data) >= end else 0):
        kind, _, offset, _, _, filesz, _, _ = struct.unpack_from("<IIQQQQQQ", data, table + 56 * index)
        if index < count and kind == PT_NOTE:
            end = max(end, offset + min(filesz, _MAX_NOTE_BYTES))
    return end


def cpu_of_machine(machine: int) -> Cpu:
    """Raises CoreError."""
    from ._amd64 import AMD64
    from ._arm64 import ARM64

    for cpu in (AMD64, ARM64):
        if cpu.elf_machine == machine:
            return cpu
    raise CoreError(f"wanted a core of x86-64 (62) or arm64 (183), found machine {machine}")


def _each_note(data: bytes) -> Iterator[Tuple[int, bytes]]:
    at = 0
    while at + 12 <= len(data):
        name_size, size, kind = struct.unpack_from("<III", data, at)
        content_at = at + 12 + (name_size + 3) // 4 * 4
        if content_at + size > len(data):
            return
        yield kind, data[content_at : content_at + size]
        at = content_at + (size + 3) // 4 * 4


def _read_notes(data: bytes, cpu: Cpu) -> Notes:
    general: List[Tuple[int, bytes]] = []
    floating: Dict[int, bytes] = {}
    tls: Dict[int, bytes] = {}
    single: Dict[int, bytes] = {}
    for kind, content in _each_note(data):
        if kind == NT_PRSTATUS and len(content) >= 112 and len(general) < MAX_THREADS:
            general.append((struct.unpack_from("<i", content, 32)[0], content))
        elif kind == NT_FPREGSET and general:
            floating[general[-1][0]] = content
        elif kind == NT_ARM_TLS and general:
            tls[general[-1][0]] = content
        else:
            single.setdefault(kind, content)
    if not general:
        raise CoreError("notes: wanted a thread (NT_PRSTATUS), found none")
    registers = {}
    for tid, content in general:
        found = cpu.registers(content[112:], floating.get(tid, b""))
        if tid in tls:
            found.general[cpu.thread_pointer_name] = int.from_bytes(tls[tid][:8], "little")
        registers[tid] = found
    info, process = single.get(NT_SIGINFO, b""), single.get(NT_PRPSINFO, b"")
    signal, code, address = int(struct.unpack_from("<h", general[0][1], 12)[0]), 0, 0
    if len(info) >= 24:
        signal, _, code, address = struct.unpack_from("<iii4xQ", info)
    return Notes(
        registers=registers,
        pid=struct.unpack_from("<i", process, 24)[0] if len(process) >= 28 else general[0][0],
        command=process[40:56].partition(b"\0")[0].decode("utf-8", "replace"),
        auxv=single.get(NT_AUXV, b""),
        signal=signal,
        code=code,
        address=address,
        has_siginfo=len(info) >= 24,
        files=_mapped_files(single.get(NT_FILE, b"")),
    )


def _mapped_files(data: bytes) -> List[Tuple[int, int, int, str]]:
    if len(data) < 16:
        return []
    count, page = struct.unpack_from("<QQ", data)
    if count > len(data) // 24:
        return []
    names = data[16 + 24 * count :].split(b"\0")
    rows = struct.iter_unpack("<QQQ", data[16 : 16 + 24 * count])
    return [
        (start, end, offset * page, name.decode("utf-8", "surrogateescape"))
        for (start, end, offset), name in zip(rows, names)
    ]


def maps_of(header: CoreHeader) -> Maps:
    """The segments, with the paths of NT_FILE."""
    files = {start: (offset, path) for start, _, offset, path in header.notes.files}
    vdso = procfs.auxiliary_vector(header.notes.auxv).get(procfs.AT_SYSINFO_EHDR, -1)
    mappings: List[Mapping] = []
    for segment in header.segments:
        offset, path = files.get(segment.vaddr, (0, "[vdso]" if segment.vaddr == vdso else ""))
        bits = ((4, "r"), (2, "w"), (1, "x"))
        permissions = "".join(letter if segment.flags & bit else "-" for bit, letter in bits) + "p"
        mappings.append(Mapping(segment.vaddr, segment.vaddr + segment.memsz, permissions, offset, path))
    return Maps(mappings)


class CoreMemory(Memory):
    """What the core holds; behind it, what the mapped files hold, where they are still those."""

    def __init__(self, data: "bytes | mmap.mmap", header: CoreHeader, maps: Maps) -> None:
        self._data = data
        self._maps = maps
        self._segments = {segment.vaddr: segment for segment in header.segments}
        self._bases = {path: start for start, _, offset, path in reversed(header.notes.files) if offset == 0}
        self._files: Dict[str, "Optional[mmap.mmap]"] = {}

    def read(self, address: int, size: int) -> bytes:
        """See Memory.read."""
        pieces: List[bytes] = []
        while size > 0:
            piece = self._piece(address, size)
            if not piece:
                break
            pieces.append(piece)
            address, size = address + len(piece), size - len(piece)
        return b"".join(pieces)

    def _piece(self, address: int, size: int) -> bytes:
        mapping = self._maps.at(address)
        if mapping is None:
            return b""
        segment = self._segments[mapping.start]
        at = address - mapping.start
        if at < segment.filesz:
            size = min(size, segment.filesz - at)
            return bytes(self._data[segment.offset + at : segment.offset + at + size])
        if not mapping.path.startswith("/") or "w" in mapping.permissions:
            return b""
        file = self._file(mapping.path)
        if file is None:
            return b""
        size = min(size, mapping.end - address)
        return bytes(file[mapping.offset + at : mapping.offset + at + size])

    def _file(self, path: str) -> "Optional[mmap.mmap]":
        if path not in self._files:
            self._files[path] = None
            file = _map_file(path)
            if file is not None and self._is_the_same(path, file):
                self._files[path] = file
        return self._files[path]

    def _is_the_same(self, path: str, file: mmap.mmap) -> bool:
        base = self._bases.get(path)
        if base is None:
            return False
        ours = FileImage(file)
        image, theirs = read_image(self, base), read_image(ours, 0)
        if image is None or theirs is None:
            return False
        wanted = build_id(self, image)
        return bool(wanted) and wanted == file_build_id(ours)


class FileImage(Memory):
    """A file as memory at address 0: for its headers, whose offsets and addresses agree in the first segment."""

    def __init__(self, data: "bytes | mmap.mmap") -> None:
        self._data = data

    def read(self, address: int, size: int) -> bytes:
        """See Memory.read."""
        return bytes(self._data[address : address + size]) if 0 <= address < len(self._data) else b""


def file_build_id(file: Memory) -> bytes:
    """Of an ELF file on disk: its notes lie at file offsets. Empty without one."""
    from ._elf import NT_GNU_BUILD_ID, find_note

    image = read_image(file, 0)
    if image is None:
        return b""
    for header in image.headers:
        if header.kind == PT_NOTE:
            notes = file.read(header.offset, min(header.filesz, 65536))
            found = find_note(notes, b"GNU\0", NT_GNU_BUILD_ID)
            if found:
                return found
    return b""


def _map_file(path: str) -> Optional[mmap.mmap]:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return mmap.mmap(fd, 0, access=mmap.ACCESS_READ)
        finally:
            os.close(fd)
    except (OSError, ValueError):
        return None


def source_of_core(data: "bytes | mmap.mmap") -> Tuple[Source, Interrupted]:
    """Raises CoreError."""
    header = read_header(data)
    maps = maps_of(header)
    return source_of(header, CoreMemory(data, header, maps), maps, {})


def source_of(header: CoreHeader, memory: Memory, maps: Maps, files: Dict[int, bytes]) -> Tuple[Source, Interrupted]:
    """`files`: of /proc, where there still is a process. Raises CoreError."""
    notes = header.notes
    main = next(iter(notes.registers))
    source = Source(
        pid=notes.pid,
        cpu=cpu_of_machine(header.machine),
        memory=memory,
        maps=maps,
        auxv_raw=notes.auxv,
        registers=dict(notes.registers),
        names={main: notes.command},
        files=files or _files(maps, notes.auxv),
        times=procfs.process_times(notes.pid) if files else ProcessTimes(0, 0, 0),
        has_code=bool(files),
    )
    return source, _interrupted(source, main, notes)


def _interrupted(source: Source, tid: int, notes: Notes) -> Interrupted:
    """
    A process whose handler (faulthandler's) raised the signal again died inside raise().

    Then the moment it crashed is in the signal's frame; else in the registers and siginfo of the core.
    """
    if notes.code == _SI_TKILL or not notes.has_siginfo:
        raised = interrupted_thread(source, tid, notes.signal or SIGABRT, b"")
        if raised.frame is not None:
            return raised
    registers = notes.registers[tid]
    pc, sp = source.cpu.pc(registers), source.cpu.sp(registers)
    address = pc if notes.code == _SI_TKILL else notes.address
    if notes.code <= 0 and notes.code != _SI_TKILL:
        address = 0  # the union holds the sender's pid
    return Interrupted(Cause(tid, notes.signal, notes.code, address, not notes.has_siginfo), registers, sp, None)


def _files(maps: Maps, auxv: bytes) -> Dict[int, bytes]:
    return {
        LINUX_CPU_INFO: procfs.read_file("/proc/cpuinfo"),
        LINUX_LSB_RELEASE: procfs.read_file("/etc/lsb-release") or procfs.read_file("/etc/os-release"),
        LINUX_AUXV: auxv,
        LINUX_MAPS: maps_text(maps),
    }


def maps_text(maps: Maps) -> bytes:
    """As /proc/PID/maps would have shown it."""
    lines = (
        f"{one.start:x}-{one.end:x} {one.permissions} {one.offset:08x} 00:00 0 {one.path}".rstrip() for one in maps
    )
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")
