"""What /proc tells about a process (proc(5)); each answer is empty or None where it cannot be had."""

from __future__ import annotations

import os
import struct
from typing import Dict, List, NamedTuple, Optional

from ._limits import MAX_PROC_FILE_BYTES, MAX_THREADS
from ._maps import Maps, parse_maps

AT_PHDR, AT_ENTRY, AT_SYSINFO_EHDR, AT_RANDOM = 3, 9, 33, 25


def read_file(path: str, limit: int = MAX_PROC_FILE_BYTES) -> bytes:
    """At most `limit` bytes; empty when it cannot be read."""
    pieces: List[bytes] = []
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        while limit > 0:
            piece = os.read(fd, min(limit, 65536))
            if not piece:
                break
            pieces.append(piece)
            limit -= len(piece)
    except OSError:
        pass
    finally:
        os.close(fd)
    return b"".join(pieces)


def thread_ids(pid: int) -> List[int]:
    """The threads of the process, the first MAX_THREADS of them."""
    try:
        return sorted(int(name) for name in os.listdir(f"/proc/{pid}/task"))[:MAX_THREADS]
    except OSError:
        return []


def maps(pid: int) -> Maps:
    """The mappings of the process."""
    return parse_maps(read_file(f"/proc/{pid}/maps", 4 * MAX_PROC_FILE_BYTES))


def thread_name(pid: int, tid: int) -> str:
    """The kernel's name of a thread, at most 15 bytes."""
    return read_file(f"/proc/{pid}/task/{tid}/comm", 64).rstrip(b"\n").decode("utf-8", "replace")


def auxiliary_vector(raw: bytes) -> Dict[int, int]:
    """The entries of /proc/PID/auxv, 64-bit."""
    pairs = struct.iter_unpack("<QQ", raw[: len(raw) // 16 * 16])
    return {key: value for key, value in pairs if key}


class BlockedSyscall(NamedTuple):
    """/proc/PID/task/TID/syscall of a thread that waits in the kernel."""

    number: int
    arguments: List[int]
    sp: int
    pc: int


def blocked_syscall(pid: int, tid: int) -> Optional[BlockedSyscall]:
    """None while the thread runs, and where that may not be read."""
    fields = read_file(f"/proc/{pid}/task/{tid}/syscall", 512).split()
    try:
        number = int(fields[0])
        values = [int(field, 16) for field in fields[1:]]
    except (ValueError, IndexError):
        return None
    if len(values) < 2:
        return None
    return BlockedSyscall(number, values[:-2], values[-2], values[-1])


def start_time(pid: int) -> Optional[int]:
    """Clock ticks after boot at which the process started: with the pid it names one process."""
    fields = read_file(f"/proc/{pid}/stat", 4096).rpartition(b")")[2].split()
    try:
        return int(fields[19])
    except (ValueError, IndexError):
        return None


class ProcessTimes(NamedTuple):
    """For MINIDUMP_MISC_INFO: seconds since 1970, seconds of processor time."""

    created: int
    user: int
    kernel: int


def process_times(pid: int) -> ProcessTimes:
    """Zeros where they cannot be had."""
    fields = read_file(f"/proc/{pid}/stat", 4096).rpartition(b")")[2].split()
    boot = 0
    for line in read_file("/proc/stat").split(b"\n"):
        if line.startswith(b"btime "):
            boot = int(line.split()[1])
    try:
        ticks = os.sysconf("SC_CLK_TCK")
        user, kernel, started = int(fields[11]), int(fields[12]), int(fields[19])
    except (ValueError, IndexError, OSError):
        return ProcessTimes(0, 0, 0)
    return ProcessTimes(boot + started // ticks, user // ticks, kernel // ticks)
