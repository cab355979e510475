"""A core, from a file or from the kernel's pipe, made into a report."""

from __future__ import annotations

import mmap
import os
import time
from typing import Any, Dict, NamedTuple, Optional, Tuple

from . import _procfs as procfs
from ._capture import CaptureOptions, Interrupted, Source, capture, proc_files
from ._core import CoreError, maps_of, notes_end, read_header, source_of, source_of_core
from ._maps import parse_maps
from ._memory import ProcessMemory
from ._report import add_snapshot, metadata
from ._snapshot import Snapshot
from ._streams import write_dump
from ._uuid7 import uuid7

_FIRST_READ = 1 << 20


class CoreReport(NamedTuple):
    """What is to be sent or kept."""

    id: str
    meta: Dict[str, Any]
    dump: bytes
    snapshot: Snapshot


def report_of_core_file(path: str, info: Dict[str, Any]) -> CoreReport:
    """Raises CoreError, OSError."""
    with open(path, "rb") as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise CoreError(f"{path}: {error}") from error
    with data:
        source, interrupted = source_of_core(data)
        return _report(source, interrupted, info, "core")


def report_of_dying_process(pid: int, stdin: int, info: Dict[str, Any]) -> CoreReport:
    """
    For a handler in /proc/sys/kernel/core_pattern: registers from the core's notes, all else from the process.

    The kernel keeps the process only while somebody has the pipe open: the caller closes it last.
    Raises CoreError, OSError.
    """
    header = read_header(_head(stdin))
    maps_raw = procfs.read_file(f"/proc/{pid}/maps", 4 << 20)
    maps = parse_maps(maps_raw)
    if not len(maps):
        maps = maps_of(header)
    files = proc_files(pid, maps_raw, header.notes.auxv, CaptureOptions())
    source, interrupted = source_of(header, ProcessMemory(pid), maps, files)
    tids = procfs.thread_ids(pid)
    source.names.update({tid: procfs.thread_name(pid, tid) for tid in tids if tid in source.registers})
    return _report(source._replace(pid=pid), interrupted, info, "core-handler")


def _head(fd: int) -> bytes:
    data = b""
    wanted = 64
    while len(data) < wanted:
        piece = os.read(fd, min(_FIRST_READ, wanted - len(data)))
        if not piece:
            raise CoreError(f"wanted {wanted} bytes of a core, found {len(data)}")
        data += piece
        if len(data) >= wanted:
            wanted = max(wanted, notes_end(data))
    return data


def _report(source: Source, interrupted: Interrupted, info: Dict[str, Any], how: str) -> CoreReport:
    started = time.monotonic()
    report = uuid7()
    found = {"faultline.id": report, "release": info.get("release"), "environment": info.get("environment")}
    annotations = {key: str(value) for key, value in found.items() if value}
    annotations["faultline.capture"] = how
    snapshot = capture(source, interrupted, CaptureOptions(), annotations)
    dump, errors = write_dump(snapshot, b"")
    version = python_version(snapshot)
    meta = metadata(report, {**info, "pythonVersion": info.get("pythonVersion") or version}, "signal", source.pid)
    add_snapshot(meta, snapshot, how, {"convert": time.monotonic() - started})
    meta["reporter"]["errors"].extend(errors)
    return CoreReport(report, meta, dump, snapshot)


def python_version(snapshot: Snapshot) -> Optional[str]:
    """3.12, of a process that is one of Python's."""
    if snapshot.runtime is None:
        return None
    major, minor = snapshot.runtime.version
    return f"{major}.{minor}"


def describe(report: CoreReport) -> Tuple[str, ...]:
    """For a person, a line each."""
    signal = report.meta["reporter"]["signal"]
    frames = sum(len(one.frames) for one in report.snapshot.python_threads)
    return (
        f"{signal['name']} code {signal['code']} address {signal['address']}, thread {report.snapshot.cause.tid}",
        f"{len(report.snapshot.threads)} threads, {len(report.snapshot.modules)} modules, {frames} Python frames",
        f"{len(report.dump)} bytes",
    )
