"""
Text capture alone, where there can be no monitor: faulthandler writes into a file of the spool.

Used on every system but Linux on x86-64 and arm64, and on those where no monitor can be started. What a process
left behind is turned into a report by the next pass over the spool.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Optional

from ._report import files_of, metadata
from ._spool import Spool, SpoolError
from ._uuid7 import uuid7

_FOLDER = "text"


class TextFile:
    """The file of this process. Raises SpoolError or OSError when it cannot be made."""

    def __init__(self, spool: str, info: Dict[str, Any]) -> None:
        place = Spool(spool)
        place.prepare()
        folder = os.path.join(place.path, _FOLDER)
        os.makedirs(folder, 0o700, exist_ok=True)
        self._base = os.path.join(folder, f"{os.getpid()}-{uuid7()}")
        with open(self._base + ".json", "w", encoding="utf-8") as file:
            json.dump({**info, "pid": os.getpid()}, file)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        self.fd = os.open(self._base + ".txt", flags, 0o600)

    def remove(self) -> None:
        """The process goes on, or ends, in good order."""
        try:
            os.close(self.fd)
        except OSError:
            pass
        for ending in (".txt", ".json"):
            try:
                os.unlink(self._base + ending)
            except OSError:
                continue


def collect(spool: Spool) -> None:
    """Makes reports of what dead processes wrote."""
    folder = os.path.join(spool.path, _FOLDER)
    for name in _names(folder):
        base = os.path.join(folder, name)
        pid = int(name.split("-", 1)[0]) if name.split("-", 1)[0].isdigit() else 0
        if pid == 0 or _is_alive(pid):
            continue
        text = _read(base + ".txt")
        try:
            info = json.loads(_read(base + ".json") or b"{}")
        except ValueError:
            info = {}
        if text and not _keep(spool, pid, info, text):
            continue
        for ending in (".txt", ".json"):
            try:
                os.unlink(base + ending)
            except OSError:
                continue


def _keep(spool: Spool, pid: int, info: Dict[str, Any], text: bytes) -> bool:
    report = uuid7()
    meta = metadata(report, info, "signal", pid)
    meta["reporter"]["capture"] = "text-only"
    dsn: Optional[str] = info.get("dsn")
    try:
        spool.put(report, files_of(meta, text, None, dsn))
    except SpoolError:
        return False
    return True


def _names(folder: str) -> List[str]:
    try:
        return sorted(name[:-4] for name in os.listdir(folder) if name.endswith(".txt"))
    except OSError:
        return []


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(4 << 20)
    except OSError:
        return b""


def _is_alive(pid: int) -> bool:
    if os.name == "nt":
        return _is_alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return True


def _is_alive_on_windows(pid: int) -> bool:
    """os.kill() would end it there."""
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined, unused-ignore]
    handle = kernel.OpenProcess(0x1000, False, pid)
    if not handle:
        return False
    code = ctypes.c_ulong(0)
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == 259
