"""A report: what is known of one death beside its dump, as it lies in the spool and as the service takes it."""

from __future__ import annotations

import json
import os
import time
from typing import Any, Dict, List, Optional

from ._limits import MAX_METADATA_MODULES, MAX_TAG_CHARS, MAX_TAGS
from ._modules import Module
from ._signals import DUMP_REQUESTED, signal_name
from ._snapshot import Snapshot
from ._spool import DELIVERY, DUMP, META, TEXT

Fields = Dict[str, Any]
SCHEMA = 1


def files_of(meta: Fields, text: bytes, dump: Optional[bytes], dsn: Optional[str]) -> Dict[str, bytes]:
    """File name → content, for the spool; the metadata last, because it makes a report whole."""
    files: Dict[str, bytes] = {}
    if text:
        files[TEXT] = text
    if dump is not None:
        files[DUMP] = dump
    files[DELIVERY] = _json({"dsn": dsn, "attempts": 0, "notBefore": 0.0})
    files[META] = _json(meta)
    return files


def _json(value: Fields) -> bytes:
    return json.dumps(value, indent=1).encode("utf-8", "backslashreplace")


def metadata(report: str, info: Fields, kind: str, pid: int) -> Fields:
    """
    What every report says.

    Args:
        info: what the application told when it registered.
        kind: signal, fatal, exception, dump or exit.
    """
    tags = {str(key)[:MAX_TAG_CHARS]: str(value)[:MAX_TAG_CHARS] for key, value in (info.get("tags") or {}).items()}
    return {
        "schema": SCHEMA,
        "id": report,
        "kind": kind,
        "time": rfc3339(time.time()),
        "release": info.get("release"),
        "environment": info.get("environment"),
        "host": os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME"),
        "pid": pid,
        "pythonVersion": info.get("pythonVersion"),
        "tags": dict(list(tags.items())[:MAX_TAGS]),
        "modules": [],
        "reporter": {"version": info.get("reporterVersion"), "program": info.get("program")},
    }


def rfc3339(when: float) -> str:
    """UTC, milliseconds."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(when))
    return f"{whole}.{int(when % 1 * 1000):03d}Z"


def add_snapshot(meta: Fields, snapshot: Snapshot, how: str, timings: Dict[str, float]) -> None:
    """What was found in the process."""
    cause = snapshot.cause
    meta["modules"] = [_module(module) for module in snapshot.modules[:MAX_METADATA_MODULES]]
    meta["reporter"].update(
        capture=how,
        signal=None
        if cause.signal == DUMP_REQUESTED
        else {
            "number": cause.signal,
            "name": signal_name(cause.signal),
            "code": cause.code,
            "address": hex(cause.address),
            "reconstructed": cause.reconstructed,
        },
        crashingThread=cause.tid,
        threads=[
            {
                "id": thread.tid,
                "ident": hex(snapshot.cpu.thread_pointer(thread.registers)) if thread.registers else None,
                "name": thread.name,
            }
            for thread in snapshot.threads
        ],
        pythonRuntime=hex(snapshot.runtime.address) if snapshot.runtime else None,
        timings={name: round(seconds * 1000, 3) for name, seconds in timings.items()},
        errors=snapshot.errors,
    )


def _module(module: Module) -> Fields:
    return {
        "name": module.name,
        "codeFile": module.path,
        "buildId": module.build_id.hex() or None,
        "debugId": module.debug_id or None,
        "base": hex(module.base),
        "size": module.size,
    }


def crash_key(snapshot: Snapshot) -> str:
    """Tells crashes of one kind: the signal, where it struck in its module, and the three innermost Python frames."""
    cause = snapshot.cause
    thread = next((one for one in snapshot.threads if one.tid == cause.tid), None)
    place = ""
    ident = 0
    if thread is not None and thread.registers is not None:
        pc = snapshot.cpu.pc(thread.registers)
        ident = snapshot.cpu.thread_pointer(thread.registers)
        module = next((one for one in snapshot.modules if one.base <= pc < one.base + one.size), None)
        place = f"{module.name}+{pc - module.base:x}" if module else hex(pc)
    frames: List[str] = []
    for python in snapshot.python_threads:
        if python.ident == ident or python.native_id == cause.tid:
            frames = [f"{frame.file}:{frame.name}" for frame in python.frames[:3]]
    return "|".join([signal_name(cause.signal), place, *frames])[:1000]
