"""One report while it is made: captured, put into the spool, corrected, committed."""

from __future__ import annotations

import os
import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional

from ._capture import CaptureOptions, Interrupted, Source, capture
from ._hold import Held
from ._limits import MIB
from ._live_source import read_source
from ._report import add_snapshot, crash_key, files_of, metadata
from ._snapshot import Snapshot
from ._spool import TEXT, Spool, SpoolError, write_durably
from ._streams import write_dump
from ._uuid7 import uuid7

Fields = Dict[str, Any]
Find = Callable[[Source, List[int]], Interrupted]
"""A source and its threads → what happened to which of them."""


class Job(NamedTuple):
    """What the monitor knows of the application that crashed."""

    pid: int
    info: Fields
    tee_fd: int
    """The application's stderr, where it was handed over; else -1."""


class CrashReport:
    """One report while it is made."""

    def __init__(self, job: Job, pid: int, held: Held, started: float, kind: str = "signal") -> None:
        self.id = uuid7()
        self.trouble = ""
        """What went wrong in keeping it, for the application's log."""
        self._job = job
        self._pid = pid
        self._held = held
        self._started = started
        self._timings: Dict[str, float] = {}
        self._snapshot: Optional[Snapshot] = None
        self._source: Optional[Source] = None
        self._interrupted: Optional[Interrupted] = None
        self._folder: Optional[str] = None
        self._spool = Spool(str(job.info.get("spool", "")))
        self._meta = metadata(self.id, job.info, kind, pid)
        self._meta["reporter"]["capture"] = "traceback" if kind == "exception" else "text-only"
        if held.refused:
            self._meta["reporter"]["refused"] = held.refused

    def take(self, find: Find) -> None:
        """Captures the process. Whatever fails leaves a report of the text alone."""
        try:
            source = read_source(self._pid, self._held, _options(self._job.info))
            if source is None:
                return
            interrupted = find(source, sorted(source.registers))
            annotations = self._annotations()
            self._snapshot = capture(source, interrupted, _options(self._job.info), annotations)
            self._source, self._interrupted = source, interrupted
            self._held.crashed = interrupted.cause.tid
            self._held.signal = interrupted.cause.signal
            self._timings["freeze"] = time.monotonic() - self._started
            add_snapshot(self._meta, self._snapshot, self._held.how, self._timings)
        except Exception as error:
            self._meta["reporter"]["captureError"] = f"{type(error).__name__}: {error}"

    def _annotations(self) -> Dict[str, str]:
        info = self._job.info
        found = {
            "faultline.id": self.id,
            "release": info.get("release"),
            "environment": info.get("environment"),
            "python.version": info.get("pythonVersion"),
            "python.implementation": info.get("implementation"),
            "faultline.capture": self._held.how,
        }
        return {key: str(value) for key, value in found.items() if value}

    def correct_signal(self) -> None:
        """
        The signal the process is about to die of is known for certain when it comes.

        The name in the text is lost when the monitor was too late for it: the write had timed out.
        """
        snapshot, source, interrupted = self._snapshot, self._source, self._interrupted
        signal_number = self._held.signal
        if snapshot is None or source is None or interrupted is None or not signal_number:
            return
        if signal_number == snapshot.cause.signal or interrupted.frame is None:
            return
        code, address = source.cpu.cause(signal_number, interrupted.frame, source.memory, source.maps)
        cause = snapshot.cause._replace(signal=signal_number, code=code, address=address)
        self._snapshot = snapshot._replace(cause=cause)
        add_snapshot(self._meta, self._snapshot, self._held.how, self._timings)

    def store_before_text(self, text: bytes) -> None:
        """
        Where the process cannot be held at its last moment, the dump goes to disk before the text is read.

        The text is what the process waits with: if it is PID 1 of a container, its death is ours.
        """
        if not self._held.holds_until_the_end and self._snapshot is not None:
            self._write(text)

    def finish(self, text: bytes) -> None:
        """Makes the report one that will be delivered."""
        if self._folder is None:
            self._write(text)
        else:
            try:
                write_durably(os.path.join(self._folder, TEXT), text)
            except OSError as error:
                self._note(error)
        if self._folder is not None:
            try:
                self._spool.commit(self.id)
                self._tell_supervisor()
            except (SpoolError, OSError) as error:
                self._note(error)

    def _tell_supervisor(self) -> None:
        folder = self._job.info.get("supervisor")
        if folder:
            write_durably(os.path.join(str(folder), str(self._pid)), b"")

    def _write(self, text: bytes) -> None:
        try:
            self._spool.prepare()
            key = crash_key(self._snapshot) if self._snapshot else text[:200].decode("ascii", "replace")
            verdict = self._spool.judge(key)
            if not verdict.keep:
                self.trouble = "not kept: too many crashes within a minute (limit REPORTS_PER_MINUTE)"
                return
            dump = self._dump(text) if verdict.with_dump else None
            if not text and dump is None:
                return
            dsn = self._job.info.get("dsn")
            self._folder = self._spool.begin(self.id, files_of(self._meta, text, dump, dsn))
        except SpoolError as error:
            self._note(error)

    def _dump(self, text: bytes) -> Optional[bytes]:
        if self._snapshot is None:
            return None
        try:
            dump, errors = write_dump(self._snapshot, text)
        except Exception as error:
            self._meta["reporter"]["captureError"] = f"dump: {type(error).__name__}: {error}"
            return None
        self._meta["reporter"]["errors"].extend(errors)
        limit = int(float(self._job.info.get("maxDumpMb", 8)) * MIB)
        if len(dump) > limit:
            self._meta["reporter"]["errors"].append(f"dump of {len(dump)} bytes left out (limit max_dump_mb)")
            return None
        return dump

    def _note(self, error: Exception) -> None:
        self.trouble = f"not kept: {error}"

    @property
    def kept(self) -> bool:
        """Whether the spool has it."""
        return self._folder is not None and not self.trouble


def _options(info: Fields) -> CaptureOptions:
    version = info.get("version")
    return CaptureOptions(
        python_memory=bool(info.get("pythonMemory", True)),
        send_argv=bool(info.get("sendArgv", False)),
        send_environ=bool(info.get("sendEnviron", False)),
        python_version=(int(version[0]), int(version[1])) if version else None,
    )
